import CDukkanKernels

/// A condition on the values of one column.
package enum ValueTest {
    /// Bounds of integers, times or dates, `low <= high`.
    case range(low: Int64, high: Int64)
    /// For each code of the part dictionary 1 or 0.
    case codes(flags: [UInt8])
}

extension PartDecoder {
    /// Finds the rows of a block that meet a condition, where its form tells them without a value for each row; else decodes
    /// the block.
    ///
    /// O(runs) where runs tell, O(values other than the frequent one + rows / 64) where most rows have the same value.
    /// - Parameters:
    ///   - test: a condition that no null row meets.
    ///   - customers: those of the row block, where the column block `needsCustomers`.
    ///   - dictionary: the part dictionary, where the column has one.
    ///   - references: what the column block names.
    ///   - words: gets one bit a row, bits past the last row 0; has a word more than the rows need.
    ///   - vector: gets the values where the condition was not decided.
    /// - Returns: whether `words` tell; else the vector holds the rows' values.
    package static func select(
        _ test: ValueTest, _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int, block: Int,
        customers: CustomerBlock?, dictionary: StringDictionary?, references: BlockReferences,
        into words: UnsafeMutablePointer<UInt64>, orDecodeInto vector: ColumnVector, areChecked: Bool = false,
        onCheck: (() -> Void)? = nil
    ) throws -> Bool {
        try withDecoder(
            bytes, footer: footer, column: column, block: block, customers: customers, dictionary: dictionary,
            references: references, vector: vector, areChecked: areChecked, onCheck: onCheck
        ) { decoder throws(DukkanError) in
            if try decoder.select(test, into: words) { return true }
            try decoder.decode(into: vector)
            return false
        }
    }

    /// Finds the rows of a block whose values lie in a range, and decodes at least these rows, where the form allows it; else
    /// decodes the block.
    ///
    /// - Parameters:
    ///   - low: the least value.
    ///   - high: the greatest value, not less.
    ///   - customers: those of the row block, where the column block `needsCustomers`.
    ///   - references: what the column block names.
    ///   - words: gets one bit a row, bits past the last row 0; has a word more than the rows need.
    ///   - vector: gets the values, in the places of their rows.
    /// - Returns: whether `words` tell, and the vector holds no more than these rows.
    package static func decodeRange(
        low: Int64, high: Int64, _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int, block: Int,
        customers: CustomerBlock?, references: BlockReferences, into words: UnsafeMutablePointer<UInt64>,
        vector: ColumnVector, areChecked: Bool = false, onCheck: (() -> Void)? = nil
    ) throws -> Bool {
        try withDecoder(
            bytes, footer: footer, column: column, block: block, customers: customers, dictionary: nil,
            references: references, vector: vector, areChecked: areChecked, onCheck: onCheck
        ) { decoder throws(DukkanError) in
            guard let runs = try decoder.beginRunDelta() else {
                try decoder.decode(into: vector)
                return false
            }
            vector.removeAll()
            vector.reserve(decoder.rowCount)
            try runs.decodeRows(
                low: low, high: high, &decoder.reader, into: vector.integers, words: words, scratch: decoder.scratch)
            vector.count = decoder.rowCount
            return true
        }
    }

    /// Whether a column block's times keep the bound that their form gives them; true for all other forms.
    ///
    /// Decoding does not depend on it, but what ``select(_:_:footer:column:block:customers:dictionary:references:into:orDecodeInto:areChecked:onCheck:)``
    /// finds does. `values` are the block's. O(rows).
    package static func isSpanKept(
        _ values: UnsafePointer<Int64>, _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int, block: Int,
        customers: CustomerBlock, references: BlockReferences
    ) throws -> Bool {
        let scratch = ColumnVector(.integers)
        return try withDecoder(
            bytes, footer: footer, column: column, block: block, customers: customers, dictionary: nil,
            references: references, vector: scratch, areChecked: false, onCheck: nil
        ) { decoder throws(DukkanError) in
            try decoder.beginRunDelta()?.isSpanKept(values) ?? true
        }
    }
}

extension ColumnBlockDecoder {
    /// The runs of a block of times that is written by them; nil for any other.
    mutating func beginRunDelta() throws(DukkanError) -> RunDelta? {
        guard let customers, nullCount == 0 else { return nil }
        var ahead = reader
        guard try ahead.byte() == Validity.noNulls, try ahead.byte() == StreamTag.runDelta.rawValue else { return nil }
        reader = ahead
        return try RunDelta(
            &reader, customers: customers, bitmap: try references.bitmap(of: rowCount), scratch: scratch)
    }

