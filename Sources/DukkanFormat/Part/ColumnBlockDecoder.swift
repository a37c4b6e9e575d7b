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
    let references: BlockReferences
    let scratch: ScratchArena
    /// The block's null rows are those of the reference column.
    var isReferenceValidity = false

    init(
        reader: ByteReader, rowCount: Int, nullCount: Int, customers: CustomerBlock?, hasPartDictionary: Bool,
        storesRanks: Bool, dictionary: StringDictionary?, references: BlockReferences, scratch: ScratchArena
    ) {
        self.reader = reader
        self.rowCount = rowCount
        self.nullCount = nullCount
        self.customers = customers
        self.hasPartDictionary = hasPartDictionary
        self.storesRanks = storesRanks
        self.dictionary = dictionary
        self.references = references
        self.scratch = scratch
    }

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
                    &reader, form: form, rowCount: rowCount, nullCount: nullCount, references: references, into: vector,
                    scratch: scratch)
            }
            let isFilled = form & Validity.filledFlag != 0
            isReferenceValidity = form == Validity.reference
            if form == Validity.noNulls {
                try decodeValues(rowCount, into: vector)
            } else if isReferenceValidity {
                guard reader.next == StreamTag.lookedUp.rawValue, vector.kind != .doubles else {
                    throw corrupt("nulls of another column without its values")
                }
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

    mutating func decodeIntegers(
        _ valueCount: Int, _ out: UnsafeMutablePointer<Int64>
    ) throws(DukkanError) {
        if let customers {
            guard valueCount == rowCount, customers.rowCount == rowCount else {
                throw corrupt("customers that do not fit the block")
            }
            switch StreamTag(rawValue: try reader.byte()) {
            case .customerDelta:
                try CustomerDelta.decode(&reader, customers: customers, into: out, scratch: scratch)
            case .runDelta:
                let runs = try RunDelta(
                    &reader, customers: customers, bitmap: try references.bitmap(of: rowCount), scratch: scratch)
                try runs.decodeRows(&reader, into: out, scratch: scratch)
            default:
                throw corrupt("a block that does not need its customers after all")
            }
            return
        }
        // The forms of a whole block need a value for each row; elsewhere their tags are unknown.
        switch valueCount == rowCount ? reader.next.flatMap(StreamTag.init) : nil {
        case .sharedRuns:
            let (bitmap, runs) = try beginSharedRuns()
            let values = scratch.allocate(Int64.self, runs)
            if reader.next == StreamTag.predicted.rawValue {
                // The kernel writes whole vectors.
                let times = scratch.allocate(Int64.self, runs + 8)
                let column = try references.column(of: rowCount)
                guard column.kind == .integers else { throw corrupt("times of another type") }
                gatherStarts(column.integers, bitmap, into: times)
                try decodePredicted(runs, times, values)
            } else {
                try IntegerStream.decode(&reader, runs, into: values, scratch: scratch, depth: 1)
            }
            Int64.fillForward(values, bitmap.words, rowCount, out)
        case .predicted:
            let column = try references.column(of: rowCount)
            guard column.kind == .integers else { throw corrupt("times of another type") }
            try decodePredicted(rowCount, column.integers, out)
        case .lookedUp:
            try decodeLookedUp(out)
        default:
            try IntegerStream.decode(&reader, valueCount, into: out, scratch: scratch)
        }
    }

    mutating func decodeCodes(
        _ valueCount: Int, _ out: UnsafeMutablePointer<UInt32>, _ vector: ColumnVector
    ) throws(DukkanError) {
        var strings = dictionary
        if !hasPartDictionary {
            let count = try reader.count(valueCount, "strings of a block")
            strings = try StringList.decode(&reader, count, scratch: scratch)
            vector.dictionary = strings
        }
        guard let strings else { preconditionFailure("the column has a part dictionary") }
        switch valueCount == rowCount ? reader.next.flatMap(StreamTag.init) : nil {
        case .sharedRuns:
            let (bitmap, runs) = try beginSharedRuns()
            let values = scratch.allocate(UInt32.self, runs)
            try IntegerStream.decode(&reader, runs, into: values, scratch: scratch, depth: 1)
            try finish(values, runs, strings)
            UInt32.fillForward(values, bitmap.words, rowCount, out)
        case .lookedUp:
            // The table has codes, not ranks.
            try decodeLookedUp(out)
            guard Int(dukkan_maximum_code(out, rowCount)) < strings.count else {
                throw corrupt("a code without a string")
            }
        default:
            try IntegerStream.decode(&reader, valueCount, into: out, scratch: scratch)
            try finish(out, valueCount, strings)
        }
    }

    /// Checks codes, and turns ranks into them.
    func finish(
        _ values: UnsafeMutablePointer<UInt32>, _ count: Int, _ strings: StringDictionary
    ) throws(DukkanError) {
        guard Int(dukkan_maximum_code(values, count)) < strings.count else {
            throw corrupt("a code without a string")
        }
        guard storesRanks else { return }
        guard strings.codesByRank.count == strings.count else { throw corrupt("ranks without their codes") }
        dukkan_look_up_codes(values, count, strings.codesByRank, strings.count)
    }

    /// Reads the tag; returns the bitmap of the runs' starts and their number.
    mutating func beginSharedRuns() throws(DukkanError) -> (RowBitmap, Int) {
        _ = try reader.byte()
        let bitmap = try references.bitmap(of: rowCount)
        guard bitmap.words[0] & 1 == 1 else { throw corrupt("a row block that does not begin with a run") }
        scratch.note(0, StreamTag.sharedRuns.name)
        return (bitmap, bitmap.setCount)
    }

    /// The values of the rows where runs begin.
    private func gatherStarts(
        _ values: UnsafePointer<Int64>, _ bitmap: RowBitmap, into out: UnsafeMutablePointer<Int64>
    ) {
        _ = dukkan_compress_integers(values, bitmap.words, rowCount, out)
    }

    /// Reads the tag and the differences to what the model predicts for `times`.
    private mutating func decodePredicted(
        _ count: Int, _ times: UnsafePointer<Int64>, _ out: UnsafeMutablePointer<Int64>
    ) throws(DukkanError) {
        _ = try reader.byte()
        scratch.note(0, StreamTag.predicted.name)
        guard case .times(let model) = references.model else { throw corrupt("predictions without a model") }
        try IntegerStream.decode(&reader, count, into: out, scratch: scratch, depth: 1)
        model.addPredictions(times, count, to: out)
    }

    /// Reads the tag and the exceptions to what the model holds for the reference column's values.
    private mutating func decodeLookedUp<Output: LookedUpElement>(
        _ out: UnsafeMutablePointer<Output>
    ) throws(DukkanError) {
        _ = try reader.byte()
        scratch.note(0, StreamTag.lookedUp.name)
        let column = try references.column(of: rowCount)
        guard case .table(let table) = references.model else { throw corrupt("a look-up without a table") }
        let words = isReferenceValidity ? UnsafePointer(column.validity) : nil
        switch column.kind {
        case .integers: table.lookUp(column.integers, words, rowCount, into: out)
        case .codes: table.lookUp(column.codes, words, rowCount, into: out)
        case .doubles: throw corrupt("a look-up by doubles")
        }
        let exceptionCount = try reader.count(rowCount, "exceptions of a look-up")
        guard exceptionCount > 0 else { return }
        let gaps = scratch.allocate(UInt32.self, exceptionCount)
        let values = scratch.allocate(Output.self, exceptionCount)
        try IntegerStream.decode(&reader, exceptionCount, into: gaps, scratch: scratch, depth: 1)
        try IntegerStream.decode(&reader, exceptionCount, into: values, scratch: scratch, depth: 1)
        var row = -1
        for i in 0..<exceptionCount {
            row += Int(gaps[i]) + 1
            guard row < rowCount, words.map({ $0[row >> 6] >> UInt64(row & 63) & 1 == 1 }) ?? true else {
                throw corrupt("an exception outside its block")
            }
            out[row] = values[i]
        }
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
