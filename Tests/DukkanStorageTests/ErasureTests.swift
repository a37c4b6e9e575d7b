import DukkanFormat
import DukkanStorage
import Testing

/// Erased customers are in no file of the store, whatever the life of the store was.
@Suite struct ErasureTests {
    struct World: Sendable, CustomTestStringConvertible {
        var shop: Shop
        var seed: UInt64
        var testDescription: String {
            "seed \(seed), \(shop.stringCustomers ? "string" : "integer") customers"
                + (shop.isUnique ? ", unique \(shop.stringKeys ? "strings" : "integers")" : "")
        }
    }

    #if DEBUG || DUKKAN_SANITIZED
    static let seedCount: UInt64 = 3
    #else
    static let seedCount: UInt64 = 24
    #endif

    static let worlds: [World] = (0..<seedCount).flatMap { seed in
        [
            World(shop: Shop(), seed: seed),
            World(shop: Shop(stringCustomers: true, allowsNullCustomer: true), seed: 1_000 + seed),
            World(shop: Shop(isUnique: true, allowsNullCustomer: true), seed: 2_000 + seed),
            World(shop: Shop(stringCustomers: true, isUnique: true, stringKeys: true), seed: 3_000 + seed),
        ]
    }

    @Test(arguments: worlds) func nothingOfErasedCustomersIsLeft(_ world: World) throws {
        var life = try ErasingLife(world.shop, seed: world.seed)
        for _ in 0..<6 {
            try life.liveOn()
            try life.erase()
        }
        #expect(life.rowsErased > 0)
    }

    @Test func aCustomerWhomNobodyKnowsChangesNothing() throws {
        var life = try ErasingLife(Shop(), seed: 1)
        try life.liveOn()
        let before = try life.store.snapshot().manifest
        let report = try life.store.erase(customers: [.integer(9_999)])
        #expect(report.customersAsked == 1)
        #expect(report.customersFound == 0)
        #expect(report.rows == 0)
        #expect(try life.store.snapshot().manifest == before)
        #expect(report.generation == before.generation)
    }

    @Test func anotherTypeOfKeyAndAnOpenTransactionAreRefused() throws {
        var life = try ErasingLife(Shop(), seed: 2)
        try life.liveOn()
        let type = #expect(throws: DukkanError.self) { try life.store.erase(customers: [.string("7")]) }
        #expect(type?.code == .invalidArgument)
        try life.store.append(table: "orders", Shop().batch(Rows.random(3, seed: 1)))
        let open = #expect(throws: DukkanError.self) { try life.store.erase(customers: [.integer(1)]) }
        #expect(open?.code == .invalidArgument)
        try life.store.rollback()
    }

