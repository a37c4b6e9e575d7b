import DukkanFormat

/// The rows of one table that wait to be sorted and written as a part, in order of arrival.
///
/// Rows are copied into pieces of equal size, which grow without moving: the only memory held is that of the rows.
final class RunBuffer {
    /// Rows of a piece; row r of the run is row `r & rowMask` of piece `r >> pieceShift`.
    ///
    /// Integers of a whole piece fill one large page.
    static let pieceShift = 18
    static let pieceRowCount = 1 << pieceShift
    /// Row numbers have 32 bits.
    static let rowCountMax = 1 << 31

    let schema: TableSchema
    /// One list for each column, all of the same length.
    private(set) var pieces: [[ColumnVector]]
    /// One for each string column: what the codes in the pieces mean.
    let interners: [StringInterner?]
    private(set) var rowCount = 0
    /// Bytes of one row in the pieces, and what sorting and a key index add to it.
    private let rowByteCount: Int
    private let extraByteCount: Int
    /// Translations of the dictionaries seen last: a source that keeps its dictionary is translated once.
    private var translations: [Translation?]

    private struct Translation {
        var dictionary: StringDictionary
        /// Code of the source to code of the run; `UInt32.max` where it was not met yet.
        var codes: [UInt32]
    }

    init(schema: TableSchema) {
        self.schema = schema
        pieces = Array(repeating: [], count: schema.columns.count)
        interners = schema.columns.map { $0.type.physical == .codes ? StringInterner() : nil }
        translations = Array(repeating: nil, count: schema.columns.count)
        rowByteCount = schema.columns.reduce(0) { $0 + ColumnVector.stride($1.type.physical) }
        extraByteCount = 16 + (schema.uniqueColumn == nil ? 0 : 32)
    }

    /// Bytes of memory that the rows take until they are written.
    var memoryByteCount: Int {
        let pieceCount = pieces[0].count
        let heldRowCount = pieceCount > 1 ? pieceCount * RunBuffer.pieceRowCount : rowCount * 3 / 2
        return heldRowCount * rowByteCount + rowCount * extraByteCount
            + interners.reduce(0) { $0 + (($1?.memoryByteCount ?? 0) * 3) / 2 }
    }

    /// Bytes that writing the run takes besides: the stripe that the part writer collects, the encoded one, and the batch that
    /// is gathered.
    var writingByteCount: Int { rowByteCount * PartLimits.rowBlockTarget * PartLimits.stripeBlockCountMax * 5 / 2 }

    /// Whether more rows may not come before the run is written, whatever the budget.
    var isFull: Bool {
        rowCount >= RunBuffer.rowCountMax - (1 << 24)
            || interners.contains { ($0?.byteCount ?? 0) > StringDictionary.byteCountMax / 4 }
    }

    /// Appends rows `start ..< start + count` of a batch that was checked.
    func append(_ batch: RowBatch, from start: Int, count: Int) {
        var done = 0
        while done < count {
            let used = rowCount & (RunBuffer.pieceRowCount - 1)
            let length = min(RunBuffer.pieceRowCount - used, count - done)
            for column in schema.columns.indices {
                if used == 0 { pieces[column].append(ColumnVector(schema.columns[column].type.physical)) }
                let piece = pieces[column][pieces[column].count - 1]
                // A small run stays small; a run that fills a second piece will need whole ones.
                piece.reserve(pieces[column].count > 1 ? RunBuffer.pieceRowCount : used + length)
                if let interner = interners[column] {
                    append(
                        batch.columns[column], from: start + done, count: length, to: piece, column: column,
                        interner)
                } else {
                    piece.append(contentsOf: batch.columns[column], from: start + done, count: length)
                }
            }
            rowCount += length
            done += length
        }
    }

    private func append(
        _ source: ColumnVector, from start: Int, count: Int, to piece: ColumnVector, column: Int,
        _ interner: StringInterner
    ) {
        let at = piece.count
        piece.append(contentsOf: source, from: start, count: count)
        let dictionary = source.dictionary ?? .empty
        if translations[column]?.dictionary !== dictionary {
            translations[column] = Translation(
                dictionary: dictionary, codes: Array(repeating: .max, count: dictionary.count))
        }
        let codes = piece.codes + at
        let valid = ValidRows(piece)
        translations[column]?.codes.withUnsafeMutableBufferPointer { translation in
            for row in 0..<count {
                if !valid[at + row] {
                    codes[row] = 0
                    continue
                }
                let code = Int(codes[row])
                var mapped = translation[code]
                if mapped == .max {
                    mapped = dictionary.withBytes(code) { interner.intern($0) }
                    translation[code] = mapped
                }
                codes[row] = mapped
            }
        }
    }
}
