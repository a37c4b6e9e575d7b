import DukkanFormat
import DukkanStorage

/// Binds, plans and runs a `RETENTION` with options that its plain form does not have.
final class GeneralRetentionRun {
    private let query: RetentionQuery
    private let context: QueryContext
    private let builder: ScanBuilder
    private let plan: GeneralRetentionPlan
    private let start: BoundStep
    private let returning: BoundStep
    /// What the measures that are no customers add up, over return rows.
    private let values: [BoundExpression]
    private let split: BoundExpression?

    /// A table and the conditions on its rows.
    private struct BoundStep {
        var table: Int
        var condition: BoundExpression?
        /// Of a `FIRST EVER` step: what its first row is chosen by, where there is a condition.
        var first: BoundExpression?
        var isFirstEver: Bool
    }

    init(_ query: RetentionQuery, _ base: QueryContext) throws {
        try query.validate()
        var context = base
        var names = [query.start.table, query.returning.table]
        let steps = [query.start, query.returning]
        for filter in steps.map(\.filter) + steps.map(\.firstEver?.filter) + [query.filter, query.options.segment] {
            filter?.collectTables(context.segments, into: &names)
        }
        try context.setAsOf(query.options.asOf, tables: names.map { try context.table($0) })
        self.query = query
        self.context = context
        let builder = ScanBuilder(context)
        self.builder = builder
        let (startTable, returnTable) = (try builder.table(query.start.table), try builder.table(query.returning.table))
        start = try GeneralRetentionRun.bind(query.start, startTable, "RETENTION OF", query, builder)
        returning = try GeneralRetentionRun.bind(query.returning, returnTable, "RETURNING", query, builder)
        let binder = Binder(context, RowScope(builder, table: returnTable))
        var values: [BoundExpression] = []
        let measures = try query.measures.map { measure in
            switch measure {
            case .customers:
                return GeneralRetentionPlan.Measure.customers
            case .sum(let expression), .average(let expression):
                let bound = try binder.bind(expression)
                guard bound.type.isNumber else {
                    throw DukkanError(.invalidQuery, "MEASURING needs a number, not a value of type \(bound.type.name)")
                }
                values.append(bound)
                return .values(bound.type.column, isAverage: !measure.isSum)
            }
        }
        self.values = values
        split = try query.split.map {
            try Binder(context, RowScope(builder, table: startTable)).bind($0.expression)
        }
        let earliest = min(
            builder.tables[startTable].snapshot.earliestTime, builder.tables[returnTable].snapshot.earliestTime)
        let isEmpty = context.asOf == .min || earliest > context.asOf
        plan = try GeneralRetentionPlan(
            query,
            PeriodRule(query.period, weekStartsOnSunday: query.options.weekStartsOnSunday, zone: context.clock.zone),
            measures: measures, earliest: isEmpty ? 0 : earliest, asOf: isEmpty ? 0 : context.asOf)
        _ = builder.timeSlot(table: startTable)
        _ = builder.timeSlot(table: returnTable)
    }

    private static func bind(
        _ step: Step, _ table: Int, _ clause: String, _ query: RetentionQuery, _ builder: ScanBuilder
    ) throws -> BoundStep {
        let binder = Binder(builder.context, RowScope(builder, table: table))
        func bind(_ filter: Expression?) throws -> BoundExpression? {
            let bound = builder.existing(table: table, try filter.map { try binder.bindCondition($0, in: clause) })
            builder.use(table: table, where: bound)
            return bound
        }
        var filter = SliceRun.conjunction(step.filter, query.filter)
        filter = SliceRun.conjunction(filter, step.firstEver?.filter)
        filter = SliceRun.conjunction(filter, query.options.segment.map { .segment($0) })
        let condition = try bind(filter)
        let isFirstEver = step.firstEver != nil
        return BoundStep(
            table: table, condition: condition, first: isFirstEver ? try bind(step.filter) : nil,
            isFirstEver: isFirstEver)
    }

