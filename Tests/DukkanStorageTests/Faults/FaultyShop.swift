import DukkanFormat
import DukkanStorage

/// A store on a machine that fails, and what it must hold.
final class FaultyShop {
    static let path = "/shop"

    /// What may be found when the store is opened.
    struct Expectation: Sendable {
        var committed: ShopState
        /// What a commit that did not return was about to make.
        var attempt: ShopState?
        /// Whether the store was made.
        var isCreated: Bool

        var allowed: [ShopState] { [committed] + (attempt.map { [$0] } ?? []) }
    }

    let system: SimulatedFileSystem
    let options: StoreOptions
    /// Whether a commit that failed is made again, with the disk well again.
    var commitsAgain = false
    private(set) var store: StoreCore?
    /// As the open transaction sees it.
    private(set) var model: ShopModel
    private var committedModel: ShopModel
    /// What a commit under way makes.
    private var attempted: ShopModel?
    /// Whether no change of the open transaction has failed halfway.
    private(set) var isTransactionWhole = true
    /// What may be found, by the mark of the system's images; the last one holds now.
    private(set) var expectations: [Expectation]

    init(
        system: SimulatedFileSystem, model: ShopModel = ShopModel(), isCreated: Bool = false, options: StoreOptions
    ) {
        self.system = system
        self.options = options
        self.model = model
        committedModel = model
        expectations = [Expectation(committed: model.state, isCreated: isCreated)]
    }

    var expectation: Expectation { expectations[expectations.count - 1] }

    /// Options under which few rows make parts, windows and merges.
    static var options: StoreOptions {
        var options = StoreOptions(threads: 1)
        options.windowRowCountTarget = 60
        options.runRowCountMax = 40
        return options
    }

    private func expect(_ change: (inout Expectation) -> Void) {
        var next = expectation
        change(&next)
        expectations.append(next)
        system.setMark(expectations.count - 1)
    }

    private func use() throws -> StoreCore {
        guard let store else { throw FaultComplaint("the store is not open") }
        return store
    }

    /// What the open handle shows.
    func shown() throws -> ShopState { try ShopState(use().snapshot()) }

    func create() throws {
        store = try StoreCore.create(path: FaultyShop.path, options: options, fileSystem: system)
        expect { $0.isCreated = true }
    }

    func open() throws {
        store = try StoreCore.open(path: FaultyShop.path, readOnly: false, options: options, fileSystem: system)
    }

    func close() {
        store?.close()
        store = nil
        model = committedModel
        isTransactionWhole = true
    }

    func make(_ shop: Shop, isWide: Bool = false) throws {
        try change { try $0.createTable(ShopModel.schema(shop, isWide: isWide)) }
        model.make(shop, isWide: isWide)
    }

    func drop(_ shop: Shop) throws {
        try change { try $0.dropTable(shop.name) }
        model.drop(shop)
    }

    func widen(_ shop: Shop) throws {
        guard let column = shop.schema.columns.last else { return }
        try change { try $0.addColumn(table: shop.name, column) }
        model.widen(shop)
    }

    func append(_ rows: [Row], _ shop: Shop) throws {
        try change { try $0.append(table: shop.name, model.batch(rows, shop)) }
        model.append(rows, shop)
    }

    private func change(_ body: (StoreCore) throws -> Void) throws {
        isTransactionWhole = false
        try body(use())
        isTransactionWhole = true
    }

    func rollback() throws {
        model = committedModel
        isTransactionWhole = true
        try use().rollback()
    }

    /// The same shop on another machine, which holds what is left of this one.
    func moved(to system: SimulatedFileSystem) -> FaultyShop {
        let next = FaultyShop(system: system, model: committedModel, options: options)
        next.attempted = attempted
        next.expectations = [expectation]
        return next
    }

    func commit() throws {
        do {
            try publish(model) { try $0.commit() }
        } catch let error as DukkanError where commitsAgain && error.code == .inputOutput && !system.isDown {
            system.heal()
            try publish(model) { try $0.commit() }
        }
    }

    func compact() throws {
        try publish(model) { _ = try $0.compact() }
    }

    /// When it returns, no loss of power may show a file again that had rows of the customers.
    func erase(_ customers: Set<String>) throws {
        var next = model
        next.erase(customers)
        try publish(next, mayFailLate: true) { store in
            _ = try store.erase(customers: customers.compactMap { Int64($0) }.map { .integer($0) })
        }
        // With a planted mistake the life must come to its end for the faults to find it.
        guard SimulatedFileSystem.defect == nil, let snapshot = try store?.snapshot() else { return }
        let disk = system.disk
        let left = disk.reachableNames.subtracting(Inspection.fileNames(snapshot.manifest))
        guard left.isEmpty else { throw FaultComplaint("after an erasure a crash may show \(left.sorted())") }
        let found = try ByteSearch(path: FaultyShop.path, system: SimulatedFileSystem(seed: 0, disk: disk))
            .decoded(customers: customers, texts: [])
            // Numbers of rows of a part that a compaction took stay in a table that the erasure did not change.
            .filter { !$0.hasSuffix("which is gone") }
        guard found.isEmpty else { throw FaultComplaint("after an erasure there is \(found)") }
    }

    /// Runs a call that makes a new generation, and notes what may stand afterwards.
    ///
    /// - Parameter mayFailLate: whether it may throw `inputOutput` when the generation stands.
    private func publish(
        _ next: ShopModel, mayFailLate: Bool = false, _ body: (StoreCore) throws -> Void
    ) throws {
        let store = try use()
        let state = next.state
        attempted = next
        expect { $0.attempt = state }
        let firstCall = system.callCount
        do {
            try body(store)
        } catch {
            let isOpen = system.isDown || (error as? DukkanError)?.code == .outcomeUnknown
            if isOpen && !system.isDown && !system.calls[firstCall...].contains(where: { $0.operation == .rename }) {
                throw FaultComplaint("the outcome was said to be unknown before anything was renamed: \(error)")
            }
            if !isOpen && !mayFailLate { expect { $0.attempt = nil } }
            throw error
        }
        if system.isDown { throw DukkanError(.inputOutput, "the machine stopped") }
        model = next
        committedModel = next
        expect {
            $0.committed = state
            $0.attempt = nil
        }
    }

    /// Takes what an inspection has found for what stands.
    func settle(_ found: ShopState) {
        if let attempt = expectation.attempt, found == attempt, let attempted { committedModel = attempted }
        model = committedModel
        expect {
            $0.committed = found
            $0.attempt = nil
            $0.isCreated = true
        }
    }
}
