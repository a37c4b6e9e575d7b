import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// Rows that count as activity, and the calendar, for the reference of lifecycle, stickiness and paths.
private struct ReferenceActivity {
    let world: ReferenceWorld
    let step: Step
    let calendar: ReferenceRetention
    let expressions: ReferenceExpressions

    init(_ step: Step, _ period: Period, _ options: QueryOptions, _ world: ReferenceWorld) throws {
        self.world = world
        self.step = step
        calendar = try ReferenceRetention(
            RetentionQuery(of: step, returning: step, by: period, periods: 1, options: options), world)
        expressions = ReferenceExpressions(
            table: world.tables[step.table] ?? ReferenceWorld.Table(), zone: calendar.zone, asOf: calendar.asOf)
    }

    /// For each customer the rows, by time and then by ingest.
    func customers() throws -> [[ReferenceWorld.Row]] {
        try world.customers(of: [step.table]).map { customer in
            let own = try expressions.table.rows.enumerated().filter { _, row in
                try row.customer == customer && row.time <= calendar.asOf && expressions.isTrue(step.filter, row)
            }
            return own.sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        }
    }

    func time(_ expression: Expression?) throws -> Int64? {
        guard let expression else { return nil }
        guard case .literal(let value) = expression, let time = ReferenceWorld.time(value, calendar.zone) else {
            throw ReferenceError("not a time")
        }
        return time
    }
}

/// Lifecycle by the definition: every period looks at every customer.
struct ReferenceLifecycle {
    let query: LifecycleQuery
    let world: ReferenceWorld

    func result() throws -> QueryResult {
        let activity = try ReferenceActivity(query.step, query.period, query.options, world)
        let calendar = activity.calendar
        let customers = try activity.customers().map { rows in Set(rows.map { calendar.period($0.time) }) }
        let from = try activity.time(query.from), to = try activity.time(query.to)
        var rows: [[Value]] = []
        if let first = from.map({ calendar.period($0) }) ?? customers.flatMap({ $0 }).min() {
            var period = first
            while calendar.start(ofPeriod: period) <= calendar.asOf {
                if let to, calendar.start(ofPeriod: period) >= to { break }
                rows.append(line(period, customers, calendar))
                period += 1
            }
        }
        let names = ["period", "new", "returning", "resurrecting", "dormant", "open", "complete"]
        return QueryResult(columns: names.map { .init($0, .int) }, rows: rows, shape: .lifecycle)
    }

    private func line(_ period: Int64, _ customers: [Set<Int64>], _ calendar: ReferenceRetention) -> [Value] {
        let isOver = calendar.start(ofPeriod: period + 1) <= calendar.asOf
        var new = 0, returning = 0, resurrecting = 0, gone = 0
        for active in customers {
            let wasActive = active.contains(period - 1)
            if active.contains(period) {
                if wasActive {
                    returning += 1
                } else if active.contains(where: { $0 < period }) {
                    resurrecting += 1
                } else {
                    new += 1
                }
            } else if wasActive {
                gone += 1
            }
        }
        let counts = [new, returning, resurrecting, isOver ? -gone : 0, isOver ? 0 : gone]
        return [calendar.label(period)] + counts.map { .int(Int128($0)) } + [.bool(isOver)]
    }
}

/// Stickiness by the definition.
struct ReferenceStickiness {
    let query: StickinessQuery
    let world: ReferenceWorld

    func result() throws -> QueryResult {
        let activity = try ReferenceActivity(query.step, query.period, query.options, world)
        let calendar = activity.calendar
        let from = try activity.time(query.from), to = try activity.time(query.to)
        let customers = try activity.customers().map { rows in
            rows.map(\.time).filter { time in (from.map { time >= $0 } ?? true) && (to.map { time < $0 } ?? true) }
        }
        let last = min(calendar.asOf, to.map { $0 - 1 } ?? calendar.asOf)
        var lines: [[Value]] = []
        if let first = from ?? customers.flatMap({ $0 }).min(), first <= last {
            let origin = calendar.period(first), span = Int64(query.periodSpan)
            let count = Int((calendar.period(last) - origin) / span) + 1
            let numbers = customers.map { times in
                let byPeriod = Dictionary(grouping: times) { (calendar.period($0) - origin) / span }
                return byPeriod.values.filter { $0.count >= query.rowCountMin }.count
            }
            for number in 1...count {
                let found = numbers.filter { query.isCumulative ? $0 >= number : $0 == number }
                lines.append([.int(Int128(number)), .int(Int128(found.count))])
            }
        }
        return QueryResult(
            columns: ["periods", "customers"].map { .init($0, .int) }, rows: lines, shape: .stickiness)
    }
}

