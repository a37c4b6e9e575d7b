import DukkanFormat
import DukkanStorage

/// Binds, plans and runs a `FUNNEL`.
final class FunnelRun {
    private let query: FunnelQuery
    private let context: QueryContext
    private let builder: ScanBuilder
    private let plan: FunnelPlan
    /// For each table of the scan, its steps.
    private var masks = [Int: StepMasks]()
    /// Tables of the steps, in the order of the query.
    private var stepTables: [Int] = []
    /// The breakdown in each table that has it.
    private var breakdowns = [Int: BoundExpression]()
    private var conditions: [(table: Int, BoundExpression)] = []
    private let stepNames: [String]

    init(_ query: FunnelQuery, _ base: QueryContext) throws {
        guard (1...FunnelQuery.stepCountMax).contains(query.steps.count) else {
            throw DukkanError(
                .invalidQuery, "a funnel has 1 to \(FunnelQuery.stepCountMax) steps, not \(query.steps.count)")
        }
        var context = base
        var names = query.steps.map(\.table)
        for filter in query.steps.map(\.filter) + [query.filter, query.options.segment] {
            filter?.collectTables(context.segments, into: &names)
        }
        try context.setAsOf(query.options.asOf, tables: names.map { try context.table($0) })
        self.query = query
        self.context = context
        builder = ScanBuilder(context)
        stepNames = query.steps.map { step in
            step.name ?? step.filter.map { "\(step.table) WHERE \(base.title($0))" } ?? step.table
        }
        plan = try FunnelPlan(
            stepCount: query.steps.count, window: query.window, ties: query.ties, asOf: context.asOf,
            attribution: query.breakdown?.attribution)
        try bindSteps()
        try bindBreakdown()
    }

    private func bindSteps() throws {
        var steps = [Int: [StepMasks.Step]]()
        for (k, step) in query.steps.enumerated() {
            let table = try builder.table(step.table)
            if !stepTables.contains(table) { stepTables.append(table) }
            var filter = SliceRun.conjunction(step.filter, query.filter)
            filter = SliceRun.conjunction(filter, query.options.segment.map { .segment($0) })
            if k == 0 {
                let time = Expression.column(ColumnName("time"))
                filter = SliceRun.conjunction(filter, query.enteredFrom.map { .binary(.greaterOrEqual, time, $0) })
                filter = SliceRun.conjunction(filter, query.enteredTo.map { .binary(.less, time, $0) })
            }
            let binder = Binder(context, RowScope(builder, table: table))
            let bound = builder.existing(
                table: table, try filter.map { try binder.bindCondition($0, in: "step \(k + 1)") })
            builder.use(table: table, where: bound)
            steps[table, default: []].append(StepMasks.Step(bit: k, condition: bound))
            if let bound { conditions.append((table, bound)) }
        }
        for table in stepTables { _ = builder.timeSlot(table: table) }
        masks = steps.mapValues { StepMasks($0) }
    }

    private func bindBreakdown() throws {
        guard let breakdown = query.breakdown else { return }
        if let top = breakdown.top, top < 1 { throw DukkanError(.invalidQuery, "TOP needs a number from 1 on") }
        var wanted = stepTables
        switch breakdown.attribution {
        case .step(let k), .stepFirst(let k): wanted = [try builder.table(query.steps[k].table)]
        default: break
        }
        var failure: (any Error)?
        for table in wanted {
            do {
                let bound = try Binder(context, RowScope(builder, table: table)).bind(breakdown.expression)
                breakdowns[table] = bound
                conditions.append((table, bound))
            } catch {
                // A table without the column has only nulls of it, unless no table has it.
                failure = error
            }
        }
        if breakdowns.isEmpty, let failure { throw failure }
        if Set(breakdowns.values.map(\.type)).count > 1 {
            throw DukkanError(.invalidQuery, "the breakdown has different types in the tables of the steps")
        }
    }

    /// One worker's funnel and the memory for a morsel's masks and values.
    private final class State {
        let accumulator: FunnelAccumulator
        let cache: ValueNumbering.Cache
        let bytes: [RowBuffer<UInt8>]
        let words: [RowBuffer<UInt32>]
        let values: [RowBuffer<UInt32>]

        init(_ plan: FunnelPlan, _ numbering: ValueNumbering, tableCount: Int) {
            accumulator = FunnelAccumulator(plan)
            cache = ValueNumbering.Cache(numbering)
            bytes = (0..<tableCount).map { _ in RowBuffer() }
            words = (0..<tableCount).map { _ in RowBuffer() }
            values = (0..<tableCount).map { _ in RowBuffer() }
        }
    }

    /// Whether the scan is of one table on its own, whose columns wait to be asked for.
    private var isPlain: Bool {
        builder.tables.count == 1 && stepTables.count == 1 && builder.lookups.isEmpty && builder.segments.isEmpty
    }

