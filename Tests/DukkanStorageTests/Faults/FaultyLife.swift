import DukkanFormat
import DukkanStorage

/// A life of a store by chance, with many faults: after each the store is looked at, opened again or used on, and the
/// life goes on.
struct FaultyLife {
    private static let stepCount = 60
    private static let commonActions: [Action] = [
        .append, .append, .commit, .commit, .commit, .batches, .replace, .replace, .widen, .rollback, .compact,
        .compact,
        .erase, .reopen, .table,
    ]
    /// Many deletion files, which no compaction takes away.
    private static let replacingActions: [Action] = [.replace, .replace, .replace, .commit, .append, .rollback]
    /// Rows of a table from which on it is dropped and made anew.
    private static let rowCountMax = 150

    private var generator: SeededGenerator
    private let tally: FaultTally
    private var shop: FaultyShop
    private var trace: [String] = []
    /// Faults of the machine before the handle was opened.
    private var eventCountAtOpening = 0
    /// Whether something has happened to the handle after which it may commit nothing more.
    private var handleMayRefuse = false
    private let actions: [Action]
    static func run(seed: UInt64, _ tally: FaultTally) {
        var life = FaultyLife(seed: seed, tally)
        do {
            try life.live()
        } catch {
            tally.complain(error, in: "life/\(seed)", trace: life.trace + ["then:"] + life.shop.system.trace)
        }
    }

    private init(seed: UInt64, _ tally: FaultTally) {
        generator = SeededGenerator(seed: seed)
        self.tally = tally
        var options = FaultyShop.options
        if Bool.random(using: &generator) { options.runRowCountMax = 15 }
        options.automaticCompaction = Int.random(in: 0..<5, using: &generator) > 0
        // In some lives parts are made durable as soon as they are written, as large ones are.
        options.waitingPartByteCountMax = Bool.random(using: &generator) ? 16 << 20 : 0
        let isReplacing = Int.random(in: 0..<4, using: &generator) == 0
        if isReplacing { options.automaticCompaction = false }
        actions = isReplacing ? FaultyLife.replacingActions : FaultyLife.commonActions
        shop = FaultyShop(system: SimulatedFileSystem(seed: generator.next()), options: options)
    }

    private mutating func live() throws {
        for _ in 0..<FaultyLife.stepCount {
            try step()
            if tally.hasFailed { return }
        }
        shop.close()
    }

    private mutating func chance(_ part: Int, of whole: Int) -> Bool {
        Int.random(in: 0..<whole, using: &generator) < part
    }

    // MARK: Steps

    private mutating func step() throws {
        let system = shop.system
        let eventCount = system.events.count, refusedCount = system.refusedForSpaceCount
        if chance(19, of: 20) { planFault() }
        let action = chooseAction()
        trace.append("step \(action), call \(system.callCount)")
        if action == .open || action == .reopen || action == .create {
            eventCountAtOpening = eventCount
            handleMayRefuse = false
        }
        var failure: DukkanError?
        do {
            try act(action)
        } catch let error as DukkanError {
            failure = error
        }
        let outcome = Outcome(
            events: Array(system.events[eventCount...]), isFull: system.refusedForSpaceCount > refusedCount,
            failure: failure)
        trace.append("    \(outcome)")
        tally.add(outcome.events)
        if outcome.isFull { tally.add("disk full after some bytes", at: "\(action)") }
        try outcome.judge(handleMayRefuse: handleMayRefuse)
        if outcome.mayRefuse { handleMayRefuse = true }
        if outcome.isFault { try inspect(capacity: outcome.isFull ? system.usedByteCount : nil) }
        if system.isDown { return restart() }
        system.heal()
        if failure == nil && (action == .open || action == .reopen) {
            try settle()
        } else if failure != nil {
            try goOn(after: outcome)
        }
    }

    private enum Action: String {
        case create, open, table, append, commit, batches, replace, widen, rollback, compact, erase, drop, reopen
    }

