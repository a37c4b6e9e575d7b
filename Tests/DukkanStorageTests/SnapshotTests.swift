import Dispatch
import DukkanFormat
import DukkanStorage
import Synchronization
import Testing

@Suite struct SnapshotTests {
    static var options: StoreOptions {
        var options = StoreOptions(threads: 2)
        options.windowRowCountTarget = 500
        return options
    }

    /// The schedule, time downwards.
    ///
    /// ```
    /// writer                          reader
    /// commit of 100 rows
    ///                                 takes a snapshot
    /// commit of 100 more
    /// compacts: removes both parts
    ///                                 reads 100 rows
    ///                                 takes a snapshot: 200 rows
    /// drops the table
    ///                                 reads 200 rows, lets both snapshots go
    /// (the space is back)
    /// ```
    @Test func aSnapshotStaysAsItWasWhileTheWriterGoesOn() throws {
        let shop = Shop()
        let system = SimulatedFileSystem(seed: 1)
        let writer = try StoreCore.create(path: "/shop", options: SnapshotTests.options, fileSystem: system)
        try writer.createTable(shop.schema)
        var model = Model(shop: shop)
        func commit(_ seed: UInt64) throws {
            let rows = Rows.random(100, seed: seed)
            try writer.append(table: "orders", shop.batch(rows))
            model.append(rows)
            try writer.commit()
        }
        try commit(1)
        let reader = try StoreCore.open(
            path: "/shop", readOnly: true, options: SnapshotTests.options, fileSystem: system)
        let first = try reader.snapshot()
        let firstRows = model.sorted
        try commit(2)
        #expect(try writer.compact().partsAfter == 1)
        #expect(try shop.rows(first) == firstRows)
        let second = try reader.snapshot()
        let secondRows = model.sorted
        try writer.dropTable("orders")
        try writer.commit()
        #expect(try shop.rows(second) == secondRows)
        #expect(try shop.rows(first) == firstRows)
        #expect(system.fileNames.allSatisfy { !$0.contains("/parts/") })
    }

    /// What queries have found in a table stays with it until a commit changes it.
    @Test func aCommitLeavesOtherTablesAsTheyWere() throws {
        let system = SimulatedFileSystem(seed: 1)
        var options = SnapshotTests.options
        options.mergeTiming = .within
        let writer = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
        let shop = Shop(isUnique: true)
        let other = Shop(name: "returns")
        try writer.createTable(shop.schema)
        try writer.createTable(other.schema)
        let rows = Rows.random(100, seed: 1)
        try writer.append(table: shop.name, shop.batch(rows))
        try writer.append(table: other.name, other.batch(rows))
        try writer.commit()
        let reader = try StoreCore.open(path: "/shop", readOnly: true, options: options, fileSystem: system)
        var kept = [try writer.snapshot(), try reader.snapshot()]
        /// Which tables of the writer and of the reader are those of the generation before.
        func areKept() throws -> [[Bool]] {
            let now = [try writer.snapshot(), try reader.snapshot()]
            defer { kept = now }
            #expect(zip(kept, now).allSatisfy { $0.generation < $1.generation })
            return zip(kept, now).map { before, after in zip(before.tables, after.tables).map { $0 === $1 } }
        }
        try writer.append(table: other.name, other.batch(Rows.random(10, seed: 2)))
        try writer.commit()
        #expect(try areKept() == [[true, false], [true, false]])
        // Rows replaced and nothing else: all of them are in the new part, and gone from the old one.
        try writer.append(table: shop.name, shop.batch(Array(rows[..<10])))
        try writer.commit()
        #expect(try areKept() == [[false, true], [false, true]])
        try writer.addColumn(table: shop.name, ColumnDefinition("more", .int))
        try writer.commit()
        #expect(try areKept() == [[false, true], [false, true]])
        try writer.defineSegment(name: "all", text: "amount > 0")
        try writer.commit()
        // A reader makes the bitmaps of deleted rows anew.
        #expect(try areKept() == [[true, true], [false, true]])
        _ = try writer.erase(customers: [.integer(Int64(rows[20].customer ?? "") ?? 0)])
        #expect(try areKept() == [[false, false], [false, false]])
        _ = try writer.compact(table: other.name)
        writer.close()
        reader.close()
    }

