import DukkanFormat

/// Evaluates the rows of one unit under one value: divides them into runs of rows that may form chains, and keeps for
/// each period of entry the best of what the runs come to.
struct ChainRuns {
    let rules: ChainRules
    let entered: Range<Int64>
    let starting: UInt32
    let countsEntries: Bool
    let measuredStep: Int?
    let isStrict: Bool
    /// Nil where the rules ask for more than it knows.
    var sweep: ChainSweep?
    private var patience: ChainPatience
    var evaluator: ChainEvaluator
    var anyOrder: AnyOrderEvaluator?
    let isAnyOrder: Bool
    var clickHouse: ClickHouseLevels?
    let isClickHouse: Bool
    /// Whether a run in which no row may follow the first step comes to its entries, whatever excludes.
    let isEntryPlain: Bool
    /// First instants of the periods of entry, and the end of the last; nil: there are no periods.
    let periodStarts: UnsafeMutablePointer<Int64>?
    let periodCount: Int
    var lastPeriod = 0
    var partition = RowPartition()
    var arena = ChainArena()
    var gathered: ChainColumns?
    var lasting = ChainStream()
    var strictMasks = GrowableBuffer<UInt32>(capacity: 64)
    var entries = GrowableBuffer<EntryStart>(capacity: 64)
    var candidates = GrowableBuffer<Candidate>(capacity: 16)
    var candidateTimes = GrowableBuffer<Int64>(capacity: 64)
    /// For each candidate what decides between chains that end alike: see ``rank(_:)``.
    var candidateRanks = GrowableBuffer<Int64>(capacity: 64)
    let rank: UnsafeMutablePointer<Int64>
    let rankLength: Int
    /// Whether rows at one time are told apart.
    let ranksRows: Bool
    /// One more than the place of a period's candidate; 0: there is none.
    let placeOfBucket: UnsafeMutablePointer<UInt32>
    var links = ChainLinks()

    /// A row at which an entry may begin.
    struct EntryStart {
        var time: Int64
        var place: Int
        var run: Int
        var row: Int
    }

    /// The best chain found of those that began in one period.
    struct Candidate {
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
        sweep = ChainSweep(program)
        let patience = ChainPatience(program.control)
        self.patience = patience
        evaluator = ChainEvaluator(rules, patience)
        anyOrder = rules.order == .any ? AnyOrderEvaluator(rules, patience) : nil
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
        sweep?.deallocate()
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
        _ sink: ChainSink
    ) throws {
        if isClickHouse {
            try evaluateAsClickHouse(columns, exclusions, outcome, sink)
            return
        }
        if sweep != nil, sweep!.take(columns, exclusions) {
            try sweep!.flush(outcome, sink)
            return
        }
        if isEntryPlain && !countsEntries && !mayFollow(columns) {
            evaluateEntries(columns, rows(columns, exclusions))
            try flush(outcome, sink)
            return
        }
        let runCount = divide(columns)
        if countsEntries {
            try walk(columns, exclusions, runCount, outcome, sink)
            return
        }
        for run in 0..<runCount {
            evaluateRun(self.columns(ofRun: run, of: columns, runCount), exclusions)
            // In strict order every run looks at all rows.
            if isStrict && !patience.spend(columns.count) { break }
        }
        try checkPatience()
        try flush(outcome, sink)
    }

    /// - Throws: what ended the evaluation, where that is so.
    func checkPatience() throws {
        try patience.check()
        try evaluator.patience.check()
        try anyOrder?.patience.check()
    }

    // MARK: Runs

    /// Divides rows by what chains have in common; returns the number of runs.
    mutating func divide(_ columns: ChainColumns) -> Int {
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

    @inline(__always)
    mutating func result(_ rows: ChainRows, _ starts: Range<Int>) -> ChainResult {
        if isAnyOrder { return anyOrder!.run(rows, starts: starts, entered: entered) }
        return evaluator.run(rows, starts: starts)
    }

    // MARK: Single chains

    /// Calls with the outcome of one entry.
    mutating func tell(
        _ result: ChainResult, _ rows: ChainRows, _ columns: ChainColumns, _ outcome: ChainOutcome,
        _ sink: ChainSink
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
        try sink.take(outcome)
    }

    mutating func evaluateAsClickHouse(
        _ columns: ChainColumns, _ exclusions: ChainExclusions, _ outcome: ChainOutcome,
        _ sink: ChainSink
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
        try sink.take(outcome)
    }
}
