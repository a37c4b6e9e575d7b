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

    /// A unique key may stand in one live row only.
    private func checkKeys(of table: TableSnapshot) throws -> [VerificationFinding] {
        guard let unique = table.schema.uniqueColumn else { return [] }
        let definition = table.schema.columns[unique]
        var integers: Set<Int64> = []
        let strings = StringInterner()
        var findings: [VerificationFinding] = []
        let reader = BlockReader(), customers = CustomerBlock()
        let vector = ColumnVector(definition.type.physical)
        for part in table.parts {
            guard let column = part.column(forSchemaColumn: definition.name) else { continue }
            do {
                let dictionary = try part.footer.columns[column].dictionary.map { _ in
                    try part.readDictionary(column: column, reader: reader)
                }
                for (block, rowBlock) in part.footer.rowBlocks.enumerated() {
                    try control?.check()
                    try part.readCustomers(block: block, into: customers, reader: reader)
                    try part.readColumn(
                        column, block: block, customers: customers, dictionary: dictionary, into: vector,
                        reader: reader)
                    for row in 0..<vector.count where part.deletes?.isDeleted(rowBlock.firstRow + row) != true {
                        let isNew: Bool
                        if vector.kind == .integers {
                            isNew = integers.insert(vector.integers[row]).inserted
                        } else {
                            let before = strings.count
                            vector.dictionary?.withBytes(Int(vector.codes[row])) { _ = strings.intern($0) }
                            isNew = strings.count > before
                        }
                        if !isNew && findings.count < StoreVerification.findingsPerPartMax {
                            findings.append(
                                VerificationFinding(
                                    place: .init(file: part.file.path, column: definition.name, block: block),
                                    message: "row \(rowBlock.firstRow + row) has a unique key that another row has",
                                    isDamage: true))
                        }
                    }
                }
            } catch let error as DukkanError where error.code == .corrupt {
                continue  // The part's own verification has named it.
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
