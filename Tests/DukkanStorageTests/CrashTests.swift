import DukkanFormat
import DukkanStorage
import Testing

/// A crash, or a failing call, at every operation of a short life of a store.
@Suite struct CrashTests {
    /// What a script has done: the contents that commits made, in order, and how many are known to be durable.
    private final class Record {
        var contents: [[Row]] = [[]]
        /// Index in `contents` of the newest content whose commit has returned.
        var committed = 0
        /// Whether the store was made.
        var isCreated = false
    }

    private static let shop = Shop(isUnique: true)

    private static var options: StoreOptions {
        var options = StoreOptions(threads: 1)
        options.windowRowCountTarget = 60
        options.runRowCountMax = 40
        return options
    }

    /// Create, append, commit, replace, add a column's worth of commits until compaction comes, compact, reopen.
    private static func live(_ system: SimulatedFileSystem, _ record: Record) throws {
        let shop = CrashTests.shop
        var model = Model(shop: shop)
        func commit(_ store: StoreCore, _ rows: [Row]) throws {
            try store.append(table: shop.name, shop.batch(rows))
            model.append(rows)
            record.contents.append(model.sorted)
            try store.commit()
            record.committed = record.contents.count - 1
        }
        let store = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
        record.isCreated = true
        defer { store.close() }
        try store.createTable(shop.schema)
        try store.commit()
        try commit(store, Rows.random(50, seed: 1, keys: 60))
        try commit(store, Rows.random(30, seed: 2, keys: 60))
        for seed in 3..<12 { try commit(store, Rows.random(8, seed: UInt64(seed), keys: 200)) }
        _ = try store.compact()
        try store.append(table: shop.name, shop.batch(Rows.random(30, seed: 20)))
        try store.rollback()
        store.close()
        let again = try StoreCore.open(path: "/shop", readOnly: false, options: options, fileSystem: system)
        defer { again.close() }
        try commit(again, Rows.random(20, seed: 21, keys: 60))
        try again.dropTable(shop.name)
        try again.createTable(shop.schema)
        record.contents.append([])
        try again.commit()
        record.committed = record.contents.count - 1
    }

    /// The store on a machine must open, hold one of the contents that are possible, and have nothing wrong.
    private static func check(
        _ system: SimulatedFileSystem, _ record: Record, _ context: @autoclosure () -> String
    ) throws {
        let store: StoreCore
        do {
            store = try StoreCore.open(path: "/shop", readOnly: false, options: options, fileSystem: system)
        } catch let error as DukkanError where error.code == .notFound && !record.isCreated {
            return
        }
        let rows = try shop.rows(store.snapshot())
        let possible = record.contents[record.committed...]
        #expect(possible.contains(rows), "\(context()): \(rows.count) rows, which no commit has made")
        #expect(try store.verify() == [], "\(context())")
        // It goes on working, and what the crash left behind is gone.
        if try store.snapshot().table(named: shop.name) == nil { try store.createTable(shop.schema) }
        var model = Model(shop: shop)
        model.append(rows)
        let more = Rows.random(5, seed: 99, keys: 60)
        model.append(more)
        try store.append(table: shop.name, shop.batch(more))
        try store.commit()
        #expect(try Set(shop.rows(store.snapshot())) == Set(model.rows), "\(context())")
        #expect(try store.verify() == [], "\(context())")
        store.close()
    }

    /// Checks the store, and that nothing of it stays open.
    private static func checkAndClose(
        _ system: SimulatedFileSystem, _ record: Record, _ context: @autoclosure () -> String
    ) throws {
        try check(system, record, context())
        #expect(system.openCount == 0, "\(context()): descriptors are left open")
    }

    /// The calls at which a fault is tried: all of them, in debug builds an eighth, another one for each kind of fault.
    private static func calls(kind: Int) throws -> [Int] {
        let count = try callCount()
        #if DEBUG
        return Array(stride(from: kind % 8, to: count, by: 8))
        #else
        return Array(0..<count)
        #endif
    }

