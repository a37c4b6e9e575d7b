import CDukkanKernels

/// Which rows of a block hold a value.
///
/// The first byte of a column block's content: the form, and whether null rows have a place among the values.
enum Validity {
    static let noNulls: UInt8 = 0
    static let allNull: UInt8 = 1
    /// One bit a row.
    static let bitmap: UInt8 = 2
    /// Lengths of runs, values and nulls in turn, values first.
    static let runs: UInt8 = 3
    /// A shared bitmap of the row block.
    static let shared: UInt8 = 4
    /// The rows where the reference column holds a value.
    static let reference: UInt8 = 5
    /// Added to `bitmap`, `runs` and `shared`: null rows have a value, which means nothing; otherwise only the other rows do.
    static let filledFlag: UInt8 = 0x10

    /// Appends the smaller of the two forms.
    static func encode(
        _ bits: ValidityBits, _ rowCount: Int, filled: Bool, into writer: inout ByteWriter, effort: EncodingEffort
    ) {
        let flag = filled ? filledFlag : 0
        if bits.changeCount(rowCount) < rowCount / 5 {
            let lengths = bits.runLengths(rowCount)
            var candidate = ByteWriter()
            candidate.append(runs | flag)
            candidate.appendVarint(lengths.count)
            IntegerStream.encode(lengths, lengths.count, into: &candidate, effort: effort)
            if candidate.count < 1 + (rowCount + 7) / 8 {
                writer.append(candidate.bytes)
                return
            }
        }
        writer.append(bitmap | flag)
        writer.fill((rowCount + 7) / 8) { out in
            for row in stride(from: 0, to: rowCount, by: 64) {
                let word = bits.word(row, rowCount).littleEndian
                withUnsafeBytes(of: word) {
                    let byteCount = (min(64, rowCount - row) + 7) / 8
                    UnsafeMutableRawPointer(out + row / 8).copyMemory(from: $0.baseAddress!, byteCount: byteCount)
                }
            }
        }
    }

    /// Reads the form `form` into the vector's validity and checks the number of nulls.
    static func decode(
        _ reader: inout ByteReader, form: UInt8, rowCount: Int, nullCount: Int, references: BlockReferences,
        into vector: ColumnVector, scratch: ScratchArena
    ) throws(DukkanError) {
        let words = vector.validity
        let wordCount = (rowCount + 63) / 64
        scratch.note(0, name(form))
        switch form & ~filledFlag {
        case bitmap:
            let bytes = try reader.take((rowCount + 7) / 8)
            words[wordCount - 1] = 0
            UnsafeMutableRawPointer(words).copyMemory(from: bytes, byteCount: (rowCount + 7) / 8)
        case runs:
            let runCount = try reader.count(rowCount + 1, "runs of nulls")
            let lengths = scratch.allocate(UInt32.self, runCount)
            try IntegerStream.decode(&reader, runCount, into: lengths, scratch: scratch)
            words.update(repeating: 0, count: wordCount)
            var row = 0
            for run in 0..<runCount {
                let end = row + Int(lengths[run])
                guard end <= rowCount else { throw corrupt("runs of nulls past the block's end") }
                if run & 1 == 0 { setBits(words, from: row, to: end) }
                row = end
            }
            guard row == rowCount else { throw corrupt("runs of nulls end too early") }
        case shared:
            words.update(from: try references.bitmap(of: rowCount).words, count: wordCount)
        case reference:
            let column = try references.column(of: rowCount)
            guard form == reference, column.hasNulls else { throw corrupt("nulls of a column that has none") }
            words.update(from: column.validity, count: wordCount)
        default:
            throw corrupt("unknown form \(form) of nulls")
        }
        if rowCount & 63 != 0 { words[wordCount - 1] &= (1 << UInt64(rowCount & 63)) - 1 }
        guard dukkan_count_bits(words, wordCount) == rowCount - nullCount else {
            throw corrupt("the number of nulls is not as stated")
        }
    }

    /// The name that `inspect` shows.
    private static func name(_ form: UInt8) -> String {
        switch form & ~filledFlag {
        case bitmap: "null-bitmap"
        case runs: "null-runs"
        case shared: "null-shared"
        default: "null-reference"
        }
    }

    private static func setBits(_ words: UnsafeMutablePointer<UInt64>, from start: Int, to end: Int) {
        var row = start
        while row < end {
            let bit = row & 63
            let length = min(64 - bit, end - row)
            let ones: UInt64 = length == 64 ? ~0 : (1 << UInt64(length)) - 1
            words[row >> 6] |= ones << UInt64(bit)
            row += length
        }
    }

    /// Sets the rows without a value to zero.
    static func clear<Element: BitwiseCopyable & ExpressibleByIntegerLiteral>(
        _ values: UnsafeMutablePointer<Element>, _ words: UnsafePointer<UInt64>, rowCount: Int
    ) {
        for row in 0..<rowCount {
            values[row] = words[row >> 6] >> UInt64(row & 63) & 1 != 0 ? values[row] : 0
        }
    }
}

/// Validity bits of a run of rows within a vector.
struct ValidityBits {
    let words: UnsafePointer<UInt64>
    let firstRow: Int

    subscript(_ row: Int) -> Bool {
        words[(firstRow + row) >> 6] >> UInt64((firstRow + row) & 63) & 1 != 0
    }

    /// Bits of rows `row ..< row + 64`, those from `rowCount` on being 0.
    @inline(__always)
    func word(_ row: Int, _ rowCount: Int) -> UInt64 {
        let at = (firstRow + row) >> 6, shift = UInt64((firstRow + row) & 63)
        let length = min(64, rowCount - row)
        var bits = words[at] >> shift
        if shift != 0 && Int(64 - shift) < length { bits |= words[at + 1] << (64 - shift) }
        return length == 64 ? bits : bits & ((1 << UInt64(length)) - 1)
    }

    func presentCount(_ rowCount: Int) -> Int {
        stride(from: 0, to: rowCount, by: 64).reduce(0) { $0 + word($1, rowCount).nonzeroBitCount }
    }

    /// Rows that differ from the row before.
    func changeCount(_ rowCount: Int) -> Int {
        var changes = 0
        var last: UInt64 = 1
        for row in stride(from: 0, to: rowCount, by: 64) {
            let bits = word(row, rowCount)
            let length = UInt64(min(64, rowCount - row))
            let mask: UInt64 = length == 64 ? ~0 : (1 << length) - 1
            changes += ((bits ^ (bits << 1 | last)) & mask).nonzeroBitCount
            last = bits >> (length - 1)
        }
        return changes
    }

    /// Lengths of the runs of rows with a value and of null rows, in turn.
    func runLengths(_ rowCount: Int) -> [Int64] {
        var lengths: [Int64] = []
        var present = true
        var length: Int64 = 0
        for row in 0..<rowCount {
            if self[row] != present {
                lengths.append(length)
                length = 0
                present.toggle()
            }
            length += 1
        }
        lengths.append(length)
        return lengths
    }
}
