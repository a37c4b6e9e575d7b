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

    /// - Parameter commits: parts, which nothing merges where there are several.
    private func store(commits: Int = 1) throws -> EngineStore {
        let store = try EngineStore()
        let columns = [
            ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("time", .timestamp, role: .time),
            ColumnDefinition("kind", .string), ColumnDefinition("amount", .int),
        ]
        try store.core.createTable(TableSchema("events", columns: columns))
        let vectors = columns.map { ColumnVector($0.type.physical) }
        let kinds = ["even", "odd0", "odd1", "odd2"]
        vectors[2].dictionary = StringDictionary(kinds)
        for commit in 0..<commits {
            for vector in vectors { vector.removeAll() }
            for (place, row) in Self.rows.enumerated() where place % commits == commit {
                vectors[0].append(row.customer)
                vectors[1].append(row.time)
                vectors[2].append(code: UInt32(kinds.firstIndex(of: row.kind) ?? 0))
                vectors[3].append(row.amount)
            }
            try store.core.append(table: "events", RowBatch(columns: vectors, rowCount: vectors[0].count))
            try store.core.commit()
        }
        if commits == 1 { _ = try store.core.compact() }
        return store
    }

    @Test func funnelsFindTheSameInPiecesAsInCopies() throws {
        let whole = try store(), parts = try store(commits: 3)
        func step(_ kind: String) -> Step {
            Step(in: "events", where: .binary(.equal, column("kind"), .literal(.string(kind))))
        }
        let attributions: [FunnelQuery.Attribution?] = [nil, .first, .last, .stepFirst(1), .step(0)]
        for attribution in attributions {
            for window in [1, 2_500] {
                var query = FunnelQuery([step("even"), step("odd1"), step("even")])
                query.window = Int64(window) * Self.hour
                query.breakdown = attribution.map { .init(column("kind"), attributed: $0) }
                let expected = try parts.run(.funnel(query), threads: 1)
                #expect(expected.rows.count >= 3)
                for threads in [1, 2] {
                    let found = try whole.run(.funnel(query), threads: threads)
                    #expect(found.rows == expected.rows, "\(String(describing: attribution)), \(threads) threads")
                }
            }
        }
    }

    @Test(arguments: [1, 3]) func countedRowsAreThoseOfEachCustomer(commits: Int) throws {
        let store = try store(commits: commits)
        let columns = [
            ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("time", .timestamp, role: .time),
            ColumnDefinition("plan", .string),
        ]
        try store.core.createTable(TableSchema("people", columns: columns))
        let vectors = columns.map { ColumnVector($0.type.physical) }
        vectors[2].dictionary = StringDictionary(["free"])
        for customer in 1...7 {
            vectors[0].append(Int64(customer))
            vectors[1].append(Int64(customer) * Self.hour)
            vectors[2].append(code: 0)
        }
        try store.core.append(table: "people", RowBatch(columns: vectors, rowCount: 7))
        try store.core.commit()
        let conditions: [(Expression, (Row) -> Bool)] = [
            (.binary(.equal, column("kind"), .literal(.string("odd1"))), { $0.kind == "odd1" }),
            (.binary(.greaterOrEqual, column("amount"), .literal(.int(96))), { $0.amount >= 96 }),
            (
                .binary(
                    .and, .binary(.notEqual, column("kind"), .literal(.string("even"))),
                    .binary(.less, column("amount"), .literal(.int(3)))), { $0.kind != "even" && $0.amount < 3 }
            ),
        ]
        for (condition, isIn) in conditions {
            for least in [0, 1, 300, 1_500] {
                var measure = Aggregate(.count)
                measure.table = "events"
                measure.filter = condition
                var query = SliceQuery([.init(column("customer"))], from: "people")
                query.filter = .segment(
                    .binary(.greaterOrEqual, .aggregate(measure), .literal(.int(Int128(least)))))
                let expected = (1...7).filter { customer in
                    Self.rows.count { $0.customer == customer && isIn($0) } >= least
                }
                for threads in [1, 2] {
                    let found = try store.run(.select(query), threads: threads)
                    #expect(
                        found.rows == expected.map { [.int(Int128($0))] }, "\(condition), \(least), \(threads) threads")
                }
            }
        }
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
