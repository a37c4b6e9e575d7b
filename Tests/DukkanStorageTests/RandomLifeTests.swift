import DukkanFormat
import DukkanStorage
import Testing

/// Random appends, replacements, commits, compactions and reopenings against a plain list of rows.
@Suite struct RandomLifeTests {
    struct World: Sendable, CustomTestStringConvertible {
        var shop: Shop
        var seed: UInt64
        /// Customers spread over all 64-bit integers.
        var wide = false
        var testDescription: String {
            "seed \(seed), \(shop.stringCustomers ? "string" : "integer") customers, "
                + (shop.isUnique ? shop.stringKeys ? "unique strings" : "unique integers" : "no unique column")
        }
    }

    /// Debug builds are slow: they live through a part of the lives.
    #if DEBUG || DUKKAN_SANITIZED
    static let seedCount: UInt64 = 2
    #else
    static let seedCount: UInt64 = 12
    #endif

    static let worlds: [World] = (0..<seedCount).flatMap { seed in
        [
            World(shop: Shop(), seed: seed, wide: seed % 2 == 1),
            World(shop: Shop(stringCustomers: true, allowsNullCustomer: true), seed: 100 + seed),
            World(shop: Shop(isUnique: true, allowsNullCustomer: true), seed: 200 + seed),
            World(shop: Shop(stringCustomers: true, isUnique: true, stringKeys: true), seed: 300 + seed),
        ]
    }

    @Test(arguments: worlds) func aStoreHoldsWhatAPlainListHolds(_ world: World) throws {
        var life = try RandomLife(world: world)
        for step in 0..<150 { try life.step(step) }
        try life.end()
    }
}

/// One store, its model and what happened to them.
private struct RandomLife {
    let world: RandomLifeTests.World
    let shop: Shop
    let system: SimulatedFileSystem
    var generator: SeededGenerator
    var store: StoreCore
    var committed: Model
    var pending: Model
    /// Snapshots taken earlier, with the rows that they must still show.
    var held: [(snapshot: Snapshot, rows: [Row])] = []
    /// Event time moves on, with some rows late.
    var clock: Int64 = 0
    var log: [String] = []

    init(world: RandomLifeTests.World) throws {
        self.world = world
        shop = world.shop
        system = SimulatedFileSystem(seed: world.seed)
        generator = SeededGenerator(seed: world.seed)
        store = try StoreCore.create(path: "/shop", options: RandomLife.options, fileSystem: system)
        try store.createTable(shop.schema)
        try store.commit()
        committed = Model(shop: shop)
        pending = committed
    }

    static var options: StoreOptions {
        var options = StoreOptions(threads: 2)
        options.windowRowCountTarget = 300
        options.runRowCountMax = 50
        return options
    }

    mutating func step(_ number: Int) throws {
        switch Int.random(in: 0..<20, using: &generator) {
        case 0..<9:
            let rows = newRows()
            log.append("append \(rows.count)")
            try store.append(table: shop.name, shop.batch(rows))
            pending.append(rows)
        case 9..<16: try commit()
        case 16:
            log.append("rollback")
            try store.rollback()
            pending = committed
        case 17:
            try commit()
            log.append("compact")
            let report = try store.compact()
            #expect(report.partsAfter <= report.partsBefore, "\(context)")
            try check()
            #expect(try store.compact().rowsWritten == 0, "\(context)")
        case 18:
            log.append("reopen")
            store.close()
            store = try StoreCore.open(
                path: "/shop", readOnly: false, options: RandomLife.options, fileSystem: system)
            pending = committed
            try check()
        default:
            log.append("hold")
            held.append((try store.snapshot(), committed.sorted))
            if held.count > 3 {
                let oldest = held.removeFirst()
                #expect(try shop.rows(oldest.snapshot) == oldest.rows, "\(context)")
            }
        }
    }

    mutating func end() throws {
        try commit()
        for item in held { #expect(try shop.rows(item.snapshot) == item.rows, "\(context)") }
        held = []
        #expect(try store.verify() == [], "\(context)")
        store.close()
    }

    var context: String { "\(world.testDescription): " + log.suffix(40).joined(separator: ", ") }

    private func name(_ customer: Int) -> String {
        world.wide ? String(Int64(customer) &* 0x1E37_79B9_7F4A_7C15) : String(customer * 7 % 12)
    }

    private mutating func newRows() -> [Row] {
        clock += Int64.random(in: 0..<6, using: &generator)
        let count = Int.random(in: 0..<90, using: &generator)
        return (0..<count).map { _ in
            let isLate = Int.random(in: 0..<10, using: &generator) == 0
            let customer = Int.random(in: 0..<12, using: &generator)
            let text = Int.random(in: 0..<30, using: &generator)
            return Row(
                customer: shop.allowsNullCustomer && customer == 0 ? nil : name(customer),
                time: isLate ? Int64.random(in: 0...clock, using: &generator) : clock,
                key: Int64.random(in: 0..<400, using: &generator), text: text == 0 ? nil : "text \(text)",
                amount: text == 3 ? nil : Int64.random(in: 0..<1_000, using: &generator),
                value: text == 4 ? nil : Double(text) / 3)
        }
    }

    private mutating func commit() throws {
        log.append("commit")
        try store.commit()
        committed = pending
        try check()
    }

    private func check() throws {
        let snapshot = try store.snapshot()
        let rows = try shop.rows(snapshot)
        let expected = committed.sorted
        guard rows != expected else {
            #expect(snapshot.tables[0].rowCount == expected.count, "\(context)")
            return
        }
        let place = zip(rows, expected).enumerated().first { $1.0 != $1.1 }?.offset ?? min(rows.count, expected.count)
        Issue.record(
            """
            \(context): \(rows.count) rows instead of \(expected.count), the first difference at \(place): \
            \(rows.dropFirst(place).prefix(2)) instead of \(expected.dropFirst(place).prefix(2))
            """)
        throw DukkanError(.corrupt, "the store and the model differ")
    }
}
