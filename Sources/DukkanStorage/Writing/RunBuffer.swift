import CDukkanKernels
import DukkanFormat

/// The rows of one table that wait to be sorted and written as a part, in order of arrival.
///
/// Each row is a record; so that fetching rows in another order costs a cache miss for each row and not for each value.
/// Records are in pieces of equal length, which grow without moving: the only memory held is that of the rows.
final class RunBuffer {
    /// Rows of a piece; row r of the run is row `r & (pieceRowCount - 1)` of piece `r >> pieceShift`.
    static let pieceShift = 18
    static let pieceRowCount = 1 << pieceShift
    /// Row numbers have 32 bits.
    static let rowCountMax = 1 << 31
    /// Rows that are taken at a time.
    private static let stepRowCount = 1 << 14
    /// Rows whose records stay in the nearest cache while all columns are written to them.
    private static let blockRowCount = 256
    /// Times that the records of a long run are moved to wider ones; then all fields get as wide as they can be.
    private static let wideningCountMax = 4

    let schema: TableSchema
    private(set) var layout: RecordLayout
    private(set) var pieces: [RecordPiece] = []
    /// One for each string column: what the codes in the records mean.
    let interners: [StringInterner?]
    /// For each column whether any row is null.
    private(set) var hasNulls: [Bool]
    /// Whether the rows arrived in order of time.
    private(set) var isInTimeOrder = true
    private(set) var rowCount = 0
    private var lastTime = Int64.min
    private var wideningCount = 0
    /// The codes of the rows that are taken, for each string column.
    private let codes: [ColumnVector?]
    private var translations: [CodeTranslation]
    /// What sorting and a key index add to a row.
    private let extraByteCount: Int
    /// Bytes of a row in vectors.
    private let vectorByteCount: Int

    init(schema: TableSchema) {
        self.schema = schema
        layout = RecordLayout(schema, widths: schema.columns.map { RecordLayout.widestField($0) })
        interners = schema.columns.map { $0.type.physical == .codes ? StringInterner() : nil }
        codes = schema.columns.map { $0.type.physical == .codes ? ColumnVector(.codes) : nil }
        hasNulls = Array(repeating: false, count: schema.columns.count)
        translations = Array(repeating: CodeTranslation(), count: schema.columns.count)
        extraByteCount = 16 + (schema.uniqueColumn == nil ? 0 : 32)
        vectorByteCount = schema.columns.reduce(0) { $0 + ColumnVector.stride($1.type.physical) }
    }

    /// Bytes of memory that the rows take until they are written.
    var memoryByteCount: Int {
        let heldRowCount = pieces.count > 1 ? pieces.count * RunBuffer.pieceRowCount : rowCount * 3 / 2
        return heldRowCount * layout.stride + rowCount * extraByteCount
            + interners.reduce(0) { $0 + (($1?.memoryByteCount ?? 0) * 3) / 2 }
    }

