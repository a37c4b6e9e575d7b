import DukkanFormat

/// A part that is being written for the open transaction.
struct PartDraft {
    let tableNumber: Int
    let file: UInt64
    let identifier: PartIdentifier
    let isThorough: Bool
    let output: PartOutput
}

/// Making part files.
extension Writer {
    /// Parts of fewer rows are written quickly: the next merge takes them.
    static let quickRowCountMax = 1 << 14
    /// The same for parts that a merge writes.
    static let quickMergedRowCountMax = 1 << 17
    /// Parts that may wait, each with an open file.
    private static let waitingPartCountMax = 32

    /// Begins a part.
    ///
    /// - Parameter rowCount: rows that will come, where that is known; else 0.
    func beginPart(
        table index: Int, dictionaries: [StringDictionary?], rowCount: Int, isQuick: Bool, isThorough: Bool
    ) throws -> PartDraft {
        let table = working.tables[index]
        let identifier = newIdentifier()
        let file = newFile()
        let name = StoreLayout.partName(table: table.number, file: file)
        createdFiles.insert(name)
        let output = try PartOutput(
            path: partsPath.appending(name: name), fileSystem: fileSystem, columns: table.schema.columns,
            identifier: identifier, dictionaries: dictionaries,
            options: PartOptions(
                thorough: isThorough, quick: !isThorough && isQuick,
                workers: options.threads),
            rowCount: rowCount, onFailedSync: { [weak self] error in self?.failure = error })
        return PartDraft(
            tableNumber: table.number, file: file, identifier: identifier, isThorough: isThorough, output: output)
    }

    /// Ends a part and opens it for reading.
    ///
    /// Its entry is not in any table yet. A small part becomes durable when the transaction is published, a large one at
    /// once, since the disk had better write while rows are made than all in the end.
    func finishPart(_ draft: PartDraft, order: ClosedRange<UInt64>) throws -> Manifest.Part {
        let summary = try draft.output.finish()
        writtenByteCount += summary.byteCount
        if summary.byteCount <= options.waitingPartByteCountMax && waitingParts.count < Writer.waitingPartCountMax {
            waitingParts[StoreLayout.partName(table: draft.tableNumber, file: draft.file)] = draft.output
        } else {
            try draft.output.synchronize()
        }
        let entry = Manifest.Part(
            file: draft.file, identifier: draft.identifier, firstOrder: order.lowerBound,
            lastOrder: order.upperBound, rowCount: summary.rowCount, customerCount: summary.customerCount,
            byteCount: summary.byteCount, minimumTime: summary.minimumTime, maximumTime: summary.maximumTime,
            isThorough: draft.isThorough)
        guard let opened = try loader.openPart(entry, table: draft.tableNumber) else {
            throw DukkanError(
                .inputOutput, "a part that was just written is gone", place: .init(file: draft.output.path))
        }
        files[draft.identifier] = opened
        return entry
    }
}