    private mutating func chooseAction() -> Action {
        // A making that failed may have got as far as a manifest.
        if !shop.expectation.isCreated
            && !shop.system.fileNames.contains(where: { $0.contains("/MANIFEST-0000000") && !$0.hasSuffix(".tmp") })
        {
            return .create
        }
        if shop.store == nil { return .open }
        if !shop.model.has(ShopModel.shops[0]) { return .table }
        if shop.model.rowCount(ShopModel.shops[0]) > FaultyLife.rowCountMax { return .drop }
        return actions[Int.random(in: 0..<actions.count, using: &generator)]
    }

    private mutating func act(_ action: Action) throws {
        let orders = ShopModel.shops[0], visits = ShopModel.shops[1]
        switch action {
        case .create: try shop.create()
        case .open: try shop.open()
        case .table:
            if !shop.model.has(orders) { try shop.make(orders, isWide: chance(1, of: 2)) }
            if !shop.model.has(visits), chance(1, of: 2) { try shop.make(visits) }
            try shop.commit()
        case .append: try append()
        case .commit:
            try append()
            try shop.commit()
        case .batches:
            for _ in 0..<3 { try append() }
            try shop.commit()
        case .replace:
            // Keys of few: most rows of before are replaced.
            try shop.append(Rows.random(12, seed: generator.next(), keys: 20), orders)
            try shop.commit()
        case .widen:
            if !shop.model.isWide(orders) { try shop.widen(orders) }
            try append()
            try shop.commit()
        case .rollback: try shop.rollback()
        case .compact:
            try shop.commit()
            try shop.compact()
        case .erase:
            try shop.commit()
            let customers = shop.model.customers.sorted()
            try shop.erase(Set(customers.filter { _ in chance(1, of: 8) } + ["999"]))
        case .drop:
            let dropped = shop.model.has(visits) && chance(1, of: 3) ? visits : orders
            try shop.drop(dropped)
            try shop.make(dropped)
            try shop.commit()
        case .reopen:
            shop.close()
            try shop.open()
        }
    }

    private mutating func append() throws {
        let isVisit = shop.model.has(ShopModel.shops[1]) && chance(1, of: 3)
        let count = Int.random(in: 0..<20, using: &generator)
        try shop.append(
            Rows.random(count, seed: generator.next(), keys: 90), isVisit ? ShopModel.shops[1] : ShopModel.shops[0])
    }

    // MARK: After a fault

    /// How a step ended.
    private struct Outcome: CustomStringConvertible {
        var events: [FaultEvent]
        var isFull: Bool
        var failure: DukkanError?

        var isFault: Bool { isFull || !events.isEmpty }

        var description: String {
            let texts = events.map { "\($0.call) \($0.operation): \($0.fault.name)" } + (isFull ? ["full"] : [])
            return texts.joined(separator: ", ") + (failure.map { " -> \($0)" } ?? " -> no error")
        }

        /// Which error the faults may lead to.
        func judge(handleMayRefuse: Bool) throws {
            guard let failure, !(handleMayRefuse && failure.code == .inputOutput) else { return }
            if !isFault || !isFull && events.allSatisfy(\.fault.isHarmless) {
                throw FaultComplaint("an error without a reason: \(failure)")
            }
            guard [.inputOutput, .outcomeUnknown, .alreadyExists].contains(failure.code) else {
                throw FaultComplaint("the faults led to \(failure.code): \(failure)")
            }
        }

        /// Whether the handle may commit nothing more.
        var mayRefuse: Bool {
            events.contains { $0.operation == .rename || $0.fault.isFailedSync(at: $0.operation) || $0.fault.goesOn }
        }

        var mustRefuse: Bool {
            failure?.code == .outcomeUnknown || events.contains { $0.fault.isFailedSync(at: $0.operation) }
        }
    }

    private mutating func inspect(capacity: Int? = nil) throws {
        try Inspection(expectation: shop.expectation, options: shop.options, capacity: capacity)
            .run(shop.system.disk, seed: generator.next())
    }

