import DukkanFormat

/// Reads every byte of a store's newest generation and checks what must hold.
///
/// Damage never ends the search: what can be read is checked, whatever else cannot.
struct StoreVerification {
    let loader: SnapshotLoader
    let threads: Int
    let control: WorkControl?

    /// Findings that are told one by one; the rest is counted.
    static let findingCountMax = 10_000
    /// Keys that are told one by one.
    static let repeatedKeyCountMax = 100

    private var partsPath: String { loader.path.appending(name: StoreLayout.partsName) }

    func run() throws -> [VerificationFinding] {
        for _ in 0..<SnapshotLoader.attemptCountMax {
            guard let generation = try loader.newestGeneration() else {
                throw DukkanError(
                    .notFound, "this is not a Dukkan store: no manifest is there", place: .init(file: loader.path),
                    advice: "`dukkan salvage` makes a store of parts that are left")
            }
            let findings = try run(generation)
            // Files of a generation that a writer has replaced meanwhile may have gone.
            if findings.isEmpty || (try? loader.newestGeneration()) == generation {
                return StoreVerification.bounded(findings)
            }
        }
        throw DukkanError(.inputOutput, "the store changes too fast to be verified", place: .init(file: loader.path))
    }

    private static func bounded(_ findings: [VerificationFinding]) -> [VerificationFinding] {
        guard findings.count > findingCountMax else { return findings }
        let rest = findings[findingCountMax...]
        let last = VerificationFinding(
            place: .init(), message: "\(rest.count) more findings", isDamage: rest.contains(where: \.isDamage))
        return findings[..<findingCountMax] + [last]
    }

    private func run(_ generation: UInt64) throws -> [VerificationFinding] {
        let manifest: Manifest
        do {
            guard let read = try loader.readManifest(generation) else { return [missing(loader.path)] }
            manifest = read
        } catch let error as DukkanError {
            return try [finding(error)] + verifyPartsWithoutManifest()
        }
        let entries = manifest.tables.flatMap(\.parts)
        var done = WorkControl.Progress(
            rowsDone: 0, rowsTotal: entries.reduce(0) { $0 + $1.rowCount }, bytesDone: 0,
            bytesTotal: entries.reduce(0) { $0 + $1.byteCount })
        var findings: [VerificationFinding] = []
        for table in manifest.tables {
            let (deletes, isComplete) = readDeletions(of: table, &findings)
            var parts: [PartHandle] = []
            for entry in table.parts {
                if let part = try verify(entry, of: table, deletes[entry.identifier], &findings) { parts.append(part) }
                done.bytesDone += entry.byteCount
                done.rowsDone += entry.rowCount
                control?.report(done)
            }
            // Rows that were replaced would be taken for repeated ones.
            if isComplete { findings += try checkKeys(of: table, parts) }
        }
        findings += try unknownFiles(manifest)
        return findings
    }

    private func finding(_ error: DukkanError) -> VerificationFinding {
        VerificationFinding(place: error.place, message: error.message, isDamage: true)
    }

    private func missing(_ file: String) -> VerificationFinding {
        VerificationFinding(
            place: .init(file: file), message: "a file that the store needs is missing", isDamage: true)
    }

    /// Deleted rows by part, and whether all deletion files could be read.
    private func readDeletions(
        of table: Manifest.Table, _ findings: inout [VerificationFinding]
    ) -> ([PartIdentifier: DeleteBitmap], isComplete: Bool) {
        var bitmaps = [PartIdentifier: DeleteBitmap]()
        var isComplete = true
        let rowCounts = Dictionary(uniqueKeysWithValues: table.parts.map { ($0.identifier, $0.rowCount) })
        for entry in table.deletions {
            let file = partsPath.appending(name: StoreLayout.deletionName(table: table.number, file: entry.file))
            do {
                guard let deletion = try loader.readDeletion(entry, table: table.number) else {
                    findings.append(missing(file))
                    isComplete = false
                    continue
                }
                try deletion.apply(to: &bitmaps, rowCounts: rowCounts)
            } catch {
                let error = error as? DukkanError ?? DukkanError(.corrupt, "\(error)")
                findings.append(finding(error.inFile(file)))
                isComplete = false
            }
        }
        return (bitmaps, isComplete)
    }

    /// Checks one part; returns it where its footer could be read.
    private func verify(
        _ entry: Manifest.Part, of table: Manifest.Table, _ deletes: DeleteBitmap?,
        _ findings: inout [VerificationFinding]
    ) throws -> PartHandle? {
        let path = partsPath.appending(name: StoreLayout.partName(table: table.number, file: entry.file))
        let file: PartFile
        do {
            guard let opened = try loader.openPart(entry, table: table.number) else {
                findings.append(missing(path))
                return nil
            }
            try SnapshotLoader.checkColumns(of: opened, table.schema)
            file = opened
        } catch let error as DukkanError {
            findings.append(finding(error.inFile(path)))
            // Its blocks may be whole, or damaged as well.
            guard let opened = try? PartFile(salvaging: path, entry: entry, fileSystem: loader.fileSystem),
                (try? SnapshotLoader.checkColumns(of: opened, table.schema)) != nil
            else { return nil }
            file = opened
        }
        // Of a part that is read from outlines rows may be missing.
        let isWhole = file.salvaged?.missing.isEmpty ?? true
        let rowEnd = file.footer.rowBlocks.last.map { $0.firstRow + $0.rowCount } ?? 0
        let isCounted = deletes.map { isWhole ? $0.rowCount == rowEnd : $0.rowCount >= rowEnd } ?? true
        let part = PartHandle(file: file, entry: entry, deletes: isCounted ? deletes : nil)
        findings += try PartVerification(part: part, schema: table.schema, threads: threads, control: control).run()
        return part
    }

