import DukkanFormat

/// What a funnel with options found so far: one for each worker, merged at the end.
///
/// Counts, exact times and sums only, so the answer does not depend on how customers were spread over workers.
final class FunnelTally {
    let program: ChainProgram
    let stepCount: Int
    /// Periods of entry; 1 where there are none.
    let bucketCount: Int
    let hasValues: Bool
    /// For slot s (value slot × periods + period; value slot 0: null, number + 1) and level l from 1: at
    /// `s * stepCount + l - 1` units that stopped at just that step, and those of them who are open.
    private(set) var stopped = GrowableBuffer<Int>()
    private(set) var open = GrowableBuffer<Int>()
    /// Laid out alike: units with the step on their chain.
    ///
    /// Only where steps are optional.
    private(set) var passed = GrowableBuffer<Int>()
    /// For each step: microseconds since the step before on the chain, and the slot of each.
    let gaps: BufferRow<Int64>
    let gapSlots: BufferRow<UInt32>
    /// Tallies whose counts were added to these.
    private(set) var merged: [FunnelTally] = []
    /// Chains of several steps in the batch at hand.
    var chains = GrowableBuffer<Chain>(capacity: 1 << 11)
    /// Microseconds from one step to another, and the slot of each.
    private(set) var conversions = GrowableBuffer<Int64>()
    private(set) var conversionSlots = GrowableBuffer<UInt32>()
    /// For each slot the number and the sum of what is measured.
    private(set) var measuredCounts = GrowableBuffer<Int>()
    private(set) var measuredSums = GrowableBuffer<Int128>()
    /// Sums of doubles, one for each morsel and slot.
    private(set) var doubleSums: [Partial] = []
    private var morselSums = [Int: CompensatedSum]()
    /// Customers in the list.
    private(set) var listed: [Listed] = []
    let tracksPassing: Bool
    let conversion: (from: Int, to: Int)?
    let listing: (standing: FunnelQuery.Standing, step: Int)?

    /// A chain of several steps: the place of its times, its slot and the steps it has.
    struct Chain {
        var times: UInt32
        var slot: UInt32
        var level: UInt32
    }

    /// The sum of doubles in a slot over one morsel.
    struct Partial {
        var slot: Int
        var morsel: Int
        var sum: CompensatedSum
    }

    /// A unit in the list.
    struct Listed {
        var customer: Value
        var session: Value
        var valueSlot: Int
        var entered: Int64?
        var reached: Int64?
    }

    /// What is measured, in the rows of a table.
    enum Measured {
        case integers(UnsafePointer<Int64>, RowValidity)
        case doubles(UnsafePointer<Double>, RowValidity)
    }

    /// Most lines of a list.
    static let listedCountMax = 20_000_000

    init(_ program: ChainProgram) {
        self.program = program
        stepCount = program.rules.stepCount
        bucketCount = program.axis?.count ?? 1
        hasValues = program.query.breakdown != nil
        gaps = BufferRow(count: stepCount)
        gapSlots = BufferRow(count: stepCount)
        tracksPassing = program.query.steps.contains(where: \.isOptional)
        if case .timeToConvert(let from, let to, _) = program.query.view {
            conversion = (from ?? 0, to ?? stepCount - 1)
        } else {
            conversion = nil
        }
        if case .customers(let standing, let step) = program.query.view {
            listing = (standing, step)
        } else {
            listing = nil
        }
    }

    deinit {
        for buffer in [stopped, open, passed, measuredCounts] { buffer.deallocate() }
        gaps.deallocate()
        gapSlots.deallocate()
        chains.deallocate()
        conversions.deallocate()
        conversionSlots.deallocate()
        measuredSums.deallocate()
    }

    // MARK: Taking

    /// Takes one unit's outcome.
    ///
    /// - Throws: `limit` for more cells than an answer may have.
    func note(_ outcome: ChainOutcome, _ measured: Measured?) throws {
        let valueSlot = FunnelTally.valueSlot(outcome.value, hasValues)
        let slot = valueSlot * bucketCount + Int(outcome.bucket)
        if (slot + 1) * stepCount > stopped.count { try grow(slot) }
        let at = slot &* stepCount &+ outcome.level &- 1
        stopped.base[at] &+= 1
        if outcome.isOpen { open.base[at] &+= 1 }
        if tracksPassing { notePassing(outcome.steps, slot) }
        if outcome.level > 1, let times = outcome.times { noteGaps(outcome.steps, times, slot) }
        if let measured, outcome.measuredRow != ChainOutcome.noRow {
            note(measured, row: Int(outcome.measuredRow), slot)
        }
    }

    /// The slot of a breakdown's value.
    @inline(__always)
    static func valueSlot(_ value: UInt32, _ hasValues: Bool) -> Int {
        hasValues && value != SequenceRows.nullCode ? Int(value) &+ 1 : 0
    }

