import DukkanFormat

/// Copies what can still be read of a damaged store into a new one; the damaged store is not written to.
struct StoreSalvage {
    let path: String
    let output: StoreCore
    /// Whether rows are kept whose damaged values may be null.
    let nullsDamaged: Bool
    let fileSystem: any FileSystem
    let control: WorkControl?

    private var partsPath: String { path.appending(name: StoreLayout.partsName) }

    /// A table with the names of its part files, in order of ingest.
    private struct Source {
        var schema: TableSchema
        var files: [(name: String, entry: Manifest.Part?)]
    }

    func run() throws -> SalvageReport {
        var report = SalvageReport()
        let manifest = readManifest(&report)
        let sources = try manifest.map { namedSources($0) } ?? sourcesWithoutManifest(&report)
        let deletions = readDeletions(manifest, &report)
        for (number, source) in sources.enumerated() {
            report.tables.append(SalvageReport.Table(name: source.schema.name))
            try output.createTable(source.schema)
            for file in source.files {
                try control?.check()
                try salvage(file.name, file.entry, source.schema, deletions, table: number, &report)
            }
        }
        for segment in manifest?.segments ?? [] {
            try output.defineSegment(name: segment.name, text: segment.text)
        }
        try output.commit(control: control)
        for (number, table) in try output.snapshot().tables.enumerated() where report.tables.indices.contains(number) {
            report.tables[number].rowsSaved = table.rowCount
        }
        return report
    }

    // MARK: What there is

    private func readManifest(_ report: inout SalvageReport) -> Manifest? {
        let loader = SnapshotLoader(path: path, fileSystem: fileSystem)
        do {
            guard let generation = try loader.newestGeneration(), let manifest = try loader.readManifest(generation)
            else {
                report.notes.append("there is no manifest: " + StoreSalvage.unknownWithoutManifest)
                return nil
            }
            return manifest
        } catch {
            report.notes.append("the manifest cannot be read (\(error)): " + StoreSalvage.unknownWithoutManifest)
            return nil
        }
    }

    private static let unknownWithoutManifest =
        "tables are named by number, segments are lost, every part file that lies there is taken, also one that was never "
        + "committed or that a later one has replaced, and replaced rows are known as far as deletion files or unique "
        + "keys tell"

    private func namedSources(_ manifest: Manifest) -> [Source] {
        manifest.tables.map { table in
            Source(
                schema: table.schema,
                files: table.parts.map { (StoreLayout.partName(table: table.number, file: $0.file), $0) })
        }
    }

    /// Tables as the part files tell of them.
    private func sourcesWithoutManifest(_ report: inout SalvageReport) throws -> [Source] {
        var tables = [Int: [(file: UInt64, name: String)]]()
        for name in try fileSystem.namesIfPresent(in: partsPath) ?? [] {
            guard let numbers = StoreLayout.partNumbers(name) else { continue }
            tables[numbers.table, default: []].append((numbers.file, name))
        }
        return Array(tables).inOrder { $0.key < $1.key }.compactMap { number, files in
            let files = files.inOrder { $0.file < $1.file }
            var columns: [ColumnDefinition] = []
            for file in files {
                guard let footer = try? open(file.name, nil).footer else { continue }
                // Columns that were added later stand behind those of before.
                if footer.columns.count > columns.count { columns = footer.columns.map(\.definition) }
            }
            guard !columns.isEmpty else {
                report.notes.append("of table \(number) no part can be opened, so that not even its columns are known")
                return nil
            }
            let schema = TableSchema("table_\(number)", columns: columns, allowsNullCustomer: true)
            return Source(schema: schema, files: files.map { ($0.name, nil) })
        }
    }

    private func readDeletions(_ manifest: Manifest?, _ report: inout SalvageReport) -> [PartIdentifier: Set<Int>] {
        var rows = [PartIdentifier: Set<Int>]()
        var wanted: [(name: String, identifier: PartIdentifier?)] = []
        if let manifest {
            for table in manifest.tables {
                wanted += table.deletions.map {
                    (StoreLayout.deletionName(table: table.number, file: $0.file), $0.identifier)
                }
            }
        } else {
            let names = ((try? fileSystem.namesIfPresent(in: partsPath)) ?? nil) ?? []
            wanted = names.filter { StoreLayout.deletionNumbers($0) != nil }.ascending().map { ($0, nil) }
        }
        for (name, identifier) in wanted {
            do {
                let file = partsPath.appending(name: name)
                let descriptor = try fileSystem.openFile(file, for: .reading)
                defer { fileSystem.close(descriptor) }
                let bytes = try fileSystem.readWhole(
                    descriptor, byteCountMax: DeletionFile.byteCountMax, path: file)
                let deletion = try DeletionFile(
                    decoding: bytes, identifier: try identifier ?? DeletionFile.identifier(in: bytes))
                for section in deletion.sections { rows[section.part, default: []].formUnion(section.rows) }
            } catch {
                report.notes.append(
                    "\(name) cannot be read (\(error)): rows that were replaced are known by their unique keys only")
            }
        }
        return rows
    }

    private func open(_ name: String, _ entry: Manifest.Part?) throws -> PartFile {
        try PartFile(salvaging: partsPath.appending(name: name), entry: entry, fileSystem: fileSystem)
    }

    // MARK: One part

    private func salvage(
        _ name: String, _ entry: Manifest.Part?, _ schema: TableSchema, _ deletions: [PartIdentifier: Set<Int>],
        table: Int, _ report: inout SalvageReport
    ) throws {
        let file: PartFile
        do {
            file = try open(name, entry)
            try SnapshotLoader.checkColumns(of: file, schema)
        } catch let error as DukkanError {
            let deleted = entry.map { deletions[$0.identifier]?.count ?? 0 } ?? 0
            report.add(
                .init(
                    table: schema.name, file: name, rowCount: entry.map { max(0, $0.rowCount - deleted) }, columns: [],
                    reason: error.message, isNulled: false), table: table)
            return
        }
        let known = entry ?? Manifest.Part(describing: file.footer, file: 0, byteCount: file.byteCount)
        let deleted = deletions[file.footer.identifier] ?? []
        let part = SalvagedPart(
            part: PartHandle(file: file, entry: known, deletes: nil), schema: schema, deleted: deleted,
            nullsDamaged: nullsDamaged)
        for block in file.footer.rowBlocks.indices {
            try control?.check()
            let (rows, loss) = part.read(block: block)
            if let rows, rows.rowCount > 0 {
                try output.append(table: schema.name, rows)
                report.tables[table].rowsSaved += rows.rowCount
            }
            guard let loss, loss.rowCount != 0 else { continue }
            report.add(
                .init(
                    table: schema.name, file: name, block: file.salvaged?.blockNumbers[block], rowCount: loss.rowCount,
                    columns: loss.columns, reason: loss.reason, isNulled: rows != nil), table: table)
        }
        for missing in file.salvaged?.missing ?? [] {
            let rowCount = missing.rows.map { rows in rows.count - deleted.count { rows.contains($0) } }
            if rowCount == 0 { continue }
            report.add(
                .init(
                    table: schema.name, file: name, rowCount: rowCount, columns: [], reason: missing.reason,
                    isNulled: false), table: table)
        }
        control?.report(.init(rowsDone: report.tables.reduce(0) { $0 + $1.rowsSaved }, bytesDone: 0))
    }
}