    @Test func readersOfAnotherHandleSeeOnlyCommittedContents() throws {
        let directory = TemporaryDirectory()
        let shop = Shop(isUnique: true)
        let writer = try StoreCore.create(path: directory.store, options: SnapshotTests.options)
        try writer.createTable(shop.schema)
        try writer.commit()
        // Rows of commit n carry n as their amount, and commit n replaces all keys: a snapshot shows one n only.
        let isDone = Atomic<Bool>(false)
        let failures = Guarded<[String]>([])
        let readCount = Atomic<Int>(0)
        let workers = DispatchGroup()
        @Sendable func work(_ worker: Int) {
            do {
                if worker == 0 {
                    defer { isDone.store(true, ordering: .relaxed) }
                    for commit in 1...60 {
                        var rows = Rows.random(40, seed: UInt64(commit))
                        for index in rows.indices {
                            rows[index].key = Int64(index)
                            rows[index].amount = Int64(commit)
                        }
                        try writer.append(table: "orders", shop.batch(rows))
                        try writer.commit()
                        if commit % 7 == 0 { _ = try writer.compact() }
                    }
                    return
                }
                let reader = try StoreCore.open(
                    path: directory.store, readOnly: true, options: SnapshotTests.options)
                var last: Int64 = 0
                while !isDone.load(ordering: .relaxed) {
                    let snapshot = try reader.snapshot()
                    let amounts = Set(try shop.rows(snapshot).map { $0.amount ?? -1 })
                    readCount.wrappingAdd(1, ordering: .relaxed)
                    guard amounts.count <= 1, (amounts.first ?? 0) >= last else {
                        failures.withLock { $0.append("generation \(snapshot.generation): \(amounts) after \(last)") }
                        return
                    }
                    last = amounts.first ?? last
                }
            } catch {
                failures.withLock { $0.append("worker \(worker): \(error)") }
            }
        }
        // A queue of its own gives each worker a thread, whatever else is running.
        for worker in 0..<4 { DispatchQueue(label: "worker \(worker)").async(group: workers) { work(worker) } }
        workers.wait()
        #expect(failures.withLock { $0 } == [])
        #expect(readCount.load(ordering: .relaxed) > 0)
        #expect(try writer.verify() == [])
    }

    @Test func reopeningUsesPartsThatAreOpenAlready() throws {
        let shop = Shop()
        let system = SimulatedFileSystem(seed: 3)
        let writer = try StoreCore.create(path: "/shop", options: SnapshotTests.options, fileSystem: system)
        try writer.createTable(shop.schema)
        try writer.append(table: "orders", shop.batch(Rows.random(50, seed: 3)))
        try writer.commit()
        let reader = try StoreCore.open(
            path: "/shop", readOnly: true, options: SnapshotTests.options, fileSystem: system)
        let before = try reader.snapshot()
        try writer.append(table: "orders", shop.batch(Rows.random(50, seed: 4)))
        try writer.commit()
        let after = try reader.snapshot()
        #expect(after.generation == before.generation + 1)
        #expect(after.tables[0].parts[0].file === before.tables[0].parts[0].file)
        #expect(try reader.snapshot() === after)
    }