    /// The machine, or the process, starts again; the store is opened by the next step.
    private mutating func restart() {
        let system = shop.system
        shop.close()
        var disk = system.disk
        if system.events.last?.fault == .crash {
            let survivals = SimulatedDisk.Survival.allCases
            let survival = survivals[Int.random(in: 0..<survivals.count, using: &generator)]
            trace.append("    \(survival) survives")
            disk = disk.afterLossOfPower(survival, &generator)
        }
        shop = shop.moved(to: SimulatedFileSystem(seed: generator.next(), disk: disk))
        eventCountAtOpening = 0
    }

    /// What the store shows that was opened just now stands from here on.
    private mutating func settle() throws {
        let found = try shop.shown()
        guard shop.expectation.allowed.contains(found) else {
            throw FaultComplaint("opened again the store holds \(found), not \(shop.expectation.allowed)")
        }
        shop.settle(found)
    }

    /// The handle that failed goes on, or is closed.
    private mutating func goOn(after outcome: Outcome) throws {
        guard shop.store != nil else {
            guard shop.system.openCount == 0 else { throw FaultComplaint("descriptors are left open") }
            return
        }
        if chance(1, of: 2) {
            shop.close()
            guard shop.system.openCount == 0 else { throw FaultComplaint("descriptors are left open") }
            return
        }
        // An erasure may fail when its generation stands.
        if shop.expectation.attempt != nil, outcome.failure?.code != .outcomeUnknown { try settle() }
        if shop.expectation.attempt == nil, try shop.shown() != shop.expectation.committed {
            throw FaultComplaint("after a failure the handle shows what was not committed")
        }
        if !shop.isTransactionWhole || chance(1, of: 2) {
            trace.append("    rolled back")
            try shop.rollback()
            // Where the outcome is unknown, and where a file could not be removed, files are left to the next writer.
            if shop.expectation.attempt == nil { try checkSpace() }
        }
        trace.append("    commits again")
        do {
            if !shop.model.has(ShopModel.shops[0]) { try shop.make(ShopModel.shops[0]) }
            try append()
            try shop.commit()
        } catch let error as DukkanError {
            guard handleMayRefuse && error.code == .inputOutput else {
                throw FaultComplaint("the handle does not go on: \(error)")
            }
            shop.close()
            return
        }
        if outcome.mustRefuse { throw FaultComplaint("the handle went on after \(outcome)") }
        try checkSpace()
        try inspect()
    }

    /// After a rollback, and after a commit, nothing but what the manifest names takes space.
    private func checkSpace() throws {
        let events = shop.system.events[eventCountAtOpening...]
        guard !events.contains(where: { $0.operation == .remove || $0.fault.goesOn }) else { return }
        guard let snapshot = try shop.store?.snapshot() else { return }
        let tables = snapshot.manifest.tables
        let named =
            tables.flatMap(\.parts).reduce(0) { $0 + $1.byteCount }
            + tables.flatMap(\.deletions).reduce(0) { $0 + $1.byteCount }
        let name = FaultyShop.path + "/" + StoreLayout.manifestName(snapshot.generation)
        let used = shop.system.usedByteCount - shop.system.byteCount(of: name)
        if used != named {
            throw FaultComplaint(
                "\(used) bytes are in use, the manifest names \(named): \(shop.system.fileNames)")
        }
    }

    // MARK: Faults

    /// A fault at one of the calls to come, which are nearer more often; sometimes two, or a disk with little room.
    private mutating func planFault() {
        let system = shop.system
        if chance(1, of: 15) {
            system.setCapacity(system.usedByteCount + Int.random(in: 0..<6_000, using: &generator))
            return
        }
        for _ in 0..<(chance(1, of: 6) ? 2 : 1) {
            let reach = Int.random(in: 1..<40, using: &generator)
            system.plan(.any, at: system.callCount + Int.random(in: 0..<reach, using: &generator))
        }
    }
}
