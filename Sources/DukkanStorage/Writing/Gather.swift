import DukkanFormat

/// Copies values of scattered rows side by side.
///
/// A row's number has the piece in its upper bits and the row within the piece in its lower `RunBuffer.pieceShift`.
enum Gather {
    /// Replaces the values of a vector by those of `rows`.
    static func column(_ rows: UnsafeBufferPointer<UInt32>, _ pieces: [ColumnVector], into vector: ColumnVector) {
        vector.removeAll()
        vector.reserve(rows.count)
        switch vector.kind {
        case .integers: words(rows, pieces.map { UnsafePointer($0.integers) }, into: vector.integers)
        case .doubles: words(rows, pieces.map { UnsafePointer($0.doubles) }, into: vector.doubles)
        case .codes: words(rows, pieces.map { UnsafePointer($0.codes) }, into: vector.codes)
        }
        if pieces.contains(where: { $0.hasNulls }) { validity(rows, pieces, into: vector) }
        vector.count = rows.count
    }

    private static func words<Word: BitwiseCopyable>(
        _ rows: UnsafeBufferPointer<UInt32>, _ pieces: [UnsafePointer<Word>], into output: UnsafeMutablePointer<Word>
    ) {
        pieces.withUnsafeBufferPointer { pieces in
            let pieces = pieces.baseAddress!
            for i in 0..<rows.count {
                let row = Int(rows[i])
                output[i] = pieces[row >> RunBuffer.pieceShift][row & (RunBuffer.pieceRowCount - 1)]
            }
        }
    }

    private static func validity(
        _ rows: UnsafeBufferPointer<UInt32>, _ pieces: [ColumnVector], into vector: ColumnVector
    ) {
        let bits = pieces.map { $0.hasNulls ? UnsafePointer($0.validity) : nil }
        let output = vector.validity
        bits.withUnsafeBufferPointer { bits in
            var word: UInt64 = 0
            for i in 0..<rows.count {
                let row = Int(rows[i]), at = row & (RunBuffer.pieceRowCount - 1)
                let valid = bits[row >> RunBuffer.pieceShift].map { ($0[at >> 6] >> UInt64(at & 63)) & 1 } ?? 1
                word |= valid << UInt64(i & 63)
                if i & 63 == 63 {
                    output[i >> 6] = word
                    word = 0
                }
            }
            if rows.count & 63 != 0 { output[rows.count >> 6] = word }
        }
        vector.hasNulls = true
    }
}
