/// What a funnel with options asks of its evaluators, bound to numbers and sets of steps, bit k for step k.
///
/// A level is named by the last step of the chain that reached it, so levels are bits too.
struct ChainRules: Sendable {
    /// A kind of rows that ends or poisons chains.
    struct Exclusion: Sendable {
        /// Its bit in a row's mask.
        var bit: UInt32
        /// Levels at which a chain meets it.
        var levels: UInt32
        /// Whether it poisons the chain instead of ending it.
        var isPerCustomer: Bool
    }

    /// What is a list, held as one object: rules are handed about for every run.
    private final class Lists: Sendable {
        let gapMin: [Int64]
        let gapMax: [Int64]
        let exclusions: [Exclusion]

        init(gapMin: [Int64], gapMax: [Int64], exclusions: [Exclusion]) {
            self.gapMin = gapMin
            self.gapMax = gapMax
            self.exclusions = exclusions
        }
    }

    private let lists: Lists
    let stepCount: Int
    /// All steps.
    let steps: UInt32
    /// The last one.
    let last: UInt32
    /// Steps that a chain may pass over.
    let optional: UInt32
    /// Steps that may come at the time of the step before.
    let immediate: UInt32
    /// Steps that may follow the first.
    let afterFirst: UInt32
    /// Least and most microseconds since the step before.
    var gapMin: [Int64] { lists.gapMin }
    var gapMax: [Int64] { lists.gapMax }
    let hasGaps: Bool
    let window: Int64?
    let asOf: Int64
    let ties: FunnelQuery.Ties
    let order: FunnelQuery.Order
    let reusesRows: Bool
    var exclusions: [Exclusion] { lists.exclusions }
    /// Bits of all exclusions.
    let excluding: UInt32
    /// Levels at which a row poisons a chain.
    let poisonable: UInt32
    /// The bit of a row that exists, whether it matches a step or not; 0 where only matching rows count.
    let presence: UInt32
    /// Levels below this are not counted: who stands under a step's value must reach the step.
    let leastLevel: Int
    /// A step that a chain in any order must have, none: 0.
    let required: UInt32

    /// - Parameter query: valid and resolved.
    init(_ query: FunnelQuery, asOf: Int64) {
        let count = query.steps.count
        stepCount = count
        steps = count == 32 ? ~0 : (1 << UInt32(count)) - 1
        last = 1 << UInt32(count - 1)
        var optional: UInt32 = 0, immediate: UInt32 = 0
        for (k, step) in query.steps.enumerated() {
            if step.isOptional { optional |= 1 << UInt32(k) }
            if (step.gapMin ?? 0) == 0 { immediate |= 1 << UInt32(k) }
        }
        var leastLevel = 1
        var required: UInt32 = 0
        if case .step(let step)? = query.breakdown?.attribution {
            // Only chains with a row for the step stand under its value.
            optional &= ~(1 << UInt32(step))
            required = 1 << UInt32(step)
            leastLevel = query.order == .any ? 1 : step + 1
        }
        self.leastLevel = leastLevel
        self.required = required
        self.optional = optional
        self.immediate = immediate
        hasGaps = query.steps.contains { ($0.gapMin ?? 0) > 0 || $0.gapMax != nil }
        window = query.window
        self.asOf = asOf
        ties = query.ties
        order = query.order
        reusesRows = query.reusesRows
        let exclusions = query.exclusions.enumerated().map { i, exclusion in
            let from = UInt32(exclusion.from ?? 0), to = UInt32(exclusion.to ?? count - 1)
            return Exclusion(
                bit: 1 << UInt32(count + i), levels: ((1 << to) - 1) & ~((1 << from) - 1),
                isPerCustomer: exclusion.scope == .customer)
        }
        lists = Lists(
            gapMin: query.steps.map { $0.gapMin ?? 0 }, gapMax: query.steps.map { $0.gapMax ?? Int64.max },
            exclusions: exclusions)
        excluding = exclusions.reduce(0) { $0 | $1.bit }
        poisonable = exclusions.reduce(0) { $0 | ($1.isPerCustomer ? $1.levels : 0) }
        presence = query.needsEveryRow ? 1 << 31 : 0
        afterFirst = ChainRules.following(1, optional) & steps
    }

    /// The steps that may come next after levels.
    @inline(__always)
    func following(_ levels: UInt32) -> UInt32 {
        optional == 0 ? (levels &<< 1) & steps : ChainRules.following(levels, optional) & steps
    }

    private static func following(_ levels: UInt32, _ optional: UInt32) -> UInt32 {
        var next = levels &<< 1
        while true {
            let further = next | ((next & optional) &<< 1)
            if further == next { return next }
            next = further
        }
    }

    /// The latest time that a chain from `start` may have.
    @inline(__always)
    func end(ofStart start: Int64) -> Int64 {
        guard let window else { return Int64.max }
        let (end, overflow) = start.addingReportingOverflow(window)
        return overflow ? Int64.max : end
    }

    /// Whether something may still follow a chain that began at `start`.
    @inline(__always)
    func isOpen(start: Int64) -> Bool {
        window == nil || end(ofStart: start) > asOf
    }

    /// The levels at which a row with a mask ends or poisons chains.
    func levels(excludedBy mask: UInt32) -> (ended: UInt32, poisoned: UInt32) {
        var ended: UInt32 = 0, poisoned: UInt32 = 0
        for exclusion in exclusions where exclusion.bit & mask != 0 {
            if exclusion.isPerCustomer { poisoned |= exclusion.levels } else { ended |= exclusion.levels }
        }
        return (ended, poisoned)
    }
}
