extension PartDecoder {
    /// How a column block is written, as `inspect` shows it: the outermost encoding, with `nulls` and `lz4` where used.
    ///
    /// Checks the block as ``decodeColumn(_:footer:column:block:customers:dictionary:into:)`` does, and decodes no more
    /// than its null rows.
    package static func outline(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int, block: Int
    ) throws -> String {
        let definition = footer.columns[column].definition
        let columnBlock = footer.columns[column].blocks[block]
        let scratch = ScratchArena()
        let content = try content(bytes, columnBlock.location, footer, scratch)
        var reader = ByteReader(content)
        let rowCount = footer.rowBlocks[block].rowCount, nullCount = columnBlock.statistics.nullCount
        let form = try reader.byte()
        if form == Validity.allNull { return "null" }
        if [Validity.bitmap, Validity.runs].contains(form & ~Validity.filledFlag) {
            let vector = ColumnVector(definition.type.physical, capacity: rowCount)
            try Validity.decode(
                &reader, form: form, rowCount: rowCount, nullCount: nullCount, references: BlockReferences(),
                into: vector, scratch: scratch)
        }
        var name: String
        switch definition.type.physical {
        case .integers: name = streamName(try reader.byte())
        case .doubles:
            switch try reader.byte() {
            case DoubleStream.decimalTag: name = "decimal"
            case DoubleStream.bitsTag: name = "bits"
            default: name = "split bits"
            }
        case .codes:
            if footer.columns[column].dictionary == nil {
                name = "strings"
            } else {
                name = "codes " + streamName(try reader.byte())
            }
        }
        if form != Validity.noNulls { name += " nulls" }
        return bytes.first == BlockFrame.lz4 ? name + " lz4" : name
    }

    private static func streamName(_ tag: UInt8) -> String {
        StreamTag(rawValue: tag)?.name ?? "unknown"
    }
}