/// Paths by the definition: each path is made as a list, cut, and its edges are collected.
struct ReferencePaths {
    let query: PathQuery
    let world: ReferenceWorld

    private struct Edge: Hashable {
        var step: Int
        var from: Value
        var to: Value
    }

    func result() throws -> QueryResult {
        let activity = try ReferenceActivity(query.step, .day, query.options, world)
        var seconds: [Edge: [Double]] = [:]
        for rows in try activity.customers() {
            for session in try sessions(rows, activity) {
                let path = try self.path(session, activity)
                for (number, (row, next)) in zip(path, path.dropFirst()).enumerated() {
                    let edge = Edge(
                        step: number + 1, from: try activity.expressions.value(query.item, row),
                        to: try activity.expressions.value(query.item, next))
                    seconds[edge, default: []].append(Double(next.time - row.time) / 1e6)
                }
            }
        }
        let sorted = seconds.sorted { a, b in
            if a.key.step != b.key.step { return a.key.step < b.key.step }
            if a.value.count != b.value.count { return a.value.count > b.value.count }
            if a.key.from != b.key.from { return ValueOrdering.precedes(a.key.from, b.key.from) }
            return ValueOrdering.precedes(a.key.to, b.key.to)
        }
        return QueryResult(
            columns: ["step", "from", "to", "count", "mean_s"].map { .init($0, .int) },
            rows: sorted.map { edge, times in
                [
                    .int(Int128(edge.step)), edge.from, edge.to, .int(Int128(times.count)),
                    .double(times.reduce(0, +) / Double(times.count)),
                ]
            }, shape: .paths)
    }

    /// The rows with an item, cut into sessions.
    private func sessions(
        _ rows: [ReferenceWorld.Row], _ activity: ReferenceActivity
    ) throws -> [[ReferenceWorld.Row]] {
        let rows = try rows.filter { try activity.expressions.value(query.item, $0) != .null }
        var sessions: [[ReferenceWorld.Row]] = []
        switch query.sessions {
        case .gap(let gap):
            for row in rows {
                if let last = sessions.last?.last, row.time - last.time <= gap {
                    sessions[sessions.count - 1].append(row)
                } else {
                    sessions.append([row])
                }
            }
        case .column(let expression):
            let column = expression ?? .column(ColumnName("session_id"))
            let values = try rows.map { try activity.expressions.value(column, $0) }
            for value in Set(values) where value != .null {
                sessions.append(zip(rows, values).filter { $0.1 == value }.map(\.0))
            }
        }
        return sessions
    }

    /// What is left of a session: repeats collapsed, cut at both ends, no longer than wanted.
    private func path(
        _ session: [ReferenceWorld.Row], _ activity: ReferenceActivity
    ) throws -> [ReferenceWorld.Row] {
        let expressions = activity.expressions
        var path: [ReferenceWorld.Row] = []
        for row in session {
            if let last = path.last,
                try expressions.value(query.item, last) == expressions.value(query.item, row)
            {
                continue
            }
            path.append(row)
        }
        func isItem(_ value: Expression, _ row: ReferenceWorld.Row) throws -> Bool {
            try expressions.isTrue(.binary(.equal, query.item, value), row)
        }
        if let from = query.from {
            guard let first = try path.firstIndex(where: { try isItem(from, $0) }) else { return [] }
            path = Array(path[first...])
        }
        if let towards = query.towards {
            let candidates = path.indices.dropFirst(query.from == nil ? 0 : 1)
            guard let end = try candidates.first(where: { try isItem(towards, path[$0]) }) else { return [] }
            path = Array(path[...end])
        }
        return query.towards != nil && query.from == nil
            ? path.suffix(query.depth) : Array(path.prefix(query.depth))
    }
}
