import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// Retention with all of its options by the definition: every cell looks at every customer of the cohort and all of
/// her return rows.
struct ReferenceRetentionOptions {
    let query: RetentionQuery
    let world: ReferenceWorld
    /// Periods, their begins and their names.
    let calendar: ReferenceRetention

    /// A customer in a cohort.
    struct Member {
        var cohort: Int64
        /// Her start row there.
        var start: Int64
        var split: Value
        /// Return rows from her start on, each with how many periods later it is.
        var returns: [(k: Int64, row: ReferenceWorld.Row)]
    }

    init(_ query: RetentionQuery, _ world: ReferenceWorld) throws {
        self.query = query
        self.world = world
        calendar = try ReferenceRetention(query, world)
    }

    // MARK: Rows

    private func expressions(_ table: String) -> ReferenceExpressions {
        ReferenceExpressions(
            table: world.tables[table] ?? ReferenceWorld.Table(), zone: calendar.zone, asOf: calendar.asOf)
    }

    /// The rows of a customer that a step matches, by time and then by ingest.
    private func rows(_ step: Step, of customer: CustomerKey) throws -> [ReferenceWorld.Row] {
        let expressions = expressions(step.table)
        let all = (world.tables[step.table]?.rows ?? []).filter { $0.customer == customer && $0.time <= calendar.asOf }
        let byTime = all.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
        var rows = try byTime.map(\.element).filter { try expressions.isTrue(step.filter, $0) }
        if let first = step.firstEver {
            rows = Array(rows.prefix(1))
            rows = try rows.filter { try expressions.isTrue(first.filter, $0) }
        }
        return try rows.filter { try expressions.isTrue(query.filter, $0) }
    }

    private func members(_ customer: CustomerKey) throws -> [Member] {
        var starts = try rows(query.start, of: customer)
        if query.cohorts == .firstTime { starts = Array(starts.prefix(1)) }
        let returns = try rows(query.returning, of: customer)
        var members: [Member] = []
        for start in starts where !members.contains(where: { $0.cohort == calendar.period(start.time) }) {
            let cohort = calendar.period(start.time)
            members.append(
                Member(
                    cohort: cohort, start: start.time,
                    split: try query.split.map { try expressions(query.start.table).value($0.expression, start) }
                        ?? .null,
                    returns: returns.filter { $0.time >= start.time }.map { row in
                        (k: periodsSince(start.time, cohort, row.time), row: row)
                    }))
        }
        return members
    }

    private func periodsSince(_ start: Int64, _ cohort: Int64, _ time: Int64) -> Int64 {
        guard let length = rollingLength else { return calendar.period(time) - cohort }
        return (time - start) / length
    }

    /// Whole hours, days or weeks of the clock that never changes.
    private var rollingLength: Int64? {
        guard query.isRolling else { return nil }
        switch query.period {
        case .hour: return CivilCalendar.microsecondsPerHour
        case .day: return CivilCalendar.microsecondsPerDay
        default: return 7 * CivilCalendar.microsecondsPerDay
        }
    }

    // MARK: Cells

    /// First and last k of each cell.
    private var cells: [ClosedRange<Int64>] {
        guard !query.brackets.isEmpty else { return (0..<Int64(query.periodCount)).map { $0...$0 } }
        var cells: [ClosedRange<Int64>] = [0...0]
        for length in query.brackets {
            let next = (cells.last?.upperBound ?? 0) + 1
            cells.append(next...next + Int64(length) - 1)
        }
        return cells
    }

    /// The number of the cell that holds a period; each one past the last is a cell of its own.
    private func cell(_ k: Int64, _ cells: [ClosedRange<Int64>]) -> Int {
        if let cell = cells.firstIndex(where: { $0.contains(k) }) { return cell }
        return cells.count + Int(k - (cells.last?.upperBound ?? 0)) - 1
    }

    /// Return rows by cell, of the cells in which she came back often enough; at 0 any row will do.
    private func returns(_ member: Member, _ cells: [ClosedRange<Int64>]) -> [Int: [ReferenceWorld.Row]] {
        let byCell = Dictionary(grouping: member.returns) { cell($0.k, cells) }
        return byCell.filter { $0.key == 0 || $0.value.count >= query.returnCountMin }
            .mapValues { $0.map(\.row) }
    }

    /// Whether a cell shows what lies in another.
    private func shows(_ cell: Int, _ other: Int) -> Bool {
        if query.isOnOrAfter { return other >= cell }
        return query.isRunning ? other <= cell : other == cell
    }

