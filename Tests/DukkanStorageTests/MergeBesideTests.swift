import DukkanFormat
import Testing

@testable import DukkanStorage

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Merges that run beside commits: what they make is taken up, or is removed, and no row is lost or doubled.
@Suite struct MergeBesideTests {
    private static let shop = Shop()

    private static func options(_ timing: StoreOptions.MergeTiming, threads: Int = 2) -> StoreOptions {
        var options = StoreOptions(threads: threads)
        options.mergeTiming = timing
        options.windowRowCountTarget = 2_000
        options.besideRowCountMin = 40
        return options
    }

    private static func append(_ seed: Int, to store: StoreCore, _ model: inout Model) throws {
        let rows = Rows.random(20, seed: UInt64(seed), customers: 9, times: Int64(900 + 40 * seed))
        model.append(rows)
        try store.append(table: shop.name, shop.batch(rows))
    }

    /// A store of as many commits as a merge begins with.
    private static func filled(
        _ path: String, _ timing: StoreOptions.MergeTiming, _ system: any FileSystem
    ) throws -> (store: StoreCore, model: Model) {
        let store = try StoreCore.create(path: path, options: options(timing), fileSystem: system)
        try store.createTable(shop.schema)
        var model = Model(shop: shop)
        for commit in 0..<CompactionPolicy.factor {
            try append(commit, to: store, &model)
            try store.commit()
        }
        return (store, model)
    }

    /// Files of parts that the newest generation does not name.
    private static func spareFiles(_ store: StoreCore, _ system: any FileSystem) throws -> Int {
        let parts = try store.snapshot().tables.reduce(0) { $0 + $1.parts.count }
        return try system.names(in: store.path + "/parts").count - parts
    }

    @Test(arguments: [StoreOptions.MergeTiming.beside, .deferred]) func commitsTakeUpWhatWasMerged(
        _ timing: StoreOptions.MergeTiming
    ) throws {
        let shop = MergeBesideTests.shop
        let directory = TemporaryDirectory()
        let system: any FileSystem = timing == .beside ? PosixFileSystem() : SimulatedFileSystem(seed: 1)
        let path = timing == .beside ? directory.store : "/shop"
        let store = try StoreCore.create(
            path: path, options: MergeBesideTests.options(timing), fileSystem: system)
        try store.createTable(shop.schema)
        var model = Model(shop: shop)
        var partCountMax = 0
        for commit in 0..<200 {
            try MergeBesideTests.append(commit, to: store, &model)
            if commit % 17 == 3 {
                try store.rollback()
                model.rows.removeLast(20)
                continue
            }
            try store.commit()
            let snapshot = try store.snapshot()
            partCountMax = max(partCountMax, snapshot.tables[0].parts.count)
            #expect(try shop.rows(snapshot) == model.sorted, "commit \(commit)")
        }
        // Without merges there would be one for each commit.
        #expect(partCountMax < 100)
        #expect(try store.snapshot().tables[0].parts.count < 100)
        #expect(try store.compact().partsAfter < 10)
        #expect(try shop.rows(store.snapshot()) == model.sorted)
        #expect(try store.verify() == [])
        store.close()
        let again = try StoreCore.open(path: path, readOnly: true, fileSystem: system)
        #expect(try MergeBesideTests.spareFiles(again, system) == 0)
    }

    /// Waits, for some time, until something is so.
    private static func waitUntil(_ isSo: () throws -> Bool) throws -> Bool {
        for _ in 0..<5_000 {
            if try isSo() { return true }
            usleep(2_000)
        }
        return false
    }

    @Test func aMergeIsPublishedWhenNoCommitComes() throws {
        let shop = MergeBesideTests.shop
        let directory = TemporaryDirectory()
        let (store, model) = try MergeBesideTests.filled(directory.store, .beside, PosixFileSystem())
        #expect(try MergeBesideTests.waitUntil { try store.snapshot().tables[0].parts.count == 1 })
        #expect(try shop.rows(store.snapshot()) == model.sorted)
        // What another handle sees is the same, and the files of the parts before go.
        let reader = try StoreCore.open(path: directory.store, readOnly: true)
        #expect(try shop.rows(reader.snapshot()) == model.sorted)
        #expect(try MergeBesideTests.waitUntil { try MergeBesideTests.spareFiles(reader, PosixFileSystem()) == 0 })
        #expect(try store.verify() == [])
        store.close()
    }

    /// Before the files that a merge replaces are removed, those that it made have durable names.
    @Test func aMergeThatIsPublishedAloneSurvivesALossOfPower() throws {
        let shop = MergeBesideTests.shop
        let system = SimulatedFileSystem(seed: 1)
        let (store, model) = try MergeBesideTests.filled("/shop", .deferred, system)
        let generation = try store.snapshot().generation
        try store.rollback()
        #expect(try store.snapshot().generation == generation + 1)
        let machine = system.restarted(seed: 2)
        // Names of removed files may come back; a writer removes them again.
        let again = try StoreCore.open(path: "/shop", readOnly: false, fileSystem: machine)
        defer { again.close() }
        #expect(try again.snapshot().tables[0].parts.count == 1)
        #expect(try shop.rows(again.snapshot()) == model.sorted)
        #expect(try again.verify() == [])
        store.close()
    }

