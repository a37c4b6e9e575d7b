import DukkanFormat
import DukkanStorage

/// Binds, plans and runs a `STICKINESS`.
final class StickinessRun {
    private let query: StickinessQuery
    private let scan: ActivityScan
    /// Calendar periods from the first of the range, or without one from the first row's; nil: there are none.
    private let axis: PeriodAxis?

    init(_ query: StickinessQuery, _ base: QueryContext) throws {
        guard (1...PeriodAxis.periodCountMax).contains(query.periodSpan) else {
            throw DukkanError(
                .invalidQuery, "STICKINESS BY n is for 1 to \(PeriodAxis.periodCountMax), not \(query.periodSpan)")
        }
        guard query.rowCountMin >= 1 else { throw DukkanError(.invalidQuery, "AT LEAST needs a number from 1 on") }
        self.query = query
        let time = Expression.column(ColumnName("time"))
        let limits = [
            query.from.map { Expression.binary(.greaterOrEqual, time, $0) },
            query.to.map { Expression.binary(.less, time, $0) },
        ]
        scan = try ActivityScan(
            query.step, named: "STICKINESS", query.options, where: limits.compactMap { $0 }, base)
        let context = scan.context
        let from = try query.from.map { try context.instant($0, in: "FROM") }
        let to = try query.to.map { try context.instant($0, in: "TO") }
        let earliest = scan.builder.tables[scan.table].snapshot.earliestTime
        let first = from ?? earliest
        let last = to.map { min($0 == .min ? $0 : $0 - 1, context.asOf) } ?? context.asOf
        guard first <= last else {
            axis = nil
            return
        }
        axis = try PeriodAxis(
            PeriodRule(query.period, weekStartsOnSunday: query.options.weekStartsOnSunday, zone: context.clock.zone),
            covering: first...last)
    }

    /// Customers by the number of active periods.
    private final class State {
        var rows = ActivityRows()
        /// Customers with so many active periods.
        var customers: [Int64]
        /// The first period with any row.
        var firstPeriod = Int.max

        init(_ periodCount: Int) {
            customers = Array(repeating: 0, count: periodCount + 1)
        }

        deinit { rows.deallocate() }

        /// O(rows + customers).
        ///
        /// - Parameters:
        ///   - origin: the period from which spans of periods count.
        ///   - least: rows that make a span active.
        func add(customerCount: Int, origin: Int, span: Int, least: Int) {
            let starts = rows.starts.base, numbers = rows.numbers.base
            let count = customers.count - 1
            var earliest = firstPeriod
            customers.withUnsafeMutableBufferPointer { customers in
                for customer in 0..<customerCount {
                    var row = Int(starts[customer]), active = 0
                    let end = Int(starts[customer + 1])
                    if row < end { earliest = min(earliest, Int(numbers[row])) }
                    while row < end {
                        let period = (Int(numbers[row]) - origin) / span
                        var next = row + 1
                        while next < end && (Int(numbers[next]) - origin) / span == period { next += 1 }
                        if next - row >= least { active += 1 }
                        row = next
                    }
                    if active > 0 && active <= count { customers[active] += 1 }
                }
            }
            firstPeriod = earliest
        }

        func merge(_ other: State) {
            firstPeriod = min(firstPeriod, other.firstPeriod)
            for number in customers.indices { customers[number] += other.customers[number] }
        }
    }

    func run() throws -> QueryResult {
        let plan = try scan.plan()
        let context = scan.context
        if let plan = context.planned({ PlanDescription(plan, scan.builder, context).stickiness(query) }) {
            return plan
        }
        var rows: [[Value]] = []
        if let axis {
            var origin = 0
            if query.from == nil && query.periodSpan > 1 {
                // Spans of periods begin with the first activity, which nobody knows before all of it was read.
                origin = try count(plan, axis, origin: 0).firstPeriod
            }
            let total = try count(plan, axis, origin: origin == .max ? 0 : origin)
            context.trace?.enter(.output)
            rows = self.rows(total, axis)
        }
        return scan.answer(.stickiness, [.init("periods", .int), .init("customers", .int)], rows, plan)
    }

    private func count(_ plan: ScanPlan, _ axis: PeriodAxis, origin: Int) throws -> State {
        let predicate = scan.condition.map { Predicate($0) } ?? .all
        let table = scan.table, timeSlot = scan.timeSlot, query = self.query
        let states = try plan.run(scan.context, makeState: { UncheckedState(value: State(axis.count)) }) {
            frame, _, state in
            defer { frame.meter?.enter(.other) }
            let own = state.value
            let count = try own.rows.load(frame, table: table, timeSlot: timeSlot, where: predicate, axis)
            own.add(customerCount: count, origin: origin, span: query.periodSpan, least: query.rowCountMin)
        }
        let total = states.first?.value ?? State(axis.count)
        for other in states.dropFirst() { total.merge(other.value) }
        return total
    }

    private func rows(_ total: State, _ axis: PeriodAxis) -> [[Value]] {
        let first = query.from == nil ? total.firstPeriod : 0
        guard first < axis.count else { return [] }
        let count = (axis.count - first + query.periodSpan - 1) / query.periodSpan
        var customers = total.customers
        if query.isCumulative {
            for number in stride(from: count - 1, through: 1, by: -1) { customers[number] += customers[number + 1] }
        }
        return (1...count).map { [.int(Int128($0)), .int(Int128(customers[$0]))] }
    }
}
