import Dukkan
import Testing

/// The façade, as an application uses it.
struct StoreTests {
    private let folder = StoreFolder()

    private func count(_ store: Store) throws -> Value {
        try store.query("SELECT count(*) FROM orders").rows[0][0]
    }

    @Test func `rows are seen when they are committed, and not before`() throws {
        let store = try Store.create(at: folder.path)
        try store.createTable(Order.schema)
        let reader = try Store.open(at: folder.path, mode: .readOnly)
        try store.append(Order.series(100), to: "orders")
        #expect(try count(store) == .int(0))
        #expect(try count(reader) == .int(0))
        try store.commit()
        #expect(try count(store) == .int(100))
        #expect(try count(reader) == .int(100))
    }

    @Test func `what is rolled back or not committed is gone`() throws {
        do {
            let store = try Store.create(at: folder.path)
            try store.createTable(Order.schema)
            try store.append(Order.series(10), to: "orders")
            try store.rollback()
            try store.append(Order.series(3), to: "orders")
            try store.commit()
            try store.append(Order.series(5, from: 50), to: "orders")
            store.close()
        }
        let store = try Store.open(at: folder.path)
        #expect(try count(store) == .int(3))
        #expect(try store.verify().isEmpty)
    }

    @Test func `sums of money are exact and a key replaces the earlier row`() async throws {
        let store = try Store.create(at: folder.path)
        try store.createTable(Order.schema)
        try store.append(Order.series(1000), to: "orders")
        try await store.commit()
        var changed = Order.series(1)[0]
        changed.revenue = 100.05
        try store.append([changed], to: "orders")
        try await store.commit()
        let row = try await store.query("SELECT count(*), sum(revenue), count(DISTINCT customer) FROM orders").rows[0]
        #expect(row == [.int(1000), .decimal(DecimalValue(unscaled: 134_880, scale: 2)), .int(10)])
    }

    @Test func `a second writer is refused and readers are not`() throws {
        let store = try Store.create(at: folder.path)
        #expect {
            _ = try Store.open(at: folder.path)
        } throws: {
            ($0 as? DukkanError)?.code == .locked
        }
        _ = try Store.open(at: folder.path, mode: .readOnly)
        store.close()
        _ = try Store.open(at: folder.path)
    }

    @Test func `a reader cannot write`() throws {
        _ = try Store.create(at: folder.path)
        let reader = try Store.open(at: folder.path, mode: .readOnly)
        #expect {
            try reader.createTable(Order.schema)
        } throws: {
            ($0 as? DukkanError)?.code == .readOnly
        }
    }

    @Test func `a store that is not there is not found`() {
        #expect {
            _ = try Store.open(at: folder.path, mode: .readOnly)
        } throws: {
            ($0 as? DukkanError)?.code == .notFound
        }
    }

    @Test func `statements that change the store commit at once`() throws {
        let store = try Store.create(at: folder.path)
        try store.query("CREATE TABLE visits (who STRING CUSTOMER, at TIMESTAMP TIME)")
        try store.query("ALTER TABLE visits ADD COLUMN page STRING")
        try store.query("DEFINE SEGMENT keen AS count(visits) >= 3")
        let reader = try Store.open(at: folder.path, mode: .readOnly)
        #expect(try reader.table(named: "VISITS").schema.columns.map(\.name) == ["who", "at", "page"])
        #expect(try reader.query("SHOW SEGMENTS").rows == [[.string("keen"), .string("count(visits) >= 3")]])
        try store.query("DROP SEGMENT keen")
        try store.query("DROP TABLE visits")
        #expect(try reader.tables().isEmpty)
    }

    @Test func `an error names the place in the statement and the near name`() throws {
        let store = try Store.create(at: folder.path)
        try store.createTable(Order.schema)
        do {
            try store.query("SELECT count(*)\nFROM ordres")
            Issue.record("there is no table ordres")
        } catch let error as DukkanError {
            #expect(error.place.line == 2)
            #expect(error.place.offset == 21)
            #expect(error.description.contains("orders"))
        }
    }

    @Test func `a statement made in Swift answers as its text does`() throws {
        let store = try Store.create(at: folder.path)
        try store.createTable(Order.schema)
        try store.append(Order.series(200), to: "orders")
        try store.commit()
        let statement = Statement.retention(
            RetentionQuery(of: Step(in: "orders"), returning: Step(in: "orders"), by: .day, periods: 3))
        let made: QueryResult = try store.run(statement)
        let read = try store.query("RETENTION OF orders RETURNING orders BY DAY FOR 3 PERIODS FIRST TIME")
        #expect(made.rows == read.rows)
        #expect(made.rows.count > 0)
        #expect(try Statement(statement.canonicalText) == statement)
    }

    @Test func `a retention without measures is refused, and takes its first one`() throws {
        let store = try Store.create(at: folder.path)
        try store.createTable(Order.schema)
        try store.commit()
        var query = RetentionQuery(of: Step(in: "orders"), returning: Step(in: "orders"), by: .day, periods: 3)
        query.measures = []
        let error = #expect(throws: DukkanError.self) { try store.run(.retention(query)) as QueryResult }
        #expect(error?.code == .invalidQuery)
        #expect(query.measure == .customers)
        query.measure = .customers
        #expect(query.measures == [.customers])
    }

    @Test func `a cancelled task stops its query`() async throws {
        let store = try Store.create(at: folder.path)
        try store.createTable(Order.schema)
        try store.append(Order.series(1000), to: "orders")
        try await store.commit()
        let task = Task {
            // Cancelled before it begins: the query must not answer.
            while !Task.isCancelled { await Task.yield() }
            return try await store.query("SELECT country, sum(revenue) FROM orders GROUP BY country")
        }
        task.cancel()
        await #expect {
            _ = try await task.value
        } throws: {
            ($0 as? DukkanError)?.code == .cancelled
        }
    }

    @Test func `a deadline in the past stops a query`() throws {
        let store = try Store.create(at: folder.path)
        try store.createTable(Order.schema)
        try store.append(Order.series(1000), to: "orders")
        try store.commit()
        #expect {
            try store.query(
                "SELECT country, sum(revenue) FROM orders GROUP BY country",
                control: WorkControl(deadline: .now - .seconds(1)))
        } throws: {
            ($0 as? DukkanError)?.code == .deadline
        }
    }

    @Test func `the commerce schema is acceptable for both types of customers`() throws {
        for type in [ColumnType.int, .string] {
            for table in CommerceSchema.tables(customers: type) { try table.validate() }
        }
    }
}
