import DukkanFormat
import Synchronization

/// Opens the newest generation of a store.
struct SnapshotLoader {
    let path: String
    let fileSystem: any FileSystem
    /// Blocks of the parts that it opens; nil: none are kept.
    var blocks: BlockCache?

    /// Times that a reader starts again because a writer published another generation meanwhile.
    static let attemptCountMax = 1_000

    private var partsPath: String { path.appending(name: StoreLayout.partsName) }

    /// The highest generation whose manifest has a name; nil where there is none.
    func newestGeneration() throws -> UInt64? {
        try fileSystem.namesIfPresent(in: path)?.compactMap(StoreLayout.generation(ofManifest:)).max()
    }

    /// Opens the newest generation; files that `previous` has open are used again.
    func load(reusing previous: Snapshot?) throws -> Snapshot {
        for _ in 0..<SnapshotLoader.attemptCountMax {
            try fileSystem.checkNoLink(partsPath)
            guard let generation = try newestGeneration() else {
                throw DukkanError(
                    .notFound, "this is not a Dukkan store: no manifest is there", place: .init(file: path),
                    advice: "make a new store with `dukkan init`")
            }
            if let previous, previous.generation == generation { return previous }
            if let snapshot = try open(generation, reusing: previous) { return snapshot }
            // A file is gone. If a newer generation came meanwhile, that is why; if not, it is missing.
            if try newestGeneration() == generation { throw try missingFile(generation) }
        }
        throw DukkanError(.inputOutput, "the store changes too fast to be opened", place: .init(file: path))
    }

    /// Opens one generation; nil if one of its files is gone.
    private func open(_ generation: UInt64, reusing previous: Snapshot?) throws -> Snapshot? {
        guard let manifest = try readManifest(generation) else { return nil }
        var files = [PartIdentifier: PartFile]()
        for part in previous?.tables.flatMap(\.parts) ?? [] { files[part.entry.identifier] = part.file }
        var tables: [TableSnapshot] = []
        for table in manifest.tables {
            guard let parts = try openParts(of: table, files) else { return nil }
            tables.append(
                TableSnapshot.next(
                    after: previous?.tables ?? [], number: table.number, schema: table.schema, parts: parts,
                    orderRoom: blocks?.orderRoom))
        }
        return Snapshot(manifest: manifest, tables: tables)
    }

    /// Reads and checks a manifest; nil if there is none of that generation.
    func readManifest(_ generation: UInt64) throws -> Manifest? {
        let file = path.appending(name: StoreLayout.manifestName(generation))
        guard let bytes = try readWhole(file, byteCountMax: Manifest.byteCountMax) else { return nil }
        do {
            return try Manifest(decoding: bytes, generation: generation)
        } catch let error as DukkanError {
            throw error.inFile(file)
        }
    }

    private func openParts(of table: Manifest.Table, _ files: [PartIdentifier: PartFile]) throws -> [PartHandle]? {
        guard let deletes = try readDeletes(of: table) else { return nil }
        guard let opened = try openFiles(of: table, files) else { return nil }
        return try zip(table.parts, opened).map { entry, file in
            try SnapshotLoader.checkColumns(of: file, table.schema)
            return PartHandle(file: file, entry: entry, deletes: deletes[entry.identifier])
        }
    }

    /// Parts from which on several threads open them.
    private static let parallelPartCountMin = 16

    /// The open files of a table's parts, in their order; nil if one of them is gone.
    private func openFiles(of table: Manifest.Table, _ files: [PartIdentifier: PartFile]) throws -> [PartFile]? {
        let found = Guarded([PartFile?](repeating: nil, count: table.parts.count))
        let missing = table.parts.indices.filter { files[table.parts[$0].identifier] == nil }
        let threads = missing.count < SnapshotLoader.parallelPartCountMin ? 1 : StoreOptions.coreCount
        try Parallel.runThrowing(missing.count, threads: threads) { number in
            let opened = try openPart(table.parts[missing[number]], table: table.number)
            found.withLock { $0[missing[number]] = opened }
        }
        var opened: [PartFile] = []
        for (entry, file) in zip(table.parts, found.withLock { $0 }) {
            guard let file = files[entry.identifier] ?? file else { return nil }
            opened.append(file)
        }
        return opened
    }

    func openPart(_ entry: Manifest.Part, table: Int) throws -> PartFile? {
        let name = StoreLayout.partName(table: table, file: entry.file)
        return try PartFile(path: partsPath.appending(name: name), entry: entry, fileSystem: fileSystem, blocks: blocks)
    }

    /// Reads a deletion file; nil if it is gone.
    func readDeletion(_ entry: Manifest.Deletion, table: Int) throws -> DeletionFile? {
        let file = partsPath.appending(name: StoreLayout.deletionName(table: table, file: entry.file))
        guard let bytes = try readWhole(file, byteCountMax: DeletionFile.byteCountMax) else { return nil }
        do {
            let deletion = try DeletionFile(decoding: bytes, identifier: entry.identifier)
            guard deletion.rowCount == entry.rowCount, bytes.count == entry.byteCount else {
                throw DukkanError(.corrupt, "the deletion file and the manifest differ in size")
            }
            return deletion
        } catch let error as DukkanError {
            throw error.inFile(file)
        }
    }

    private func readDeletes(of table: Manifest.Table) throws -> [PartIdentifier: DeleteBitmap]? {
        var bitmaps = [PartIdentifier: DeleteBitmap]()
        guard !table.deletions.isEmpty else { return bitmaps }
        let rowCounts = Dictionary(uniqueKeysWithValues: table.parts.map { ($0.identifier, $0.rowCount) })
        for entry in table.deletions {
            guard let deletion = try readDeletion(entry, table: table.number) else { return nil }
            do {
                try deletion.apply(to: &bitmaps, rowCounts: rowCounts)
            } catch {
                throw error.inFile(
                    partsPath.appending(name: StoreLayout.deletionName(table: table.number, file: entry.file)))
            }
        }
        return bitmaps
    }

    /// The columns of a part must be those of the table, or the first of them where columns were added later.
    static func checkColumns(of file: PartFile, _ schema: TableSchema) throws {
        let definitions = file.footer.columns.map(\.definition)
        guard definitions.count <= schema.columns.count, definitions == Array(schema.columns[..<definitions.count])
        else {
            throw DukkanError(
                .corrupt, "the part's columns are not those of table \(schema.name)", place: .init(file: file.path))
        }
    }

    private func readWhole(_ file: String, byteCountMax: Int) throws -> [UInt8]? {
        guard let descriptor = try fileSystem.openIfPresent(file) else { return nil }
        defer { fileSystem.close(descriptor) }
        return try fileSystem.readWhole(descriptor, byteCountMax: byteCountMax, path: file)
    }

    private func missingFile(_ generation: UInt64) throws -> DukkanError {
        let present = Set(try fileSystem.names(in: partsPath))
        guard let manifest = try readManifest(generation) else {
            return DukkanError(.inputOutput, "the manifest disappeared", place: .init(file: path))
        }
        for table in manifest.tables {
            let names =
                table.parts.map { StoreLayout.partName(table: table.number, file: $0.file) }
                + table.deletions.map { StoreLayout.deletionName(table: table.number, file: $0.file) }
            for name in names where !present.contains(name) {
                return DukkanError(
                    .corrupt, "a file that the manifest names is missing",
                    place: .init(file: partsPath.appending(name: name)))
            }
        }
        return DukkanError(.corrupt, "a file of the store could not be opened", place: .init(file: partsPath))
    }
}
