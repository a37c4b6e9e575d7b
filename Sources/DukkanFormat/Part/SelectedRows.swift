import CDukkanKernels

/// Rows of a block that a filter left.
package struct SelectedRows {
    /// One bit a row, 64 rows a word, lowest bit first; bits past the block's last row are 0.
    package let words: UnsafePointer<UInt64>
    /// Bits that are set.
    package let count: Int

    /// Names the rows whose bits are set in `words`, which are `count`.
    package init(words: UnsafePointer<UInt64>, count: Int) {
        self.words = words
        self.count = count
    }
}

extension ColumnVector {
    /// Replaces all values by those that `source` holds in the selected rows, one behind the other.
    ///
    /// Both vectors have the same kind. O(source.count / 64 + selected rows).
    package func assign(_ selected: SelectedRows, of source: ColumnVector) {
        precondition(kind == source.kind && self !== source)
        removeAll()
        reserve(selected.count)
        dictionary = source.dictionary
        let words = selected.words, rowCount = source.count
        switch kind {
        case .integers: _ = dukkan_compress_integers(source.integers, words, rowCount, integers)
        case .doubles: _ = dukkan_compress_integers(source.bitPatterns, words, rowCount, bitPatterns)
        case .codes: _ = dukkan_compress_codes(source.codes, words, rowCount, codes)
        }
        count = selected.count
        guard source.hasNulls else { return }
        beginNulls()
        _ = dukkan_compress_bits(source.validity, words, rowCount, validity)
    }

    /// The memory of doubles as 64-bit words.
    var bitPatterns: UnsafeMutablePointer<Int64> {
        UnsafeMutableRawPointer(doubles).assumingMemoryBound(to: Int64.self)
    }
}

extension ColumnBlockDecoder {
    /// Decodes the selected rows only: the values are unpacked where they lie densely, and only those asked for go on to
    /// rows.
    mutating func decode(_ selected: SelectedRows, into vector: ColumnVector) throws(DukkanError) {
        vector.removeAll()
        // The block's null rows are read into the vector before they are compressed.
        vector.reserve(rowCount)
        vector.dictionary = hasPartDictionary ? dictionary : nil
        let form = try reader.byte()
        guard (form == Validity.noNulls) == (nullCount == 0), (form == Validity.allNull) == (nullCount == rowCount)
        else {
            throw corrupt("the number of nulls is not as stated")
        }
        if form == Validity.allNull {
            vector.fillNulls(selected.count)
            if vector.kind == .codes && !hasPartDictionary { vector.dictionary = .empty }
        } else if form == Validity.noNulls {
            try decodeValues(rowCount, at: selected.words, into: vector)
        } else {
            try decodeNullable(selected, form, into: vector)
        }
        vector.count = selected.count
        guard reader.isAtEnd else { throw corrupt("bytes behind a block's end") }
    }

    private mutating func decodeNullable(
        _ selected: SelectedRows, _ form: UInt8, into vector: ColumnVector
    ) throws(DukkanError) {
        try Validity.decode(
            &reader, form: form, rowCount: rowCount, nullCount: nullCount, references: references, into: vector,
            scratch: scratch)
        let validity = vector.validity
        isReferenceValidity = form == Validity.reference
        if isReferenceValidity {
            guard reader.next == StreamTag.lookedUp.rawValue, vector.kind != .doubles else {
                throw corrupt("nulls of another column without its values")
            }
        }
        if isReferenceValidity || form & Validity.filledFlag != 0 {
            try decodeValues(rowCount, at: selected.words, into: vector)
            _ = dukkan_compress_bits(validity, selected.words, rowCount, validity)
            clear(vector, selected.count)
            vector.hasNulls = true
            return
        }
        // Which of the values, that stand without gaps for the null rows, belong to selected rows.
        let wanted = scratch.allocate(UInt64.self, (rowCount + 63) / 64)
        let present = dukkan_compress_bits(selected.words, validity, rowCount, wanted)
        _ = dukkan_compress_bits(validity, selected.words, rowCount, validity)
        var found = 0
        for word in 0..<(selected.count + 63) / 64 { found += validity[word].nonzeroBitCount }
        try decodeValues(present, at: wanted, into: vector)
        vector.hasNulls = found < selected.count
        if vector.hasNulls { spread(vector, found, selected.count) }
    }

    /// Decodes `valueCount` values and keeps those whose bit is set.
    private mutating func decodeValues(
        _ valueCount: Int, at words: UnsafePointer<UInt64>, into vector: ColumnVector
    ) throws(DukkanError) {
        switch vector.kind {
        case .integers:
            let values = scratch.allocate(Int64.self, valueCount)
            try decodeIntegers(valueCount, values)
            _ = dukkan_compress_integers(values, words, valueCount, vector.integers)
        case .doubles:
            let values = scratch.allocate(Double.self, valueCount)
            try DoubleStream.decode(&reader, valueCount, into: values, scratch: scratch)
            let bits = UnsafeRawPointer(values).assumingMemoryBound(to: Int64.self)
            _ = dukkan_compress_integers(bits, words, valueCount, vector.bitPatterns)
        case .codes:
            if hasPartDictionary, valueCount == rowCount, reader.next == StreamTag.sharedRuns.rawValue {
                try decodeSharedRuns(at: words, into: vector.codes)
                return
            }
            let values = scratch.allocate(UInt32.self, valueCount)
            try decodeCodes(valueCount, values, vector)
            _ = dukkan_compress_codes(values, words, valueCount, vector.codes)
        }
    }

    /// Looks up the codes of the selected rows' runs, without making those of all rows.
    private mutating func decodeSharedRuns(
        at words: UnsafePointer<UInt64>, into codes: UnsafeMutablePointer<UInt32>
    ) throws(DukkanError) {
        guard let dictionary else { preconditionFailure("the column has a part dictionary") }
        let (bitmap, runs) = try beginSharedRuns()
        let values = scratch.allocate(UInt32.self, runs)
        try IntegerStream.decode(&reader, runs, into: values, scratch: scratch, depth: 1)
        try finish(values, runs, dictionary)
        dukkan_number_runs(bitmap.words, words, rowCount, codes)
        var count = 0
        for word in 0..<(rowCount + 63) / 64 { count += words[word].nonzeroBitCount }
        dukkan_look_up_codes(codes, count, values, runs)
    }

    /// Moves the first `found` values of a vector to the rows that have one; null rows get zero.
    private func spread(_ vector: ColumnVector, _ found: Int, _ count: Int) {
        switch vector.kind {
        case .integers, .doubles:
            let values = vector.kind == .integers ? vector.integers : vector.bitPatterns
            let dense = scratch.allocate(Int64.self, found)
            dense.update(from: values, count: found)
            // The bits of 0.0 are those of 0.
            dukkan_spread_integers(dense, vector.validity, count, 0, values)
        case .codes:
            let dense = scratch.allocate(UInt32.self, found)
            dense.update(from: vector.codes, count: found)
            dukkan_spread_codes(dense, vector.validity, count, 0, vector.codes)
        }
    }

    private func clear(_ vector: ColumnVector, _ count: Int) {
        switch vector.kind {
        case .integers: Validity.clear(vector.integers, vector.validity, rowCount: count)
        case .doubles: Validity.clear(vector.doubles, vector.validity, rowCount: count)
        case .codes: Validity.clear(vector.codes, vector.validity, rowCount: count)
        }
    }
}
