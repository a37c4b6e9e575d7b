import DukkanFormat
import DukkanStorage
import Testing

@Suite struct StoreLifeTests {
    let options = StoreOptions(threads: 2)

    @Test func rowsComeBackInOrderAfterReopening() throws {
        let directory = TemporaryDirectory()
        let shop = Shop()
        var model = Model(shop: shop)
        do {
            let store = try StoreCore.create(path: directory.store, options: options)
            try store.createTable(shop.schema)
            let first = Rows.random(500, seed: 1)
            try store.append(table: "orders", shop.batch(first))
            try store.commit()
            model.append(first)
            let second = Rows.random(300, seed: 2)
            try store.append(table: "Orders", shop.batch(second))
            try store.commit()
            model.append(second)
            #expect(try shop.rows(store.snapshot()) == model.sorted)
            store.close()
        }
        let reader = try StoreCore.open(path: directory.store, readOnly: true, options: options)
        #expect(try shop.rows(reader.snapshot()) == model.sorted)
        #expect(try reader.snapshot().table(named: "ORDERS")?.rowCount == 800)
        #expect(throws: DukkanError.self) { try reader.commit() }
    }

    @Test func uncommittedRowsAreInvisibleAndGoAwayWithRollback() throws {
        let directory = TemporaryDirectory()
        let shop = Shop()
        let store = try StoreCore.create(path: directory.store, options: options)
        try store.createTable(shop.schema)
        try store.commit()
        try store.append(table: "orders", shop.batch(Rows.random(100, seed: 3)))
        #expect(try shop.rows(store.snapshot()).isEmpty)
        try store.rollback()
        try store.commit()
        #expect(try shop.rows(store.snapshot()).isEmpty)
        #expect(try store.snapshot().generation == 2)
    }

    @Test func aSecondWriterIsRefusedAtOnceAndALaterOneIsNot() throws {
        let directory = TemporaryDirectory()
        let first = try StoreCore.create(path: directory.store, options: options)
        do {
            _ = try StoreCore.open(path: directory.store, readOnly: false, options: options)
            Issue.record("a second writer was let in")
        } catch let error as DukkanError {
            #expect(error.code == .locked)
        }
        _ = try StoreCore.open(path: directory.store, readOnly: true, options: options)
        first.close()
        _ = try StoreCore.open(path: directory.store, readOnly: false, options: options)
    }

    @Test func creatingOverSomethingIsRefused() throws {
        let directory = TemporaryDirectory()
        _ = try StoreCore.create(path: directory.store, options: options)
        let again = #expect(throws: DukkanError.self) {
            try StoreCore.create(path: directory.store, options: options)
        }
        #expect(again?.code == .alreadyExists)
        let above = #expect(throws: DukkanError.self) {
            try StoreCore.create(path: directory.path, options: options)
        }
        #expect(above?.code == .alreadyExists)
        let missing = #expect(throws: DukkanError.self) {
            try StoreCore.open(path: directory.path, readOnly: true, options: options)
        }
        #expect(missing?.code == .notFound)
    }

    @Test func columnsAddedLaterAreNullInOlderParts() throws {
        let directory = TemporaryDirectory()
        let shop = Shop()
        let store = try StoreCore.create(path: directory.store, options: options)
        var narrow = shop.schema
        narrow.columns.removeLast()
        try store.createTable(narrow)
        var rows = Rows.random(200, seed: 4)
        for index in rows.indices { rows[index].value = nil }
        var batch = shop.batch(rows)
        batch.columns.removeLast()
        try store.append(table: "orders", batch)
        try store.addColumn(table: "orders", shop.schema.columns[5])
        let later = Rows.random(200, seed: 5)
        try store.append(table: "orders", shop.batch(later))
        try store.commit()
        var model = Model(shop: shop)
        model.append(rows + later)
        #expect(try shop.rows(store.snapshot()) == model.sorted)
        _ = try store.compact()
        #expect(try store.snapshot().tables[0].parts.count == 1)
        #expect(try shop.rows(store.snapshot()) == model.sorted)
    }

    @Test func droppingATableGivesItsSpaceBack() throws {
        let system = SimulatedFileSystem(seed: 6)
        let shop = Shop()
        let store = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
        try store.createTable(shop.schema)
        try store.append(table: "orders", shop.batch(Rows.random(5_000, seed: 6)))
        try store.commit()
        let held = try store.snapshot()
        try store.dropTable("orders")
        try store.commit()
        #expect(system.fileNames.filter { $0.contains("/parts/") }.isEmpty)
        #expect(try shop.rows(held).count == 5_000)
        #expect(try store.snapshot().tables.isEmpty)
        try store.createTable(shop.schema)
        try store.commit()
        #expect(try shop.rows(store.snapshot()).isEmpty)
    }

    @Test func segmentsAreKeptByName() throws {
        let directory = TemporaryDirectory()
        let store = try StoreCore.create(path: directory.store, options: options)
        try store.defineSegment(name: "loyal", text: "count(orders) > 2")
        try store.defineSegment(name: "Loyal", text: "count(orders) > 3")
        try store.commit()
        store.close()
        let reader = try StoreCore.open(path: directory.store, readOnly: true, options: options)
        #expect(try reader.snapshot().segments.map(\.text) == ["count(orders) > 3"])
    }

    @Test func tablesOfAnotherCustomerTypeAreRefused() throws {
        let directory = TemporaryDirectory()
        let store = try StoreCore.create(path: directory.store, options: options)
        try store.createTable(Shop().schema)
        #expect(throws: DukkanError.self) {
            try store.createTable(Shop(name: "sessions", stringCustomers: true).schema)
        }
        #expect(throws: DukkanError.self) { try store.createTable(Shop(name: "ORDERS").schema) }
        try store.createTable(Shop(name: "sessions").schema)
    }
}

/// Rows for tests: few customers and many equal times, so that order shows.
enum Rows {
    static func random(
        _ count: Int, seed: UInt64, customers: Int = 20, times: Int64 = 30, keys: Int64 = 1_000_000, nulls: Bool = false
    ) -> [Row] {
        var generator = SeededGenerator(seed: seed)
        return (0..<count).map { _ in
            let customer = Int.random(in: 0..<customers, using: &generator)
            let text = Int.random(in: 0..<40, using: &generator)
            return Row(
                customer: nulls && customer == 0 ? nil : String(customer),
                time: Int64.random(in: 0..<times, using: &generator),
                key: Int64.random(in: 0..<keys, using: &generator),
                text: text == 0 ? nil : "text \(text)",
                amount: Bool.random(using: &generator) ? Int64.random(in: -500...500, using: &generator) : nil,
                value: text % 3 == 0 ? nil : Double(text) / 7)
        }
    }
}
