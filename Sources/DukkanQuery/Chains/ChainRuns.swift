import DukkanFormat

/// Evaluates the rows of one unit under one value: divides them into runs of rows that may form chains, and keeps for
/// each period of entry the best of what the runs come to.
struct ChainRuns {
    let rules: ChainRules
    let entered: Range<Int64>
    let starting: UInt32
    private let countsEntries: Bool
    private let measuredStep: Int?
    private let isStrict: Bool
    var evaluator: ChainEvaluator
    var anyOrder: AnyOrderEvaluator?
    private let isAnyOrder: Bool
    private var clickHouse: ClickHouseLevels?
    private let isClickHouse: Bool
    /// Whether a run in which no row may follow the first step comes to its entries, whatever excludes.
    private let isEntryPlain: Bool
    /// First instants of the periods of entry, and the end of the last; nil: there are no periods.
    private let periodStarts: UnsafeMutablePointer<Int64>?
    private let periodCount: Int
    private var lastPeriod = 0
    var partition = RowPartition()
    private var arena = ChainArena()
    private var gathered: ChainColumns?
    private var lasting = ChainStream()
    private var strictMasks = GrowableBuffer<UInt32>(capacity: 64)
    var entries = GrowableBuffer<EntryStart>(capacity: 64)
    private var candidates = GrowableBuffer<Candidate>(capacity: 16)
    private var candidateTimes = GrowableBuffer<Int64>(capacity: 64)
    /// For each candidate what decides between chains that end alike: see ``rank(_:)``.
    private var candidateRanks = GrowableBuffer<Int64>(capacity: 64)
    private let rank: UnsafeMutablePointer<Int64>
    private let rankLength: Int
    /// Whether rows at one time are told apart.
    private let ranksRows: Bool
    /// One more than the place of a period's candidate; 0: there is none.
    private let placeOfBucket: UnsafeMutablePointer<UInt32>
    private var links = ChainLinks()

    /// A row at which an entry may begin.
    struct EntryStart {
        var time: Int64
        var place: Int
        var run: Int
        var row: Int
    }

    /// The best chain found of those that began in one period.
    private struct Candidate {
        var bucket: UInt32
        var result: ChainResult
        var steps: UInt32
        var measuredRow: UInt32
    }

    init(_ program: ChainProgram) {
        rules = program.rules
        entered = program.entered
        starting = rules.order == .any ? rules.steps : 1
        countsEntries = program.query.unit == .entries
        measuredStep = program.query.measure?.step
        isStrict = rules.order == .strict
        evaluator = ChainEvaluator(rules)
        anyOrder = rules.order == .any ? AnyOrderEvaluator(rules) : nil
        isAnyOrder = rules.order == .any
        clickHouse = program.query.isClickHouse ? ClickHouseLevels(program.query) : nil
        isClickHouse = program.query.isClickHouse
        isEntryPlain =
            rules.order == .sequence && rules.stepCount > 1 && !rules.hasGaps
            && rules.exclusions.allSatisfy { $0.levels & 1 == 0 }
        periodCount = program.axis?.count ?? 0
        if let axis = program.axis {
            let starts = UnsafeMutablePointer<Int64>.allocate(capacity: axis.starts.count)
            starts.initialize(from: axis.starts, count: axis.starts.count)
            periodStarts = starts
        } else {
            periodStarts = nil
        }
        ranksRows = rules.ties == .recorded || program.query.measure != nil
        rankLength = 3 * rules.stepCount + 2
        rank = .allocate(capacity: rankLength)
        rank.initialize(repeating: 0, count: rankLength)
        placeOfBucket = .allocate(capacity: program.axis?.count ?? 1)
        placeOfBucket.initialize(repeating: 0, count: program.axis?.count ?? 1)
    }

    mutating func deallocate() {
        evaluator.deallocate()
        anyOrder?.deallocate()
        partition.deallocate()
        arena.deallocate()
        lasting.deallocate()
        strictMasks.deallocate()
        entries.deallocate()
        candidates.deallocate()
        candidateTimes.deallocate()
        links.deallocate()
        candidateRanks.deallocate()
        rank.deallocate()
        placeOfBucket.deallocate()
        periodStarts?.deallocate()
    }

    /// Calls with what the unit comes to, once for each period or entry where it comes to something.
    mutating func evaluate(
        _ columns: ChainColumns, _ exclusions: ChainExclusions, _ outcome: ChainOutcome,
        _ body: (ChainOutcome) throws -> Void
    ) throws {
        if isClickHouse {
            try evaluateAsClickHouse(columns, exclusions, outcome, body)
            return
        }
        if isEntryPlain && !countsEntries && !mayFollow(columns) {
            evaluateEntries(columns, rows(columns, exclusions))
            try flush(outcome, body)
            return
        }
        let runCount = divide(columns)
        if countsEntries {
            try walk(columns, exclusions, runCount, outcome, body)
            return
        }
        for run in 0..<runCount {
            evaluateRun(self.columns(ofRun: run, of: columns, runCount), exclusions)
        }
        try flush(outcome, body)
    }

