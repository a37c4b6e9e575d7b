extension PartDecoder {
    /// The forms of a column block in words, as `customer-delta/1000(for, for)`, for a person who inspects a part.
    ///
    /// Decodes the whole block. Throws as ``decodeColumn(_:footer:column:block:customers:dictionary:into:)``.
    package static func describe(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int, block: Int
    ) throws -> String {
        let definition = footer.columns[column].definition
        let columnBlock = footer.columns[column].blocks[block]
        let vector = ColumnVector(definition.type.physical)
        vector.scratch.trace = []
        var names: [String] = []
        let content = try content(bytes, columnBlock.location, footer, vector.scratch)
        if bytes.first == BlockFrame.lz4 { names.append("lz4") }
        if columnBlock.storesRanks { names.append("ranks") }
        if columnBlock.statistics.nullCount == footer.rowBlocks[block].rowCount {
            return (names + ["null"]).joined(separator: ", ")
        }
        var reader = ByteReader(content)
        if columnBlock.sharedBitmap != nil || columnBlock.referenceColumn != nil {
            return (names + relatedNames(&reader)).joined(separator: ", ")
        }
        if columnBlock.needsCustomers {
            // The streams can be read without knowing whose rows are whose.
            _ = try reader.take(2)
            let multiplier = try reader.varint()
            let customerCount = footer.rowBlocks[block].customerCount, rowCount = footer.rowBlocks[block].rowCount
            let name = StreamTag.customerDelta.name
            vector.scratch.note(0, multiplier == 1 ? name : "\(name)/\(multiplier)")
            let values = vector.scratch.allocate(Int64.self, rowCount)
            for count in [customerCount, rowCount - customerCount] {
                try IntegerStream.decode(&reader, count, into: values, scratch: vector.scratch, depth: 1)
            }
            return (names + [text(vector.scratch.trace ?? [])]).joined(separator: ", ")
        }
        var decoder = ColumnBlockDecoder(
            reader: reader, rowCount: footer.rowBlocks[block].rowCount, nullCount: columnBlock.statistics.nullCount,
            customers: nil, hasPartDictionary: footer.columns[column].dictionary != nil, storesRanks: false,
            dictionary: placeholder(footer.columns[column]), references: BlockReferences(), scratch: vector.scratch)
        try decoder.decode(into: vector)
        names.append(text(vector.scratch.trace ?? []))
        return names.joined(separator: ", ")
    }

    /// The forms of a block that cannot be read on its own.
    private static func relatedNames(_ reader: inout ByteReader) -> [String] {
        var names: [String] = []
        guard let form = try? reader.byte() else { return names }
        switch form & ~Validity.filledFlag {
        case Validity.noNulls: break
        case Validity.shared: names.append("null-shared")
        case Validity.reference: names.append("null-reference")
        default: return names
        }
        while let code = try? reader.byte(), let tag = StreamTag(rawValue: code) {
            names.append(tag.name)
            if tag != .sharedRuns && tag != .predicted { break }
        }
        return names
    }

    /// Strings for the codes to count against; what they are does not matter here.
    private static func placeholder(_ column: PartFooter.PartColumn) -> StringDictionary? {
        guard column.dictionary != nil else { return nil }
        let offsets = [UInt32](repeating: 0, count: column.dictionaryCount + 1)
        return StringDictionary(offsets: offsets, bytes: [], isSorted: false)
    }

    /// Forms inside a form in parentheses behind it.
    private static func text(_ trace: [(depth: Int, name: String)]) -> String {
        var text = ""
        var depth = 0
        for (index, item) in trace.enumerated() {
            if index > 0 {
                if item.depth > depth {
                    text += "("
                } else {
                    text += String(repeating: ")", count: depth - item.depth) + ", "
                }
            }
            text += item.name
            depth = item.depth
        }
        return text + String(repeating: ")", count: depth)
    }
}
