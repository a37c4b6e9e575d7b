import DukkanFormat
import DukkanStorage
import Testing

/// Copies of a store that lives on.
@Suite struct BackupTests {
    private static func rows(_ system: SimulatedFileSystem, _ path: String) throws -> [Row] {
        let store = try StoreCore.open(path: path, readOnly: true, fileSystem: system)
        #expect(try store.verify() == [])
        return try Shop(isUnique: true).rows(store.snapshot())
    }

    private static func makeStore(
        _ system: SimulatedFileSystem, commits: Int = 4
    ) throws -> (store: StoreCore, expected: () throws -> [Row]) {
        let shop = Shop(isUnique: true)
        var options = StoreOptions(threads: 1, automaticCompaction: false)
        options.windowRowCountTarget = 500
        let store = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
        try store.createTable(shop.schema)
        try store.commit()
        for seed in 0..<commits { try add(store, seed: UInt64(seed)) }
        return (store, { try shop.rows(store.snapshot()) })
    }

    private static func add(_ store: StoreCore, seed: UInt64) throws {
        try store.append(table: "orders", Shop(isUnique: true).batch(Rows.random(80, seed: seed, keys: 150)))
        try store.commit()
    }

    @Test func aCopyIsAStoreAndTheNextOneCopiesOnlyWhatIsNew() throws {
        let system = SimulatedFileSystem(seed: 1)
        let (store, expected) = try BackupTests.makeStore(system)
        let first = try store.backup(to: "/copy", time: 11)
        #expect(try BackupTests.rows(system, "/copy") == expected())
        #expect(first.filesKept == 0 && first.filesCopied > 4 && first.isRecorded)
        try BackupTests.add(store, seed: 77)
        let second = try store.backup(to: "/copy", time: 12)
        #expect(try BackupTests.rows(system, "/copy") == expected())
        #expect(second.filesKept == first.filesCopied && second.filesCopied == 2)
        #expect(second.previousGeneration == first.generation)
        let third = try store.backup(to: "/copy", time: 13)
        #expect(third.filesCopied == 0 && third.filesRemoved == 0)
        _ = try store.compact()
        let fourth = try store.backup(to: "/copy", time: 14)
        #expect(fourth.filesRemoved > 4)
        #expect(try BackupTests.rows(system, "/copy") == expected())
        #expect(try store.copies().map(\.copy.time) == [14])
        // What was copied can be written to, and then it is a copy no more.
        store.close()
        let copy = try StoreCore.open(path: "/copy", readOnly: false, fileSystem: system)
        try BackupTests.add(copy, seed: 78)
        copy.close()
        let reader = try StoreCore.open(path: "/shop", readOnly: true, fileSystem: system)
        let refused = #expect(throws: DukkanError.self) { try reader.backup(to: "/copy") }
        #expect(refused?.code == .alreadyExists)
    }

    @Test func placesThatAreNoCopiesAreLeftAlone() throws {
        let system = SimulatedFileSystem(seed: 2)
        let (store, _) = try BackupTests.makeStore(system)
        let other = try StoreCore.create(path: "/other", fileSystem: system)
        other.close()
        try system.createDirectory("/full")
        system.close(try system.open("/full/notes", for: .creating))
        // Parts without a manifest are a damaged store that someone may want to salvage.
        _ = try store.backup(to: "/damaged")
        try store.forgetCopy(at: "/damaged")
        let manifest = try #require(system.fileNames.first { $0.hasPrefix("/damaged/MANIFEST") })
        try system.remove(manifest)
        let before = system.fileNames
        for place in ["/other", "/full", "/damaged", "/shop", "/shop/copy"] {
            #expect(throws: DukkanError.self, "\(place)") { try store.backup(to: place) }
        }
        #expect(system.fileNames == before)
    }

