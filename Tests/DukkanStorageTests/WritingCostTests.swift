import DukkanFormat
import Testing

@testable import DukkanStorage

/// What writing costs: bytes, parts and space.
@Suite struct WritingCostTests {
    /// Rows in order of time, `late` of a hundred of them at any earlier time.
    private static func rows(_ count: Int, commit: Int, late: Int, _ generator: inout SeededGenerator) -> [Row] {
        (0..<count).map { row in
            let now = Int64(commit * count + row) * 1_000
            let isLate = Int.random(in: 0..<100, using: &generator) < late
            let product = Int.random(in: 0..<500, using: &generator)
            return Row(
                customer: String(Int.random(in: 0..<300, using: &generator)),
                time: isLate ? Int64.random(in: 0...now, using: &generator) : now, key: Int64(commit * count + row),
                text: "product \(product)", amount: Int64(product * 13), value: nil)
        }
    }

    @Test func aSmallCommitCostsNoMoreAsTheStoreGrows() throws {
        let shop = Shop(isUnique: true)
        let system = SimulatedFileSystem(seed: 1)
        var generator = SeededGenerator(seed: 1)
        let store = try StoreCore.create(path: "/shop", options: StoreOptions(threads: 2), fileSystem: system)
        try store.createTable(shop.schema)
        try store.commit()
        var written: [Int] = []
        for commit in 0..<250 {
            let before = system.writtenByteCount
            let rows = WritingCostTests.rows(100, commit: commit, late: 0, &generator)
            try store.append(table: "orders", shop.batch(rows))
            try store.commit()
            written.append(system.writtenByteCount - before)
        }
        // Commits without a compaction behind them, early and late.
        let early = written[1..<8].max() ?? 0, late = written[240..<250].sorted()[4]
        #expect(late * 2 <= early * 3, "a commit wrote \(late) bytes, an early one \(early)")
        #expect(try store.snapshot().tables[0].parts.count <= 24)
        #expect(try store.snapshot().tables[0].rowCount == 25_000)
    }

    @Test(arguments: [0, 5]) func everyByteIsRewrittenAFewTimesOnly(late: Int) throws {
        let shop = Shop()
        let system = SimulatedFileSystem(seed: 2)
        var generator = SeededGenerator(seed: 2)
        var options = StoreOptions(threads: 2)
        options.windowRowCountTarget = 12_000
        let store = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
        try store.createTable(shop.schema)
        for commit in 0..<400 {
            let rows = WritingCostTests.rows(200, commit: commit, late: late, &generator)
            try store.append(table: "orders", shop.batch(rows))
            try store.commit()
        }
        let parts = try store.snapshot().tables[0].parts
        let stored = parts.reduce(0) { $0 + $1.entry.byteCount }
        let ratio = Double(system.writtenByteCount) / Double(stored)
        #expect(ratio <= 8, "\(system.writtenByteCount) bytes written for \(stored) stored, \(ratio) times")
        #expect(parts.count <= 60, "\(parts.count) parts")
        #expect(try store.snapshot().tables[0].rowCount == 80_000)
        _ = try store.compact()
        let compacted = try store.snapshot().tables[0].parts
        #expect(compacted.count <= 80_000 / 12_000 + 3, "\(compacted.count) parts")
        for (part, next) in zip(compacted, compacted.dropFirst()) {
            #expect(!part.entry.times.overlaps(next.entry.times), "parts overlap after a compaction")
        }
        #expect(try store.verify() == [])
    }

    @Test func spaceComesBackAfterReplacementAndCompaction() throws {
        let shop = Shop(isUnique: true)
        let system = SimulatedFileSystem(seed: 3)
        let store = try StoreCore.create(path: "/shop", options: StoreOptions(threads: 2), fileSystem: system)
        try store.createTable(shop.schema)
        var sizes: [Int] = []
        for round in 0..<12 {
            var rows = Rows.random(2_000, seed: UInt64(round))
            for index in rows.indices { rows[index].key = Int64(index) }
            try store.append(table: "orders", shop.batch(rows))
            try store.commit()
            sizes.append(system.namedByteCount)
        }
        #expect(sizes[11] < sizes[0] * 5 / 4, "\(sizes)")
        _ = try store.compact()
        #expect(try store.snapshot().tables[0].rowCount == 2_000)
        #expect(system.fileNames.filter { $0.contains("/parts/") }.count == 1)
        store.close()
    }

