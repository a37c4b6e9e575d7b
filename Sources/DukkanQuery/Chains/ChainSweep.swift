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
    private let leastLevel: Int

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

    private let periodStarts: UnsafeMutablePointer<Int64>?
    private let periodCount: Int
    private let periodsPerMicrosecond: Double
    /// The period found last.
    private(set) var period = 0
    private(set) var periodFrom = Int64.max
    private(set) var periodTo = Int64.max

    // MARK: The best of each period

    private struct Candidate {
        var bucket: UInt32
        var level: UInt8
        /// With poisoned chains.
        var levelOfAll: UInt8
        var isOpen: Bool
    }

    private var candidates = GrowableBuffer<Candidate>(capacity: 64)
    private var candidateTimes = GrowableBuffer<Int64>(capacity: 256)
    /// One more than the place of a period's candidate; 0: there is none.
    private let placeOfBucket: UnsafeMutablePointer<UInt32>
    private var partition = RowPartition()
    private var arena = ChainArena()
    private var takenCount = 0
    private var leftCount = 0

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
            periodsPerMicrosecond = Double(periodCount) / Double(starts[periodCount] - starts[0])
        } else {
            periodStarts = nil
            periodsPerMicrosecond = 0
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

    // MARK: Runs

    /// Rows of one key after those of another, as long as keys ascend; so none comes back.
    @inline(__always)
    private mutating func takeHeld(_ columns: ChainColumns, _ keys: UnsafePointer<Int64>) -> Bool {
        let masks = columns.masks, count = columns.count, steps = steps
        var row = 0
        var greatest = Int64.min
        var isFirst = true
        while row < count {
            if masks[row] & steps == 0 {
                row &+= 1
                continue
            }
            let key = keys[row]
            if key <= greatest && !isFirst { return takeScattered(columns, keys) }
            greatest = key
            isFirst = false
            var union = masks[row]
            var next = row &+ 1, end = next
            while next < count {
                let mask = masks[next]
                if mask & steps != 0 {
                    if keys[next] != key { break }
                    union |= mask
                    end = next &+ 1
                }
                next &+= 1
            }
            if union & 1 != 0 && !takeRun(columns.times, masks, row, end, union) { return false }
            row = next
        }
        return true
    }

    /// Rows of one key wherever they are.
    private mutating func takeScattered(_ columns: ChainColumns, _ keys: UnsafePointer<Int64>) -> Bool {
        clear()
        partition.run(keys, masks: columns.masks, among: steps, count: columns.count)
        let rows = arena.gather(columns, partition.order.base, partition.order.count)
        for i in 0..<partition.groups.count {
            let group = partition.groups.base[i]
            var union: UInt32 = 0
            for row in group.from..<group.to { union |= rows.masks[row] }
            if !takeRun(rows.times, rows.masks, group.from, group.to, union) { return false }
        }
        return true
    }

    /// The rows of one run, for each period of entry by itself.
    @inline(__always)
    private mutating func takeRun(
        _ times: UnsafePointer<Int64>, _ masks: UnsafePointer<UInt32>, _ from: Int, _ to: Int, _ union: UInt32
    ) -> Bool {
        if union & 1 == 0 { return true }
        if union & 2 == 0 && isEntryPlain {
            takeEntries(times, masks, from, to)
            return true
        }
        var row = from
        while row < to {
            guard masks[row] & 1 != 0, find(times[row]) else {
                row &+= 1
                continue
            }
            var rows = Rows(times: times, masks: masks, from: row, to: to)
            // Rows at the time of the start may follow it.
            while rows.from > from && times[rows.from &- 1] == times[row] { rows.from &-= 1 }
            var next = to
            if periodStarts != nil {
                var lastStart = times[row]
                var union: UInt32 = 0
                for tied in rows.from..<row { union |= masks[tied] }
                next = row
                while next < to && times[next] < periodTo {
                    let mask = masks[next]
                    union |= mask
                    if mask & 1 != 0 { lastStart = times[next] }
                    next &+= 1
                }
                rows.periodEnd = periodTo
                rows.lastTime = end(ofStart: lastStart)
                if isEntryPlain && union & 2 == 0 && (next == to || times[next] > rows.lastTime) {
                    keepEntry(times[row], isOpen: plan.isOpen(start: lastStart))
                    row = next
                    continue
                }
            }
            if !mayExclude(times[row], periodStarts == nil ? end(ofStart: times[to &- 1]) : rows.lastTime) {
                follow(rows)
            } else if !followExcluding(rows) {
                return false
            }
            row = next
        }
        return true
    }

    /// Whether a row that excludes is later than a first start, and no later than chains may be.
    @inline(__always)
    private func mayExclude(_ start: Int64, _ end: Int64) -> Bool {
        if exclusions.count == 0 { return false }
        let next = firstExclusion(after: start)
        return next < exclusions.count && exclusions.base[next].time <= end
    }

    /// The rows of a run from its first start in a period on.
    struct Rows {
        var times: UnsafePointer<Int64>
        var masks: UnsafePointer<UInt32>
        var from: Int
        var to: Int
        /// Rows from here on start no chain of the period.
        var periodEnd = Int64.max
        /// Rows later than this follow no chain of it.
        var lastTime = Int64.max
    }

    /// Rows none of which may follow a first step: the first start of each period is reported.
    private mutating func takeEntries(
        _ times: UnsafePointer<Int64>, _ masks: UnsafePointer<UInt32>, _ from: Int, _ to: Int
    ) {
        var row = from
        while row < to {
            guard masks[row] & 1 != 0, find(times[row]) else {
                row &+= 1
                continue
            }
            var lastStart = times[row]
            var next = row &+ 1
            while next < to && (periodStarts == nil || times[next] < periodTo) {
                if masks[next] & 1 != 0 { lastStart = times[next] }
                next &+= 1
            }
            keepEntry(times[row], isOpen: plan.isOpen(start: lastStart))
            row = next
        }
    }

    /// The entries of a customer none of whose rows may follow a first step, straight into a batch.
    @inline(__always)
    mutating func appendEntries(
        _ columns: ChainColumns, value: UInt32, customer: Int, into batch: inout ChainBatch
    ) {
        let times = columns.times, masks = columns.masks, count = columns.count
        let hasPeriods = periodStarts != nil
        takenCount &+= 1
        var row = 0
        while row < count {
            let time = times[row]
            guard masks[row] & 1 != 0, find(time) else {
                row &+= 1
                continue
            }
            var lastStart = time
            row &+= 1
            while row < count && (!hasPeriods || times[row] < periodTo) {
                if masks[row] & 1 != 0 { lastStart = times[row] }
                row &+= 1
            }
            batch.append(
                customer: customer, value: value, bucket: UInt32(truncatingIfNeeded: period), time: time,
                isOpen: plan.isOpen(start: lastStart))
        }
    }

    // MARK: Periods

    /// Finds the period of entry of a time; false where there is none.
    @inline(__always)
    private mutating func find(_ time: Int64) -> Bool {
        if time >= periodFrom && time < periodTo { return true }
        guard let periodStarts else { return true }
        return findPeriod(time, periodStarts)
    }

    private mutating func findPeriod(_ time: Int64, _ starts: UnsafeMutablePointer<Int64>) -> Bool {
        guard time >= starts[0], time < starts[periodCount] else { return false }
        // Periods are nearly of one length, so it is there or beside.
        let guess = Int(Double(time &- starts[0]) * periodsPerMicrosecond)
        var number = min(max(guess, 0), periodCount &- 1)
        while starts[number] > time { number &-= 1 }
        while starts[number &+ 1] <= time { number &+= 1 }
        period = number
        (periodFrom, periodTo) = (starts[number], starts[number &+ 1])
        return true
    }

    // MARK: The best of a period

    /// Keeps an entry of ``period`` that no row may follow.
    @inline(__always)
    private mutating func keepEntry(_ time: Int64, isOpen: Bool) {
        let known = placeOfBucket[period]
        if known == 0 {
            addCandidate(level: 1, levelOfAll: 1, isOpen: isOpen)
            candidateTimes.base[candidateTimes.count &- stepCount] = time
            return
        }
        let at = Int(known) &- 1
        let candidate = candidates.base + at
        candidate.pointee.isOpen = candidate.pointee.isOpen || isOpen
        if candidate.pointee.level > 1 { return }
        let times = candidateTimes.base + at &* stepCount
        candidate.pointee.levelOfAll = max(candidate.pointee.levelOfAll, 1)
        if candidate.pointee.level == 1 && times[0] <= time { return }
        candidate.pointee.level = 1
        times[0] = time
    }

    @inline(__always)
    private mutating func addCandidate(level: Int, levelOfAll: Int, isOpen: Bool) {
        candidates.append(
            Candidate(
                bucket: UInt32(truncatingIfNeeded: period), level: UInt8(truncatingIfNeeded: level),
                levelOfAll: UInt8(truncatingIfNeeded: levelOfAll), isOpen: isOpen))
        placeOfBucket[period] = UInt32(truncatingIfNeeded: candidates.count)
        candidateTimes.reserve(candidateTimes.count &+ stepCount)
        candidateTimes.count &+= stepCount
    }

    /// Keeps what the chains of a run that began in ``period`` come to, where it is better than what is known.
    mutating func keep(level: Int, levelOfAll: Int, isOpen: Bool, _ chain: UnsafePointer<Int64>) {
        guard levelOfAll > 0 || isOpen else { return }
        let known = placeOfBucket[period]
        if known == 0 {
            addCandidate(level: level, levelOfAll: levelOfAll, isOpen: isOpen)
            FunnelMachine.copy(chain, level, to: candidateTimes.base + (candidateTimes.count &- stepCount))
            return
        }
        let at = Int(known) &- 1
        let candidate = candidates.base + at, times = candidateTimes.base + at &* stepCount
        candidate.pointee.levelOfAll = max(candidate.pointee.levelOfAll, UInt8(truncatingIfNeeded: levelOfAll))
        candidate.pointee.isOpen = candidate.pointee.isOpen || isOpen
        let best = Int(candidate.pointee.level)
        guard level > 0, level > best || level == best && ChainSweep.precedes(chain, times, level) else { return }
        candidate.pointee.level = UInt8(truncatingIfNeeded: level)
        FunnelMachine.copy(chain, level, to: times)
    }

    /// Whether a chain is reported before another of the same level: the one that ends first, of those the one that began
    /// last, then from the end back the one with the earlier step.
    private static func precedes(_ chain: UnsafePointer<Int64>, _ other: UnsafePointer<Int64>, _ level: Int) -> Bool {
        if chain[level - 1] != other[level - 1] { return chain[level - 1] < other[level - 1] }
        if chain[0] != other[0] { return chain[0] > other[0] }
        var step = level - 1
        while step > 0 {
            if chain[step] != other[step] { return chain[step] < other[step] }
            step -= 1
        }
        return false
    }

    /// Forgets what was kept of the unit.
    private mutating func clear() {
        for at in 0..<candidates.count { placeOfBucket[Int(candidates.base[at].bucket)] = 0 }
        candidates.count = 0
        candidateTimes.count = 0
    }

    /// Calls with what the unit taken last comes to, once for each period where it comes to something.
    mutating func flush(_ unit: ChainOutcome, _ body: (ChainOutcome) throws -> Void) rethrows {
        var outcome = unit
        for at in 0..<candidates.count {
            let candidate = candidates.base[at]
            placeOfBucket[Int(candidate.bucket)] = 0
            // Who only got so far by a poisoned chain leaves the funnel.
            guard candidate.level >= leastLevel, candidate.level == candidate.levelOfAll else { continue }
            outcome.bucket = candidate.bucket
            outcome.level = Int(candidate.level)
            outcome.steps = UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(candidate.level)) - 1)
            outcome.isComplete = outcome.level == stepCount
            outcome.isOpen = candidate.isOpen && !outcome.isComplete
            outcome.times = UnsafePointer(candidateTimes.base + at &* stepCount)
            try body(outcome)
        }
        candidates.count = 0
        candidateTimes.count = 0
    }

    /// The same for a customer, into a batch.
    @inline(__always)
    mutating func flush(value: UInt32, customer: Int, into batch: inout ChainBatch) {
        for at in 0..<candidates.count {
            let candidate = candidates.base[at]
            placeOfBucket[Int(candidate.bucket)] = 0
            guard candidate.level >= leastLevel, candidate.level == candidate.levelOfAll else { continue }
            batch.append(
                customer: customer, value: value, bucket: candidate.bucket, candidateTimes.base + at &* stepCount,
                level: Int(candidate.level), isOpen: candidate.isOpen, isComplete: candidate.level == stepCount)
        }
        candidates.count = 0
        candidateTimes.count = 0
    }
}
