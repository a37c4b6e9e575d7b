import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// A row of one customer, as the definitions of a funnel speak of it.
struct ReferenceChainRow {
    var time: Int64
    /// Place in the total order of the customer: time, table, ingest.
    var place = 0
    /// The steps that it may serve, a bit each.
    var steps: UInt32 = 0
    /// The exclusions that it meets, a bit each.
    var exclusions: UInt32 = 0
    /// Whether it lies in a table of the steps: among those rows a strict chain has its neighbours.
    var isNeighbour = false
    /// Of the breakdown.
    var value = Value.null
    /// Of `HOLDING`.
    var held = Value.null
    /// Of `WITHIN SESSION`.
    var session = Value.null
    /// Of `COUNTING SESSIONS`.
    var unit = Value.null
    /// Of `MEASURING`.
    var measured = Value.null

    func serves(_ step: Int) -> Bool { steps & 1 << UInt32(step) != 0 }
}

/// Finds what the rows of a customer are to a funnel: which steps each may serve, which exclusions it meets.
struct ReferenceChainRows {
    let query: FunnelQuery
    let world: ReferenceWorld
    let asOf: Int64
    /// Tables of the steps in the order of the query, then those that only exclusions have.
    let tables: [String]
    private let expressions: [String: ReferenceExpressions]

    init(_ query: FunnelQuery, _ world: ReferenceWorld) throws {
        self.query = query
        self.world = world
        var tables: [String] = []
        for step in query.steps + query.exclusions.map(\.step) where !tables.contains(step.table) {
            tables.append(step.table)
        }
        self.tables = tables
        let asOf = try world.asOf(query.options, tables: tables)
        self.asOf = asOf
        let zone = try ReferenceWorld.zone(query.options)
        expressions = Dictionary(
            uniqueKeysWithValues: tables.map { name in
                let table = world.tables[name] ?? ReferenceWorld.Table()
                return (name, ReferenceExpressions(table: table, zone: zone, asOf: asOf))
            })
    }

    /// All rows of a customer up to `as of` in the tables of the steps and exclusions, in the total order.
    func rows(of customer: CustomerKey) throws -> [ReferenceChainRow] {
        var found: [(key: (Int64, Int, Int), row: ReferenceChainRow)] = []
        for (number, name) in tables.enumerated() {
            for (ingest, row) in (world.tables[name]?.rows ?? []).enumerated()
            where row.customer == customer && row.time <= asOf {
                found.append(((row.time, number, ingest), try describe(row, in: name, number: ingest, of: customer)))
            }
        }
        found.sort { $0.key < $1.key }
        return found.enumerated().map { place, item in
            var row = item.row
            row.place = place
            return row
        }
    }

    private func describe(
        _ row: ReferenceWorld.Row, in table: String, number: Int, of customer: CustomerKey
    ) throws -> ReferenceChainRow {
        guard let expressions = expressions[table] else { throw ReferenceError("no table \(table)") }
        func value(_ expression: Expression?) throws -> Value {
            try expression.map { try expressions.value($0, row) } ?? .null
        }
        var found = ReferenceChainRow(time: row.time)
        found.isNeighbour = query.steps.contains { $0.table == table }
        found.value = try value(query.breakdown?.expression)
        found.held = try value(query.holding)
        found.session = try value(query.session)
        if case .sessions(let expression) = query.unit {
            found.unit = try value(expression ?? .column(ColumnName("session_id")))
        }
        if let measure = query.measure, query.steps[measure.step].table == table {
            found.measured = try value(measure.expression)
        }
        for (step, description) in query.steps.enumerated() where description.table == table {
            if try isStep(step, row, number, of: customer, expressions) { found.steps |= 1 << UInt32(step) }
        }
        // A row without the value that must be held is no step.
        if query.holding != nil && found.held == .null { found.steps = 0 }
        if query.session != nil && found.session == .null { found.steps = 0 }
        for (exclusion, description) in query.exclusions.enumerated() where description.step.table == table {
            if try expressions.isTrue(description.step.filter, row) { found.exclusions |= 1 << UInt32(exclusion) }
        }
        return found
    }

    private func isStep(
        _ step: Int, _ row: ReferenceWorld.Row, _ number: Int, of customer: CustomerKey,
        _ expressions: ReferenceExpressions
    ) throws -> Bool {
        let description = query.steps[step]
        guard try expressions.isTrue(description.filter, row), try expressions.isTrue(query.filter, row) else {
            return false
        }
        if let firstEver = description.firstEver {
            // Her first row of all history that meets the step's own filter, and nothing else.
            let first = try expressions.table.rows.enumerated().filter { _, other in
                try other.customer == customer && other.time <= asOf && expressions.isTrue(description.filter, other)
            }.min { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
            guard first?.offset == number, try expressions.isTrue(firstEver.filter, row) else { return false }
        }
        // In any order the oldest row is the entry, whatever step it serves.
        return try step > 0 || query.order == .any || isEntered(row.time)
    }

    /// `ENTERED FROM a TO b`, half open.
    func isEntered(_ time: Int64) throws -> Bool {
        let bounds = try enteredBounds()
        return time >= bounds.from ?? .min && bounds.to.map { time < $0 } ?? true
    }

    /// The instants of `ENTERED FROM a TO b`.
    func enteredBounds() throws -> (from: Int64?, to: Int64?) {
        let zone = try ReferenceWorld.zone(query.options)
        func time(_ expression: Expression?) throws -> Int64? {
            guard let expression else { return nil }
            if expression == .now { return asOf }
            guard case .literal(let value) = expression, let time = ReferenceWorld.time(value, zone) else {
                throw ReferenceError("ENTERED needs a literal")
            }
            return time
        }
        return (try time(query.enteredFrom), try time(query.enteredTo))
    }
}