    /// A crash, or a failing call, at every operation of a first and of a second backup: the copy that was there stays whole,
    /// and the next backup ends well and leaves nothing behind.
    @Test func aBackupThatIsInterruptedLeavesTheCopyOfBefore() throws {
        let plain = SimulatedFileSystem(seed: 3)
        let counts = try BackupTests.live(plain)
        #expect(counts.second - counts.first > 30)
        for fault in [SimulatedFileSystem.Fault.crash, .failure(5)] {
            for call in counts.start..<counts.end {
                var system = SimulatedFileSystem(seed: 3, faults: [call: fault])
                _ = try? BackupTests.live(system)
                if fault == .crash { system = system.restarted(seed: 4) }
                let place = "\(fault) at call \(call), \(plain.trace[call])"
                let store = try StoreCore.open(path: "/shop", readOnly: false, fileSystem: system)
                if system.fileNames.contains(where: { $0.hasPrefix("/copy/MANIFEST") && !$0.hasSuffix(".tmp") }) {
                    let copy = try StoreCore.open(path: "/copy", readOnly: true, fileSystem: system)
                    #expect(try copy.verify().filter(\.isDamage) == [], "\(place)")
                }
                // As soon as something of the store is there, an erasure names the copy.
                if system.fileNames.contains(where: { $0.hasPrefix("/copy/parts/") }) {
                    #expect(try store.copies().map(\.copy.path) == ["/copy"], "\(place)")
                }
                _ = try store.backup(to: "/copy")
                #expect(
                    try Shop(isUnique: true).rows(store.snapshot()) == BackupTests.rows(system, "/copy"), "\(place)")
                let copies = system.fileNames.filter { $0.hasPrefix("/copy/parts") }.map { $0.dropFirst("/copy".count) }
                let sources = system.fileNames.filter { $0.hasPrefix("/shop/parts") }.map {
                    $0.dropFirst("/shop".count)
                }
                #expect(copies == sources, "\(place)")
                store.close()
            }
        }
    }

    /// Numbers of calls at which the backups begin and end.
    private static func live(_ system: SimulatedFileSystem) throws -> (start: Int, first: Int, second: Int, end: Int) {
        let (store, _) = try makeStore(system, commits: 2)
        defer { store.close() }
        let start = system.callCount
        _ = try store.backup(to: "/copy")
        let first = system.callCount
        try add(store, seed: 50)
        _ = try store.compact()
        let second = system.callCount
        _ = try store.backup(to: "/copy")
        return (start, first, second, system.callCount)
    }

    @Test func aCopyMadeBeforeAnErasureIsNamedUntilItIsMadeAnew() throws {
        let system = SimulatedFileSystem(seed: 5)
        let (store, _) = try BackupTests.makeStore(system)
        _ = try store.backup(to: "/copy", time: 1)
        _ = try store.backup(to: "/lost", time: 2)
        let customer = try #require(Shop(isUnique: true).rows(store.snapshot()).first?.customer)
        let report = try store.erase(customers: [.integer(try #require(Int64(customer)))], time: 3)
        #expect(report.copies.map(\.path) == ["/copy", "/lost"])
        #expect(try store.copies().map(\.mayHoldErased) == [true, true])
        _ = try store.backup(to: "/copy", time: 4)
        let search = ByteSearch(path: "/copy", system: system)
        #expect(try search.decoded(customers: [customer], texts: []) == [])
        #expect(try store.copies().map(\.mayHoldErased) == [false, true])
        try store.forgetCopy(at: "/lost")
        #expect(try store.copies().map(\.copy.path) == ["/copy"])
        // A record that nobody can read is of a copy that nobody can name.
        let record = try #require(system.fileNames.first { $0.hasPrefix("/shop/COPY-") })
        system.damage(record) { $0[20] ^= 1 }
        #expect(try store.copies().isEmpty)
        #expect(try store.verify().map(\.place.file) == [record])
        #expect(try store.erase(customers: []).notExamined == [record])
        system.damage(record) { $0[20] ^= 1 }
        #expect(try store.verify() == [])
    }

    /// Backups while another thread commits and compacts, on the real file system.
    @Test func aLiveStoreIsCopiedAsOneOfItsGenerations() async throws {
        let directory = TemporaryDirectory()
        let shop = Shop(isUnique: true)
        var options = StoreOptions(threads: 1)
        options.windowRowCountTarget = 500
        let store = try StoreCore.create(path: directory.store, options: options)
        try store.createTable(shop.schema)
        try store.commit()
        let writer = Task.detached {
            // What each generation holds.
            var contents: [UInt64: [Row]] = [:]
            for seed in 0..<60 {
                try store.append(table: "orders", shop.batch(Rows.random(60, seed: UInt64(seed), keys: 400)))
                try store.commit()
                contents[try store.snapshot().generation] = try shop.rows(store.snapshot())
                if seed % 20 == 19 {
                    _ = try store.compact()
                    contents[try store.snapshot().generation] = try shop.rows(store.snapshot())
                }
            }
            return contents
        }
        var seen: [UInt64: [Row]] = [:]
        let path = directory.path + "/copy"
        for _ in 0..<25 {
            let report = try store.backup(to: path)
            let copy = try StoreCore.open(path: path, readOnly: true)
            #expect(try copy.verify() == [])
            seen[report.generation] = try shop.rows(copy.snapshot())
        }
        let contents = try await writer.value
        for (generation, rows) in seen {
            guard let expected = contents[generation] else { continue }
            #expect(rows == expected, "generation \(generation)")
        }
        _ = try store.backup(to: path)
        #expect(
            try shop.rows(StoreCore.open(path: path, readOnly: true).snapshot()) == shop.rows(store.snapshot()))
    }
}
