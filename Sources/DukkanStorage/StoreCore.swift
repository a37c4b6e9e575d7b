import Dispatch
package import DukkanFormat
import Synchronization

/// A store: one directory, opened for reading, or for reading and writing.
///
/// Any thread may call any method. Reading never waits for writing: `snapshot()` gives the newest generation while a commit
/// or a compaction runs. Writing calls take turns.
package final class StoreCore: Sendable {
    package let path: String
    package let options: StoreOptions
    package let isReadOnly: Bool
    private let loader: SnapshotLoader
    /// The newest generation seen.
    private let newest: Guarded<Snapshot>
    private let turns: WriterTurns?
    /// Time for a commit to take up what a merge beside it has made, which costs nobody a wait.
    private static let publishDelay = DispatchTimeInterval.milliseconds(5)

    private init(path: String, options: StoreOptions, loader: SnapshotLoader, snapshot: Snapshot, writer: Writer?) {
        self.path = path
        self.options = options
        self.loader = loader
        isReadOnly = writer == nil
        newest = Guarded(snapshot)
        turns = writer.map { WriterTurns($0) }
        writer?.onMergeEnd = { [weak self] in
            DispatchQueue(label: "dukkan.publish").asyncAfter(deadline: .now() + StoreCore.publishDelay) {
                [weak self] in
                self?.publishMerge()
            }
        }
    }

    /// Makes a store in a directory that does not exist yet, or is empty, and opens it for writing.
    package static func create(
        path: String, options: StoreOptions = StoreOptions(), fileSystem: any FileSystem = PosixFileSystem()
    ) throws -> StoreCore {
        try options.validate()
        try StoreCreation(path: path, fileSystem: fileSystem).run()
        return try open(path: path, readOnly: false, options: options, fileSystem: fileSystem)
    }

    /// Opens a store.
    ///
    /// With `readOnly` nothing is ever written, and any number of processes may do so while one writes.
    package static func open(
        path: String, readOnly: Bool, options: StoreOptions = StoreOptions(),
        fileSystem: any FileSystem = PosixFileSystem()
    ) throws -> StoreCore {
        try options.validate()
        let loader = SnapshotLoader(
            path: path, fileSystem: fileSystem, blocks: BlockCache(byteCountMax: options.blockCacheByteCount))
        if readOnly {
            let snapshot = try loader.load(reusing: nil)
            return StoreCore(path: path, options: options, loader: loader, snapshot: snapshot, writer: nil)
        }
        guard try loader.newestGeneration() != nil else {
            throw DukkanError(
                .notFound, "this is not a Dukkan store: no manifest is there", place: .init(file: path),
                advice: "make a new store with `dukkan init`")
        }
        let writer = try Writer(path: path, options: options, fileSystem: fileSystem, blocks: loader.blocks)
        return StoreCore(path: path, options: options, loader: loader, snapshot: writer.snapshot, writer: writer)
    }

    /// The newest committed generation.
    ///
    /// A reader looks whether another process has committed: one listing of the directory.
    package func snapshot() throws -> Snapshot {
        let current = newest.withLock { $0 }
        if turns != nil { return current }
        let loaded = try loader.load(reusing: current)
        return newest.withLock { held in
            if loaded.generation > held.generation { held = loaded }
            return held
        }
    }

    /// Schema of a table as the open transaction sees it.
    package func schema(of table: String) throws -> TableSchema {
        guard turns != nil else {
            guard let found = try snapshot().table(named: table) else {
                throw DukkanError(.notFound, "there is no table \(table)", place: .init(file: path))
            }
            return found.schema
        }
        return try write { $0.working.tables[try $0.tableIndex(table)].schema }
    }

    /// Schemas of all tables as the open transaction sees them.
    package var pendingSchemas: [TableSchema] {
        get throws {
            if turns == nil { return try snapshot().tables.map(\.schema) }
            return try write { $0.working.tables.map(\.schema) }
        }
    }

    package func createTable(_ schema: TableSchema) throws { try write { try $0.createTable(schema) } }
    package func dropTable(_ name: String) throws { try write { try $0.dropTable(name) } }
    package func addColumn(table: String, _ column: ColumnDefinition) throws {
        try write { try $0.addColumn(table: table, column) }
    }

    /// Names a segment, or gives the one of that name another text.
    package func defineSegment(name: String, text: String) throws {
        try write { try $0.defineSegment(name: name, text: text) }
    }
    package func dropSegment(name: String) throws { try write { try $0.dropSegment(name: name) } }

    /// Appends rows to the open transaction.
    ///
    /// They are copied; the batch may be used again.
    package func append(table: String, _ rows: RowBatch) throws {
        try write { try $0.append(table: table, rows) }
    }

    /// Whether the open transaction would change anything.
    package var hasChanges: Bool {
        get throws { turns == nil ? false : try write { $0.hasChanges } }
    }

    /// Makes the open transaction the next generation, durably.
    ///
    /// Without changes nothing happens.
    ///
    /// When it throws, the transaction is still open and nothing of it is visible: call again or roll back. The exception
    /// is `outcomeUnknown`: the store must be opened again to see which generation stands.
    package func commit(control: WorkControl? = nil) throws {
        try write { writer in
            defer {
                publish(writer)
                writer.beginRemoval()
            }
            try writer.commit(control: control)
        }
    }

    /// Forgets the open transaction.
    package func rollback() throws {
        try write { writer in
            writer.rollback()
            // A merge that ended meanwhile has waited for the transaction.
            writer.publishMergeBeside()
            publish(writer)
            writer.beginRemoval()
        }
    }

    /// Merges the parts of a table, or of all, into as few as their time windows need.
    ///
    /// There must be no open transaction.
    package func compact(table: String? = nil, control: WorkControl? = nil) throws -> CompactionReport {
        try write { writer in
            defer { publish(writer) }
            return try writer.compact(table: table, control: control)
        }
    }

    /// Erases customers: when it returns, their rows, their keys and every value that only they had are in no file of the
    /// store, and no crash brings them back.
    ///
    /// One generation: whenever it ends before, all of it has happened or nothing. There must be no open transaction.
    /// Snapshots that someone holds keep their files, which have no names any more.
    ///
    /// - Parameters:
    ///   - customers: keys; those that the store does not have are fine.
    ///   - time: what the store remembers as the time of the erasure, µs since 1970.
    ///   - isNamed: whether a segment's text names one of the customers. If one does, nothing happens and
    ///     `invalidArgument` is thrown.
    ///   - control: cancellation, deadline and progress.
    package func erase(
        customers: [CustomerKey], time: Int64 = 0, isNamed: (Manifest.Segment) throws -> Bool = { _ in false },
        control: WorkControl? = nil
    ) throws -> ErasureReport {
        try write { writer in
            defer { publish(writer) }
            return try writer.erase(customers, time: time, isNamed: isNamed, control: control)
        }
    }

    /// Makes or renews a copy of the newest generation in another directory, which is then a store itself.
    ///
    /// Takes no writer's lock: a writer may go on meanwhile. Files that the copy has already are not copied again.
    ///
    /// - Parameters:
    ///   - destination: a directory that does not exist, is empty, or holds an earlier copy of this store.
    ///   - time: what the store remembers as the time of the copy, µs since 1970.
    ///   - control: cancellation, deadline and progress.
    package func backup(to destination: String, time: Int64 = 0, control: WorkControl? = nil) throws -> BackupReport {
        let canonical = SnapshotLoader(
            path: loader.fileSystem.canonicalPath(path), fileSystem: loader.fileSystem)
        return try StoreBackup(
            loader: canonical, destination: loader.fileSystem.canonicalPath(destination), time: time, control: control
        ).run()
    }

    /// The copies that backups made of this store, by path, and whether each may still hold customers who were erased
    /// after it was made.
    package func copies() throws -> [(copy: StoreCopy, mayHoldErased: Bool)] {
        let lastErasure = try snapshot().manifest.erasures.last?.generation ?? 0
        return StoreCopies(path: path, fileSystem: loader.fileSystem).list()
            .map { ($0, $0.generation < lastErasure) }
    }

    /// Forgets a copy that does not exist any more.
    package func forgetCopy(at destination: String) throws {
        let copies = StoreCopies(path: path, fileSystem: loader.fileSystem)
        let canonical = loader.fileSystem.canonicalPath(destination)
        guard let known = copies.list().first(where: { $0.path == destination || $0.path == canonical }) else {
            throw DukkanError(
                .notFound, "the store remembers no copy there", place: .init(file: destination),
                advice: "`dukkan backup STORE --list` lists them")
        }
        try copies.forget(known)
    }

    /// Reads every file of the newest generation and checks every checksum and every invariant.
    ///
    /// An empty list: all is well. Throws for a cancelled control. O(bytes of the store).
    package func verify(control: WorkControl? = nil) throws -> [VerificationFinding] {
        // Files on their way out, or not in yet, are no finding.
        if turns != nil {
            try? write { writer in
                writer.stopMergeBeside()
                writer.finishRemoval()
            }
        }
        return try StoreVerification(loader: loader, threads: options.threads, control: control).run()
    }

    /// The same for a store that perhaps cannot be opened; it needs no more than a directory with a manifest's name in it.
    package static func verify(
        path: String, options: StoreOptions = StoreOptions(), fileSystem: any FileSystem = PosixFileSystem(),
        control: WorkControl? = nil
    ) throws -> [VerificationFinding] {
        try options.validate()
        let loader = SnapshotLoader(path: path, fileSystem: fileSystem)
        return try StoreVerification(loader: loader, threads: options.threads, control: control).run()
    }

    /// Copies every row of a damaged store that can still be read into a new one, and tells what is lost.
    ///
    /// Nothing is written to the damaged store; its manifest may be damaged or missing. What was copied is one commit.
    ///
    /// - Parameters:
    ///   - path: the damaged store.
    ///   - output: directory of the new store; must not exist or be empty.
    ///   - nullsDamaged: whether rows with damaged values are kept, with nulls for them; else only whole rows are.
    ///   - options: of the new store.
    ///   - fileSystem: where both lie.
    ///   - control: cancellation, deadline and progress.
    package static func salvage(
        path: String, into output: String, nullsDamaged: Bool = false, options: StoreOptions = StoreOptions(),
        fileSystem: any FileSystem = PosixFileSystem(), control: WorkControl? = nil
    ) throws -> SalvageReport {
        guard try fileSystem.namesIfPresent(in: path) != nil else {
            throw DukkanError(.notFound, "there is no directory", place: .init(file: path))
        }
        let (source, target) = (fileSystem.canonicalPath(path) + "/", fileSystem.canonicalPath(output) + "/")
        guard !source.hasPrefix(target), !target.hasPrefix(source) else {
            throw DukkanError(
                .invalidArgument, "the new store cannot lie within the damaged one", place: .init(file: output))
        }
        let store = try create(path: output, options: options, fileSystem: fileSystem)
        defer { store.close() }
        return try StoreSalvage(
            path: path, output: store, nullsDamaged: nullsDamaged, fileSystem: fileSystem, control: control
        ).run()
    }

    /// Forgets the open transaction and frees the writer's lock.
    ///
    /// Snapshots stay readable; later writing calls throw.
    package func close() {
        turns?.close()
    }

    /// Makes what a merge beside commits has brought a generation, where no transaction is open that will take it up.
    private func publishMerge() {
        try? write { writer in
            writer.publishMergeBeside()
            publish(writer)
            writer.beginRemoval()
        }
    }

    private func publish(_ writer: Writer) {
        let snapshot = writer.snapshot
        newest.withLock { if snapshot.generation > $0.generation { $0 = snapshot } }
    }

    /// Runs a writing call when its turn comes.
    private func write<Result>(_ body: (Writer) throws -> Result) throws -> Result {
        var result: Result?
        try takeTurn { result = try body($0) }
        return result!
    }

    private func takeTurn(_ body: (Writer) throws -> Void) throws {
        guard let turns else {
            throw DukkanError(
                .readOnly, "the store was opened for reading only", place: .init(file: path),
                advice: "open it for writing")
        }
        try turns.take(path: path, body)
    }
}

/// Gives the writer to one caller at a time.
private final class WriterTurns: @unchecked Sendable {  // Sendable: `writer` is touched only while `turn` is held.
    private let turn = Guarded(())
    private var writer: Writer?

    init(_ writer: Writer) {
        self.writer = writer
    }

    deinit {
        writer?.stopMergeBeside()
        writer?.rollback()
    }

    func take(path: String, _ body: (Writer) throws -> Void) throws {
        var failure: (any Error)?
        turn.withLock { _ in
            do {
                guard let writer else {
                    throw DukkanError(.readOnly, "the store is closed", place: .init(file: path))
                }
                try body(writer)
            } catch {
                failure = error
            }
        }
        if let failure { throw failure }
    }

    func close() {
        turn.withLock { _ in
            writer?.stopMergeBeside()
            writer?.rollback()
            writer = nil
        }
    }
}