    @Test func aSegmentThatNamesHerStopsTheErasureBeforeItBegins() throws {
        var life = try ErasingLife(Shop(), seed: 3)
        try life.liveOn()
        try life.store.defineSegment(name: "friends", text: "customer = 7")
        try life.store.commit()
        let before = try life.store.snapshot().manifest
        let error = #expect(throws: DukkanError.self) {
            try life.store.erase(customers: [.integer(7)], isNamed: { $0.text.contains("7") })
        }
        #expect(error?.code == .invalidArgument)
        #expect(error?.message.contains("friends") == true)
        #expect(try life.store.snapshot().manifest == before)
    }

    @Test func filesThatAreNotOfTheStoreAreNamed() throws {
        var life = try ErasingLife(Shop(), seed: 4)
        try life.liveOn()
        for name in ["/shop/rejects.csv", "/shop/parts/notes"] {
            let file = try life.system.openFile(name, for: .creating)
            life.system.close(file)
        }
        let report = try life.store.erase(customers: [.integer(7)])
        #expect(report.notExamined == ["/shop/parts/notes", "/shop/rejects.csv"])
        #expect(life.system.fileNames.contains("/shop/rejects.csv"))
    }

    /// Old files whose removal failed, or which a crash left, go with the erasure.
    @Test func leftoversGoAndStayAway() throws {
        var life = try ErasingLife(Shop(), seed: 6)
        try life.liveOn()
        let left = [
            "/shop/parts/t1-00009999.part", "/shop/parts/d1-00009998.del", "/shop/MANIFEST-00000001",
            "/shop/MANIFEST-00009999.tmp",
        ]
        for name in left {
            let file = try life.system.openFile(name, for: .creating)
            life.system.close(file)
        }
        try life.system.synchronizeNames(in: "/shop")
        try life.system.synchronizeNames(in: "/shop/parts")
        let report = try life.store.erase(customers: [.integer(9_999)])
        #expect(report.customersFound == 0)
        #expect(report.notExamined == [])
        for system in [life.system, life.system.restarted(seed: 1)] {
            #expect(system.fileNames.filter { left.contains($0) } == [])
        }
    }

    /// A file that cannot be removed is an error, and the next erasure ends what this one could not.
    @Test func aRemovalThatFailsIsToldAndDoneAgain() throws {
        let plain = try ErasureTests.erased(faults: [:])
        let removals = plain.system.trace.enumerated().filter {
            $0.offset > plain.start && $0.element.contains("remove")
        }
        #expect(removals.count > 2)
        var failures = 0
        for call in removals.map(\.offset) {
            let life = try ErasureTests.erased(faults: [call: .failure(5)])
            failures += life.error == nil ? 0 : 1
            let store = try StoreCore.open(path: "/shop", readOnly: false, fileSystem: life.system)
            let report = try store.erase(customers: life.customers)
            // What stands after a failure in the middle is all or nothing, and after the second time all of it.
            #expect(report.customersFound == 0 || report.customersFound == life.found, "call \(call)")
            let search = ByteSearch(path: "/shop", system: life.system)
            #expect(try search.decoded(customers: Set(life.names), texts: []) == [], "call \(call)")
            store.close()
        }
        // Removals after the commit are tried twice: the commit's own, whose failure is no error, and the erasure's.
        #expect(failures > 0)
    }

    private static func erased(
        faults: [Int: SimulatedFileSystem.Fault]
    ) throws -> (
        system: SimulatedFileSystem, start: Int, customers: [CustomerKey], names: [String], found: Int,
        error: (any Error)?
    ) {
        let system = SimulatedFileSystem(seed: 11, faults: faults)
        let shop = Shop()
        let store = try StoreCore.create(path: "/shop", options: ErasingLife.options, fileSystem: system)
        defer { store.close() }
        try store.createTable(shop.schema)
        for seed in 0..<4 {
            try store.append(table: shop.name, shop.batch(Rows.random(60, seed: UInt64(seed))))
            try store.commit()
        }
        let names = Array(Set(try shop.rows(store.snapshot()).compactMap(\.customer)).sorted().prefix(3))
        let customers = names.map { CustomerKey.integer(Int64($0) ?? 0) }
        let start = system.callCount
        do {
            _ = try store.erase(customers: customers)
            return (system, start, customers, names, 3, nil)
        } catch {
            return (system, start, customers, names, 3, error)
        }
    }

    /// What the erasure removes stays away.
    @Test func noCrashBringsRemovedFilesBack() throws {
        for seed in 0..<20 {
            var life = try ErasingLife(Shop(stringCustomers: true), seed: 500 + UInt64(seed))
            try life.liveOn()
            let gone = try life.erase()
            let machine = life.system.restarted(seed: 1)
            let search = ByteSearch(path: "/shop", system: machine)
            #expect(try search.raw(gone) == [])
            #expect(try search.decoded(customers: [], texts: []) == [])
        }
    }
}

/// A store in which every customer has texts that only she has, and shares others.
struct ErasingLife {
    let shop: Shop
    let system: SimulatedFileSystem
    let store: StoreCore
    private(set) var rowsErased = 0
    private var generator: SeededGenerator
    private var model: Model
    private var clock: Int64 = 0
    /// The text that only one customer has, by customer.
    private var own: [String: String] = [:]

    static var options: StoreOptions {
        var options = StoreOptions(threads: 2)
        options.windowRowCountTarget = 400
        options.runRowCountMax = 120
        return options
    }

    init(_ shop: Shop, seed: UInt64) throws {
        self.shop = shop
        system = SimulatedFileSystem(seed: seed)
        generator = SeededGenerator(seed: seed)
        model = Model(shop: shop)
        store = try StoreCore.create(path: "/shop", options: ErasingLife.options, fileSystem: system)
        try store.createTable(shop.schema)
        try store.commit()
    }

