import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// Conditions on a customer by the definition: her rows are looked at again for every aggregate.
struct ReferenceSegments {
    let world: ReferenceWorld
    /// The segments of the store, by name.
    var definitions: [String: Expression] = [:]

    /// Whether a customer meets a condition; null where that is unknown, as in SQL.
    func value(_ condition: Expression, of customer: CustomerKey, asOf: Int64, _ options: QueryOptions) throws -> Value
    {
        func value(_ expression: Expression) throws -> Value {
            try self.value(expression, of: customer, asOf: asOf, options)
        }
        switch condition {
        case .aggregate(let aggregate): return try self.aggregate(aggregate, of: customer, asOf: asOf, options)
        case .segment(let inner): return .bool(try value(inner) == .bool(true))
        case .inSegment(let name):
            guard let definition = definitions[name] else { throw ReferenceError("no segment \(name)") }
            return .bool(try value(definition) == .bool(true))
        case .segmentAt(let inner, let time):
            guard case .literal(let literal) = time,
                let instant = ReferenceWorld.time(literal, try ReferenceWorld.zone(options))
            else { throw ReferenceError("AT needs a literal") }
            return try self.value(inner, of: customer, asOf: min(instant, asOf), options)
        case .funnel(let membership): return .bool(try stands(membership, customer, asOf: asOf, options))
        case .binary(let comparison, let a, let b):
            let sides = ReferenceExpressions(
                table: ReferenceWorld.Table(), zone: try ReferenceWorld.zone(options), asOf: asOf)
            return try sides.value(
                .binary(comparison, .literal(try value(a)), .literal(try value(b))), ReferenceWorld.Row(time: 0))
        case .not(let inner):
            let sides = ReferenceExpressions(
                table: ReferenceWorld.Table(), zone: try ReferenceWorld.zone(options), asOf: asOf)
            return try sides.value(.not(.literal(try value(inner))), ReferenceWorld.Row(time: 0))
        case .isNull(let inner, let negated): return .bool((try value(inner) == .null) != negated)
        case .literal(let literal): return literal
        case .now: return .timestamp(Timestamp(microseconds: asOf))
        default: throw ReferenceError("the reference evaluator does not know \(condition) in a segment")
        }
    }

    private func aggregate(
        _ aggregate: Aggregate, of customer: CustomerKey, asOf: Int64, _ options: QueryOptions
    ) throws -> Value {
        let name = aggregate.table ?? CustomerScope.tableNamed(in: aggregate.argument) ?? ""
        let table = world.tables[name] ?? ReferenceWorld.Table()
        let expressions = ReferenceExpressions(table: table, zone: try ReferenceWorld.zone(options), asOf: asOf)
        let rows = try table.rows.enumerated().filter { _, row in
            try row.customer == customer && row.time <= asOf && expressions.isTrue(aggregate.filter, row)
        }.sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        let all = try rows.map { row in
            try aggregate.argument.map { try expressions.value($0, row) } ?? .bool(true)
        }
        let values = all.filter { $0 != .null }
        switch aggregate.function {
        case .count: return .int(Int128(values.count))
        case .countDistinct: return .int(Int128(Set(values).count))
        case .sum: return ReferenceSum(values).value ?? .null
        case .average: return ReferenceSum(values).double.map { .double($0 / Double(values.count)) } ?? .null
        case .minimum: return values.min(by: ValueOrdering.precedes) ?? .null
        case .maximum: return values.max(by: ValueOrdering.precedes) ?? .null
        case .first: return all.first ?? .null
        case .last: return all.last ?? .null
        case .quantile: throw ReferenceError("the reference evaluator does not know quantiles")
        case .activePeriods(let period, let count):
            let step = Step(in: name)
            let calendar = try ReferenceRetention(
                RetentionQuery(of: step, returning: step, by: period, periods: 1, options: options), world)
            // The last n periods, with the one that is running.
            let last = calendar.period(asOf)
            let active = Set(rows.map { calendar.period($0.time) }).filter { $0 > last - Int64(count) }
            return .int(Int128(active.count))
        }
    }

    /// Whether she stands somewhere in a funnel, as of the segment's time.
    private func stands(
        _ membership: FunnelMembership, _ customer: CustomerKey, asOf: Int64, _ options: QueryOptions
    ) throws -> Bool {
        var query = membership.query
        query.options = options
        query.options.segment = nil
        query.options.asOf = .literal(.timestamp(Timestamp(microseconds: asOf)))
        query.view = .steps
        query.breakdown = nil
        query.measure = nil
        var own = world
        for name in own.tables.keys { own.tables[name]?.rows.removeAll { $0.customer != customer } }
        let groups = try ReferenceFunnelOptions(query, own).groups()
        return groups.flatMap(\.outcomes).contains {
            ReferenceFunnelOptions.stands($0, membership.standing, at: membership.step, of: query.steps.count)
        }
    }

    /// The world of those customers who meet a query's condition.
    ///
    /// The options get the time that they stand for, as the latest of all rows, not of these alone.
    func restrict(_ options: inout QueryOptions, tables: [String]) throws -> ReferenceWorld {
        guard let condition = options.segment else { return world }
        var asked = tables
        condition.collectTables(definitions, into: &asked)
        let asOf = try world.asOf(options, tables: asked)
        options.asOf = .literal(.timestamp(Timestamp(microseconds: asOf)))
        options.segment = nil
        var members: [CustomerKey: Bool] = [:]
        for customer in world.customers(of: world.tables.keys.sorted()) {
            members[customer] = try value(condition, of: customer, asOf: asOf, options) == .bool(true)
        }
        var restricted = world
        for name in world.tables.keys {
            restricted.tables[name]?.rows.removeAll { row in row.customer.map { members[$0] != true } ?? true }
        }
        return restricted
    }
}