    // MARK: Running

    /// One worker's tally and the memory for a morsel.
    private final class State {
        var tally: GeneralRetentionTally
        let cache: ValueNumbering.Cache
        let masks = [RowBuffer<UInt8>(), RowBuffer<UInt8>()]
        let numbers = [RowBuffer<UInt32>(), RowBuffer<UInt32>()]
        let splits = RowBuffer<UInt32>()

        init(_ plan: GeneralRetentionPlan, _ numbering: ValueNumbering) {
            tally = GeneralRetentionTally(plan)
            cache = ValueNumbering.Cache(numbering)
        }

        deinit { tally.deallocate() }
    }

    /// Bits of the masks beside those of ``RetentionRows``: what the first row of each customer is chosen by.
    private static let firstStart = 2, firstReturn = 3

    /// What a worker does with a morsel.
    private struct Work: Sendable {
        let plan: GeneralRetentionPlan
        /// The start's table, and the return's where it is another, with the bits of their masks.
        let tables: [(table: Int, timeSlot: Int, masks: StepMasks)]
        let isStartFirst: Bool
        let isReturnFirst: Bool
        let values: [BoundExpression]
        let split: BoundExpression?
    }

    private var work: Work {
        func steps(_ step: BoundStep, bit: Int, first: Int) -> [StepMasks.Step] {
            let own = StepMasks.Step(bit: bit, condition: step.condition)
            return step.isFirstEver ? [own, StepMasks.Step(bit: first, condition: step.first)] : [own]
        }
        let starts = steps(start, bit: 0, first: GeneralRetentionRun.firstStart)
        let returns = steps(returning, bit: 1, first: GeneralRetentionRun.firstReturn)
        let isOneTable = start.table == returning.table
        var tables = [
            (
                table: start.table, timeSlot: builder.timeSlot(table: start.table),
                masks: StepMasks(isOneTable ? starts + returns : starts)
            )
        ]
        if !isOneTable {
            tables.append(
                (
                    table: returning.table, timeSlot: builder.timeSlot(table: returning.table),
                    masks: StepMasks(returns)
                ))
        }
        return Work(
            plan: plan, tables: tables, isStartFirst: start.isFirstEver, isReturnFirst: returning.isFirstEver,
            values: values, split: split)
    }

    func run() throws -> QueryResult {
        var expressions = values.map { (table: returning.table, $0) }
        for step in [start, returning] {
            for condition in [step.condition, step.first].compactMap({ $0 }) {
                expressions.append((step.table, condition))
            }
        }
        if let split { expressions.append((start.table, split)) }
        let scan = try ScanPlan(builder, order: .byCustomer, expressions: expressions)
        if let plan = context.planned({ PlanDescription(scan, builder, context).retention(query) }) { return plan }
        let numbering = ValueNumbering()
        let work = self.work, plan = self.plan
        let states = try scan.run(context, makeState: { UncheckedState(value: State(plan, numbering)) }) {
            frame, morsel, state in
            guard frame.worker.customerCount > 0 else { return }
            try GeneralRetentionRun.load(frame, morsel, state.value, work)
        }
        let total = states.first?.value ?? State(plan, numbering)
        for other in states.dropFirst() { try total.tally.merge(other.value.tally) }
        context.trace?.enter(.output)
        let titles = GeneralRetentionTally.Titles(
            measures: query.measures.map { $0.title(context) }, split: split?.type.column, top: query.split?.top)
        var result = total.tally.result(titles) { numbering.value($0) }
        result.cost.blocksPruned = scan.scan.prunedBlockCount
        (result.cost.bytesRead, result.cost.blocksDecoded, result.cost.rowsScanned) = context.cost.values
        return result
    }

