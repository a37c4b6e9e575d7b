import DukkanFormat
import DukkanStorage

/// Binds, plans and runs a `RETENTION`.
final class RetentionRun {
    private let query: RetentionQuery
    private let context: QueryContext
    private let builder: ScanBuilder
    private let startTable: Int
    private let returnTable: Int
    private let startCondition: BoundExpression?
    private let returnCondition: BoundExpression?
    private let measure: BoundExpression?
    private let plan: RetentionPlan

    init(_ query: RetentionQuery, _ base: QueryContext) throws {
        var context = base
        var names = [query.start.table, query.returning.table]
        for filter in [query.start.filter, query.returning.filter, query.filter, query.options.segment] {
            filter?.collectTables(context.segments, into: &names)
        }
        try context.setAsOf(query.options.asOf, tables: names.map { try context.table($0) })
        self.query = query
        self.context = context
        let builder = ScanBuilder(context)
        self.builder = builder
        startTable = try builder.table(query.start.table)
        returnTable = try builder.table(query.returning.table)
        func bind(_ step: Step, _ table: Int, _ clause: String) throws -> BoundExpression? {
            var filter = SliceRun.conjunction(step.filter, query.filter)
            filter = SliceRun.conjunction(filter, query.options.segment.map { .segment($0) })
            let binder = Binder(context, RowScope(builder, table: table))
            let bound = builder.existing(table: table, try filter.map { try binder.bindCondition($0, in: clause) })
            builder.use(table: table, where: bound)
            return bound
        }
        startCondition = try bind(query.start, startTable, "RETENTION OF")
        returnCondition = try bind(query.returning, returnTable, "RETURNING")
        let returnBinder = Binder(context, RowScope(builder, table: returnTable))
        let kind: RetentionPlan.Measure
        switch query.measure {
        case .customers:
            measure = nil
            kind = .customers
        case .sum(let expression), .average(let expression):
            let bound = try returnBinder.bind(expression)
            guard bound.type.isNumber else {
                throw DukkanError(.invalidQuery, "MEASURING needs a number, not a value of type \(bound.type.name)")
            }
            measure = bound
            if case .sum = query.measure { kind = .sum(bound.type.column) } else { kind = .average(bound.type.column) }
        }
        let earliest = min(
            RetentionRun.earliestTime(builder.tables[startTable].snapshot),
            RetentionRun.earliestTime(builder.tables[returnTable].snapshot))
        let isEmpty = context.asOf == .min || earliest > context.asOf
        plan = try RetentionPlan(
            PeriodRule(query.period, weekStartsOnSunday: query.options.weekStartsOnSunday, zone: context.clock.zone),
            periodCount: query.periodCount, cohorts: query.cohorts, measure: kind, maturedOnly: query.maturedOnly,
            earliest: isEmpty ? 0 : earliest, asOf: isEmpty ? 0 : context.asOf)
        _ = builder.timeSlot(table: startTable)
        _ = builder.timeSlot(table: returnTable)
    }

    /// The earliest event time in a table's statistics.
    private static func earliestTime(_ table: TableSnapshot) -> Int64 {
        let name = table.schema.columns[table.schema.timeColumn].name
        return table.parts.reduce(Int64.max) { earliest, part in
            guard let place = part.column(forSchemaColumn: name), part.footer.rowCount > 0 else { return earliest }
            return min(earliest, part.footer.columns[place].statistics.minimum)
        }
    }

    private final class State {
        let accumulator: RetentionAccumulator
        let startMasks = RowBuffer<UInt8>()
        let returnMasks = RowBuffer<UInt8>()

        init(_ plan: RetentionPlan) {
            accumulator = RetentionAccumulator(plan)
        }
    }

    func run() throws -> QueryResult {
        var expressions: [(table: Int, BoundExpression)] = []
        if let startCondition { expressions.append((startTable, startCondition)) }
        if let returnCondition { expressions.append((returnTable, returnCondition)) }
        if let measure { expressions.append((returnTable, measure)) }
        let scan = try ScanPlan(builder, order: .byCustomer, expressions: expressions)
        if let plan = context.planned({ PlanDescription(scan, builder, context).retention(query) }) { return plan }
        let startTime = builder.timeSlot(table: startTable), returnTime = builder.timeSlot(table: returnTable)
        let isOneTable = startTable == returnTable
        let startStep = StepMasks.Step(bit: 0, condition: startCondition)
        let returnStep = StepMasks.Step(bit: 1, condition: returnCondition)
        let isPlain = startCondition == nil && returnCondition == nil
        let startMasks = StepMasks(isOneTable ? [startStep, returnStep] : [startStep])
        let returnMasks = StepMasks([returnStep])
        let plan = self.plan, measure = self.measure, startTable = self.startTable, returnTable = self.returnTable
        let states = try scan.run(context, makeState: { UncheckedState(value: State(plan)) }) { frame, morsel, state in
            let state = state.value
            frame.meter?.enter(.steps)
            defer { frame.meter?.enter(.other) }
            let rows = try frame.rows(startTable)
            guard frame.worker.customerCount > 0, let starts = frame.starts(startTable) else { return }
            var start = RetentionRows(
                rowStarts: starts, times: UnsafePointer(rows.columns[startTime].integers))
            if !(isOneTable && isPlain) {
                state.startMasks.reserve(rows.count + 64)
                try startMasks.fill(rows, frame.evaluator, into: state.startMasks.pointer)
                start.masks = UnsafePointer(state.startMasks.pointer)
                frame.meter?.countSteps(state.startMasks.pointer, rows.count, steps: 2)
            } else {
                frame.meter?.countAllRows(rows.count, steps: 2)
            }
            if isOneTable {
                start.values = try RetentionRun.values(measure, rows, frame.evaluator)
                frame.meter?.enter(.sequence)
                state.accumulator.add(
                    customerCount: frame.worker.customerCount, morsel: morsel, start: start)
                return
            }
            let others = try frame.rows(returnTable)
            guard let otherStarts = frame.starts(returnTable) else { return }
            state.returnMasks.reserve(others.count + 64)
            try returnMasks.fill(others, frame.evaluator, into: state.returnMasks.pointer)
            frame.meter?.countSteps(state.returnMasks.pointer, others.count, steps: 2)
            let returning = RetentionRows(
                rowStarts: otherStarts, times: UnsafePointer(others.columns[returnTime].integers),
                masks: UnsafePointer(state.returnMasks.pointer),
                values: try RetentionRun.values(measure, others, frame.evaluator))
            frame.meter?.enter(.sequence)
            state.accumulator.add(
                customerCount: frame.worker.customerCount, morsel: morsel, start: start, returning: returning)
        }
        let total = states.first?.value.accumulator ?? RetentionAccumulator(plan)
        for other in states.dropFirst() { total.merge(other.value.accumulator) }
        context.trace?.enter(.output)
        var result = total.result()
        result.cost.blocksPruned = scan.scan.prunedBlockCount
        (result.cost.bytesRead, result.cost.blocksDecoded, result.cost.rowsScanned) = context.cost.values
        return result
    }

    private static func values(
        _ measure: BoundExpression?, _ rows: ExpressionRows, _ evaluator: VectorEvaluator
    ) throws -> RetentionRows.Values? {
        guard let measure else { return nil }
        let vector = try evaluator.vector(measure, rows)
        let validity = vector.hasNulls ? UnsafePointer(vector.validity) : nil
        return vector.kind == .doubles
            ? .doubles(UnsafePointer(vector.doubles), validity: validity)
            : .integers(UnsafePointer(vector.integers), validity: validity)
    }
}
