import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// The definition of a slice, row by row.
struct ReferenceSlice {
    let query: SliceQuery
    let world: ReferenceWorld

    func result() throws -> QueryResult {
        let table = world.tables[query.table] ?? ReferenceWorld.Table()
        let asOf = try world.asOf(query.options, tables: [query.table])
        let expressions = ReferenceExpressions(
            table: table, zone: try ReferenceWorld.zone(query.options), asOf: asOf)
        let rows = try table.rows.filter { try $0.time <= asOf && expressions.isTrue(query.filter, $0) }
        var groups: [[Value]: [ReferenceWorld.Row]] = query.groupBy.isEmpty ? [[]: []] : [:]
        for row in rows {
            groups[try query.groupBy.map { try expressions.value($0, row) }, default: []].append(row)
        }
        let keys = groups.keys.sorted { a, b in
            for (x, y) in zip(a, b) where x != y {
                if x == .null || y == .null { return y == .null }
                return totalOrder(x, y) < 0
            }
            return false
        }
        let answer = try keys.map { key in
            try query.items.map { item in
                if let place = query.groupBy.firstIndex(of: item.expression) { return key[place] }
                guard case .aggregate(let aggregate) = item.expression else {
                    throw ReferenceError("neither key nor aggregate")
                }
                return try value(aggregate, groups[key] ?? [], expressions)
            }
        }
        return QueryResult(columns: query.items.map { .init($0.name ?? "item", .int) }, rows: answer)
    }

    private func value(
        _ aggregate: Aggregate, _ rows: [ReferenceWorld.Row], _ expressions: ReferenceExpressions
    ) throws -> Value {
        let chosen = try rows.filter { try expressions.isTrue(aggregate.filter, $0) }
        guard let argument = aggregate.argument else { return .int(Int128(chosen.count)) }
        let values = try chosen.map { try expressions.value(argument, $0) }.filter { $0 != .null }
        switch aggregate.function {
        case .count: return .int(Int128(values.count))
        case .countDistinct: return .int(Int128(Set(values).count))
        case .minimum: return values.min { totalOrder($0, $1) < 0 } ?? .null
        case .maximum: return values.max { totalOrder($0, $1) < 0 } ?? .null
        case .sum, .average:
            if values.isEmpty { return .null }
            var total = Int128(0)
            for case .decimal(let value) in values { total += value.unscaled }
            if aggregate.function == .sum { return .decimal(DecimalValue(unscaled: total, scale: 2)) }
            return .double(Double(total) / 100 / Double(values.count))
        case .quantile(let fraction):
            if values.isEmpty { return .null }
            let sorted = values.compactMap { if case .decimal(let value) = $0 { value.double } else { nil } }.sorted()
            let rank = fraction * Double(sorted.count - 1)
            let low = Int(rank), high = min(low + 1, sorted.count - 1)
            return .double(sorted[low] + (sorted[high] - sorted[low]) * (rank - Double(low)))
        case .first, .last, .activePeriods: return .null
        }
    }
}

extension ReferenceGenerator {
    mutating func slice(times: [Int64]) -> SliceQuery {
        var random = SeededGenerator(seed: slipSeed())
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        let amount = Expression.column(ColumnName("amount")), group = Expression.column(ColumnName("group"))
        let kind = Expression.column(ColumnName("kind")), customer = Expression.column(ColumnName("customer"))
        var aggregates = [
            Aggregate(.count), Aggregate(.count, of: amount), Aggregate(.sum, of: amount),
            Aggregate(.average, of: amount), Aggregate(.minimum, of: amount), Aggregate(.maximum, of: group),
            Aggregate(.countDistinct, of: customer), Aggregate(.countDistinct, of: group),
            Aggregate(.countDistinct, of: amount), Aggregate(.quantile(0.5), of: amount),
            Aggregate(.minimum, of: kind), Aggregate(.maximum, of: .column(ColumnName("time"))),
        ].shuffled(using: &random)
        aggregates = Array(aggregates.prefix(Int.random(in: 1...4, using: &random)))
        for a in aggregates.indices where chance(30) { aggregates[a].filter = filter() }
        let time = Expression.column(ColumnName("time"))
        let unit = ["minute", "hour", "day", "week"].randomElement(using: &random) ?? "day"
        let period = Expression.call("date_trunc", [.literal(.string(unit)), time])
        var condition = chance(60) ? filter() : nil
        if chance(30), let moment = times.randomElement(using: &random) {
            let since = Expression.binary(
                chance(50) ? .greaterOrEqual : .less, time, .literal(.timestamp(Timestamp(microseconds: moment))))
            condition = condition.map { .binary(.and, $0, since) } ?? since
        }
        if chance(20), let first = condition, let second = filter() { condition = .binary(.and, second, first) }
        let keys = [kind, group, amount, customer, period].shuffled(using: &random)
            .prefix(Int.random(in: 0...3, using: &random))
        let items = (Array(keys) + aggregates.map { Expression.aggregate($0) }).map { SliceQuery.Item($0) }
        return SliceQuery(
            items, from: chance(70) ? "events" : "orders", where: condition, groupBy: Array(keys),
            options: options(times: times))
    }
}
