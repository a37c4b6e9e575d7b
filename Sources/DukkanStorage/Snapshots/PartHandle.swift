package import DukkanFormat

/// One part as a snapshot sees it: the open file, its place in the order of ingest and its deleted rows.
package final class PartHandle: Sendable {
    package let file: PartFile
    package let entry: Manifest.Part
    /// nil while no row is deleted.
    package let deletes: DeleteBitmap?

    package init(file: PartFile, entry: Manifest.Part, deletes: DeleteBitmap?) {
        self.file = file
        self.entry = entry
        self.deletes = deletes
    }

    /// Whether it is the same file, with the same rows deleted.
    func isSame(as other: PartHandle) -> Bool {
        file === other.file && deletes === other.deletes && entry == other.entry
    }

    /// Lent, since a copy counts a dozen references.
    package var footer: PartFooter {
        _read { yield file.footer }
    }
    /// Places in the order of ingest of the part's rows: of two parts that overlap in time, the rows of the one with the
    /// lower sequence came first.
    package var sequence: ClosedRange<UInt64> { entry.order }
    package var deletedCount: Int { deletes?.deletedCount ?? 0 }
    /// Rows that are not deleted.
    package var liveRowCount: Int { entry.rowCount - deletedCount }

    /// Place in the part of a column of the schema; nil when the part is older than the column, all its rows are null.
    package func column(forSchemaColumn name: String) -> Int? {
        footer.columns.firstIndex { $0.definition.name == name }
    }

    /// Reads and checks the customers of a row block.
    ///
    /// - Parameters:
    ///   - block: the row block.
    ///   - customers: gets them.
    ///   - readsKeys: whether it is asked who they are, and not only where their rows begin.
    ///   - reader: reads the directory.
    package func readCustomers(
        block: Int, into customers: CustomerBlock, readsKeys: Bool = true, reader: BlockReader
    ) throws {
        let location = footer.rowBlocks[block].directory
        try reader.read(file, location) { bytes, areChecked in
            try PartDecoder.decodeCustomers(
                bytes, footer: footer, block: block, into: customers, readsKeys: readsKeys, areChecked: areChecked,
                onCheck: reader.onCheck)
            reader.meter?.endDecode(rowCount: customers.rowCount, byteCount: memoryByteCount(customers))
        } place: {
            DukkanError.Place(column: "customer directory", block: block, offset: location.offset)
        }
    }

    /// Reads and checks a column in a row block.
    ///
    /// `column` is a place in the part, not in the schema.
    package func readColumn(
        _ column: Int, block: Int, customers: CustomerBlock?, dictionary: StringDictionary?,
        selected: SelectedRows? = nil, into vector: ColumnVector, reader: BlockReader
    ) throws {
        let columnBlock = footer.columns[column].blocks[block]
        let references = try knownReferences(column, columnBlock, block, reader)
        try reader.read(file, columnBlock.location) { bytes, areChecked in
            try PartDecoder.decodeColumn(
                bytes, footer: footer, column: column, block: block, customers: customers, dictionary: dictionary,
                references: references, selected: selected, into: vector,
                areChecked: areChecked, onCheck: reader.onCheck)
            reader.meter?.endDecode(
                rowCount: vector.count, byteCount: memoryByteCount(vector, ownsDictionary: dictionary == nil))
        } place: {
            DukkanError.Place(
                column: footer.columns[column].definition.name, block: block, offset: columnBlock.location.offset)
        }
    }

    /// Finds the rows of a row block that meet a condition on a column, or reads the column.
    ///
    /// See ``PartDecoder``. `column` is a place in the part, not in the schema.
    /// - Returns: whether `words` tell; else the vector holds the rows' values.
    func select(
        _ test: ValueTest, _ column: Int, block: Int, customers: CustomerBlock?, dictionary: StringDictionary?,
        into words: UnsafeMutablePointer<UInt64>, orReadInto vector: ColumnVector, reader: BlockReader
    ) throws -> Bool {
        let columnBlock = footer.columns[column].blocks[block]
        let references = try knownReferences(column, columnBlock, block, reader)
        return try reader.read(file, columnBlock.location) { bytes, areChecked in
            let isDecided = try PartDecoder.select(
                test, bytes, footer: footer, column: column, block: block, customers: customers,
                dictionary: dictionary, references: references, into: words, orDecodeInto: vector,
                areChecked: areChecked, onCheck: reader.onCheck)
            let rowCount = footer.rowBlocks[block].rowCount
            reader.meter?.endDecode(
                rowCount: rowCount,
                byteCount: isDecided ? (rowCount + 7) / 8 : memoryByteCount(vector, ownsDictionary: dictionary == nil))
            return isDecided
        } place: {
            DukkanError.Place(
                column: footer.columns[column].definition.name, block: block, offset: columnBlock.location.offset)
        }
    }

    /// Finds the rows of a row block whose times lie in a range and reads at least these, or reads the column.
    ///
    /// See ``PartDecoder``. `column` is a place in the part, not in the schema.
    /// - Returns: whether `words` tell; else the vector holds all rows' values.
    func readRange(
        low: Int64, high: Int64, _ column: Int, block: Int, customers: CustomerBlock?,
        into words: UnsafeMutablePointer<UInt64>, vector: ColumnVector, reader: BlockReader
    ) throws -> Bool {
        let columnBlock = footer.columns[column].blocks[block]
        let references = try knownReferences(column, columnBlock, block, reader)
        return try reader.read(file, columnBlock.location) { bytes, areChecked in
            let isPart = try PartDecoder.decodeRange(
                low: low, high: high, bytes, footer: footer, column: column, block: block, customers: customers,
                references: references, into: words, vector: vector, areChecked: areChecked, onCheck: reader.onCheck)
            reader.meter?.endDecode(
                rowCount: vector.count, byteCount: memoryByteCount(vector, ownsDictionary: false))
            return isPart
        } place: {
            DukkanError.Place(
                column: footer.columns[column].definition.name, block: block, offset: columnBlock.location.offset)
        }
    }

    /// Whether the bounds hold that a column block states for queries to rely on; `values` are those of its rows.
    func areBoundsKept(
        _ column: Int, block: Int, customers: CustomerBlock, values: ColumnVector, reader: BlockReader
    ) throws -> Bool {
        let columnBlock = footer.columns[column].blocks[block]
        guard columnBlock.needsCustomers, columnBlock.sharedBitmap != nil, values.kind == .integers else { return true }
        let references = try knownReferences(column, columnBlock, block, reader)
        return try reader.read(file, columnBlock.location) { bytes, _ in
            try PartDecoder.isSpanKept(
                values.integers, bytes, footer: footer, column: column, block: block, customers: customers,
                references: references)
        } place: {
            DukkanError.Place(
                column: footer.columns[column].definition.name, block: block, offset: columnBlock.location.offset)
        }
    }

    private func knownReferences(
        _ column: Int, _ columnBlock: PartFooter.ColumnBlock, _ block: Int, _ reader: BlockReader
    ) throws -> BlockReferences {
        guard columnBlock.sharedBitmap != nil || columnBlock.referenceColumn != nil else { return BlockReferences() }
        return try readReferences(column, columnBlock, block: block, reader: reader)
    }

    /// Reads and checks the part dictionary of a column, which must have one.
    package func readDictionary(column: Int, reader: BlockReader) throws -> StringDictionary {
        guard let location = footer.columns[column].dictionary else {
            throw DukkanError(.corrupt, "the column has no dictionary", place: .init(file: file.path))
        }
        let name = footer.columns[column].definition.name
        let place = { DukkanError.Place(column: name, offset: location.offset) }
        if let known = reader.cachedDictionary(file, location, place: place) { return known }
        let strings = try reader.read(file, location) { bytes, areChecked in
            let strings = try PartDecoder.decodeDictionary(
                bytes, footer: footer, column: column, areChecked: areChecked, onCheck: reader.onCheck)
            reader.meter?.endDecode(rowCount: 0, byteCount: strings.byteCount)
            return strings
        } place: {
            place()
        }
        reader.cache(strings, file, location)
        return strings
    }
}

// What decoded values take in memory.

private func memoryByteCount(_ strings: StringDictionary?) -> Int {
    strings?.byteCount ?? 0
}

/// Memory that a row block's customers take.
func memoryByteCount(_ customers: CustomerBlock) -> Int {
    if !customers.hasKeys { return (customers.count + 1) * 4 }
    let keys = customers.strings.count > 0 ? memoryByteCount(customers.strings) : customers.count * 8
    return keys + (customers.count + 1) * 4
}

/// A part dictionary counts where it is decoded, not in the blocks that share it.
private func memoryByteCount(_ vector: ColumnVector, ownsDictionary: Bool) -> Int {
    vector.count * ColumnVector.stride(vector.kind) + (vector.hasNulls ? (vector.count + 7) / 8 : 0)
        + (ownsDictionary ? memoryByteCount(vector.dictionary) : 0)
}