    // MARK: Runs

    /// Divides rows by what chains have in common; returns the number of runs.
    private mutating func divide(_ columns: ChainColumns) -> Int {
        guard let keys = columns.keys else { return 1 }
        partition.run(keys, masks: columns.masks, count: columns.count)
        gathered = nil
        if partition.groups.count > 1 && !isStrict && !partition.isContiguous {
            gathered = arena.gather(columns, partition.order.base, partition.order.count)
        }
        return partition.groups.count
    }

    /// The rows of a run; in strict order all rows, of which only those of the run match steps, valid until the next call.
    mutating func columns(ofRun run: Int, of columns: ChainColumns, _ runCount: Int) -> ChainColumns {
        if runCount == 1 { return columns }
        let group = partition.groups.base[run]
        if let gathered { return gathered.slice(group.from, group.to) }
        if !isStrict {
            let order = partition.order.base
            return columns.slice(Int(order[group.from]), Int(order[group.to - 1]) + 1)
        }
        strictMasks.reserve(columns.count)
        guard let keys = columns.keys else { return columns }
        for row in 0..<columns.count {
            strictMasks.base[row] = keys[row] == group.key ? columns.masks[row] : 0
        }
        var own = columns
        own.masks = UnsafePointer(strictMasks.base)
        return own
    }

    /// The rows of a run and what excludes there: in any order no row does at the time of a row that matches a step.
    @inline(__always)
    mutating func rows(_ columns: ChainColumns, _ exclusions: ChainExclusions) -> ChainRows {
        var exclusions = exclusions
        if rules.order == .any && exclusions.count > 0 {
            exclusions = lasting.keep(exclusions, apartFrom: columns)
        }
        return ChainRows(
            times: columns.times, masks: columns.masks, count: columns.count, exclusionTimes: exclusions.times,
            exclusionMasks: exclusions.masks, exclusionCount: exclusions.count)
    }

    private mutating func evaluateRun(_ columns: ChainColumns, _ exclusions: ChainExclusions) {
        let rows = rows(columns, exclusions)
        if isEntryPlain && !mayFollow(columns) {
            evaluateEntries(columns, rows)
            return
        }
        guard periodStarts != nil else {
            take(result(rows, 0..<columns.count), 0, rows, columns)
            return
        }
        var row = 0
        while row < columns.count {
            guard columns.masks[row] & starting != 0, let bucket = period(of: columns.times[row]) else {
                row += 1
                continue
            }
            let next = end(ofPeriod: bucket, columns, from: row)
            take(result(rows, row..<next), UInt32(truncatingIfNeeded: bucket), rows, columns)
            row = next
        }
    }

    /// Whether some row matches a step that may follow the first.
    @inline(__always)
    private func mayFollow(_ columns: ChainColumns) -> Bool {
        var union: UInt32 = 0
        for row in 0..<columns.count { union |= columns.masks[row] }
        return union & rules.afterFirst != 0
    }

    /// Evaluates rows none of which may follow a first step: the first start of each period is reported.
    private mutating func evaluateEntries(_ columns: ChainColumns, _ rows: ChainRows) {
        var row = 0
        while row < columns.count {
            guard columns.masks[row] & 1 != 0 else {
                row += 1
                continue
            }
            let bucket = period(of: columns.times[row])
            if periodStarts != nil && bucket == nil {
                row += 1
                continue
            }
            let next = bucket.map { end(ofPeriod: $0, columns, from: row) } ?? columns.count
            var last = next - 1
            while columns.masks[last] & 1 == 0 { last -= 1 }
            var result = ChainResult()
            result.level = 1
            result.levelOfAll = 1
            result.start = columns.times[row]
            result.end = result.start
            result.startRow = evaluator.groupStart(rows, row)
            result.endRow = result.startRow
            result.isOpen = rules.isOpen(start: columns.times[last])
            take(result, UInt32(truncatingIfNeeded: bucket ?? 0), rows, columns)
            row = next
        }
    }

    /// The number of the period of entry that holds a time; nil: none does.
    @inline(__always)
    private mutating func period(of time: Int64) -> Int? {
        guard let periodStarts, time >= periodStarts[0], time < periodStarts[periodCount] else { return nil }
        if time >= periodStarts[lastPeriod] && time < periodStarts[lastPeriod + 1] { return lastPeriod }
        var low = 0, high = periodCount
        // The last period that begins by then.
        while high - low > 1 {
            let middle = (low + high) / 2
            if periodStarts[middle] <= time { low = middle } else { high = middle }
        }
        lastPeriod = low
        return low
    }