    @Test func anOpenTransactionIsNotPublishedWithAMerge() throws {
        let shop = MergeBesideTests.shop
        let directory = TemporaryDirectory()
        let (store, model) = try MergeBesideTests.filled(directory.store, .beside, PosixFileSystem())
        try store.createTable(TableSchema("more", columns: shop.schema.columns))
        usleep(50_000)
        #expect(try store.snapshot().tables.count == 1)
        #expect(try shop.rows(store.snapshot()) == model.sorted)
        try store.commit()
        #expect(try store.snapshot().tables.count == 2)
        #expect(try store.snapshot().tables[0].parts.count == 1)
        #expect(try shop.rows(store.snapshot()) == model.sorted)
        store.close()
    }

    /// Everything that stands between a merge and the commit that would take it up.
    @Test(arguments: 0..<5) func aMergeOfWhatIsGoneIsRemoved(_ way: Int) throws {
        let shop = MergeBesideTests.shop
        let system = SimulatedFileSystem(seed: 1)
        let store = try StoreCore.create(
            path: "/shop", options: MergeBesideTests.options(.deferred), fileSystem: system)
        try store.createTable(shop.schema)
        var model = Model(shop: shop)
        var commit = 0
        // Until a merge waits: its file is there, and no manifest names it.
        while try MergeBesideTests.spareFiles(store, system) == 0 {
            try #require(commit < 100)
            try MergeBesideTests.append(commit, to: store, &model)
            try store.commit()
            commit += 1
        }
        switch way {
        case 0: _ = try store.compact()
        case 1:
            try store.dropTable(shop.name)
            try store.createTable(shop.schema)
            model.rows = []
            try store.commit()
        case 2:
            _ = try store.erase(customers: [.integer(3)])
            model.rows.removeAll { $0.customer == "3" }
        case 3: store.close()
        default:
            try store.addColumn(table: shop.name, ColumnDefinition("more", .int))
            try store.commit()
            try store.dropTable(shop.name)
            model.rows = []
            try store.createTable(shop.schema)
            try store.commit()
        }
        let again = way == 3 ? try StoreCore.open(path: "/shop", readOnly: false, fileSystem: system) : store
        #expect(try shop.rows(again.snapshot()) == model.sorted)
        #expect(try MergeBesideTests.spareFiles(again, system) == 0)
        try MergeBesideTests.append(1_000, to: again, &model)
        try again.commit()
        #expect(try shop.rows(again.snapshot()) == model.sorted)
        again.close()
        #expect(try StoreCore.open(path: "/shop", readOnly: true, fileSystem: system).verify() == [])
    }

    /// A fault at every call of a life of commits, then a restart: the content is that of a commit, nothing is left over.
    @Test(arguments: [SimulatedFileSystem.Fault.crash, .failure(28), .failure(5)]) func aFaultLeavesACommit(
        _ fault: SimulatedFileSystem.Fault
    ) throws {
        let shop = MergeBesideTests.shop
        func live(_ system: SimulatedFileSystem, _ contents: inout [[Row]]) throws {
            let store = try StoreCore.create(
                path: "/shop", options: MergeBesideTests.options(.deferred, threads: 1), fileSystem: system)
            defer { store.close() }
            try store.createTable(shop.schema)
            var model = Model(shop: shop)
            for commit in 0..<30 {
                try MergeBesideTests.append(commit, to: store, &model)
                contents.append(model.sorted)
                try store.commit()
                // Without an open transaction what a merge has made becomes a generation of its own.
                if commit % 3 == 0 { try store.rollback() }
            }
        }
        let plain = SimulatedFileSystem(seed: 1)
        var all: [[Row]] = []
        try live(plain, &all)
        #if DEBUG
        let step = 13
        #else
        let step = 1
        #endif
        for call in stride(from: 0, to: plain.callCount, by: step) {
            let system = SimulatedFileSystem(seed: 1, faults: [call: fault])
            var contents: [[Row]] = []
            try? live(system, &contents)
            let machine = fault == .crash ? system.restarted(seed: 2) : system
            #expect(machine.openCount == 0, "\(fault) at call \(call)")
            guard let store = try? StoreCore.open(path: "/shop", readOnly: false, fileSystem: machine) else {
                #expect(contents.count < 2, "\(fault) at call \(call)")
                continue
            }
            let rows = try shop.rows(store.snapshot())
            // The last commit that was begun may stand or not; those before it do.
            let possible =
                contents.isEmpty ? [[]] : contents.count == 1 ? [[], contents[0]] : Array(contents.suffix(2))
            #expect(possible.contains(rows), "\(fault) at call \(call): \(rows.count) rows")
            #expect(try store.verify() == [], "\(fault) at call \(call)")
            store.close()
        }
    }
}