    /// Without a manifest each part is checked by itself.
    private func verifyPartsWithoutManifest() throws -> [VerificationFinding] {
        var findings: [VerificationFinding] = []
        for name in try loader.fileSystem.namesIfPresent(in: partsPath)?.ascending() ?? [] {
            guard let file = StoreLayout.partNumbers(name)?.file else { continue }
            do {
                let opened = try PartFile(
                    salvaging: partsPath.appending(name: name), entry: nil, fileSystem: loader.fileSystem)
                let part = PartHandle(
                    file: opened,
                    entry: Manifest.Part(describing: opened.footer, file: file, byteCount: opened.byteCount),
                    deletes: nil)
                let schema = TableSchema(name, columns: opened.footer.columns.map(\.definition))
                findings += try PartVerification(
                    part: part, schema: schema, threads: threads, control: control
                ).run()
            } catch let error as DukkanError where error.code != .cancelled && error.code != .deadline {
                findings.append(finding(error.inFile(partsPath.appending(name: name))))
            }
        }
        return findings
    }

    /// Keys that are looked at in one pass over a unique column.
    private static let keysPerPassMax = 4_000_000

    /// A unique key may stand in one live row only.
    func checkKeys(of table: Manifest.Table, _ parts: [PartHandle]) throws -> [VerificationFinding] {
        guard let unique = table.schema.uniqueColumn else { return [] }
        // Keys are looked at by a remainder of their hash, so that memory stays bounded.
        let passCount = parts.reduce(0) { $0 + $1.liveRowCount } / StoreVerification.keysPerPassMax + 1
        var findings: [VerificationFinding] = []
        for pass in 0..<passCount {
            var check = KeyCheck(definition: table.schema.columns[unique], pass: pass, passCount: passCount)
            for part in parts {
                do {
                    findings += try check.repeatedKeys(in: part, control: control)
                } catch let error as DukkanError where error.code == .corrupt {
                    continue  // The part's own verification has named it.
                }
                if findings.count >= StoreVerification.repeatedKeyCountMax { return findings }
            }
        }
        return findings
    }

    private func unknownFiles(_ manifest: Manifest) throws -> [VerificationFinding] {
        // Files of a generation that came meanwhile are no finding.
        guard try loader.newestGeneration() == manifest.generation else { return [] }
        let known = Writer.fileNames(manifest)
        var paths = try (loader.fileSystem.namesIfPresent(in: partsPath) ?? []).filter { !known.contains($0) }
            .map { partsPath.appending(name: $0) }
        let own = [StoreLayout.lockName, StoreLayout.partsName, StoreLayout.manifestName(manifest.generation)]
        paths += try loader.fileSystem.names(in: loader.path)
            .filter { !own.contains($0) && !StoreLayout.isCopyRecord($0) && !StoreLayout.isTemporaryCopyRecord($0) }
            .map { loader.path.appending(name: $0) }
        let records = StoreCopies(path: loader.path, fileSystem: loader.fileSystem).unreadable()
        return paths.ascending().map {
            VerificationFinding(
                place: .init(file: $0), message: "the file does not belong to the newest snapshot", isDamage: false)
        }
            + records.map {
                VerificationFinding(
                    place: .init(file: $0), message: "the record of a backup cannot be read: erasures do not name it",
                    isDamage: true)
            }
    }
}

/// The keys of a unique column seen so far, of one remainder of the hash.
private struct KeyCheck {
    let definition: ColumnDefinition
    let pass: Int
    let passCount: Int
    private var integers: Set<Int64> = []
    private let strings = StringInterner()
    private let reader = BlockReader()
    private let customers = CustomerBlock()

    init(definition: ColumnDefinition, pass: Int, passCount: Int) {
        self.definition = definition
        self.pass = pass
        self.passCount = passCount
    }

    mutating func repeatedKeys(in part: PartHandle, control: WorkControl?) throws -> [VerificationFinding] {
        guard let column = part.column(forSchemaColumn: definition.name) else { return [] }
        let dictionary = try part.footer.columns[column].dictionary.map { _ in
            try part.readDictionary(column: column, reader: reader)
        }
        let vector = ColumnVector(definition.type.physical)
        var findings: [VerificationFinding] = []
        for (block, rowBlock) in part.footer.rowBlocks.enumerated() {
            try control?.check()
            try part.readCustomers(block: block, into: customers, reader: reader)
            try part.readColumn(
                column, block: block, customers: customers, dictionary: dictionary, into: vector, reader: reader)
            for row in 0..<vector.count where part.deletes?.isDeleted(rowBlock.firstRow + row) != true {
                if isNew(vector, row) { continue }
                findings.append(
                    VerificationFinding(
                        place: .init(file: part.file.path, column: definition.name, block: block),
                        message: "row \(rowBlock.firstRow + row) has a unique key that another row has",
                        isDamage: true))
            }
        }
        return findings
    }

    /// Whether the key of a row was not seen before; true for keys of other passes.
    private mutating func isNew(_ vector: ColumnVector, _ row: Int) -> Bool {
        if vector.kind == .integers {
            let key = vector.integers[row]
            let hash = StringInterner.mix(UInt64(bitPattern: key), 0x9E37_79B9_7F4A_7C15)
            return Int(hash % UInt64(passCount)) != pass || integers.insert(key).inserted
        }
        guard let dictionary = vector.dictionary, Int(vector.codes[row]) < dictionary.count else { return true }
        return dictionary.withBytes(Int(vector.codes[row])) { key in
            if Int(StringInterner.hash(key) % UInt64(passCount)) != pass { return true }
            let before = strings.count
            _ = strings.intern(key)
            return strings.count > before
        }
    }
}