    private static func callCount() throws -> Int {
        let system = SimulatedFileSystem(seed: 1)
        try live(system, Record())
        return system.callCount
    }

    @Test(arguments: SimulatedFileSystem.Unsynchronised.allCases)
    func aCrashAtAnyCallLeavesTheLastCommit(_ unsynchronised: SimulatedFileSystem.Unsynchronised) throws {
        #expect(try CrashTests.callCount() > 200)
        let kind = SimulatedFileSystem.Unsynchronised.allCases.firstIndex(of: unsynchronised) ?? 0
        for call in try CrashTests.calls(kind: kind) {
            let system = SimulatedFileSystem(seed: 1, faults: [call: .crash], unsynchronised: unsynchronised)
            let record = Record()
            #expect(throws: (any Error).self, "call \(call)") {
                try CrashTests.live(system, record)
                // A crash while files are removed after a commit stops nothing until the next call.
                throw DukkanError(.cancelled, "the life ended")
            }
            let machine = system.restarted(seed: 2)
            try CrashTests.checkAndClose(
                machine, record, "crash at \(system.lastCall), unsynchronised \(unsynchronised)")
        }
    }

    /// Without a loss of power: the call fails, everything is closed, and the store is opened again.
    @Test(arguments: [Int32(5), 28])
    func aFailureAtAnyCallLeavesTheLastCommit(_ number: Int32) throws {
        for call in try CrashTests.calls(kind: Int(number)) {
            let system = SimulatedFileSystem(seed: 1, faults: [call: .failure(number)])
            let record = Record()
            try? CrashTests.live(system, record)
            let trace = system.trace[call]
            #expect(system.openCount == 0, "failure \(number) at \(trace): descriptors are left open")
            try CrashTests.checkAndClose(system, record, "failure \(number) at \(trace)")
        }
    }

    @Test(arguments: [SimulatedFileSystem.Fault.interruption, .short])
    func interruptedAndShortCallsChangeNothing(_ fault: SimulatedFileSystem.Fault) throws {
        for call in try CrashTests.calls(kind: fault == .short ? 3 : 2) {
            let system = SimulatedFileSystem(seed: 1, faults: [call: fault])
            let record = Record()
            try CrashTests.live(system, record)
            #expect(record.committed == record.contents.count - 1)
        }
    }

    @Test func aFailedSyncEndsCommittingUntilReopened() throws {
        let plain = SimulatedFileSystem(seed: 1)
        #expect(try CrashTests.manyCommits(plain, failing: .max) == nil)
        let syncs = plain.trace.enumerated().filter { $1.contains(" sync") }.map(\.offset)
        #expect(syncs.count > 30)
        for call in syncs.enumerated().filter({ $0.offset % 4 == 0 }).map(\.element) {
            let system = SimulatedFileSystem(seed: 1, faults: [call: .failure(5)])
            guard let wrong = try CrashTests.manyCommits(system, failing: call) else { continue }
            Issue.record("\(wrong) after a failed sync at \(system.trace[call])")
        }
    }

    /// Commits until the end; returns what went through after the call that fails.
    private static func manyCommits(_ system: SimulatedFileSystem, failing call: Int) throws -> String? {
        guard let store = try? StoreCore.create(path: "/shop", options: options, fileSystem: system) else { return nil }
        defer { store.close() }
        for seed in 0..<20 {
            // A sync that fails in the compaction after a commit lets that commit stand and refuses the next one.
            let hasFailed = system.callCount > call
            do {
                if seed == 0 { try store.createTable(shop.schema) }
                try store.append(table: "orders", shop.batch(Rows.random(8, seed: UInt64(seed), keys: 200)))
                try store.commit()
                if hasFailed { return "commit \(seed) went through" }
            } catch {
                if system.callCount <= call { throw error }
                try store.rollback()
            }
        }
        return nil
    }
}
