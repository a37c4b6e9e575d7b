import Synchronization

/// Evaluates customers in one pass over their rows, for funnels whose options leave one chain a level enough to know: steps
/// in order, rows that exclude, chains that hold a value, periods of entry.
///
/// Chains that stand at one level are ended by the same rows, and of those the one that began last has the most time left;
/// so ``FunnelMachine`` finds how far they come, and O(steps) a row and period is all it takes. Where that is not the whole
/// truth, as where a row poisons some chains of a level and others had run out of time before, the customer is left to
/// ``ChainEvaluator``. Holds only pointers and numbers.
struct ChainSweep {
    let stepCount: Int
    /// Bits of all steps.
    let steps: UInt32
    /// Bits of rows that exclude.
    let excluding: UInt32
    let plan: FunnelPlan
    var machine: FunnelMachine
    /// Whether rows none of which may follow a first step come to their entries, whatever excludes.
    let isEntryPlain: Bool
    let leastLevel: Int

    // MARK: Rows that exclude

    /// A row that excludes, with the levels of the chains that it ends and poisons.
    struct Exclusion {
        var time: Int64
        var ended: UInt32
        var poisoned: UInt32
    }

    /// For each bit of a mask the levels that a row with it ends, and those that it poisons.
    private let endedByBit: UnsafeMutablePointer<UInt32>
    private let poisonedByBit: UnsafeMutablePointer<UInt32>
    /// Levels at which any row may do either.
    let endable: UInt32
    /// Those of the customer.
    var exclusions = GrowableBuffer<Exclusion>(capacity: 64)
    /// For each level the chain that reached it first since the last was poisoned, `stepCount` times each.
    let cleanChains: UnsafeMutablePointer<Int64>
    /// For each level a time that no start of a chain which reached it since then is earlier than.
    let oldestStarts: UnsafeMutablePointer<Int64>
    var tied = GrowableBuffer<UInt32>(capacity: 16)

    // MARK: Periods of entry

    let periodStarts: UnsafeMutablePointer<Int64>?
    let periodCount: Int
    /// Periods in 2^64 microseconds: the high half of its product with a time is about the number of its period.
    let periodScale: UInt64
    /// The period found last.
    var period = 0
    var periodTo = Int64.max

    // MARK: The best of each period

    struct Candidate {
        var bucket: UInt32
        var level: UInt8
        /// With poisoned chains.
        var levelOfAll: UInt8
        var isOpen: Bool
    }

    var candidates = GrowableBuffer<Candidate>(capacity: 64)
    var candidateTimes = GrowableBuffer<Int64>(capacity: 256)
    /// One more than the place of a period's candidate; 0: there is none.
    let placeOfBucket: UnsafeMutablePointer<UInt32>
    var partition = RowPartition()
    var arena = ChainArena()
    var takenCount = 0
    var leftCount = 0

    /// Units evaluated so by all queries, and those left to the other evaluator: for tests.
    static let taken = Atomic<Int>(0)
    static let left = Atomic<Int>(0)

