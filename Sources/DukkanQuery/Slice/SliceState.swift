import DukkanFormat
import DukkanStorage

/// What a grouped slice does with each row, fixed for all workers.
struct SliceWork: Sendable {
    let keys: [BoundExpression]
    let aggregates: [AggregatePlan]
    let filters: [Predicate?]
    let filter: Predicate
    let grouping: GroupingPlan
    /// Bounds of the aggregates' arguments, where the statistics know any.
    let bounds: [ClosedRange<Int64>?]
    /// Whether the scan is of one table without lookups and segments, whose columns wait to be asked for.
    let isPlain: Bool
    /// Columns that are read behind the filter.
    let slots: [Int]
    /// What it takes to decode each column, compared with the others.
    let columnCosts: [Double]
    /// Whether the only key follows time, so that no customer comes back to a group.
    let isMonotone: Bool

    init(keys: [BoundExpression], aggregates: [AggregatePlan], filter: Predicate, plan: ScanPlan, isPlain: Bool) {
        self.keys = keys
        self.aggregates = aggregates
        self.filter = filter
        self.isPlain = isPlain
        filters = aggregates.map { $0.filter.map { Predicate($0) } }
        grouping = GroupingPlan(keys, plan, rowCount: plan.tables[0].rowCount)
        let all = IntegerBounds(plan, table: 0)
        bounds = aggregates.map { $0.argument.flatMap { all.of($0) } }
        let read = keys + aggregates.flatMap { [$0.argument, $0.filter].compactMap { $0 } }
        slots = read.reduce(into: Set<Int>()) { $0.formUnion($1.columnSlots) }.ascending()
        let request = plan.scan.requests[0]
        columnCosts = request.columns.map { column in
            // Times are sums of differences within each customer, codes take half the memory of numbers.
            if column == request.table.schema.timeColumn { return 6 }
            return request.table.schema.columns[column].type == .string ? 1 : 2
        }
        if case .dense(let digits, _) = grouping, digits.count == 1, case .periods = digits[0].digits {
            isMonotone = true
        } else {
            isMonotone = false
        }
    }
}

/// One worker's groups.
final class SliceState {
    let numbers: GroupNumbers
    /// For each aggregate of the query what its values are read from.
    let aggregates: [any AggregateState]
    private let work: SliceWork
    /// What is updated, with the place of the aggregate whose rows and argument it takes.
    private let updated: [(state: any AggregateState, place: Int)]
    /// Counts the rows of each group, which tell the groups that there are; nil where sums know them.
    ///
    /// Where customers are counted, these do for the rows that have one.
    private let rows: CountState?
    private let sums: IntegerSumState?
    private let customers: CustomerCountState?
    private let sliceRows: SliceRows
    private var indices = GrowableBuffer<UInt32>(capacity: 64)
    private var filtered = GrowableBuffer<UInt32>(capacity: 64)

    init(_ work: SliceWork) {
        self.work = work
        numbers = GroupNumbers(work.grouping, keys: work.keys)
        let made = AggregateStates(work, groupCount: numbers.count)
        aggregates = made.states
        updated = made.updated
        rows = made.rows
        sums = made.sums
        customers = made.customers
        sliceRows = SliceRows(
            work.filter, slots: work.slots, countsCustomers: work.aggregates.contains { $0.countsCustomers },
            columnCost: { work.columnCosts[$0] })
        reserveGroups()
    }

    deinit {
        indices.deallocate()
        filtered.deallocate()
    }

    private func reserveGroups() {
        rows?.reserve(numbers.count)
        for (state, _) in updated { state.reserve(numbers.count) }
    }

    var byteCount: Int {
        numbers.byteCount + (rows?.byteCount ?? 0) + updated.reduce(0) { $0 + $1.state.byteCount }
    }

    /// Takes in the rows of a loaded morsel.
    func consume(_ frame: MorselFrame) throws {
        let evaluator = frame.evaluator, meter = frame.meter
        meter?.enter(.filter)
        defer { meter?.enter(.other) }
        guard let (rows, selectedBatch) = try work.isPlain ? sliceRows.select(frame) : select(frame) else { return }
        var batch = selectedBatch
        let count = batch.selection.count(of: rows.count)
        meter?.enter(.group)
        meter?.count(.group, in: count, out: count)
        batch.groups = try numbers.number(rows, batch.selection, evaluator)
        reserveGroups()
        meter?.enter(.aggregate)
        meter?.count(.aggregate, in: count, out: 0)
        if customers == nil || !batch.hasCustomers { self.rows?.update(batch) }
        let selection = batch.selection
        for (state, place) in updated {
            batch.selection = selection
            if let filter = work.filters[place] {
                let bits = evaluator.scratchBits()
                try evaluator.select(filter, rows, into: bits)
                filtered.reserve(rows.count + 64)
                batch.selection = narrowed(selection, rows.count, bits)
            }
            batch.argument = try work.aggregates[place].argument.map { try evaluator.vector($0, rows) }
            try state.update(batch)
        }
    }

    /// The rows of a selection whose bits are set too.
    private func narrowed(_ selection: RowSelection, _ count: Int, _ bits: Bits) -> RowSelection {
        var found = 0
        switch selection {
        case .all: found = bits.indices(into: filtered.base)
        case .indices(let indices, let selected):
            for i in 0..<selected {
                filtered.base[found] = indices[i]
                found += bits[Int(indices[i])] ? 1 : 0
            }
        }
        return .indices(UnsafePointer(filtered.base), found)
    }

    /// The rows that the filter leaves, as places among all rows.
    private func select(_ frame: MorselFrame) throws -> (ExpressionRows, AggregateBatch)? {
        let rows = try frame.rows(0)
        if rows.count == 0 { return nil }
        var batch = AggregateBatch(
            rowCount: rows.count, selection: .all, starts: frame.starts(0), customerCount: frame.worker.customerCount)
        if case .all = work.filter { return (rows, batch) }
        let bits = frame.evaluator.scratchBits()
        try frame.evaluator.select(work.filter, rows, into: bits)
        indices.reserve(rows.count + 64)
        let count = bits.indices(into: indices.base)
        frame.meter?.count(.filter, in: rows.count, out: count)
        if count == 0 { return nil }
        batch.selection = .indices(UnsafePointer(indices.base), count)
        return (rows, batch)
    }

    // MARK: Results

    /// Takes in another worker's groups.
    func merge(_ other: SliceState) throws {
        let map = numbers.merge(other.numbers)
        reserveGroups()
        if let rows, let otherRows = other.rows { rows.merge(otherRows, map) }
        for (mine, theirs) in zip(updated, other.updated) { try mine.state.merge(theirs.state, map) }
    }

    /// Whether a group has rows.
    func hasRows(_ group: Int) -> Bool {
        if let sums { return sums.rowCount(group) > 0 }
        return (rows?.count(group) ?? 0) > 0 || (customers?.count(group) ?? 0) > 0
    }
}
