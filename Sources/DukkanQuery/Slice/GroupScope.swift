import DukkanFormat
import DukkanStorage

/// Names behind an aggregation: keys of the group, aggregates, names of items.
final class GroupScope: BindingScope {
    let rowScope: RowScope
    let groupBy: [Expression]
    let keys: [BoundExpression]
    /// Items by name, for `HAVING` and `ORDER BY`.
    var names = [String: BoundExpression]()
    private(set) var aggregates: [AggregatePlan] = []

    init(_ rowScope: RowScope, groupBy: [Expression], keys: [BoundExpression]) {
        self.rowScope = rowScope
        self.groupBy = groupBy
        self.keys = keys
    }

    func bindWhole(_ expression: Expression, _ binder: Binder) throws -> BoundExpression? {
        if let place = groupBy.firstIndex(of: expression) { return key(place) }
        switch expression {
        case .aggregate(let aggregate):
            return try bind(aggregate, binder)
        case .literal, .interval, .now, .inSegment, .segment, .segmentAt, .funnel: return nil
        default:
            if Self.containsAggregate(expression) { return nil }
            // `events.country` and `country` are one key, so the bound forms decide.
            if case .column(let name) = expression, name.table == nil, names[name.name] != nil { return nil }
            guard let bound = try? Binder(binder.context, rowScope).bind(expression) else { return nil }
            return keys.firstIndex(of: bound).map { key($0) }
        }
    }

    private func key(_ place: Int) -> BoundExpression {
        BoundExpression(.groupKey(place), keys[place].type)
    }

    static func containsAggregate(_ expression: Expression) -> Bool {
        switch expression {
        case .aggregate: true
        case .not(let a), .negate(let a), .like(let a, _, _, _), .isNull(let a, _): containsAggregate(a)
        case .binary(_, let a, let b): containsAggregate(a) || containsAggregate(b)
        case .between(let a, let low, let high, _):
            containsAggregate(a) || containsAggregate(low) || containsAggregate(high)
        case .inList(let a, let items, _): containsAggregate(a) || items.contains { containsAggregate($0) }
        case .when(let branches, let otherwise):
            branches.contains { containsAggregate($0.condition) || containsAggregate($0.value) }
                || (otherwise.map { containsAggregate($0) } ?? false)
        case .call(_, let arguments): arguments.contains { containsAggregate($0) }
        default: false
        }
    }

    func bindColumn(_ name: ColumnName, _ binder: Binder) throws -> BoundExpression {
        if name.table == nil, let named = names[name.name] { return named }
        _ = try rowScope.bindColumn(name, binder)
        throw DukkanError(
            .invalidQuery, "the column '\(name.name)' is neither in GROUP BY nor within an aggregate",
            advice: "Add it to GROUP BY, or write max(\(name.name)).")
    }

    func bindSegment(_ condition: Expression, _ binder: Binder) throws -> BoundExpression {
        let bound = try rowScope.bindSegment(condition, binder)
        if let place = keys.firstIndex(of: bound) { return key(place) }
        throw DukkanError(.invalidQuery, "membership in a segment must be in GROUP BY to stand beside aggregates")
    }

    private func bind(_ aggregate: Aggregate, _ binder: Binder) throws -> BoundExpression {
        let rowBinder = Binder(binder.context, rowScope)
        let schema = rowScope.builder.tables[rowScope.table].snapshot.schema
        if let table = aggregate.table, table.lowercased() != schema.name.lowercased() {
            throw DukkanError(
                .invalidQuery, "an aggregate over '\(table)' cannot stand in a SELECT from \(schema.name)")
        }
        var argument = try aggregate.argument.map { try rowBinder.bind($0) }
        let filter = try aggregate.filter.map { try rowBinder.bindCondition($0, in: "FILTER") }
        var type = ScalarType.int
        func need(_ name: String, _ kind: String, _ isRight: (ScalarType) -> Bool) throws {
            guard let given = argument?.type else { throw DukkanError(.invalidQuery, "\(name) needs an argument") }
            if !isRight(given) {
                throw DukkanError(.invalidQuery, "\(name) needs \(kind), not a value of type \(given.name)")
            }
        }
        switch aggregate.function {
        case .count: break
        case .countDistinct:
            try need("count(DISTINCT …)", "a value") { $0 != .null }
            if case .customer? = argument?.node { argument = nil }
        case .sum:
            try need("sum", "a number") { $0.isNumber || $0 == .interval }
            type = argument?.type ?? .int
        case .average:
            try need("avg", "a number") { $0.isNumber || $0 == .interval }
            type = .double
        case .minimum:
            try need("min", "a value") { $0 != .null }
            type = argument?.type ?? .int
        case .maximum:
            try need("max", "a value") { $0 != .null }
            type = argument?.type ?? .int
        case .quantile(let fraction):
            try need("quantile", "a number") { $0.isNumber || $0 == .interval }
            if !(0...1).contains(fraction) {
                throw DukkanError(.invalidQuery, "the fraction of a quantile is from 0 to 1, not \(fraction)")
            }
            type = .double
        case .first, .last, .activePeriods:
            throw DukkanError(
                .invalidQuery, "first, last and active are for one customer's rows, in a segment",
                advice: "In a SELECT, min and max give the least and the greatest value of a group.")
        }
        let plan = AggregatePlan(function: aggregate.function, argument: argument, filter: filter, type: type)
        let place = aggregates.firstIndex(of: plan) ?? aggregates.count
        if place == aggregates.count { aggregates.append(plan) }
        return BoundExpression(.aggregate(place), type)
    }
}
