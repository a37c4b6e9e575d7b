import DukkanFormat
import DukkanStorage

/// Binds, plans and runs `DECILES OF customers BY …`.
final class DecileRun {
    private let query: DecileQuery
    private let context: QueryContext
    private let builder: ScanBuilder
    private let aggregate: CustomerAggregate
    /// Whether a row of the measured table exists as of the query's time; nil: all do.
    private let existing: BoundExpression?
    private let segment: Int?

    init(_ query: DecileQuery, _ base: QueryContext) throws {
        var context = base
        var names: [String] = []
        Expression.aggregate(query.measure).collectTables(context.segments, into: &names)
        guard let table = names.first else {
            throw DukkanError(
                .invalidQuery, "DECILES needs a measure over a table", advice: "Write BY sum(orders.revenue).")
        }
        query.measure.filter?.collectTables(context.segments, into: &names)
        query.options.segment?.collectTables(context.segments, into: &names)
        try context.setAsOf(query.options.asOf, tables: names.map { try context.table($0) })
        self.query = query
        self.context = context
        let builder = ScanBuilder(context)
        self.builder = builder
        _ = try builder.table(table)
        let scope = CustomerScope(builder)
        var measure = query.measure
        measure.table = table
        aggregate = try scope.bind(measure, context)
        if aggregate.type.physical == .codes {
            throw DukkanError(.invalidQuery, "DECILES needs a number or a time, not a value of type string")
        }
        // A customer counts with any row in the table, also where the measure's filter takes none of hers.
        existing = builder.existing(table: aggregate.table, nil)
        builder.use(table: aggregate.table, where: existing)
        segment = try query.options.segment.map { try builder.segment($0) }
    }

    /// What one morsel's customers come to.
    private struct Chunk {
        var morsel: Int
        var integers: [Int64] = []
        var doubles: [Double] = []
        var nulls: [Int] = []
        var count = 0
    }

    private final class State {
        var chunks: [Chunk] = []
    }

    func run() throws -> QueryResult {
        var expressions: [(table: Int, BoundExpression)] = []
        if let argument = aggregate.argument { expressions.append((aggregate.table, argument)) }
        if let filter = aggregate.filter { expressions.append((aggregate.table, filter)) }
        if let existing { expressions.append((aggregate.table, existing)) }
        let scan = try ScanPlan(builder, order: .byCustomer, expressions: expressions)
        if let plan = context.planned({ PlanDescription(scan, builder, context).deciles(query) }) { return plan }
        let aggregate = self.aggregate, segment = self.segment
        let predicate = aggregate.filter.map { Predicate($0) }
        let presence = existing.map { Predicate($0) }
        let states = try scan.run(context, makeState: { UncheckedState(value: State()) }) { frame, morsel, state in
            let count = frame.worker.customerCount
            guard count > 0, let starts = frame.starts(aggregate.table) else { return }
            frame.meter?.enter(.aggregate)
            defer { frame.meter?.enter(.other) }
            let rows = try frame.rows(aggregate.table)
            let aggregation = CustomerAggregation(
                plan: aggregate, starts: starts, customerCount: count, evaluator: frame.evaluator)
            let totals = try aggregation.values(rows, predicate: predicate)
            let bits = frame.evaluator.scratchBits()
            if let presence { try frame.evaluator.select(presence, rows, into: bits) }
            let members = try segment.map { try frame.members($0) }
            var chunk = Chunk(morsel: morsel)
            let isValid = RowValidity(totals)
            let words = UnsafePointer(bits.words)
            let integers = totals.kind == .integers ? UnsafePointer(totals.integers) : nil
            let doubles = totals.kind == .doubles ? UnsafePointer(totals.doubles) : nil
            for c in 0..<count {
                let from = Int(starts[c]), to = Int(starts[c + 1])
                let hasRows = presence == nil ? to > from : countBits(words, from, to) > 0
                guard hasRows, members.map({ $0[c] }) ?? true else { continue }
                if !isValid[c] { chunk.nulls.append(chunk.count) }
                if let integers { chunk.integers.append(integers[c]) }
                if let doubles { chunk.doubles.append(doubles[c]) }
                chunk.count += 1
            }
            frame.meter?.count(.aggregate, in: rows.count, out: chunk.count)
            state.value.chunks.append(chunk)
        }
        // Morsels are ascending ranges of customers.
        let chunks = states.flatMap(\.value.chunks).inOrder { $0.morsel < $1.morsel }
        var nulls: [Int] = []
        var before = 0
        for chunk in chunks {
            nulls += chunk.nulls.map { $0 + before }
            before += chunk.count
        }
        let totals: CustomerTotals =
            aggregate.type.physical == .doubles
            ? .doubles(chunks.flatMap(\.doubles)) : .integers(chunks.flatMap(\.integers))
        context.trace?.enter(.sort)
        var result = Deciles.result(totals, nulls: nulls, type: aggregate.type.column)
        result.cost.blocksPruned = scan.scan.prunedBlockCount
        (result.cost.bytesRead, result.cost.blocksDecoded, result.cost.rowsScanned) = context.cost.values
        return result
    }
}
