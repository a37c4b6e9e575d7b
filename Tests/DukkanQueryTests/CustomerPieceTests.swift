import DukkanFormat
import DukkanTime
import Testing

@testable import DukkanQuery
@testable import DukkanStorage

/// Slices over customers whose rows fill several row blocks, which come one after the other: each customer counts once.
@Suite struct CustomerPieceTests {
    private static let hour: Int64 = 3_600_000_000

    private struct Row {
        var customer: Int64
        var time: Int64
        var kind: String
        var amount: Int64
    }

    /// Two customers of several row blocks among others, one behind the other and with few rows between.
    private static let rows: [Row] = {
        let lengths: [(Int64, Int)] = [(1, 3), (2, 150_000), (3, 70_000), (4, 2), (5, 66_000), (6, 4)]
        return lengths.flatMap { customer, count in
            (0..<count).map { row in
                // Kinds that come back after a whole block without them.
                let kind = row / 40_000 % 2 == 0 ? "even" : "odd\(row % 3)"
                return Row(customer: customer, time: Int64(row) * hour / 20, kind: kind, amount: Int64(row % 97))
            }
        }
    }()

    private func store() throws -> EngineStore {
        let store = try EngineStore()
        let columns = [
            ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("time", .timestamp, role: .time),
            ColumnDefinition("kind", .string), ColumnDefinition("amount", .int),
        ]
        try store.core.createTable(TableSchema("events", columns: columns))
        let vectors = columns.map { ColumnVector($0.type.physical) }
        let kinds = ["even", "odd0", "odd1", "odd2"]
        vectors[2].dictionary = StringDictionary(kinds)
        for row in Self.rows {
            vectors[0].append(row.customer)
            vectors[1].append(row.time)
            vectors[2].append(code: UInt32(kinds.firstIndex(of: row.kind) ?? 0))
            vectors[3].append(row.amount)
        }
        try store.core.append(table: "events", RowBatch(columns: vectors, rowCount: Self.rows.count))
        try store.core.commit()
        _ = try store.core.compact()
        return store
    }

    private func column(_ name: String) -> Expression { .column(ColumnName(name)) }

    /// Counts, sums and customers by a key, of the rows that a filter leaves.
    private func check(
        _ store: EngineStore, by key: Expression?, where filter: Expression?, _ what: String,
        key keyOf: (Row) -> Value, isIn: (Row) -> Bool
    ) throws {
        var query = SliceQuery(
            (key.map { [SliceQuery.Item($0)] } ?? [])
                + [
                    .init(.aggregate(Aggregate(.count))), .init(.aggregate(Aggregate(.sum, of: column("amount")))),
                    .init(.aggregate(Aggregate(.countDistinct, of: column("customer")))),
                ], from: "events")
        query.filter = filter
        query.groupBy = key.map { [$0] } ?? []
        var counts: [Value: (rows: Int, sum: Int64, customers: Set<Int64>)] = [:]
        for row in Self.rows where isIn(row) {
            var group = counts[keyOf(row)] ?? (0, 0, [])
            group.rows += 1
            group.sum += row.amount
            group.customers.insert(row.customer)
            counts[keyOf(row)] = group
        }
        let expected = Set(
            counts.map { group, found in
                (key == nil ? [] : [group])
                    + [found.rows, Int(found.sum), found.customers.count].map { .int(Int128($0)) }
            })
        for threads in [1, 2] {
            let answer = try store.run(.select(query), threads: threads)
            #expect(Set(answer.rows) == expected, "\(what), \(threads) threads")
        }
    }

    @Test func everyCustomerCountsOnce() throws {
        let store = try store()
        let part = try #require(try store.core.snapshot().table(named: "events")?.parts.first)
        #expect(part.footer.rowBlocks.count(where: \.continues) >= 4)
        let kind = column("kind")
        let isOdd = Expression.binary(.notEqual, kind, .literal(.string("even")))
        let isFew = Expression.binary(.less, column("amount"), .literal(.int(2)))
        let day = Expression.call("date_trunc", [.literal(.string("day")), column("time")])
        let start = Self.hour * 4_000
        let isLate = Expression.binary(
            .greaterOrEqual, column("time"), .literal(.timestamp(Timestamp(microseconds: start))))
        let dayOf: (Row) -> Value = { .date(CivilDate(days: $0.time / (24 * Self.hour))) }
        try check(store, by: nil, where: nil, "all") { _ in
            .null
        } isIn: { _ in
            true
        }
        try check(store, by: nil, where: isFew, "few") { _ in
            .null
        } isIn: {
            $0.amount < 2
        }
        try check(store, by: nil, where: isOdd, "blocks without a row") { _ in
            .null
        } isIn: {
            $0.kind != "even"
        }
        try check(store, by: kind, where: nil, "by kind") {
            .string($0.kind)
        } isIn: { _ in
            true
        }
        try check(store, by: kind, where: isFew, "few by kind") {
            .string($0.kind)
        } isIn: {
            $0.amount < 2
        }
        try check(store, by: kind, where: isLate, "late by kind") {
            .string($0.kind)
        } isIn: {
            $0.time >= start
        }
        try check(store, by: day, where: nil, "by day", key: dayOf) { _ in true }
        try check(store, by: day, where: isOdd, "odd by day", key: dayOf) { $0.kind != "even" }
    }
}