    private static func load(_ frame: MorselFrame, _ morsel: Int, _ state: State, _ work: Work) throws {
        frame.meter?.enter(.steps)
        defer { frame.meter?.enter(.other) }
        var rows: [RetentionRows] = []
        var numbers: [UnsafePointer<UInt32>] = []
        for (t, (table, timeSlot, masks)) in work.tables.enumerated() {
            let own = try frame.rows(table)
            guard let starts = frame.starts(table) else { return }
            let buffer = state.masks[t]
            buffer.reserve(own.count + 64)
            try masks.fill(own, frame.evaluator, into: buffer.pointer)
            for (isFirst, bit, first) in [
                (work.isStartFirst, RetentionRows.startBit, firstStart),
                (work.isReturnFirst, RetentionRows.returnBit, firstReturn),
            ] where isFirst {
                keepFirst(buffer.pointer, starts, frame.worker.customerCount, bit: bit, first: 1 << UInt8(first))
            }
            frame.meter?.countSteps(buffer.pointer, own.count, steps: 2)
            let times = UnsafePointer(own.columns[timeSlot].integers)
            state.numbers[t].reserve(own.count + 1)
            work.plan.axis.numbers(of: times, count: own.count, into: state.numbers[t].pointer)
            numbers.append(UnsafePointer(state.numbers[t].pointer))
            rows.append(RetentionRows(rowStarts: starts, times: times, masks: UnsafePointer(buffer.pointer)))
        }
        var splits: UnsafePointer<UInt32>?
        if let split = work.split {
            let own = try frame.rows(work.tables[0].table)
            state.splits.reserve(own.count + 64)
            try state.cache.fill(try frame.evaluator.vector(split, own), split.type, into: state.splits.pointer)
            splits = UnsafePointer(state.splits.pointer)
        }
        let last = work.tables.count - 1
        let returning = try frame.rows(work.tables[last].table)
        let values = try work.values.map { measured in
            RetentionRows.Values(try frame.evaluator.vector(measured, returning))
        }
        frame.meter?.enter(.sequence)
        try state.tally.add(
            GeneralRetentionTally.Morsel(
                customerCount: frame.worker.customerCount, start: rows[0], startNumbers: numbers[0], splits: splits,
                returning: rows[last], returnNumbers: numbers[last], values: values), morsel: morsel)
    }

    /// Clears a step's bit in all rows of a customer but the first that has another bit, and that one in all.
    private static func keepFirst(
        _ masks: UnsafeMutablePointer<UInt8>, _ starts: UnsafePointer<UInt32>, _ customerCount: Int, bit: UInt8,
        first: UInt8
    ) {
        for customer in 0..<customerCount {
            var isFound = false
            for row in Int(starts[customer])..<Int(starts[customer + 1]) {
                let mask = masks[row]
                let isFirst = !isFound && mask & first != 0
                isFound = isFound || isFirst
                masks[row] = mask & ~(isFirst ? first : first | bit)
            }
        }
    }
}

extension RetentionRows.Values {
    /// Borrows a vector's values.
    init(_ vector: ColumnVector) {
        let validity = vector.hasNulls ? UnsafePointer(vector.validity) : nil
        self =
            vector.kind == .doubles
            ? .doubles(UnsafePointer(vector.doubles), validity: validity)
            : .integers(UnsafePointer(vector.integers), validity: validity)
    }
}

extension TableSnapshot {
    /// The earliest event time in the table's statistics, `Int64.max` where it has no rows.
    var earliestTime: Int64 {
        let name = schema.columns[schema.timeColumn].name
        return parts.reduce(Int64.max) { earliest, part in
            guard let place = part.column(forSchemaColumn: name), part.footer.rowCount > 0 else { return earliest }
            return min(earliest, part.footer.columns[place].statistics.minimum)
        }
    }
}

extension RetentionQuery.Measure {
    /// Its name in an answer.
    func title(_ context: QueryContext) -> String {
        switch self {
        case .customers: "customers"
        case .sum(let value): "sum(\(context.title(value)))"
        case .average(let value): "avg(\(context.title(value)))"
        }
    }
}
