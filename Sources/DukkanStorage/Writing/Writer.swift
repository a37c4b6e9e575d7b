import Dispatch
import DukkanFormat

/// The one writer of a store: the open transaction, and what it stands on.
///
/// All calls come one at a time; `StoreCore` sees to that.
final class Writer {
    let path: String
    let options: StoreOptions
    let fileSystem: any FileSystem
    let loader: SnapshotLoader
    /// The lock of the store, held until the writer goes.
    private let lock: StoreLock

    /// What the newest manifest says.
    var committed: Manifest
    /// What the next manifest will say, as far as the open transaction has come.
    var working: Manifest
    /// The newest generation, open for reading.
    var snapshot: Snapshot
    /// Open files of the parts in `working`.
    var files = [PartIdentifier: PartFile]()
    /// Deleted rows of the parts in `working`.
    var deletes = [PartIdentifier: DeleteBitmap]()
    /// Bitmaps in `deletes` that no snapshot shares, so that they may change.
    var ownedDeletes: Set<PartIdentifier> = []
    /// Rows deleted by the open transaction, by table number and part.
    var freshDeletes = [Int: [PartIdentifier: [Int]]]()
    /// Parts that have rows in each deletion file, by the file's number.
    var deletionParts = [UInt64: Set<PartIdentifier>]()
    /// Rows that are not written yet, by table number.
    var runs = [Int: RunBuffer]()
    /// Files made by the open transaction.
    var createdFiles: Set<String> = []
    /// Parts of the open transaction, by name, whose bytes are made durable when it is published: a merge before that may
    /// take them, and nothing has waited for the disk in vain.
    var waitingParts = [String: PartOutput]()
    /// What commits have left to be removed, the oldest first.
    var removals: [ReplacedFiles] = []
    /// Where that happens: a queue of its own has a thread as soon as it needs one, also while merges run.
    let removalQueue = DispatchQueue(label: "dukkan.removal")
    /// The merge that runs beside, or has ended and was not taken up yet.
    var mergeBeside: MergeBeside?
    /// Called on the thread of a merge that has ended.
    var onMergeEnd: @Sendable () -> Void = {}
    /// Whether a commit of this writer has brought rows.
    var hasCommittedRows = false
    /// Merges beside that failed one after the other.
    var failedMergeBesideCount = 0
    /// Commits before the next one is begun.
    var commitsUntilMergeBeside = 0
    /// Numbers of files of the open transaction and of the merge beside it.
    let fileNumbers: FileNumbers
    /// Why nothing can be committed any more.
    var failure: DukkanError?
    /// Bytes written to files, for tests of what writing costs.
    var writtenByteCount = 0

    var partsPath: String { path.appending(name: StoreLayout.partsName) }

    init(path: String, options: StoreOptions, fileSystem: any FileSystem, blocks: BlockCache? = nil) throws {
        self.path = path
        self.options = options
        self.fileSystem = fileSystem
        lock = try StoreLock(path: path.appending(name: StoreLayout.lockName), fileSystem: fileSystem)
        loader = SnapshotLoader(path: path, fileSystem: fileSystem, blocks: blocks)
        snapshot = try loader.load(reusing: nil)
        committed = snapshot.manifest
        working = committed
        fileNumbers = FileNumbers(upcoming: committed.nextFile)
        adoptSnapshot()
        for table in committed.tables {
            for entry in table.deletions {
                guard let deletion = try loader.readDeletion(entry, table: table.number) else { continue }
                deletionParts[entry.file] = Set(deletion.sections.map(\.part))
            }
        }
        let names = try fileSystem.names(in: path)
        try makeGenerationDurable(names)
        removeLeftovers(names, partNames: try fileSystem.names(in: partsPath))
    }

    /// Makes the name of the newest manifest durable where the writer before may have ended without having done so.
    ///
    /// What is seen once must stay, and the files of the generation before may be removed only then.
    private func makeGenerationDurable(_ names: [String]) throws {
        let isFirst = committed.generation == 1
        // The manifest before is removed last.
        let isSucceeded = names.contains {
            StoreLayout.generation(ofManifest: $0).map { $0 < committed.generation } == true
        }
        if isFirst || isSucceeded { try fileSystem.synchronizeNames(in: path) }
        if isFirst { try fileSystem.synchronizeNames(in: path.parentPath) }
    }

    /// Removes the files that a transaction or a compaction without a commit left behind.
    private func removeLeftovers(_ names: [String], partNames: [String]) {
        let kept = Writer.fileNames(committed)
        for name in partNames where !kept.contains(name) && StoreLayout.isPartsFile(name) {
            do {
                try fileSystem.removeFile(partsPath.appending(name: name))
            } catch {
                // It stays in the way of a new file of its number.
                let numbers = StoreLayout.partNumbers(name) ?? StoreLayout.deletionNumbers(name)
                guard let number = numbers?.file, number < .max else { continue }
                fileNumbers.skip(number)
            }
        }
        for name in names {
            let isOld = StoreLayout.generation(ofManifest: name).map { $0 < committed.generation } ?? false
            if isOld || StoreLayout.isTemporaryManifest(name) { try? fileSystem.removeFile(path.appending(name: name)) }
        }
    }

    /// Takes files and deletions from the newest snapshot.
    func adoptSnapshot() {
        let parts = snapshot.tables.flatMap(\.parts)
        files = Dictionary(uniqueKeysWithValues: parts.map { ($0.entry.identifier, $0.file) })
        deletes.removeAll()
        for part in parts { if let bitmap = part.deletes { deletes[part.entry.identifier] = bitmap } }
        ownedDeletes = []
    }

    /// Names in the directory of parts that a manifest stands on.
    static func fileNames(_ manifest: Manifest) -> Set<String> {
        var names: Set<String> = []
        for table in manifest.tables {
            for part in table.parts { names.insert(StoreLayout.partName(table: table.number, file: part.file)) }
            for deletion in table.deletions {
                names.insert(StoreLayout.deletionName(table: table.number, file: deletion.file))
            }
        }
        return names
    }

    /// Throws where the writer may not go on after an earlier failure.
    func checkUsable() throws {
        guard let failure else { return }
        throw DukkanError(
            .inputOutput, "an earlier write failed, so this handle commits nothing more", place: .init(file: path),
            advice: "close the store and open it again", cause: failure)
    }

    /// Runs file operations after which the state of the disk is unknown if they fail.
    func withDurability<Result>(_ body: () throws -> Result) throws -> Result {
        do {
            return try body()
        } catch {
            if failure == nil {
                failure = error as? DukkanError ?? DukkanError(.inputOutput, "a write failed", cause: error)
            }
            throw error
        }
    }

    /// Place in `working` of a table.
    func tableIndex(_ name: String) throws -> Int {
        guard let index = working.table(named: name) else {
            let names = working.tables.map(\.schema.name).ascending().joined(separator: ", ")
            throw DukkanError(
                .notFound, "there is no table \(name)", place: .init(file: path),
                advice: names.isEmpty ? "the store has no tables yet" : "the tables are: \(names)")
        }
        return index
    }

    /// A part of `working`, open for reading.
    func handle(_ entry: Manifest.Part) throws -> PartHandle {
        guard let file = files[entry.identifier] else {
            throw DukkanError(.corrupt, "part \(entry.file) is not open", place: .init(file: partsPath))
        }
        return PartHandle(file: file, entry: entry, deletes: deletes[entry.identifier])
    }
}