    @Test func partsStayWithinTheirMaximum() throws {
        let system = SimulatedFileSystem(seed: 4)
        var options = StoreOptions(threads: 2, automaticCompaction: false)
        options.runRowCountMax = 10
        let store = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
        let shops = (0..<5).map { Shop(name: "table \($0)") }
        for shop in shops { try store.createTable(shop.schema) }
        var models = shops.map { Model(shop: $0) }
        for round in 0..<4 {
            for index in shops.indices {
                let rows = Rows.random(150, seed: UInt64(round * 5 + index))
                models[index].append(rows)
                try store.append(table: shops[index].name, shops[index].batch(rows))
            }
            try store.commit()
            let parts = try store.snapshot().tables.reduce(0) { $0 + $1.parts.count }
            #expect(parts <= 256)
            #expect(round < 3 || parts > 200)
        }
        for index in shops.indices { #expect(try shops[index].rows(store.snapshot()) == models[index].sorted) }
    }

    @Test func aCompactTableIsLeftAlone() throws {
        let shop = Shop()
        let store = try StoreCore.create(
            path: "/shop", options: StoreOptions(threads: 2), fileSystem: SimulatedFileSystem(seed: 5))
        try store.createTable(shop.schema)
        try store.append(table: "orders", shop.batch(Rows.random(3_000, seed: 5)))
        try store.commit()
        let generation = try store.snapshot().generation
        #expect(try store.compact().bytesWritten == 0)
        #expect(try store.snapshot().generation == generation)
    }

    @Test func aCustomerWithMoreRowsThanABlockIsMergedInOrder() throws {
        let shop = Shop()
        let store = try StoreCore.create(
            path: "/shop", options: StoreOptions(threads: 2, automaticCompaction: false),
            fileSystem: SimulatedFileSystem(seed: 6))
        try store.createTable(shop.schema)
        var model = Model(shop: shop)
        for seed in 0..<3 {
            // Customer 1 has most of the rows of all parts, at few times.
            var rows = Rows.random(24_000, seed: UInt64(seed), customers: 3, times: 9)
            for index in rows.indices where index % 10 != 0 { rows[index].customer = "1" }
            model.append(rows)
            try store.append(table: "orders", shop.batch(rows))
            try store.commit()
        }
        #expect(try store.compact().partsAfter == 1)
        #expect(try shop.rows(store.snapshot()) == model.sorted)
        #expect(try store.verify() == [])
    }

    @Test func cancellationLeavesTheStoreAsItWas() throws {
        let shop = Shop()
        let system = SimulatedFileSystem(seed: 7)
        let store = try StoreCore.create(
            path: "/shop", options: StoreOptions(threads: 1, automaticCompaction: false), fileSystem: system)
        try store.createTable(shop.schema)
        for seed in 0..<3 {
            try store.append(table: "orders", shop.batch(Rows.random(500, seed: UInt64(seed))))
            try store.commit()
        }
        let names = system.fileNames
        let control = WorkControl()
        control.cancel()
        let error = #expect(throws: DukkanError.self) { try store.compact(control: control) }
        #expect(error?.code == .cancelled)
        #expect(system.fileNames == names)
        let late = WorkControl(deadline: .now - .seconds(1))
        try store.append(table: "orders", shop.batch(Rows.random(5, seed: 9)))
        #expect(throws: DukkanError.self) { try store.commit(control: late) }
        try store.commit()
        #expect(try store.snapshot().tables[0].rowCount == 1_505)
    }
}

/// What of a store must hold is looked for by verification.
@Suite struct VerificationTests {
    @Test func repeatedKeysAndUnknownFilesAreFound() throws {
        let shop = Shop()
        let system = SimulatedFileSystem(seed: 8)
        let store = try StoreCore.create(path: "/shop", options: StoreOptions(threads: 1), fileSystem: system)
        try store.createTable(shop.schema)
        var rows = Rows.random(50, seed: 8)
        for index in rows.indices { rows[index].key = Int64(index) }
        rows[49].key = 7
        try store.append(table: "orders", shop.batch(rows))
        try store.commit()
        #expect(try store.verify() == [])
        // The same parts under a schema that calls the column unique: one key stands twice.
        let snapshot = try store.snapshot()
        var table = snapshot.manifest.tables[0]
        table.schema = Shop(isUnique: true).schema
        let loader = SnapshotLoader(path: "/shop", fileSystem: system)
        let findings = try StoreVerification(loader: loader, threads: 1, control: nil)
            .checkKeys(of: table, snapshot.tables[0].parts)
        #expect(findings.count == 1)
        #expect(findings.first?.message.contains("unique key") == true)

        system.close(try system.open("/shop/parts/t1-00000099.part", for: .creating))
        let unknown = try store.verify()
        #expect(unknown.map(\.place.file) == ["/shop/parts/t1-00000099.part"])
        #expect(unknown.allSatisfy { !$0.isDamage })
        store.close()
        // The next writer takes it away.
        let again = try StoreCore.open(path: "/shop", readOnly: false, fileSystem: system)
        #expect(try again.verify() == [])
    }

    @Test func batchesThatDoNotFitAreRefusedWhole() throws {
        let shop = Shop()
        let store = try StoreCore.create(
            path: "/shop", options: StoreOptions(threads: 1), fileSystem: SimulatedFileSystem(seed: 9))
        try store.createTable(shop.schema)
        var anonymous = Rows.random(5, seed: 9)
        anonymous[3].customer = nil
        let refused = #expect(throws: DukkanError.self) {
            try store.append(table: "orders", shop.batch(anonymous))
        }
        #expect(refused?.code == .invalidRow)
        #expect(refused?.place.column == "customer")
        let wrong = shop.batch(Rows.random(5, seed: 9))
        wrong.columns[3].dictionary = .empty
        let codes = #expect(throws: DukkanError.self) { try store.append(table: "orders", wrong) }
        #expect(codes?.code == .invalidInput)
        #expect(throws: DukkanError.self) { try store.append(table: "nowhere", wrong) }
        try store.commit()
        #expect(try store.snapshot().tables[0].rowCount == 0)
    }
}
