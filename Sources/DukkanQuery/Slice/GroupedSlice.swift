import DukkanFormat
import DukkanStorage

/// A `SELECT` with groups or aggregates.
final class GroupedSlice {
    private let slice: SliceRun
    private let keys: [BoundExpression]
    private let scope: GroupScope
    private let items: [BoundExpression]
    private let having: BoundExpression?
    private let ordering: [(expression: BoundExpression, descending: Bool, nullsFirst: Bool)]

    init(_ slice: SliceRun) throws {
        self.slice = slice
        let rowBinder = Binder(slice.context, slice.rowScope)
        let groupBy = slice.query.groupBy.map { slice.resolved($0) }
        if groupBy.count > GroupNumbers.keyCountMax {
            throw DukkanError(.limit, "GROUP BY takes at most \(GroupNumbers.keyCountMax) keys")
        }
        keys = try groupBy.map { expression in
            if GroupScope.containsAggregate(expression) {
                throw DukkanError(.invalidQuery, "an aggregate cannot stand in GROUP BY")
            }
            return try rowBinder.bind(expression)
        }
        scope = GroupScope(slice.rowScope, groupBy: groupBy, keys: keys)
        let binder = Binder(slice.context, scope)
        if slice.query.items.isEmpty {
            throw DukkanError(.invalidQuery, "SELECT * cannot be grouped", advice: "Name the columns and aggregates.")
        }
        items = try slice.query.items.map { try binder.bind($0.expression) }
        for (item, bound) in zip(slice.query.items, items) {
            if let name = item.name { scope.names[name] = bound }
        }
        having = try slice.query.having.map { try binder.bindCondition($0, in: "HAVING") }
        ordering = try slice.query.orderBy.map {
            (try binder.bind(slice.resolved($0.expression)), $0.descending, $0.nullsFirst)
        }
    }

    func run() throws -> QueryResult {
        let needsCustomers = slice.builder.needsCustomers || scope.aggregates.contains { $0.countsCustomers }
        var expressions = keys.map { (table: 0, $0) }
        if let filter = slice.filter { expressions.append((0, filter)) }
        for aggregate in scope.aggregates {
            if let argument = aggregate.argument { expressions.append((0, argument)) }
            if let filter = aggregate.filter { expressions.append((0, filter)) }
        }
        let customers = slice.customers()
        let usesKey = expressions.contains { $0.1.contains { $0.node == .customer } }
        let isPlain = slice.builder.tables.count == 1 && slice.builder.lookups.isEmpty && slice.builder.segments.isEmpty
        slice.builder.defersColumns = isPlain
        slice.builder.ignoresTimeOrder = isPlain
        slice.builder.takesPieces = isPlain
        slice.builder.ignoresKeys = isPlain && !usesKey
        let plan = try ScanPlan(
            slice.builder, order: needsCustomers || usesKey ? .byCustomerWithAnonymous : .byBlock,
            customers: customers, expressions: expressions)
        let description = { [slice] in PlanDescription(plan, slice.builder, slice.context) }
        if let answer = try StatisticsAnswer(slice, scope, plan)?.values() {
            if let plan = slice.context.planned({ description().statistics(slice.query) }) { return plan }
            return try finish(
                GroupColumns(groups: [0], key: { _, _ in [] }, aggregate: { place, _ in answer[place] }))
        }
        let work = SliceWork(
            keys: keys, aggregates: scope.aggregates, filter: slice.filter.map { Predicate($0) } ?? .all, plan: plan,
            isPlain: isPlain)
        if let plan = slice.context.planned({
            description().groups(slice.query, filter: slice.filter, work.grouping)
        }) {
            return plan
        }
        let memoryBudgetBytes = slice.context.memoryBudgetBytes
        let budget = memoryBudgetBytes / max(1, slice.context.threads)
        let states = try plan.run(
            slice.context, makeState: { UncheckedState(value: SliceState(work)) },
            { frame, _, state in
                try state.value.consume(frame)
                if state.value.byteCount > budget { throw GroupedSlice.overBudget(memoryBudgetBytes) }
            })
        var result = try finish(states.map(\.value))
        result.cost.blocksPruned = plan.scan.prunedBlockCount
        return result
    }

    private static func overBudget(_ bytes: Int) -> DukkanError {
        DukkanError(
            .memoryBudget, "the groups of this query need more than the memory budget of \(bytes >> 20) MiB",
            advice: "Group by fewer values, filter more, or open the store with a larger budget.")
    }

    // MARK: Results

    private func finish(_ states: [SliceState]) throws -> QueryResult {
        guard let first = states.first else {
            return try finish(GroupColumns(groups: [], key: { _, _ in [] }, aggregate: { _, _ in [] }))
        }
        for other in states.dropFirst() { try first.merge(other) }
        let groups: [UInt32] =
            keys.isEmpty ? [0] : (0..<UInt32(first.numbers.count)).filter { first.hasRows(Int($0)) }
        slice.context.trace?.enter(.output)
        slice.context.trace?.note(groups: groups.count, byteCount: states.reduce(0) { $0 + $1.byteCount })
        let columns = GroupColumns(
            groups: groups, key: { try first.numbers.values($0, groups: $1) },
            aggregate: { place, groups in try groups.map { try first.aggregates[place].value(Int($0)) } })
        return try finish(columns, isInKeyOrder: first.numbers.isInKeyOrder)
    }

    /// - Parameter isInKeyOrder: whether the groups stand in the order of their keys.
    private func finish(_ all: GroupColumns, isInKeyOrder: Bool = false) throws -> QueryResult {
        let scalars = ScalarEvaluator(slice.context.clock)
        var columns = all
        if let having {
            let chosen = try all.groups.indices.filter {
                try scalars.evaluate(having, all.row($0)) == .bool(true)
            }
            columns = all.restricted(to: chosen)
        }
        slice.context.trace?.enter(.sort)
        // Ties, and everything where nothing is asked, stand in the order of the keys.
        var directions = ordering.map { ($0.descending, $0.nullsFirst) }
        var sortKeys = try ordering.map { try columns.values($0.expression, scalars) }
        if !isInKeyOrder {
            directions += keys.map { _ in (false, false) }
            sortKeys += try keys.indices.map { try columns.key($0) }
        }
        let sorting = RowOrdering(directions, columns: sortKeys, count: columns.groups.count)
        let order = sorting.sorted(limit: slice.query.limit, offset: slice.query.offset)
        slice.context.trace?.enter(.output)
        let answer = columns.restricted(to: order)
        let values = try items.map { try answer.values($0, scalars) }
        let rows = order.indices.map { row in values.map { $0[row] } }
        let resultColumns = zip(slice.query.items, items).map { QueryResult.Column(slice.name($0), $1.type.column) }
        return QueryResult(columns: resultColumns, rows: rows)
    }
}

/// Carries a worker's state to its thread and back.
struct UncheckedState<Value>: @unchecked Sendable {  // Sendable: one thread touches it until the threads have ended.
    let value: Value
}
