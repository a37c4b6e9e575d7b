import DukkanFormat
import DukkanStorage

/// Binds, plans and runs a `LIFECYCLE`.
final class LifecycleRun {
    private let query: LifecycleQuery
    private let scan: ActivityScan
    /// Calendar periods from the first row's, or from the first shown, to the one that holds `as of`.
    private let axis: PeriodAxis
    /// Number of the first period shown; nil: that of the first activity.
    private let first: Int?
    /// Periods shown end before this number.
    private let end: Int

    init(_ query: LifecycleQuery, _ base: QueryContext) throws {
        self.query = query
        scan = try ActivityScan(query.step, named: "LIFECYCLE", query.options, base)
        let context = scan.context
        let from = try query.from.map { try context.instant($0, in: "FROM") }
        let to = try query.to.map { try context.instant($0, in: "TO") }
        let asOf = context.asOf == .min ? 0 : context.asOf
        var earliest = scan.isEmpty ? asOf : scan.builder.tables[scan.table].snapshot.earliestTime
        if let from { earliest = min(earliest, from) }
        let axis = try PeriodAxis(
            PeriodRule(query.period, weekStartsOnSunday: query.options.weekStartsOnSunday, zone: context.clock.zone),
            covering: earliest...asOf)
        self.axis = axis
        first = from.map { axis.number(of: $0) }
        // Without a row there is no end of knowledge.
        end = context.asOf == .min ? 0 : axis.starts.dropLast().count { start in to.map { start < $0 } ?? true }
    }

    /// Customers of each period.
    private final class State {
        var rows = ActivityRows()
        var new: [Int64]
        var returning: [Int64]
        var resurrecting: [Int64]
        /// Active in the period before, and not in this one.
        var left: [Int64]

        init(_ periodCount: Int) {
            new = Array(repeating: 0, count: periodCount + 1)
            returning = new
            resurrecting = new
            left = new
        }

        deinit { rows.deallocate() }

        /// O(rows + customers).
        func add(customerCount: Int) {
            let starts = rows.starts.base, numbers = rows.numbers.base
            let count = new.count - 1
            new.withUnsafeMutableBufferPointer { new in
                returning.withUnsafeMutableBufferPointer { returning in
                    resurrecting.withUnsafeMutableBufferPointer { resurrecting in
                        left.withUnsafeMutableBufferPointer { left in
                            for customer in 0..<customerCount {
                                var last = -1
                                for row in Int(starts[customer])..<Int(starts[customer + 1]) {
                                    let number = Int(numbers[row])
                                    guard number != last, number < count else { continue }
                                    if last < 0 {
                                        new[number] += 1
                                    } else if number == last + 1 {
                                        returning[number] += 1
                                    } else {
                                        resurrecting[number] += 1
                                        left[last + 1] += 1
                                    }
                                    last = number
                                }
                                if last >= 0 { left[last + 1] += 1 }
                            }
                        }
                    }
                }
            }
        }

        func merge(_ other: State) {
            for number in new.indices {
                new[number] += other.new[number]
                returning[number] += other.returning[number]
                resurrecting[number] += other.resurrecting[number]
                left[number] += other.left[number]
            }
        }
    }

    func run() throws -> QueryResult {
        let plan = try scan.plan()
        let context = scan.context
        if let plan = context.planned({ PlanDescription(plan, scan.builder, context).lifecycle(query) }) {
            return plan
        }
        let predicate = scan.condition.map { Predicate($0) } ?? .all
        let table = scan.table, timeSlot = scan.timeSlot, axis = self.axis
        let states = try plan.run(context, makeState: { UncheckedState(value: State(axis.count)) }) { frame, _, state in
            defer { frame.meter?.enter(.other) }
            let own = state.value
            let count = try own.rows.load(frame, table: table, timeSlot: timeSlot, where: predicate, axis)
            own.add(customerCount: count)
        }
        let total = states.first?.value ?? State(axis.count)
        for other in states.dropFirst() { total.merge(other.value) }
        context.trace?.enter(.output)
        return scan.answer(.lifecycle, LifecycleRun.columns(query.period), rows(total), plan)
    }

    private static func columns(_ period: Period) -> [QueryResult.Column] {
        let counts = ["new", "returning", "resurrecting", "dormant", "open"]
        return [QueryResult.Column("period", period == .hour ? .timestamp : .date)]
            + counts.map { QueryResult.Column($0, .int) } + [QueryResult.Column("complete", .bool)]
    }

    private func rows(_ total: State) -> [[Value]] {
        let begin = first ?? total.new.firstIndex { $0 > 0 } ?? end
        guard begin < end else { return [] }
        return (begin..<end).map { number in
            // Who was active in the period before the one that is not over may still come.
            let isComplete = number < axis.count - 1
            let left = Int128(total.left[number])
            return [
                axis.label(number), .int(Int128(total.new[number])), .int(Int128(total.returning[number])),
                .int(Int128(total.resurrecting[number])), .int(isComplete ? -left : 0), .int(isComplete ? 0 : left),
                .bool(isComplete),
            ]
        }
    }
}