    /// Commits and compactions.
    mutating func liveOn() throws {
        for _ in 0..<Int.random(in: 3..<12, using: &generator) {
            let rows = newRows()
            try store.append(table: shop.name, shop.batch(rows))
            model.append(rows)
            try store.commit()
            if Int.random(in: 0..<8, using: &generator) == 0 { _ = try store.compact() }
        }
    }

    private mutating func newRows() -> [Row] {
        clock += 10
        return (0..<Int.random(in: 1..<160, using: &generator)).map { _ in
            let customer = name(Int.random(in: 0..<25, using: &generator))
            let text = Int.random(in: 0..<40, using: &generator)
            return Row(
                customer: shop.allowsNullCustomer && text == 1 ? nil : customer,
                time: max(0, clock - (text == 5 ? Int64.random(in: 0...clock, using: &generator) : 0)),
                key: Int64.random(in: 0..<900, using: &generator),
                text: text == 0 ? nil : text < 8 && text != 1 ? own(of: customer) : "text \(text)",
                amount: text == 3 ? nil : Int64.random(in: 0..<1_000, using: &generator),
                value: text == 4 ? nil : Double(text) / 3)
        }
    }

    private mutating func name(_ number: Int) -> String {
        guard shop.stringCustomers else { return String(number * 7) }
        // Keys begin alike, as addresses do, and go on with letters that stay as they are in a list of strings.
        var fixed = SeededGenerator(seed: UInt64(number))
        return "customer-" + ErasingLife.letters(12, using: &fixed)
    }

    /// A text of letters at random, which no compression can take apart, between parts that many share.
    private mutating func own(of customer: String) -> String {
        if let known = own[customer] { return known }
        let word = ErasingLife.letters(14, using: &generator)
        own[customer] = word
        return word
    }

    private static func letters(_ count: Int, using generator: inout SeededGenerator) -> String {
        let letters = Array("abcdefghijklmnopqrstuvwxyz")
        return String((0..<count).map { _ in letters[Int.random(in: 0..<26, using: &generator)] })
    }

    /// Erases some customers and looks for them everywhere; returns what must be gone.
    @discardableResult
    mutating func erase() throws -> Set<String> {
        let chosen = Set(
            (0..<Int.random(in: 1..<4, using: &generator)).map { _ in
                name(Int.random(in: 0..<25, using: &generator))
            })
        let expected = model.rows.count { chosen.contains($0.customer ?? "") }
        let report = try store.erase(
            customers: chosen.map { shop.stringCustomers ? .string($0) : .integer(Int64($0) ?? 0) }, time: clock)
        model.rows.removeAll { chosen.contains($0.customer ?? "") }
        rowsErased += report.rows
        #expect(report.rows == expected)
        #expect(report.customersAsked == chosen.count)
        let snapshot = try store.snapshot()
        #expect(try shop.rows(snapshot) == model.sorted)
        #expect(snapshot.generation == report.generation)
        if report.rows > 0 {
            #expect(snapshot.manifest.erasures.last == .init(generation: report.generation, time: clock))
        }
        let texts = Set(chosen.compactMap { own[$0] })
        for customer in chosen { own[customer] = nil }
        // Of a key the letters are looked for, since a list of strings does not repeat what two share in front.
        let gone = shop.stringCustomers ? texts.union(chosen.map { String($0.suffix(9)) }) : texts
        let search = ByteSearch(path: "/shop", system: system)
        #expect(try search.raw(gone) == [])
        #expect(try search.decoded(customers: chosen, texts: texts) == [])
        #expect(try bordersOfNobody(snapshot) == [])
        #expect(try store.verify() == [])
        return gone
    }

    /// Window borders that are not the time of a row, nor the one after.
    private func bordersOfNobody(_ snapshot: Snapshot) throws -> [Int64] {
        let table = snapshot.manifest.tables[0]
        let times = Set(table.parts.flatMap { [$0.minimumTime, $0.maximumTime + 1] })
        return table.windowBorders.filter { !times.contains($0) }
    }
}