    func notePassing(_ steps: UInt32, _ slot: Int) {
        var bits = steps
        while bits != 0 {
            let step = bits.trailingZeroBitCount
            bits &= bits &- 1
            passed.base[slot * stepCount + step] += 1
        }
    }

    func noteGaps(_ steps: UInt32, _ times: UnsafePointer<Int64>, _ slot: Int) {
        if listing != nil { return }
        if let conversion {
            let both: UInt32 = 1 << UInt32(conversion.from) | 1 << UInt32(conversion.to)
            guard steps & both == both else { return }
            conversions.append(FunnelTally.span(times[conversion.from], times[conversion.to]))
            conversionSlots.append(UInt32(truncatingIfNeeded: slot))
            return
        }
        var before = 0
        var bits = steps & ~1
        while bits != 0 {
            let step = bits.trailingZeroBitCount
            bits &= bits &- 1
            gaps.base[step].append(FunnelTally.span(times[before], times[step]))
            gapSlots.base[step].append(UInt32(truncatingIfNeeded: slot))
            before = step
        }
    }

    /// Microseconds from one time to a later one, the most there can be where they do not fit.
    @inline(__always)
    static func span(_ from: Int64, _ to: Int64) -> Int64 {
        let span = to &- from
        return to < from ? 0 : span < 0 ? .max : span
    }

    private func note(_ measured: Measured, row: Int, _ slot: Int) {
        switch measured {
        case .integers(let values, let isValid):
            guard isValid[row] else { return }
            measuredSums.base[slot] += Int128(values[row])
        case .doubles(let values, let isValid):
            guard isValid[row] else { return }
            morselSums[slot, default: CompensatedSum()].add(values[row])
        }
        measuredCounts.base[slot] += 1
    }

    /// Ends a morsel: sums of doubles are added up in the order of morsels.
    func endMorsel(_ morsel: Int) {
        guard !morselSums.isEmpty else { return }
        for (slot, sum) in morselSums { doubleSums.append(Partial(slot: slot, morsel: morsel, sum: sum)) }
        morselSums.removeAll(keepingCapacity: true)
    }

    /// Takes a unit into the list.
    func list(_ outcome: ChainOutcome, customer: Value, session: Value) throws {
        guard let listing else { return }
        if listed.count >= FunnelTally.listedCountMax {
            throw DukkanError(
                .limit, "the list has more than \(FunnelTally.listedCountMax) lines", advice: "limit it by a segment")
        }
        let valueSlot = FunnelTally.valueSlot(outcome.value, hasValues)
        let entered = outcome.times.map { $0[0] }
        let reached = outcome.times.map { $0[listing.step] }
        listed.append(
            Listed(customer: customer, session: session, valueSlot: valueSlot, entered: entered, reached: reached))
    }

    func grow(_ slot: Int) throws {
        let slotCount = (slot / bucketCount + 1) * bucketCount
        let needed = slotCount * stepCount
        guard needed <= RetentionPlan.cellCountMax else {
            throw DukkanError(
                .limit, "the answer has more than \(RetentionPlan.cellCountMax) cells of values, periods and steps",
                advice: "choose longer periods, or break down by something with fewer values")
        }
        FunnelTally.extend(&stopped, to: needed)
        FunnelTally.extend(&open, to: needed)
        if tracksPassing { FunnelTally.extend(&passed, to: needed) }
        if program.query.measure != nil {
            FunnelTally.extend(&measuredCounts, to: slotCount)
            let before = measuredSums.count
            measuredSums.reserve(slotCount)
            (measuredSums.base + before).update(repeating: 0, count: slotCount - before)
            measuredSums.count = slotCount
        }
    }

    private static func extend(_ counts: inout GrowableBuffer<Int>, to count: Int) {
        let before = counts.count
        guard count > before else { return }
        counts.reserve(count)
        (counts.base + before).update(repeating: 0, count: count - before)
        counts.count = count
    }

    // MARK: Merging

    /// Takes over what another worker found; its times between steps stay where they are.
    func merge(_ other: FunnelTally) throws {
        if other.stopped.count > stopped.count { try grow(other.stopped.count / stepCount - 1) }
        for i in 0..<other.stopped.count {
            stopped.base[i] += other.stopped.base[i]
            open.base[i] += other.open.base[i]
        }
        for i in 0..<other.passed.count { passed.base[i] += other.passed.base[i] }
        for i in 0..<other.measuredCounts.count {
            measuredCounts.base[i] += other.measuredCounts.base[i]
            measuredSums.base[i] += other.measuredSums.base[i]
        }
        merged.append(other)
        conversions.append(other.conversions)
        conversionSlots.append(other.conversionSlots)
        doubleSums += other.doubleSums
        listed += other.listed
    }
}
