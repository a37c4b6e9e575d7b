import CDukkanKernels

/// Reads the content of a column block into a vector.
struct ColumnBlockDecoder {
    var reader: ByteReader
    let rowCount: Int
    let nullCount: Int
    /// Those of the row block; nil unless the block needs them.
    let customers: CustomerBlock?
    let hasPartDictionary: Bool
    /// The block holds ranks by frequency instead of codes.
    let storesRanks: Bool
    let dictionary: StringDictionary?
    let scratch: ScratchArena

    mutating func decode(into vector: ColumnVector) throws(DukkanError) {
        vector.removeAll()
        vector.reserve(rowCount)
        vector.dictionary = hasPartDictionary ? dictionary : nil
        let form = try reader.byte()
        guard (form == Validity.noNulls) == (nullCount == 0), (form == Validity.allNull) == (nullCount == rowCount)
        else {
            throw corrupt("the number of nulls is not as stated")
        }
        if form == Validity.allNull {
            vector.fillNulls(rowCount)
            if vector.kind == .codes && !hasPartDictionary { vector.dictionary = .empty }
        } else {
            if form != Validity.noNulls {
                try Validity.decode(
                    &reader, form: form, rowCount: rowCount, nullCount: nullCount, into: vector, scratch: scratch)
            }
            let isFilled = form & Validity.filledFlag != 0
            if form == Validity.noNulls {
                try decodeValues(rowCount, into: vector)
            } else if isFilled {
                try decodeValues(rowCount, into: vector)
                clear(vector)
            } else {
                try decodeAndSpread(into: vector)
            }
            vector.hasNulls = form != Validity.noNulls
            vector.count = rowCount
        }
        guard reader.isAtEnd else { throw corrupt("bytes behind a block's end") }
    }

    private mutating func decodeValues(_ valueCount: Int, into vector: ColumnVector) throws(DukkanError) {
        switch vector.kind {
        case .integers: try decodeIntegers(valueCount, vector.integers)
        case .doubles: try DoubleStream.decode(&reader, valueCount, into: vector.doubles, scratch: scratch)
        case .codes: try decodeCodes(valueCount, vector.codes, vector)
        }
    }

    /// The values stand one behind the other; they go to the rows that have one, and null rows get zero.
    private mutating func decodeAndSpread(into vector: ColumnVector) throws(DukkanError) {
        let valueCount = rowCount - nullCount
        let words = vector.validity
        switch vector.kind {
        case .integers:
            let values = scratch.allocate(Int64.self, valueCount)
            try decodeIntegers(valueCount, values)
            dukkan_spread_integers(values, words, rowCount, 0, vector.integers)
        case .doubles:
            let values = scratch.allocate(Double.self, valueCount)
            try DoubleStream.decode(&reader, valueCount, into: values, scratch: scratch)
            // The bits of 0.0 are those of 0.
            let bits = UnsafeRawPointer(values).assumingMemoryBound(to: Int64.self)
            let out = UnsafeMutableRawPointer(vector.doubles).assumingMemoryBound(to: Int64.self)
            dukkan_spread_integers(bits, words, rowCount, 0, out)
        case .codes:
            let values = scratch.allocate(UInt32.self, valueCount)
            try decodeCodes(valueCount, values, vector)
            dukkan_spread_codes(values, words, rowCount, 0, vector.codes)
        }
    }

    private mutating func decodeIntegers(
        _ valueCount: Int, _ out: UnsafeMutablePointer<Int64>
    ) throws(DukkanError) {
        guard let customers else {
            try IntegerStream.decode(&reader, valueCount, into: out, scratch: scratch)
            return
        }
        guard valueCount == rowCount, customers.rowCount == rowCount else {
            throw corrupt("customers that do not fit the block")
        }
        guard try reader.byte() == StreamTag.customerDelta.rawValue else {
            throw corrupt("a block that does not need its customers after all")
        }
        try CustomerDelta.decode(&reader, customers: customers, into: out, scratch: scratch)
    }

    private mutating func decodeCodes(
        _ valueCount: Int, _ out: UnsafeMutablePointer<UInt32>, _ vector: ColumnVector
    ) throws(DukkanError) {
        var strings = dictionary
        if !hasPartDictionary {
            let count = try reader.count(valueCount, "strings of a block")
            strings = try StringList.decode(&reader, count, scratch: scratch)
            vector.dictionary = strings
        }
        guard let strings else { preconditionFailure("the column has a part dictionary") }
        try IntegerStream.decode(&reader, valueCount, into: out, scratch: scratch)
        guard Int(dukkan_maximum_code(out, valueCount)) < strings.count else {
            throw corrupt("a code without a string")
        }
        guard storesRanks else { return }
        guard strings.codesByRank.count == strings.count else { throw corrupt("ranks without their codes") }
        dukkan_look_up_codes(out, valueCount, strings.codesByRank, strings.count)
    }

    private func clear(_ vector: ColumnVector) {
        let words = vector.validity
        switch vector.kind {
        case .integers: Validity.clear(vector.integers, words, rowCount: rowCount)
        case .doubles: Validity.clear(vector.doubles, words, rowCount: rowCount)
        case .codes: Validity.clear(vector.codes, words, rowCount: rowCount)
        }
    }
}