    /// The first row from `row` on that is later than a period.
    @inline(__always)
    private func end(ofPeriod bucket: Int, _ columns: ChainColumns, from row: Int) -> Int {
        guard let periodStarts else { return columns.count }
        let end = periodStarts[bucket + 1]
        if columns.times[columns.count - 1] < end { return columns.count }
        var next = row + 1
        while next < columns.count && columns.times[next] < end { next += 1 }
        return next
    }

    @inline(__always)
    mutating func result(_ rows: ChainRows, _ starts: Range<Int>) -> ChainResult {
        if isAnyOrder { return anyOrder!.run(rows, starts: starts, entered: entered) }
        return evaluator.run(rows, starts: starts)
    }

    // MARK: The best of a period

    private mutating func take(_ result: ChainResult, _ bucket: UInt32, _ rows: ChainRows, _ columns: ChainColumns) {
        // A chain that counts for nothing yet, as it lacks the step whose value counts, may still be open.
        guard result.levelOfAll > 0 || result.isOpen else { return }
        let known = placeOfBucket[Int(bucket)]
        if known == 0 {
            candidates.append(
                Candidate(bucket: bucket, result: result, steps: 0, measuredRow: ChainOutcome.noRow))
            candidateTimes.reserve(candidates.count * rules.stepCount)
            candidateTimes.count = candidates.count * rules.stepCount
            candidateRanks.reserve(candidates.count * rankLength)
            candidateRanks.count = candidates.count * rankLength
            placeOfBucket[Int(bucket)] = UInt32(candidates.count)
            guard result.level > 0 else { return }
            trace(rows, result)
            if ranksRows && columns.keys != nil { setRank(rows, columns) }
            keep(candidates.count - 1, rows, columns)
            return
        }
        let at = Int(known) - 1
        let best = candidates.base[at].result
        candidates.base[at].result.levelOfAll = max(best.levelOfAll, result.levelOfAll)
        candidates.base[at].result.isOpen = best.isOpen || result.isOpen
        guard result.level > 0, mayPrecede(result, best) else { return }
        trace(rows, result)
        if ranksRows { setRank(rows, columns) }
        if result.level == best.level && result.end == best.end && !isRankBetter(than: at) { return }
        var merged = result
        merged.levelOfAll = candidates.base[at].result.levelOfAll
        merged.isOpen = candidates.base[at].result.isOpen
        candidates.base[at].result = merged
        keep(at, rows, columns)
    }

    /// Whether a chain may be reported before another as far as their ends tell.
    @inline(__always)
    private func mayPrecede(_ result: ChainResult, _ best: ChainResult) -> Bool {
        if result.level != best.level { return result.level > best.level }
        if result.end != best.end { return result.end < best.end }
        return ranksRows || result.start >= best.start
    }

    /// Writes down what decides between the chain traced last and others of its level and end: the place of the end where
    /// the order decides, the start, and from the end back which steps it has and when; at last the rows themselves.
    private mutating func setRank(_ rows: ChainRows, _ columns: ChainColumns) {
        let isRecorded = rules.ties == .recorded, isAnyOrder = rules.order == .any
        var at = 0
        func moment(_ step: Int) -> Int64 {
            isRecorded ? Int64(columns.place(Int(links.rows[step]))) : links.times[step]
        }
        func add(_ value: Int64) {
            rank[at] = value
            at += 1
        }
        let last = 31 - links.steps.leadingZeroBitCount
        add(moment(last))
        add(~links.times[0])
        var bits = links.steps
        while bits != 0 {
            let step = isAnyOrder ? bits.trailingZeroBitCount : 31 - bits.leadingZeroBitCount
            bits &= ~(1 &<< UInt32(step))
            if !isAnyOrder { add(-Int64(step)) }
            add(moment(step))
        }
        bits = measuredStep == nil ? 0 : links.steps
        while bits != 0 {
            let step = bits.trailingZeroBitCount
            bits &= bits &- 1
            let row = isAnyOrder ? Int(links.rows[step]) : evaluator.servingRow(of: step, rows, links)
            add(Int64(columns.place(row)))
        }
        while at < rankLength { add(0) }
    }

    /// Whether the chain traced last is reported before a candidate's of the same level and end.
    private func isRankBetter(than at: Int) -> Bool {
        guard ranksRows else { return isBetterByTimes(than: at) }
        let other = candidateRanks.base + at * rankLength
        for i in 0..<rankLength where rank[i] != other[i] { return rank[i] < other[i] }
        return false
    }

