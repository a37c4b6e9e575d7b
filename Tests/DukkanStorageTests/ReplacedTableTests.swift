import DukkanFormat
import DukkanStorage
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A table of a column is written once more in its place when a part ends: whatever happens at that call, nothing is lost.
@Suite struct ReplacedTableTests {
    private static let shop = Shop()
    private static let options = StoreOptions(threads: 1, automaticCompaction: false)

    /// Texts that the key decides; three stripes, of which later ones bring keys that the first one does not have.
    private static func rows() -> [Row] {
        var generator = SeededGenerator(seed: 5)
        var rows: [Row] = []
        for customer in 0..<18 {
            for i in 0..<16_385 {
                let key =
                    customer < 10
                    ? 2 * Int.random(in: 0...500, using: &generator)
                    : Int.random(in: 0...1_000, using: &generator)
                let text = "text \(key * 7_919 % 31 % 16)"
                rows.append(Row(customer: "\(customer)", time: Int64(i), key: Int64(key), text: text))
            }
        }
        return rows
    }

    /// Commits a small part and makes a large one; whether that was acknowledged.
    private static func write(_ rows: [Row], _ system: SimulatedFileSystem) throws -> Bool {
        let store = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
        try store.createTable(shop.schema)
        try store.append(table: shop.name, shop.batch(Array(rows[..<100])))
        try store.commit()
        defer { store.close() }
        do {
            try store.append(table: shop.name, shop.batch(Array(rows[100...])))
            try store.commit()
            return true
        } catch is DukkanError {
            return false
        }
    }

    @Test func everyFaultAtTheReplacementLeavesACommittedStore() throws {
        let rows = ReplacedTableTests.rows()
        let plain = SimulatedFileSystem(seed: 1)
        #expect(try ReplacedTableTests.write(rows, plain))
        let call = try #require(plain.calls.first { $0.operation == .replace }?.number, "no table was replaced")
        #expect(plain.calls.count { $0.operation == .replace } == 1)
        var acknowledged = 0
        let faults = SimulatedFault.possible(at: .replace)
        for fault in faults {
            let system = SimulatedFileSystem(seed: 1, faults: [call: fault])
            let isAcknowledged = try ReplacedTableTests.write(rows, system)
            acknowledged += isAcknowledged ? 1 : 0
            #expect(isAcknowledged == fault.isHarmless, "\(fault.name)")
            system.heal()
            let machine = system.isDown ? system.restarted(seed: 2) : system
            let store = try StoreCore.open(
                path: "/shop", readOnly: false, options: ReplacedTableTests.options, fileSystem: machine)
            defer { store.close() }
            #expect(try store.verify() == [], "\(fault.name)")
            let held = try ReplacedTableTests.shop.rows(store.snapshot())
            #expect(held.count == (isAcknowledged ? rows.count : 100), "\(fault.name)")
            if isAcknowledged { #expect(Set(held) == Set(rows), "\(fault.name)") }
        }
        #expect(acknowledged == 3 && faults.count > 8)
    }

    /// A process that ends before the replacement leaves a part whose stripes are whole and whose table is not.
    ///
    /// Without a manifest nobody knows that it was never committed; what is saved of it are rows that were written, and no others.
    @Test func aTableThatIsNotUpToDateMakesNothingUp() throws {
        let rows = ReplacedTableTests.rows()
        let plain = SimulatedFileSystem(seed: 1)
        _ = try ReplacedTableTests.write(rows, plain)
        let call = try #require(plain.calls.first { $0.operation == .replace }?.number)
        let system = SimulatedFileSystem(seed: 1, faults: [call: .death])
        #expect(try !ReplacedTableTests.write(rows, system))
        let machine = SimulatedFileSystem(seed: 2, disk: system.disk)
        let manifest = try #require(machine.fileNames.last { $0.hasPrefix("/shop/MANIFEST") })
        machine.damage(manifest) { $0[40] ^= 1 }
        let report = try StoreCore.salvage(path: "/shop", into: "/saved", fileSystem: machine)
        var shop = ReplacedTableTests.shop
        shop.name = "table_1"
        let store = try StoreCore.open(path: "/saved", readOnly: true, fileSystem: machine)
        let saved = try shop.rows(store.snapshot())
        let written = Set(rows)
        #expect(saved.count > 100_000 && saved.allSatisfy { written.contains($0) })
        let losses = report.losses.filter { $0.columns == ["text"] }
        #expect(
            !losses.isEmpty && losses.allSatisfy { ($0.block ?? 0) >= 10 && $0.reason == "a code without a string" })
        #expect(report.losses.contains { $0.rowCount == nil && $0.reason.contains("never finished") })
    }

    /// What was replaced but never made durable does not count as written.
    @Test func aTableThatWasNotMadeDurableIsNotTrusted() throws {
        let rows = ReplacedTableTests.rows()
        let plain = SimulatedFileSystem(seed: 1)
        _ = try ReplacedTableTests.write(rows, plain)
        let call = try #require(plain.calls.first { $0.operation == .replace }?.number)
        let sync = try #require(plain.calls.first { $0.number > call && $0.operation == .sync }?.number)
        for survival in SimulatedDisk.Survival.allCases {
            let system = SimulatedFileSystem(seed: 1, faults: [sync: .crash])
            #expect(try !ReplacedTableTests.write(rows, system))
            var generator = SeededGenerator(seed: 3)
            let machine = SimulatedFileSystem(seed: 4, disk: system.disk.afterLossOfPower(survival, &generator))
            let store = try StoreCore.open(path: "/shop", readOnly: true, fileSystem: machine)
            #expect(try store.verify().allSatisfy { !$0.isDamage }, "\(survival)")
            #expect(try Set(ReplacedTableTests.shop.rows(store.snapshot())) == Set(rows[..<100]), "\(survival)")
        }
    }
}
