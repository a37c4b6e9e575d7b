import DukkanFormat
import DukkanStorage

/// Looks at what a fault has left: the store must open, hold what it may hold, have nothing wrong and nothing left over,
/// and go on.
struct Inspection {
    let expectation: FaultyShop.Expectation
    let options: StoreOptions
    /// Room on the disk; nil: any.
    var capacity: Int?
    /// Whether rows are committed and a reader looks first.
    var isThorough = true

    /// What the inspection has seen.
    struct Result {
        var state: ShopState
        /// After the store was opened for writing and closed.
        var disk: SimulatedDisk
    }

    /// Throws `FaultComplaint` where something is not as it must be.
    @discardableResult
    func run(_ disk: SimulatedDisk, seed: UInt64) throws -> Result {
        // Another seed than that of any life: identifiers would come twice.
        let system = SimulatedFileSystem(seed: seed ^ 0xD15C_0000_0000_0000, disk: disk)
        system.setCapacity(capacity)
        do {
            return try run(on: system, seed: seed)
        } catch let error as FaultComplaint {
            throw error
        } catch {
            throw FaultComplaint("the store does not work: \(error)")
        }
    }

    private func run(on system: SimulatedFileSystem, seed: UInt64) throws -> Result {
        let store: StoreCore
        var seen: ShopState?
        do {
            if isThorough { seen = try look(system) }
            store = try StoreCore.open(path: FaultyShop.path, readOnly: false, options: options, fileSystem: system)
        } catch let error as DukkanError where error.code == .notFound && !expectation.isCreated {
            return try makeAnew(system)
        }
        let state = try check(store, system)
        if let seen, seen != state { throw FaultComplaint("a reader saw \(seen), the writer \(state)") }
        let disk = system.disk
        if isThorough { try goOn(store, system, state, seed) }
        store.close()
        return Result(state: state, disk: disk)
    }

    /// What a reader sees; it must write nothing.
    private func look(_ system: SimulatedFileSystem) throws -> ShopState {
        let version = system.disk.version
        let reader = try StoreCore.open(path: FaultyShop.path, readOnly: true, options: options, fileSystem: system)
        let state = try ShopState(reader.snapshot())
        if system.disk.version != version { throw FaultComplaint("a reader has written") }
        return state
    }

    private func check(_ store: StoreCore, _ system: SimulatedFileSystem) throws -> ShopState {
        let snapshot = try store.snapshot()
        let state = try ShopState(snapshot)
        guard expectation.allowed.contains(state) else {
            throw FaultComplaint(
                "the store holds \(state); committed was \(expectation.committed)"
                    + (expectation.attempt.map { ", about to be committed \($0)" } ?? "")
                    + difference(state))
        }
        let findings = try store.verify()
        guard findings.isEmpty else { throw FaultComplaint("verify: \(findings.map(\.description))") }
        // Nothing but what the manifest names takes space.
        let tables = snapshot.manifest.tables
        let parts = tables.flatMap(\.parts).reduce(0) { $0 + $1.byteCount }
        let deletions = tables.flatMap(\.deletions).reduce(0) { $0 + $1.byteCount }
        let manifest = system.byteCount(of: FaultyShop.path + "/" + StoreLayout.manifestName(snapshot.generation))
        let others = Set(system.fileNames).symmetricDifference(Inspection.fileNames(snapshot.manifest))
        guard others.isEmpty else { throw FaultComplaint("files too many or missing: \(others.sorted())") }
        guard system.usedByteCount == parts + deletions + manifest else {
            throw FaultComplaint(
                "\(system.usedByteCount) bytes are in use, the manifest names \(parts + deletions + manifest)")
        }
        return state
    }

    /// Paths of all files that belong to a generation.
    static func fileNames(_ manifest: Manifest) -> Set<String> {
        var names: Set<String> = ["LOCK", StoreLayout.manifestName(manifest.generation)]
        for table in manifest.tables {
            for part in table.parts {
                names.insert("parts/" + StoreLayout.partName(table: table.number, file: part.file))
            }
            for deletion in table.deletions {
                names.insert("parts/" + StoreLayout.deletionName(table: table.number, file: deletion.file))
            }
        }
        return Set(names.map { FaultyShop.path + "/" + $0 })
    }

    private func difference(_ state: ShopState) -> String {
        guard state.tables.keys == expectation.committed.tables.keys else { return "" }
        for (name, table) in state.tables {
            let expected = expectation.committed.tables[name]?.rows ?? []
            guard
                let place = (0..<max(table.rows.count, expected.count)).first(where: {
                    $0 >= table.rows.count || $0 >= expected.count || table.rows[$0] != expected[$0]
                })
            else { continue }
            return "; the first difference in \(name) is row \(place): \(table.rows.dropFirst(place).first as Any) "
                + "instead of \(expected.dropFirst(place).first as Any)"
        }
        return ""
    }

    /// A commit more must go through, unless the disk is full.
    private func goOn(_ store: StoreCore, _ system: SimulatedFileSystem, _ state: ShopState, _ seed: UInt64) throws {
        system.setCapacity(nil)
        let shop = ShopModel.shops[0]
        if state.tables[shop.name] == nil { try store.createTable(shop.schema) }
        let isWide = state.tables[shop.name]?.columnCount != 5
        var rows = Rows.random(3, seed: seed)
        for index in rows.indices {
            rows[index].key = Int64(1_000_000_000 + index)
            if !isWide { rows[index].value = nil }
        }
        var batch = shop.batch(rows)
        if !isWide { batch.columns.removeLast() }
        try store.append(table: shop.name, batch)
        try store.commit()
        let before = state.tables[shop.name]?.rows ?? []
        let after = try shop.rows(store.snapshot())
        guard after.count == before.count + 3, Set(after) == Set(before).union(rows) else {
            throw FaultComplaint("a commit of 3 rows made \(after.count) rows of \(before.count)")
        }
    }

    /// A store whose making did not end is made again in the same place.
    private func makeAnew(_ system: SimulatedFileSystem) throws -> Result {
        system.setCapacity(nil)
        let store = try StoreCore.create(path: FaultyShop.path, options: options, fileSystem: system)
        store.close()
        return Result(state: ShopState(), disk: system.disk)
    }
}