    /// The same where no rows are told apart.
    private func isBetterByTimes(than at: Int) -> Bool {
        let times = candidateTimes.base + at * rules.stepCount
        let start = links.times[0]
        if start != times[0] { return start > times[0] }
        if rules.order == .any {
            for step in 0..<(32 - links.steps.leadingZeroBitCount) where links.times[step] != times[step] {
                return links.times[step] < times[step]
            }
            return false
        }
        var mine = links.steps, others = candidates.base[at].steps
        while mine != 0 && others != 0 {
            let step = 31 - mine.leadingZeroBitCount, other = 31 - others.leadingZeroBitCount
            if step != other { return step > other }
            if links.times[step] != times[step] { return links.times[step] < times[step] }
            mine ^= 1 &<< UInt32(step)
            others ^= 1 &<< UInt32(step)
        }
        return false
    }

    /// Keeps the chain traced last as a candidate's.
    private mutating func keep(_ at: Int, _ rows: ChainRows, _ columns: ChainColumns) {
        candidates.base[at].steps = links.steps
        (candidateTimes.base + at * rules.stepCount).update(from: links.times, count: rules.stepCount)
        if ranksRows && columns.keys != nil {
            (candidateRanks.base + at * rankLength).update(from: rank, count: rankLength)
        }
        candidates.base[at].measuredRow = measuredRow(rows, columns)
    }

    private mutating func trace(_ rows: ChainRows, _ result: ChainResult) {
        if isAnyOrder {
            anyOrder?.trace(result, into: &links)
        } else {
            evaluator.trace(rows, result, into: &links)
        }
    }

    /// Row of the measured table that serves the measured step of the chain traced last.
    private mutating func measuredRow(_ rows: ChainRows, _ columns: ChainColumns) -> UInt32 {
        guard let measuredStep, let sources = columns.sources else { return ChainOutcome.noRow }
        if isAnyOrder, let anyOrder {
            let row = anyOrder.row(serving: measuredStep)
            return row == AnyOrderEvaluator.noRow ? ChainOutcome.noRow : sources[Int(row)]
        }
        guard links.steps & (1 << UInt32(measuredStep)) != 0 else { return ChainOutcome.noRow }
        return sources[evaluator.servingRow(of: measuredStep, rows, links)]
    }

    private mutating func flush(_ outcome: ChainOutcome, _ body: (ChainOutcome) throws -> Void) throws {
        var outcome = outcome
        for at in 0..<candidates.count {
            let candidate = candidates.base[at]
            placeOfBucket[Int(candidate.bucket)] = 0
            let result = candidate.result
            // Who only got so far by a poisoned chain leaves the funnel.
            guard result.level >= rules.leastLevel, result.level == result.levelOfAll else { continue }
            outcome.bucket = candidate.bucket
            outcome.level = result.level
            outcome.steps = candidate.steps
            outcome.isComplete = result.level == rules.stepCount
            outcome.isOpen = result.isOpen && !outcome.isComplete
            outcome.times = UnsafePointer(candidateTimes.base + at * rules.stepCount)
            outcome.measuredRow = candidate.measuredRow
            try body(outcome)
        }
        candidates.count = 0
        candidateTimes.count = 0
        candidateRanks.count = 0
    }

    // MARK: Single chains

    /// Calls with the outcome of one entry.
    mutating func tell(
        _ result: ChainResult, _ rows: ChainRows, _ columns: ChainColumns, _ outcome: ChainOutcome,
        _ body: (ChainOutcome) throws -> Void
    ) throws {
        guard result.level >= rules.leastLevel, result.level == result.levelOfAll else { return }
        var outcome = outcome
        if periodStarts != nil {
            guard let bucket = period(of: result.start) else { return }
            outcome.bucket = UInt32(truncatingIfNeeded: bucket)
        }
        trace(rows, result)
        outcome.level = result.level
        outcome.steps = links.steps
        outcome.isComplete = result.level == rules.stepCount
        outcome.isOpen = result.isOpen && !outcome.isComplete
        outcome.times = UnsafePointer(links.times)
        outcome.measuredRow = measuredRow(rows, columns)
        try body(outcome)
    }

    private mutating func evaluateAsClickHouse(
        _ columns: ChainColumns, _ exclusions: ChainExclusions, _ outcome: ChainOutcome,
        _ body: (ChainOutcome) throws -> Void
    ) throws {
        let rows = rows(columns, exclusions)
        let level = try clickHouse?.level(rows) ?? 0
        guard level > 0 else { return }
        var outcome = outcome
        outcome.level = level
        outcome.steps = UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(level)) - 1)
        outcome.isComplete = level == rules.stepCount
        let latest = (0..<columns.count).last { columns.masks[$0] & 1 != 0 }
        outcome.isOpen = !outcome.isComplete && latest.map { rules.isOpen(start: columns.times[$0]) } ?? false
        try body(outcome)
    }
}