    /// Nil where the rules ask for more.
    init?(_ program: ChainProgram) {
        let rules = program.rules, query = program.query
        guard rules.order == .sequence, rules.ties != .recorded, !rules.hasGaps, rules.optional == 0,
            !rules.reusesRows, query.unit != .entries, query.measure == nil, !query.isClickHouse,
            let plan = try? FunnelPlan(
                stepCount: rules.stepCount, window: rules.window, ties: rules.ties, asOf: rules.asOf)
        else { return nil }
        self.plan = plan
        endedByBit = .allocate(capacity: 32)
        poisonedByBit = .allocate(capacity: 32)
        for bit in 0..<32 {
            let levels = rules.levels(excludedBy: 1 << UInt32(bit))
            (endedByBit + bit).initialize(to: levels.ended)
            (poisonedByBit + bit).initialize(to: levels.poisoned)
        }
        endable = rules.exclusions.reduce(0) { $0 | $1.levels }
        stepCount = rules.stepCount
        steps = rules.steps
        excluding = rules.excluding
        leastLevel = rules.leastLevel
        machine = FunnelMachine(plan)
        isEntryPlain = stepCount > 1 && endable & 1 == 0
        cleanChains = .allocate(capacity: stepCount * stepCount)
        cleanChains.initialize(repeating: 0, count: stepCount * stepCount)
        oldestStarts = .allocate(capacity: stepCount)
        oldestStarts.initialize(repeating: 0, count: stepCount)
        periodCount = program.axis?.count ?? 0
        if let axis = program.axis {
            let starts = UnsafeMutablePointer<Int64>.allocate(capacity: axis.starts.count)
            starts.initialize(from: axis.starts, count: axis.starts.count)
            periodStarts = starts
            let span = UInt64(bitPattern: starts[periodCount] &- starts[0])
            // Rounded down, so that no product reaches the number of periods.
            periodScale = UInt64(periodCount) < span ? span.dividingFullWidth((UInt64(periodCount), 0)).quotient : 0
        } else {
            periodStarts = nil
            periodScale = 0
        }
        placeOfBucket = .allocate(capacity: max(periodCount, 1))
        placeOfBucket.initialize(repeating: 0, count: max(periodCount, 1))
    }

    mutating func deallocate() {
        machine.deallocate()
        exclusions.deallocate()
        endedByBit.deallocate()
        poisonedByBit.deallocate()
        cleanChains.deallocate()
        oldestStarts.deallocate()
        tied.deallocate()
        periodStarts?.deallocate()
        placeOfBucket.deallocate()
        candidates.deallocate()
        candidateTimes.deallocate()
        partition.deallocate()
        arena.deallocate()
        ChainSweep.taken.add(takenCount, ordering: .relaxed)
        ChainSweep.left.add(leftCount, ordering: .relaxed)
    }

    // MARK: Units

    /// Evaluates the rows of one unit, among them those that exclude; false, with nothing kept, where that takes more.
    ///
    /// - Parameter union: bits of all the rows.
    @inline(__always)
    mutating func take(_ columns: ChainColumns, _ union: UInt32) -> Bool {
        exclusions.count = 0
        if union & excluding != 0 { gatherExclusions(columns.times, columns.masks, columns.count, excluding) }
        return takeRuns(columns, union)
    }

    /// The same where rows that exclude were put aside.
    mutating func take(_ columns: ChainColumns, _ others: ChainExclusions) -> Bool {
        exclusions.count = 0
        gatherExclusions(others.times, others.masks, others.count, ~0)
        var union: UInt32 = 0
        for row in 0..<columns.count { union |= columns.masks[row] }
        return takeRuns(columns, union)
    }

    private mutating func gatherExclusions(
        _ times: UnsafePointer<Int64>, _ masks: UnsafePointer<UInt32>, _ count: Int, _ wanted: UInt32
    ) {
        for row in 0..<count where masks[row] & wanted != 0 {
            var exclusion = Exclusion(time: times[row], ended: 0, poisoned: 0)
            var bits = masks[row] & excluding
            while bits != 0 {
                let bit = bits.trailingZeroBitCount
                bits &= bits &- 1
                exclusion.ended |= endedByBit[bit]
                exclusion.poisoned |= poisonedByBit[bit]
            }
            exclusions.append(exclusion)
        }
    }

    private mutating func takeRuns(_ columns: ChainColumns, _ union: UInt32) -> Bool {
        if union & 1 == 0 { return true }
        let isTaken: Bool
        if union & 2 == 0 && isEntryPlain {
            takeEntries(columns.times, columns.masks, 0, columns.count)
            isTaken = true
        } else if let keys = columns.keys {
            isTaken = takeHeld(columns, keys)
        } else {
            isTaken = takeRun(columns.times, columns.masks, 0, columns.count, union)
        }
        if !isTaken { clear() }
        takenCount &+= isTaken ? 1 : 0
        leftCount &+= isTaken ? 0 : 1
        return isTaken
    }
}
