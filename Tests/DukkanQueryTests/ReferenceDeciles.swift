import DukkanFormat

@testable import DukkanQuery

/// Deciles by the definition: everyone is sorted and dealt out.
struct ReferenceDeciles {
    let query: DecileQuery
    let world: ReferenceWorld

    func result() throws -> QueryResult {
        let name = query.measure.table ?? ""
        let table = world.tables[name] ?? ReferenceWorld.Table()
        let asOf = try world.asOf(query.options, tables: [name])
        let expressions = ReferenceExpressions(table: table, zone: try ReferenceWorld.zone(query.options), asOf: asOf)
        var measured: [(total: Value?, rank: Int)] = []
        for (rank, customer) in world.customers(of: [name]).enumerated() {
            let rows = table.rows.filter { $0.customer == customer && $0.time <= asOf }
            guard !rows.isEmpty else { continue }
            let values = try rows.filter { try expressions.isTrue(query.measure.filter, $0) }.map { row in
                try query.measure.argument.map { try expressions.value($0, row) } ?? .bool(true)
            }
            measured.append((try total(values.filter { $0 != .null }), rank))
        }
        measured.sort { a, b in
            let (from, to) = (a.total ?? .null, b.total ?? .null)
            if from == to { return a.rank < b.rank }
            if from == .null || to == .null { return to == .null }
            return ValueOrdering.precedes(to, from)
        }
        var answer: [[Value]] = []
        var first = 0
        for tile in 0..<10 {
            let size = measured.count / 10 + (tile < measured.count % 10 ? 1 : 0)
            guard size > 0 else { continue }
            let totals = measured[first..<first + size].compactMap(\.total)
            answer.append([.int(Int128(tile + 1)), .int(Int128(size)), ReferenceSum(totals).value ?? .null])
            first += size
        }
        return QueryResult(
            columns: ["decile", "customers", "total"].map { .init($0, .int) }, rows: answer, shape: .deciles)
    }

    private func total(_ values: [Value]) throws -> Value? {
        switch query.measure.function {
        case .count: return .int(Int128(values.count))
        case .countDistinct: return .int(Int128(Set(values).count))
        case .sum: return ReferenceSum(values).value
        case .average: return ReferenceSum(values).double.map { .double($0 / Double(values.count)) }
        case .minimum: return values.min(by: ValueOrdering.precedes)
        case .maximum: return values.max(by: ValueOrdering.precedes)
        case .quantile, .first, .last, .activePeriods:
            throw ReferenceError("the reference evaluator does not know \(query.measure.function)")
        }
    }
}
