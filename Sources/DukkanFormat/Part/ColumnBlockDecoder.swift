import CDukkanKernels

/// Reads the content of a column block into a vector.
struct ColumnBlockDecoder {
    var reader: ByteReader
    let rowCount: Int
    let nullCount: Int
    /// Those of the row block; nil unless the block needs them.
    let customers: CustomerBlock?
    let hasPartDictionary: Bool
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
            let valueCount = isFilled ? rowCount : rowCount - nullCount
            try decodeValues(valueCount, into: vector)
            if form != Validity.noNulls { spread(vector, valueCount, isFilled) }
            vector.hasNulls = form != Validity.noNulls
            vector.count = rowCount
        }
        guard reader.isAtEnd else { throw corrupt("bytes behind a block's end") }
    }

    private mutating func decodeValues(_ valueCount: Int, into vector: ColumnVector) throws(DukkanError) {
        switch vector.kind {
        case .integers:
            if let customers {
                guard valueCount == rowCount, customers.rowCount == rowCount else {
                    throw corrupt("customers that do not fit the block")
                }
                guard try reader.byte() == StreamTag.customerDelta.rawValue else {
                    throw corrupt("a block that does not need its customers after all")
                }
                try CustomerDelta.decode(&reader, customers: customers, into: vector.integers, scratch: scratch)
            } else {
                try IntegerStream.decode(&reader, valueCount, into: vector.integers, scratch: scratch)
            }
        case .doubles:
            try DoubleStream.decode(&reader, valueCount, into: vector.doubles, scratch: scratch)
        case .codes:
            var strings = dictionary
            if !hasPartDictionary {
                let count = try reader.count(valueCount, "strings of a block")
                strings = try StringList.decode(&reader, count, scratch: scratch)
                vector.dictionary = strings
            }
            guard let strings else { preconditionFailure("the column has a part dictionary") }
            try IntegerStream.decode(&reader, valueCount, into: vector.codes, scratch: scratch)
            guard Int(dukkan_maximum_code(vector.codes, valueCount)) < strings.count else {
                throw corrupt("a code without a string")
            }
        }
    }

    /// Gives each row its value and null rows zero.
    private func spread(_ vector: ColumnVector, _ valueCount: Int, _ isFilled: Bool) {
        let words = vector.validity
        switch (vector.kind, isFilled) {
        case (.integers, true): Validity.clear(vector.integers, words, rowCount: rowCount)
        case (.doubles, true): Validity.clear(vector.doubles, words, rowCount: rowCount)
        case (.codes, true): Validity.clear(vector.codes, words, rowCount: rowCount)
        case (.integers, false):
            Validity.expand(vector.integers, words, rowCount: rowCount, valueCount: valueCount)
        case (.doubles, false):
            Validity.expand(vector.doubles, words, rowCount: rowCount, valueCount: valueCount)
        case (.codes, false):
            Validity.expand(vector.codes, words, rowCount: rowCount, valueCount: valueCount)
        }
    }
}