    /// Decodes columns that the steps and the breakdown read, and the time; returns the rows in the steps' common range of times, where that spares
    /// the times of the others.
    private static func require(
        _ slots: [Int], timeSlot: Int, _ range: ClosedRange<Int64>?, _ rowCount: Int, _ frame: MorselFrame
    ) throws -> Bits? {
        for slot in slots { try frame.worker.require(0, column: slot) }
        if let range {
            let bits = frame.evaluator.scratchBits()
            // The kernels may need one word more.
            bits.resize(rowCount + 64)
            bits.resize(rowCount)
            let isPart = try frame.worker.requireRange(
                low: range.lowerBound, high: range.upperBound, table: 0, column: timeSlot, into: bits.words)
            if isPart { return bits }
        }
        try frame.worker.require(0, column: timeSlot)
        return nil
    }

    /// What is read of the only table beside the time, and the range of times that all steps have in common.
    private func plainColumns(timeSlot: Int) -> (slots: [Int], range: ClosedRange<Int64>?) {
        let shown = breakdowns[stepTables[0]]?.columnSlots ?? []
        let slots = (masks[stepTables[0]]?.columnSlots ?? []).union(shown).subtracting([timeSlot])
        // Where times are shown, all of them are needed.
        return (slots.ascending(), shown.contains(timeSlot) ? nil : masks[stepTables[0]]?.range(slot: timeSlot))
    }

    func run() throws -> QueryResult {
        let isPlain = isPlain
        builder.defersColumns = isPlain
        builder.takesPieces = isPlain && FunnelAccumulator.takesPieces(plan.attribution)
        builder.ignoresKeys = isPlain && !conditions.contains { $0.1.contains { $0.node == .customer } }
        let scan = try ScanPlan(builder, order: .byCustomer, expressions: conditions)
        if let plan = context.planned({ PlanDescription(scan, builder, context).funnel(query) }) { return plan }
        let timeSlots = stepTables.map { builder.timeSlot(table: $0) }
        let numbering = ValueNumbering()
        let (slots, range) = isPlain ? plainColumns(timeSlot: timeSlots[0]) : ([], nil)
        let plan = self.plan, stepTables = self.stepTables, masks = self.masks, breakdowns = self.breakdowns
        let states = try scan.run(
            context,
            makeState: { UncheckedState(value: State(plan, numbering, tableCount: stepTables.count)) },
            { frame, _, state in
                if frame.worker.customerCount == 0 && !frame.worker.isPiece { return }
                var tables: [SequenceRows] = []
                frame.meter?.enter(.steps)
                for (t, table) in stepTables.enumerated() {
                    let rows = try frame.rows(table)
                    guard let starts = frame.starts(table), let steps = masks[table] else { continue }
                    let own: SequenceRows.Masks
                    let inRange =
                        isPlain
                        ? try FunnelRun.require(slots, timeSlot: timeSlots[t], range, rows.count, frame)
                        : nil
                    if plan.stepCount <= 8 {
                        state.value.bytes[t].reserve(rows.count + 64)
                        try steps.fill(rows, frame.evaluator, inRange: inRange, into: state.value.bytes[t].pointer)
                        own = .bytes(UnsafePointer(state.value.bytes[t].pointer))
                        frame.meter?.countSteps(state.value.bytes[t].pointer, rows.count, steps: plan.stepCount)
                    } else {
                        state.value.words[t].reserve(rows.count + 64)
                        try steps.fill(rows, frame.evaluator, inRange: inRange, into: state.value.words[t].pointer)
                        own = .words(UnsafePointer(state.value.words[t].pointer))
                        frame.meter?.countSteps(state.value.words[t].pointer, rows.count, steps: plan.stepCount)
                    }
                    var values: UnsafePointer<UInt32>?
                    if let breakdown = breakdowns[table] {
                        let buffer = state.value.values[t]
                        buffer.reserve(rows.count + 64)
                        try state.value.cache.fill(
                            try frame.evaluator.vector(breakdown, rows), breakdown.type, into: buffer.pointer)
                        values = UnsafePointer(buffer.pointer)
                    }
                    var sequence = SequenceRows(
                        rowStarts: starts, times: UnsafePointer(rows.columns[timeSlots[t]].integers), masks: own,
                        values: values)
                    sequence.firstRowBits = frame.worker.tables[table].firstRowBits
                    tables.append(sequence)
                }
                frame.meter?.enter(.sequence)
                if frame.worker.isPiece, let table = tables.first {
                    state.value.accumulator.addPiece(
                        customerCount: frame.worker.customerCount, table: table,
                        continues: frame.worker.continuesCustomer, isLast: frame.worker.isLastPiece)
                } else {
                    state.value.accumulator.add(customerCount: frame.worker.customerCount, tables: tables)
                }
                frame.meter?.enter(.other)
            })
        let total = states.first?.value.accumulator ?? FunnelAccumulator(plan)
        for other in states.dropFirst() { total.merge(other.value.accumulator) }
        context.trace?.enter(.output)
        var result = total.result(
            names: stepNames, valueType: breakdowns.values.first?.type.column ?? .string, top: query.breakdown?.top,
            values: { numbering.value($0) })
        result.cost.blocksPruned = scan.scan.prunedBlockCount
        (result.cost.bytesRead, result.cost.blocksDecoded, result.cost.rowsScanned) = context.cost.values
        return result
    }
}