    private func value(
        _ measure: RetentionQuery.Measure, _ cell: Int, _ members: [Member], _ cells: [ClosedRange<Int64>]
    ) throws -> Value {
        let expression: Expression
        switch measure {
        case .customers:
            if cell == 0 { return .int(Int128(members.count)) }
            let found = members.filter { member in
                returns(member, cells).keys.contains { $0 > 0 && shows(cell, $0) }
            }
            return .int(Int128(found.count))
        case .sum(let measured), .average(let measured):
            expression = measured
        }
        var values: [Value] = []
        for member in members {
            for (other, rows) in returns(member, cells).sorted(by: { $0.key < $1.key }) where shows(cell, other) {
                for row in rows {
                    let value = try self.value(expression, row)
                    if value != .null { values.append(value) }
                }
            }
        }
        let total = ReferenceSum(values)
        if case .average = measure { return total.double.map { .double($0 / Double(values.count)) } ?? .null }
        if query.isPerCustomer { return .double((total.double ?? 0) / Double(members.count)) }
        return total.value ?? .int(0)
    }

    /// A column, or a column divided by a number.
    private func value(_ expression: Expression, _ row: ReferenceWorld.Row) throws -> Value {
        let expressions = expressions(query.returning.table)
        guard case .binary(.divide, let a, .literal(.int(let divisor))) = expression else {
            return try expressions.value(expression, row)
        }
        guard case .decimal(let number) = try expressions.value(a, row) else { return .null }
        return .double(number.double / Double(divisor))
    }

    private func isAbsent(_ cell: ClosedRange<Int64>, _ cohort: Int64) -> Bool {
        if let length = rollingLength {
            return calendar.start(ofPeriod: cohort) + cell.lowerBound * length > calendar.asOf
        }
        return calendar.start(ofPeriod: cohort + cell.lowerBound) > calendar.asOf
    }

    private func isComplete(_ cell: ClosedRange<Int64>, _ cohort: Int64) -> Bool {
        if let length = rollingLength {
            return calendar.start(ofPeriod: cohort + 1) + (cell.upperBound + 1) * length <= calendar.asOf
        }
        return calendar.start(ofPeriod: cohort + cell.upperBound + 1) <= calendar.asOf
    }

    // MARK: Answer

    func result() throws -> QueryResult {
        var groups: [(value: Value, isOther: Bool, members: [Member])] = []
        for customer in world.customers(of: [query.start.table, query.returning.table]) {
            for member in try members(customer) {
                if let place = groups.firstIndex(where: { $0.value == member.split }) {
                    groups[place].members.append(member)
                } else {
                    groups.append((member.split, false, [member]))
                }
            }
        }
        groups.sort { a, b in
            let (from, to) = (a.members.count, b.members.count)
            return from != to ? from > to : ValueOrdering.precedes(a.value, b.value)
        }
        if let top = query.split?.top, groups.count > top {
            groups = Array(groups[..<top]) + [(.string("other"), true, groups[top...].flatMap(\.members))]
        }
        var rows: [[Value]] = []
        for group in groups {
            for (cohort, members) in Dictionary(grouping: group.members, by: \.cohort).sorted(by: { $0.key < $1.key }) {
                for line in try lines(cohort, members) { rows.append((query.split == nil ? [] : [group.value]) + line) }
            }
        }
        var names = ["cohort", "period", "size", "value", "complete"]
        if query.measures.count > 1 { names.insert("measure", at: 3) }
        if query.split != nil { names.insert("split", at: 0) }
        return QueryResult(columns: names.map { .init($0, .int) }, rows: rows, shape: .retention)
    }

    private func lines(_ cohort: Int64, _ members: [Member]) throws -> [[Value]] {
        var lines: [[Value]] = []
        let cells = self.cells
        for (number, cell) in cells.enumerated() where !isAbsent(cell, cohort) {
            let isComplete = isComplete(cell, cohort)
            for measure in query.measures {
                var line = [calendar.label(cohort), .int(Int128(number)), .int(Int128(members.count))]
                if query.measures.count > 1 { line.append(.string(title(measure))) }
                line.append(
                    query.maturedOnly && !isComplete ? .null : try value(measure, number, members, cells))
                lines.append(line + [.bool(isComplete)])
            }
        }
        return lines
    }

    private func title(_ measure: RetentionQuery.Measure) -> String {
        switch measure {
        case .customers: "customers"
        case .sum(let expression): "sum(\(expression))"
        case .average(let expression): "avg(\(expression))"
        }
    }
}