    /// Bytes that writing the run takes besides: the stripe that the part writer collects, the encoded one, and the batch that
    /// is gathered.
    var writingByteCount: Int {
        vectorByteCount * PartLimits.rowBlockTarget * PartLimits.stripeBlockCountMax * 5 / 2
    }

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
            let length = min(RunBuffer.pieceRowCount - used, count - done, RunBuffer.stepRowCount)
            take(batch, from: start + done, count: length)
            if used == 0 { pieces.append(RecordPiece()) }
            // A small run stays small; a run that fills a second piece will need whole ones.
            pieces[pieces.count - 1].reserve(
                pieces.count > 1 ? RunBuffer.pieceRowCount : used + length, stride: layout.stride, keeping: used)
            for row in stride(from: 0, to: length, by: RunBuffer.blockRowCount) {
                put(batch, from: start + done + row, step: row, count: min(RunBuffer.blockRowCount, length - row))
            }
            rowCount += length
            done += length
        }
    }

    /// Translates the codes of rows, and sees that their values fit the records.
    private func take(_ batch: RowBatch, from start: Int, count: Int) {
        var needed: [Int] = []
        for (column, definition) in schema.columns.enumerated() {
            let source = batch.columns[column]
            if source.hasNulls { hasNulls[column] = true }
            if let interner = interners[column], let codes = codes[column] {
                codes.removeAll()
                codes.reserve(count)
                translations[column].translate(source, from: start, count: count, into: codes.codes, interner)
                needed.append(RecordLayout.width(codeCount: interner.count))
            } else {
                needed.append(RecordLayout.width(definition, source, from: start, count: count))
            }
        }
        noteTimes(batch.columns[schema.timeColumn].integers + start, count)
        if rowCount == 0 {
            layout = RecordLayout(schema, widths: RecordLayout.firstWidths(schema, needed: needed))
        } else if zip(needed, layout.widths).contains(where: { $0 > $1 }) {
            widen(needed)
        }
    }

    private func noteTimes(_ times: UnsafePointer<Int64>, _ count: Int) {
        guard isInTimeOrder else { return }
        var last = lastTime
        var descents = 0
        for row in 0..<count {
            descents += times[row] < last ? 1 : 0
            last = times[row]
        }
        lastTime = last
        isInTimeOrder = descents == 0
    }

    private func widen(_ needed: [Int]) {
        if pieces.count > 1 { wideningCount += 1 }
        let isLast = wideningCount >= RunBuffer.wideningCountMax
        let widths = schema.columns.indices.map { column in
            isLast ? RecordLayout.widestField(schema.columns[column]) : max(needed[column], layout.widths[column])
        }
        let wider = RecordLayout(schema, widths: widths)
        for (number, piece) in pieces.enumerated() {
            let count = min(RunBuffer.pieceRowCount, rowCount - number << RunBuffer.pieceShift)
            piece.convert(schema.columns, from: layout, to: wider, count: count)
        }
        layout = wider
    }

    /// Writes the records of rows; `step` is the place of the first one's codes.
    private func put(_ batch: RowBatch, from start: Int, step: Int, count: Int) {
        let stride = layout.stride
        let used = (rowCount + step) & (RunBuffer.pieceRowCount - 1)
        let record = pieces[pieces.count - 1].memory + used * stride
        for column in schema.columns.indices {
            let source = batch.columns[column]
            let field = record + layout.offsets[column], width = UInt32(layout.widths[column])
            switch source.kind {
            case .codes:
                if let codes = codes[column] {
                    dukkan_record_put_codes(codes.codes + step, count, width, field, stride)
                }
            case .integers:
                dukkan_record_put_words(source.integers + start, count, width, field, stride)
            case .doubles:
                let words = UnsafeRawPointer(source.doubles + start).assumingMemoryBound(to: Int64.self)
                dukkan_record_put_words(words, count, width, field, stride)
            }
        }
        putValidBits(batch, from: start, count, record)
    }

    private func putValidBits(_ batch: RowBatch, from start: Int, _ count: Int, _ record: UnsafeMutablePointer<UInt8>) {
        let byteCount = layout.validByteCount, first = layout.stride - layout.validByteCount
        guard byteCount > 0 else { return }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: byteCount * RunBuffer.blockRowCount) { bytes in
            bytes.initialize(repeating: 0xFF)
            let bytes = bytes.baseAddress!
            for (column, source) in batch.columns.enumerated() where source.hasNulls {
                guard let (byte, bit) = layout.validBits[column] else { continue }
                let rows = bytes + (byte - first) * RunBuffer.blockRowCount
                dukkan_record_clear_nulls(source.validity, start, count, bit, rows)
            }
            for byte in 0..<byteCount {
                dukkan_record_put_bytes(
                    bytes + byte * RunBuffer.blockRowCount, count, record + first + byte, layout.stride)
            }
        }
    }
}
