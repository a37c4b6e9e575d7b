import DukkanFormat
import DukkanStorage

/// A `SELECT` with groups or aggregates.
struct GroupedSlice {
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

    /// One worker's groups.
    final class State {
        let numbers: GroupNumbers
        let aggregates: [any AggregateState]
        /// The place of a `count(*)` without filter among the aggregates.
        let plainCount: Int?
        var indices = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)
        var capacity = 64
        var filtered = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)

        /// Rows of each group, which tell the groups that there are.
        let rows: CountState

        init(numbers: GroupNumbers, aggregates: [any AggregateState], plainCount: Int?) {
            self.numbers = numbers
            self.aggregates = aggregates
            self.plainCount = plainCount
            rows = plainCount.flatMap { aggregates[$0] as? CountState } ?? CountState()
        }

        deinit {
            indices.deallocate()
            filtered.deallocate()
        }

        func reserve(_ count: Int) {
            guard count > capacity else { return }
            indices.deallocate()
            filtered.deallocate()
            capacity = count * 2
            indices = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
            filtered = UnsafeMutablePointer<UInt32>.allocate(capacity: capacity)
        }

        func reserveGroups() {
            rows.reserve(numbers.count)
            for aggregate in aggregates { aggregate.reserve(numbers.count) }
        }

        var byteCount: Int {
            numbers.byteCount + rows.byteCount + aggregates.reduce(0) { $0 + $1.byteCount }
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
        let plan = try ScanPlan(
            slice.builder, order: needsCustomers || usesKey ? .byCustomerWithAnonymous : .byBlock,
            customers: customers, expressions: expressions)
        let description = { PlanDescription(plan, slice.builder, slice.context) }
        if let answer = try StatisticsAnswer(slice, scope, plan)?.values() {
            if let plan = slice.context.planned({ description().statistics(slice.query) }) { return plan }
            return try finish([[]], answer)
        }
        let rowCount = plan.tables[0].rowCount
        let grouping = GroupingPlan(keys, plan, rowCount: rowCount)
        if let plan = slice.context.planned({
            description().groups(slice.query, filter: slice.filter, grouping)
        }) {
            return plan
        }
        let aggregates = scope.aggregates
        let bounds = IntegerBounds(plan, table: 0)
        let limits = aggregates.map { $0.argument.flatMap { bounds.of($0) } }
        let filter = slice.filter.map { Predicate($0) } ?? .all
        let filters = aggregates.map { $0.filter.map { Predicate($0) } }
        let memoryBudgetBytes = slice.context.memoryBudgetBytes
        let budget = memoryBudgetBytes / max(1, slice.context.threads)
        let keys = self.keys
        let plainCount = aggregates.firstIndex { $0.function == .count && $0.argument == nil && $0.filter == nil }
        let states = try plan.run(
            slice.context,
            makeState: {
                let state = State(
                    numbers: GroupNumbers(grouping, keys: keys),
                    aggregates: zip(aggregates, limits).map { GroupedSlice.makeState($0, bounds: $1) },
                    plainCount: plainCount)
                state.reserveGroups()
                return UncheckedState(value: state)
            },
            { frame, _, state in
                try GroupedSlice.consume(frame, state.value, filter, aggregates, filters)
                if state.value.byteCount > budget { throw GroupedSlice.overBudget(memoryBudgetBytes) }
            })
        return try finish(states.map(\.value), cost: plan.scan.prunedBlockCount)
    }

    private static func overBudget(_ bytes: Int) -> DukkanError {
        DukkanError(
            .memoryBudget, "the groups of this query need more than the memory budget of \(bytes >> 20) MiB",
            advice: "Group by fewer values, filter more, or open the store with a larger budget.")
    }

    private static func makeState(_ plan: AggregatePlan, bounds: ClosedRange<Int64>?) -> any AggregateState {
        let physical = plan.argument?.type.physical
        switch plan.function {
        case .count: return CountState()
        case .countDistinct: return plan.countsCustomers ? CustomerCountState() : DistinctState()
        case .sum, .average:
            if physical == .doubles { return DoubleSumState(isAverage: plan.function == .average) }
            return IntegerSumState(plan, bounds: bounds)
        case .minimum, .maximum:
            let isMaximum = plan.function == .maximum
            if physical == .integers { return IntegerExtremeState(plan.type, isMaximum: isMaximum) }
            return ValueExtremeState(plan.type, isMaximum: isMaximum)
        case .quantile(let fraction):
            return QuantileState(fraction, scale: plan.argument?.type.scale ?? 0)
        }
    }

    private static func consume(
        _ frame: MorselFrame, _ state: State, _ filter: Predicate, _ aggregates: [AggregatePlan],
        _ filters: [Predicate?]
    ) throws {
        let rows = try frame.rows(0)
        if rows.count == 0 { return }
        let evaluator = frame.evaluator
        state.reserve(rows.count + 64)
        let meter = frame.meter
        meter?.enter(.filter)
        defer { meter?.enter(.other) }
        let bits = evaluator.scratchBits()
        var selection = RowSelection.all
        if case .all = filter {
            bits.fill(rows.count, with: true)
        } else {
            try evaluator.select(filter, rows, into: bits)
            let selected = bits.indices(into: state.indices)
            meter?.count(.filter, in: rows.count, out: selected)
            if selected == 0 { return }
            selection = .indices(UnsafePointer(state.indices), selected)
        }
        meter?.enter(.group)
        meter?.count(.group, in: selection.count(of: rows.count), out: selection.count(of: rows.count))
        let groups = try state.numbers.number(rows, selection, evaluator)
        state.reserveGroups()
        var batch = AggregateBatch(
            rowCount: rows.count, selection: selection, groups: groups, argument: nil, starts: frame.starts(0),
            customerCount: frame.worker.customerCount)
        meter?.enter(.aggregate)
        meter?.count(.aggregate, in: selection.count(of: rows.count), out: 0)
        // A plain count(*) among the aggregates counts the groups' rows as well.
        if state.plainCount == nil { state.rows.update(batch) }
        for (a, aggregate) in aggregates.enumerated() {
            batch.selection = selection
            if let filter = filters[a] {
                let own = evaluator.scratchBits()
                try evaluator.select(filter, rows, into: own)
                own.formIntersection(bits.words)
                let selected = own.indices(into: state.filtered)
                batch.selection = .indices(UnsafePointer(state.filtered), selected)
            }
            batch.argument = try aggregate.argument.map { try evaluator.vector($0, rows) }
            try state.aggregates[a].update(batch)
        }
    }

    // MARK: Results

    private func finish(_ states: [State], cost pruned: Int) throws -> QueryResult {
        guard let first = states.first else { return try finish([], []) }
        for other in states.dropFirst() {
            let map = first.numbers.merge(other.numbers)
            first.reserveGroups()
            if first.plainCount == nil { first.rows.merge(other.rows, map) }
            for (mine, theirs) in zip(first.aggregates, other.aggregates) { try mine.merge(theirs, map) }
        }
        let groups: [UInt32] =
            keys.isEmpty
            ? [0] : (0..<UInt32(first.numbers.count)).filter { first.rows.count(Int($0)) > 0 }
        slice.context.trace?.enter(.output)
        slice.context.trace?.note(groups: groups.count, byteCount: states.reduce(0) { $0 + $1.byteCount })
        let keyColumns = try keys.indices.map { try first.numbers.values($0, groups: groups) }
        let aggregateColumns = try first.aggregates.map { state in
            try groups.map { try state.value(Int($0)) }
        }
        var result = try finish(groups.indices.map { g in keyColumns.map { $0[g] } }, aggregateColumns)
        result.cost.blocksPruned = pruned
        return result
    }

    /// A group as the expressions behind the aggregation see it.
    private struct GroupRow: ScalarRow {
        let keys: [Value]
        let aggregates: [[Value]]
        let group: Int

        func value(_ leaf: BoundExpression) throws -> Value {
            switch leaf.node {
            case .groupKey(let place): keys[place]
            case .aggregate(let place): aggregates[place][group]
            default: .null
            }
        }
    }

    /// - Parameters:
    ///   - groups: the keys of each group.
    ///   - aggregates: each aggregate's values, one a group.
    private func finish(_ groups: [[Value]], _ aggregates: [[Value]]) throws -> QueryResult {
        let scalars = ScalarEvaluator(slice.context.clock)
        func row(_ group: Int) -> GroupRow {
            GroupRow(keys: groups[group], aggregates: aggregates, group: group)
        }
        var chosen = Array(groups.indices)
        if let having { chosen = try chosen.filter { try scalars.evaluate(having, row($0)) == .bool(true) } }
        slice.context.trace?.enter(.sort)
        // Ties, and everything where nothing is asked, stand in the order of the keys.
        var sorting = RowOrdering(ordering.map { ($0.descending, $0.nullsFirst) } + keys.map { _ in (false, false) })
        for group in chosen {
            let mine = row(group)
            sorting.append(try ordering.map { try scalars.evaluate($0.expression, mine) } + groups[group])
        }
        let order = sorting.sorted(limit: slice.query.limit, offset: slice.query.offset)
        slice.context.trace?.enter(.output)
        let rows = try order.map { place in
            let mine = row(chosen[place])
            return try items.map { try scalars.evaluate($0, mine) }
        }
        let columns = zip(slice.query.items, items).map { QueryResult.Column(slice.name($0), $1.type.column) }
        return QueryResult(columns: columns, rows: rows)
    }
}

/// Carries a worker's state, which only its thread touches until the threads have ended.
struct UncheckedState<Value>: @unchecked Sendable {
    let value: Value
}