    @Test func aDamagedNewestManifestIsAnErrorAndNoFallback() throws {
        let shop = Shop()
        let system = SimulatedFileSystem(seed: 4)
        let writer = try StoreCore.create(path: "/shop", options: SnapshotTests.options, fileSystem: system)
        try writer.createTable(shop.schema)
        try writer.append(table: "orders", shop.batch(Rows.random(50, seed: 4)))
        try writer.commit()
        writer.close()
        let name = try #require(system.fileNames.first { $0.contains("MANIFEST") })
        let size = system.namedByteCount
        for bit in 0..<2_000 {
            system.damage(name) { $0[bit / 8 % $0.count] ^= 1 << UInt8(bit % 8) }
            for readOnly in [true, false] {
                let error = #expect(throws: DukkanError.self, "bit \(bit)") {
                    try StoreCore.open(
                        path: "/shop", readOnly: readOnly, options: SnapshotTests.options, fileSystem: system)
                }
                #expect(error?.code == .corrupt || error?.code == .unsupportedVersion, "bit \(bit)")
                #expect(error?.place.file == name, "bit \(bit)")
            }
            system.damage(name) { $0[bit / 8 % $0.count] ^= 1 << UInt8(bit % 8) }
        }
        #expect(system.namedByteCount == size)
        _ = try StoreCore.open(path: "/shop", readOnly: true, options: SnapshotTests.options, fileSystem: system)
    }

    @Test func aMissingPartIsNamed() throws {
        let shop = Shop()
        let system = SimulatedFileSystem(seed: 5)
        let writer = try StoreCore.create(path: "/shop", options: SnapshotTests.options, fileSystem: system)
        try writer.createTable(shop.schema)
        try writer.append(table: "orders", shop.batch(Rows.random(50, seed: 4)))
        try writer.commit()
        writer.close()
        let name = try #require(system.fileNames.first { $0.contains(".part") })
        try system.remove(name)
        let error = #expect(throws: DukkanError.self) {
            try StoreCore.open(path: "/shop", readOnly: true, options: SnapshotTests.options, fileSystem: system)
        }
        #expect(error?.code == .corrupt)
        #expect(error?.place.file == name)
    }

    /// Every byte of every file is covered: a flipped bit is found by opening or by verification, and never read over.
    @Test func everyFlippedBitIsFound() throws {
        let shop = Shop(isUnique: true)
        let system = SimulatedFileSystem(seed: 6)
        let writer = try StoreCore.create(path: "/shop", options: SnapshotTests.options, fileSystem: system)
        try writer.createTable(shop.schema)
        for seed in 0..<3 {
            try writer.append(table: "orders", shop.batch(Rows.random(60, seed: UInt64(seed), keys: 100)))
            try writer.commit()
        }
        let expected = try shop.rows(writer.snapshot())
        writer.close()
        for name in system.fileNames where !name.hasSuffix("LOCK") {
            var size = 0
            system.damage(name) { size = $0.count }
            for offset in stride(from: 0, to: size, by: 3) {
                let mask: UInt8 = 1 << UInt8(offset % 8)
                system.damage(name) { $0[offset] ^= mask }
                var isFound = false
                do {
                    let store = try StoreCore.open(
                        path: "/shop", readOnly: true, options: SnapshotTests.options, fileSystem: system)
                    isFound = try !store.verify().isEmpty
                    if !isFound { #expect(try shop.rows(store.snapshot()) == expected, "\(name) at \(offset)") }
                } catch let error as DukkanError {
                    isFound = true
                    #expect(error.place.file != nil, "\(name) at \(offset): \(error)")
                }
                #expect(isFound, "\(name) at \(offset): a flipped bit was not found")
                system.damage(name) { $0[offset] ^= mask }
            }
        }
    }

    /// Keys that follow the time, and nulls that two columns share: models and shared bitmaps are verified as well.
    @Test func aFlippedBitOfRelatedColumnsIsFound() throws {
        let shop = Shop()
        let system = SimulatedFileSystem(seed: 7)
        let writer = try StoreCore.create(path: "/shop", options: SnapshotTests.options, fileSystem: system)
        try writer.createTable(shop.schema)
        let rows = (0..<40_000).map { i in
            let hasAmount = i * 7_919 % 3 == 0
            return Row(
                customer: "\(i * i % 701)", time: Int64(i) * 1_000_000, key: Int64(i * 5 + i * i % 37), text: "a",
                amount: hasAmount ? Int64(i) : nil, value: hasAmount ? Double(i) : nil)
        }
        try writer.append(table: "orders", shop.batch(rows))
        try writer.commit()
        let footer = try #require(writer.snapshot().tables[0].parts.first).footer
        #expect(footer.sharedBitmapCount == 1 && footer.columns[0].model != nil)
        writer.close()
        let places = footer.rowBlocks.flatMap { $0.bitmaps.compactMap { $0 } } + footer.columns.compactMap(\.model)
        let name = try #require(system.fileNames.first { $0.contains(".part") })
        for place in places {
            for offset in stride(from: place.offset, to: place.offset + place.byteCount, by: 499) {
                let mask: UInt8 = 1 << UInt8(offset % 8)
                system.damage(name) { $0[offset] ^= mask }
                let store = try StoreCore.open(
                    path: "/shop", readOnly: true, options: SnapshotTests.options, fileSystem: system)
                #expect(try !store.verify().isEmpty, "\(name) at \(offset)")
                system.damage(name) { $0[offset] ^= mask }
            }
        }
    }
}
