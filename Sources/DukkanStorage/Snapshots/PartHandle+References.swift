package import DukkanFormat
import Synchronization

extension PartHandle {
    /// Reads what a column block refers to, unless the reader holds it.
    func readReferences(
        _ column: Int, _ columnBlock: PartFooter.ColumnBlock, block: Int, reader: BlockReader
    ) throws -> BlockReferences {
        reader.references.turn(to: block, of: footer.identifier)
        var references = BlockReferences()
        if let bitmap = columnBlock.sharedBitmap {
            references.bitmap = try readBitmap(bitmap, block: block, reader: reader)
        }
        if let reference = columnBlock.referenceColumn {
            references.column = try readReference(reference, block: block, reader: reader)
            references.model = try readModel(column, reader: reader)
        }
        return references
    }

    private func readBitmap(_ number: Int, block: Int, reader: BlockReader) throws -> RowBitmap? {
        guard let location = footer.rowBlocks[block].bitmaps[number] else { return nil }
        return try reader.references.bitmap(number) { bitmap in
            try reader.read(file, location) { bytes, areChecked in
                try PartDecoder.decodeBitmap(
                    bytes, footer: footer, block: block, bitmap: number, into: bitmap, areChecked: areChecked,
                    onCheck: reader.onCheck)
                reader.meter?.endDecode(rowCount: 0, byteCount: (bitmap.rowCount + 7) / 8)
            } place: {
                DukkanError.Place(column: "shared bitmap", block: block, offset: location.offset)
            }
        }
    }

    /// Reads a column that another one refers to; it refers to no other itself.
    private func readReference(_ column: Int, block: Int, reader: BlockReader) throws -> ColumnVector {
        let entry = footer.columns[column]
        let cache = reader.references
        return try cache.column(column, entry.definition.type.physical) { vector in
            let columnBlock = entry.blocks[block]
            var references = BlockReferences()
            if let bitmap = columnBlock.sharedBitmap {
                references.bitmap = try readBitmap(bitmap, block: block, reader: reader)
            }
            if columnBlock.needsCustomers && !cache.holdsCustomers {
                try readCustomers(block: block, into: cache.customers, reader: reader)
                cache.holdsCustomers = true
            }
            let dictionary = try readReferenceDictionary(column, reader: reader)
            try reader.read(file, columnBlock.location) { bytes, areChecked in
                try PartDecoder.decodeColumn(
                    bytes, footer: footer, column: column, block: block,
                    customers: columnBlock.needsCustomers ? cache.customers : nil, dictionary: dictionary,
                    references: references, into: vector, areChecked: areChecked, onCheck: reader.onCheck)
                reader.meter?.endDecode(
                    rowCount: vector.count, byteCount: vector.count * ColumnVector.stride(vector.kind))
            } place: {
                DukkanError.Place(column: entry.definition.name, block: block, offset: columnBlock.location.offset)
            }
        }
    }

    private func readReferenceDictionary(_ column: Int, reader: BlockReader) throws -> StringDictionary? {
        guard footer.columns[column].dictionary != nil else { return nil }
        if let known = file.columnDetails.withLock({ $0[column]?.dictionary }) { return known }
        let dictionary = try readDictionary(column: column, reader: reader)
        file.columnDetails.withLock { $0[column, default: .init()].dictionary = dictionary }
        return dictionary
    }

    /// The model of a column, read once for all that read the part.
    private func readModel(_ column: Int, reader: BlockReader) throws -> ColumnModel? {
        if let known = file.columnDetails.withLock({ $0[column]?.model }) { return known }
        let model = try loadModel(column, reader: reader)
        file.columnDetails.withLock { $0[column, default: .init()].model = model }
        return model
    }

    /// Reads and checks the model of a column; nil if it has none.
    package func loadModel(_ column: Int, reader: BlockReader) throws -> ColumnModel? {
        guard let location = footer.columns[column].model else { return nil }
        return try reader.read(file, location) { bytes, areChecked in
            let model = try PartDecoder.decodeModel(
                bytes, footer: footer, column: column, areChecked: areChecked, onCheck: reader.onCheck)
            reader.meter?.endDecode(rowCount: 0, byteCount: model.byteCount)
            return model
        } place: {
            DukkanError.Place(column: footer.columns[column].definition.name, offset: location.offset)
        }
    }

    /// Reads and checks the shared bitmaps of a row block.
    package func checkBitmaps(block: Int, reader: BlockReader) throws {
        reader.references.turn(to: block, of: footer.identifier)
        for number in 0..<footer.sharedBitmapCount { _ = try readBitmap(number, block: block, reader: reader) }
    }
}
