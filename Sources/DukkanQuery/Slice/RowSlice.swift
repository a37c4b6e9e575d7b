import DukkanFormat
import DukkanStorage
import Synchronization

/// A `SELECT` of rows, without groups.
///
/// Rows come in the order (customer, time, ingest) unless another one is asked.
final class RowSlice {
    private let slice: SliceRun
    private let items: [BoundExpression]
    private let titles: [String]
    private let ordering: [Key]
    private let timeSlot: Int

    /// What a value of an answer costs in memory, about.
    static let valueByteCount = 64

    init(_ slice: SliceRun) throws {
        self.slice = slice
        let binder = Binder(slice.context, slice.rowScope)
        let schema = slice.builder.tables[0].snapshot.schema
        let expressions =
            slice.query.items.isEmpty
            ? schema.columns.map { SliceQuery.Item(.column(ColumnName($0.name))) } : slice.query.items
        items = try expressions.map { try binder.bind($0.expression) }
        titles = expressions.map { slice.name($0) }
        ordering = try slice.query.orderBy.map {
            Key(
                expression: try binder.bind(slice.resolved($0.expression)), descending: $0.descending,
                nullsFirst: $0.nullsFirst)
        }
        timeSlot = slice.builder.timeSlot(table: 0)
    }

    private struct Key: Sendable {
        var expression: BoundExpression
        var descending: Bool
        var nullsFirst: Bool
    }

    private struct Row {
        var morsel: Int
        var place: Int
        /// The time of a row without customer: such rows stand in the order of time.
        var time: Int64
        var keys: [Value]
        var values: [Value]
    }

    /// Tells workers when enough rows stand before a morsel.
    private final class Progress: Sendable {
        private let state = Guarded((counts: [Int: Int](), prefix: 0, rows: 0))

        func finish(_ morsel: Int, rows: Int) {
            state.withLock {
                $0.counts[morsel] = rows
                while let next = $0.counts.removeValue(forKey: $0.prefix) {
                    $0.prefix += 1
                    $0.rows += next
                }
            }
        }

        var rowsBeforeUnfinished: Int { state.withLock { $0.rows } }
    }

    func run() throws -> QueryResult {
        var expressions = (items + ordering.map(\.expression)).map { (table: 0, $0) }
        if let filter = slice.filter { expressions.append((0, filter)) }
        let plan = try ScanPlan(
            slice.builder, order: .byCustomerWithAnonymous, customers: slice.customers(), expressions: expressions)
        if let plan = slice.context.planned({
            PlanDescription(plan, slice.builder, slice.context).rows(slice.query, filter: slice.filter)
        }) {
            return plan
        }
        let filter = slice.filter.map { Predicate($0) } ?? .all
        let wanted = slice.query.limit.map { RowOrdering.saturatingSum($0, slice.query.offset) }
        let isOrdered = !ordering.isEmpty
        let progress = Progress()
        let rowsMax =
            slice.context.memoryBudgetBytes / max(1, slice.context.threads)
            / (RowSlice.valueByteCount * (items.count + ordering.count + 1))
        let items = self.items, ordering = self.ordering, timeSlot = self.timeSlot
        let states = try plan.run(slice.context, makeState: { UncheckedState(value: Rows()) }) { frame, morsel, state in
            if let wanted, !isOrdered, progress.rowsBeforeUnfinished >= wanted { return }
            let found = try RowSlice.consume(
                frame, morsel, state.value, filter, items, ordering,
                timeSlot: plan.scan.isAnonymous(morsel) ? timeSlot : nil)
            progress.finish(morsel, rows: found)
            if let wanted, isOrdered, state.value.rows.count / 4 > RowOrdering.saturatingSum(wanted, 1_024) {
                state.value.rows = RowSlice.sorted(state.value.rows, ordering, limit: wanted, offset: 0)
            }
            if state.value.rows.count > rowsMax {
                throw DukkanError(
                    .memoryBudget, "the answer has more rows than the memory budget holds",
                    advice: "Add a LIMIT, filter more, or ask for aggregates.")
            }
        }
        slice.context.trace?.enter(.sort)
        let rows = RowSlice.sorted(
            states.flatMap(\.value.rows), ordering, limit: slice.query.limit, offset: slice.query.offset)
        slice.context.trace?.enter(.output)
        var result = QueryResult(
            columns: zip(titles, items).map { QueryResult.Column($0, $1.type.column) }, rows: rows.map(\.values))
        result.cost.blocksPruned = plan.scan.prunedBlockCount
        return result
    }

    private final class Rows {
        var rows: [Row] = []
    }

    /// Returns how many rows the morsel gave.
    ///
    /// `timeSlot` is given for rows without customer.
    private static func consume(
        _ frame: MorselFrame, _ morsel: Int, _ state: Rows, _ filter: Predicate, _ items: [BoundExpression],
        _ ordering: [Key], timeSlot: Int?
    ) throws -> Int {
        let rows = try frame.rows(0)
        let bits = frame.evaluator.scratchBits()
        frame.meter?.enter(.filter)
        defer { frame.meter?.enter(.other) }
        try frame.evaluator.select(filter, rows, into: bits)
        let found = bits.setCount
        frame.meter?.count(.filter, in: rows.count, out: found)
        if found == 0 { return 0 }
        frame.meter?.enter(.rows)
        frame.meter?.count(.rows, in: found, out: found)
        let vectors = try items.map { try frame.evaluator.vector($0, rows) }
        let keys = try ordering.map { try frame.evaluator.vector($0.expression, rows) }
        let times = timeSlot.map { rows.columns[$0].integers }
        for row in 0..<rows.count where bits[row] {
            state.rows.append(
                Row(
                    morsel: morsel, place: row, time: times?[row] ?? .min,
                    keys: zip(keys, ordering).map { $0.value(row, $1.expression.type) },
                    values: zip(vectors, items).map { $0.value(row, $1.type) }))
        }
        return found
    }

    private static func sorted(_ rows: [Row], _ ordering: [Key], limit: Int?, offset: Int) -> [Row] {
        let ordered = rows.sorted { precedes($0, $1, ordering) }
        return Array(ordered.dropFirst(offset).prefix(limit ?? Int.max))
    }

    // The algorithm has it seven times.
    @inline(never)
    private static func precedes(_ a: Row, _ b: Row, _ ordering: [Key]) -> Bool {
        for (k, key) in ordering.enumerated() {
            let order = RowOrdering.compare(a.keys[k], b.keys[k], (key.descending, key.nullsFirst))
            if order != 0 { return order < 0 }
        }
        return (a.time, a.morsel, a.place) < (b.time, b.morsel, b.place)
    }
}
