import DukkanFormat

/// A part that is being written for the open transaction.
struct PartDraft {
    let tableNumber: Int
    let file: UInt64
    let identifier: PartIdentifier
    let isThorough: Bool
    let output: PartOutput
}

/// Who makes part files: the writer for its transaction, or a merge beside it.
protocol PartMaking: AnyObject {
    /// Begins a part of a table.
    ///
    /// - Parameter rowCount: rows that will come, where that is known; else 0.
    func beginPart(
        table: Manifest.Table, dictionaries: [StringDictionary?], rowCount: Int, isQuick: Bool, isThorough: Bool,
        threads: Int
    ) throws -> PartDraft
    /// Ends a part and opens it for reading.
    func finishPart(_ draft: PartDraft, order: ClosedRange<UInt64>) throws -> Manifest.Part
}

extension PartDraft {
    /// Makes the file of a part, which has a name of its own.
    init(
        table: Manifest.Table, file: UInt64, dictionaries: [StringDictionary?], options: PartOptions, rowCount: Int,
        in partsPath: String, _ fileSystem: any FileSystem, onFailedSync: @escaping (DukkanError) -> Void
    ) throws {
        tableNumber = table.number
        self.file = file
        identifier = PartIdentifier(high: fileSystem.random(), low: fileSystem.random())
        isThorough = options.thorough
        output = try PartOutput(
            path: partsPath.appending(name: StoreLayout.partName(table: table.number, file: file)),
            fileSystem: fileSystem, columns: table.schema.columns, identifier: identifier, dictionaries: dictionaries,
            options: options, rowCount: rowCount, onFailedSync: onFailedSync)
    }

    /// File name.
    var name: String { StoreLayout.partName(table: tableNumber, file: file) }

    /// What the manifest says of the part that was written.
    func entry(_ summary: PartSummary, order: ClosedRange<UInt64>) -> Manifest.Part {
        Manifest.Part(
            file: file, identifier: identifier, firstOrder: order.lowerBound, lastOrder: order.upperBound,
            rowCount: summary.rowCount, customerCount: summary.customerCount, byteCount: summary.byteCount,
            minimumTime: summary.minimumTime, maximumTime: summary.maximumTime, isThorough: isThorough)
    }

    /// Opens the part that was written.
    func opened(_ entry: Manifest.Part, _ loader: SnapshotLoader) throws -> PartFile {
        guard let opened = try loader.openPart(entry, table: tableNumber) else {
            throw DukkanError(.inputOutput, "a part that was just written is gone", place: .init(file: output.path))
        }
        return opened
    }
}

/// Making part files of the open transaction.
extension Writer: PartMaking {
    /// Parts of fewer rows are written quickly: the next merge takes them.
    static let quickRowCountMax = 1 << 14
    /// The same for parts that a merge writes.
    static let quickMergedRowCountMax = 1 << 17
    /// Parts that may wait, each with an open file.
    private static let waitingPartCountMax = 32

    func beginPart(
        table: Manifest.Table, dictionaries: [StringDictionary?], rowCount: Int, isQuick: Bool, isThorough: Bool,
        threads: Int
    ) throws -> PartDraft {
        let file = fileNumbers.next()
        createdFiles.insert(StoreLayout.partName(table: table.number, file: file))
        return try PartDraft(
            table: table, file: file, dictionaries: dictionaries,
            options: PartOptions(thorough: isThorough, quick: !isThorough && isQuick, workers: threads),
            rowCount: rowCount, in: partsPath, fileSystem, onFailedSync: { [weak self] error in self?.failure = error })
    }

    /// Ends a part and opens it for reading.
    ///
    /// Its entry is not in any table yet. A small part becomes durable when the transaction is published, a large one at
    /// once, since the disk had better write while rows are made than all in the end.
    func finishPart(_ draft: PartDraft, order: ClosedRange<UInt64>) throws -> Manifest.Part {
        let summary = try draft.output.finish()
        writtenByteCount += summary.byteCount
        if summary.byteCount <= options.waitingPartByteCountMax && waitingParts.count < Writer.waitingPartCountMax {
            waitingParts[draft.name] = draft.output
        } else {
            try draft.output.synchronize()
        }
        let entry = draft.entry(summary, order: order)
        files[draft.identifier] = try draft.opened(entry, loader)
        return entry
    }
}
