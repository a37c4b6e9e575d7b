import DukkanFormat

/// Reads every byte of a snapshot's files and checks what must hold.
struct StoreVerification {
    let snapshot: Snapshot
    let loader: SnapshotLoader
    let threads: Int
    let control: WorkControl?

    /// Findings of one part after which the rest of it is not looked at.
    static let findingsPerPartMax = 100

    func run() throws -> [VerificationFinding] {
        var findings: [VerificationFinding] = []
        let bytesTotal = snapshot.tables.flatMap(\.parts).reduce(0) { $0 + $1.entry.byteCount }
        let rowsTotal = snapshot.tables.flatMap(\.parts).reduce(0) { $0 + $1.entry.rowCount }
        var bytesDone = 0, rowsDone = 0
        for table in snapshot.tables {
            for part in table.parts {
                findings += try PartVerification(
                    part: part, schema: table.schema, threads: threads, control: control
                ).run()
                bytesDone += part.entry.byteCount
                rowsDone += part.entry.rowCount
                control?.report(
                    .init(rowsDone: rowsDone, rowsTotal: rowsTotal, bytesDone: bytesDone, bytesTotal: bytesTotal))
            }
            findings += try checkKeys(of: table)
        }
        findings += try unknownFiles()
        return findings
    }

    /// Keys that are looked at in one pass over a unique column.
    private static let keysPerPassMax = 4_000_000

    /// A unique key may stand in one live row only.
    private func checkKeys(of table: TableSnapshot) throws -> [VerificationFinding] {
        guard let unique = table.schema.uniqueColumn else { return [] }
        // Keys are looked at by a remainder of their hash, so that memory stays bounded.
        let passCount = table.rowCount / StoreVerification.keysPerPassMax + 1
        var findings: [VerificationFinding] = []
        for pass in 0..<passCount {
            var check = KeyCheck(definition: table.schema.columns[unique], pass: pass, passCount: passCount)
            for part in table.parts {
                do {
                    findings += try check.repeatedKeys(in: part, control: control)
                } catch let error as DukkanError where error.code == .corrupt {
                    continue  // The part's own verification has named it.
                }
                if findings.count >= StoreVerification.findingsPerPartMax { return findings }
            }
        }
        return findings
    }

    private func unknownFiles() throws -> [VerificationFinding] {
        // Files of a generation that came meanwhile are no finding.
        guard try loader.newestGeneration() == snapshot.generation else { return [] }
        let known = Writer.fileNames(snapshot.manifest)
        let partsPath = loader.path.appending(name: StoreLayout.partsName)
        var paths = try loader.fileSystem.names(in: partsPath).filter { !known.contains($0) }
            .map { partsPath.appending(name: $0) }
        let own = [
            StoreLayout.lockName, StoreLayout.partsName, StoreLayout.manifestName(snapshot.generation),
        ]
        paths += try loader.fileSystem.names(in: loader.path).filter { !own.contains($0) }
            .map { loader.path.appending(name: $0) }
        return paths.sorted().map {
            VerificationFinding(
                place: .init(file: $0), message: "the file does not belong to the newest snapshot", isDamage: false)
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