    /// Decides a condition for all rows, if the block's form helps; else false, and nothing was read.
    mutating func select(
        _ test: ValueTest, into words: UnsafeMutablePointer<UInt64>
    ) throws(DukkanError) -> Bool {
        switch test {
        case .range(let low, let high):
            guard let runs = try beginRunDelta() else { return false }
            try runs.select(low: low, high: high, &reader, into: words, scratch: scratch)
            return true
        case .codes(let flags):
            guard hasPartDictionary, nullCount == 0, let dictionary, flags.count == dictionary.count else {
                return false
            }
            var ahead = reader
            guard try ahead.byte() == Validity.noNulls, let tag = ahead.next.flatMap(StreamTag.init) else {
                return false
            }
            switch tag {
            case .sharedRuns:
                reader = ahead
                let (bitmap, runs) = try beginSharedRuns()
                let found = try selectValues(runs, try flagsByValue(flags, dictionary), depth: 1)
                dukkan_fill_forward_bits(found, bitmap.words, rowCount, words)
            case .frequent:
                reader = ahead
                try selectFrequent(rowCount, try flagsByValue(flags, dictionary), depth: 0, into: words)
            default: return false
            }
            guard reader.isAtEnd else { throw corrupt("bytes behind a block's end") }
            return true
        }
    }

    /// A bit for each value of a stream of codes or ranks, and a word more.
    ///
    /// - Parameters:
    ///   - count: values of the stream.
    ///   - flags: for each number that may stand in the stream 1 or 0.
    ///   - depth: how deep the stream lies in others.
    private mutating func selectValues(
        _ count: Int, _ flags: [UInt8], depth: Int
    ) throws(DukkanError) -> UnsafeMutablePointer<UInt64> {
        let words = scratch.allocate(UInt64.self, (count + 63) / 64 + 1)
        words[(count + 63) / 64] = 0
        guard count > 0 else { return words }
        guard depth < PartLimits.streamDepthMax else { throw corrupt("streams nested too deep") }
        if reader.next == StreamTag.frequent.rawValue {
            try selectFrequent(count, flags, depth: depth, into: words)
            return words
        }
        let values = scratch.allocate(UInt32.self, count)
        try IntegerStream.decode(&reader, count, into: values, scratch: scratch, depth: depth)
        guard Int(dukkan_maximum_code(values, count)) < flags.count else { throw corrupt("a code without a string") }
        flags.withUnsafeBufferPointer { dukkan_select_flags(values, count, $0.baseAddress, $0.count, words) }
        return words
    }

    /// A flag for each number that the block may hold: a code or a rank.
    private func flagsByValue(_ flags: [UInt8], _ strings: StringDictionary) throws(DukkanError) -> [UInt8] {
        guard storesRanks else { return flags }
        guard strings.codesByRank.count == strings.count else { throw corrupt("ranks without their codes") }
        return strings.codesByRank.map { flags[Int($0)] }
    }

    /// Decides a condition for a stream most of whose values are the same: for the others, and once for that one.
    ///
    /// - Parameters:
    ///   - count: values of the stream, at least one.
    ///   - flags: for each number that may stand in the stream 1 or 0.
    ///   - depth: how deep the stream lies in others.
    ///   - words: gets a bit for each value.
    private mutating func selectFrequent(
        _ count: Int, _ flags: [UInt8], depth: Int, into words: UnsafeMutablePointer<UInt64>
    ) throws(DukkanError) {
        _ = try reader.byte()
        scratch.note(depth, StreamTag.frequent.name)
        let frequent = try reader.signed()
        guard frequent >= 0, frequent < Int64(flags.count) else { throw corrupt("a code without a string") }
        let wordCount = (count + 63) / 64
        let others = scratch.allocate(UInt64.self, wordCount + 1)
        let otherCount = try IntegerStream.readBitmap(&reader, count, into: others)
        let found = try selectValues(otherCount, flags, depth: depth + 1)
        dukkan_spread_bits(found, others, count, words)
        guard flags[Int(frequent)] != 0 else { return }
        for word in 0..<wordCount { words[word] |= ~others[word] }
        if count & 63 != 0 { words[wordCount - 1] &= (1 << UInt64(count & 63)) - 1 }
    }
}
