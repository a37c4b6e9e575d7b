import DukkanFormat
import DukkanTime

/// One column of the table and the field that fills it.
struct PlannedColumn: Sendable {
    /// Name in the table.
    var name: String
    var type: ColumnType
    var role: ColumnDefinition.Role
    /// Slot of the tile that holds its field.
    var slot: Int
    var timeFormat: TimeFormat
    var timeZone: TimeZoneRules
    var nullWords: [String]
    var decimalComma: Bool
}

/// Turns the fields of one column into values, a tile at a time.
///
/// A row without a good value gets a fault and holds 0 or null; the caller leaves it out. Belongs to one thread.
final class ColumnParser {
    let column: PlannedColumn
    let vector: ColumnVector
    let interner = StringInterner()
    var zone: ZoneCursor
    let pattern: TimePattern?
    let point: UInt8
    private let nullWords: [[UInt8]]
    /// Rows of the tile that are null, ascending.
    let nullRows = RowList(capacity: FieldTile.rowCapacity)
    /// The date read last, as its ten bytes and as days: rows in order of time share it.
    var lastDate: (high: UInt64, low: UInt64, days: Int64) = (0, 0, 0)

    /// Why a row without a value is bad; nil where it is not.
    private let absence: (reason: String, advice: String?)?

    init(_ column: PlannedColumn, anonymousRows: ImportOptions.AnonymousRows) throws(DukkanError) {
        self.column = column
        absence =
            switch column.role {
            case .attribute: nil
            case .time: ("the row has no time", nil)
            case .unique: ("the row has no key in the unique column", nil)
            case .customer:
                anonymousRows == .refuse
                    ? ("the row has no customer", "--anonymous drop leaves such rows out, --anonymous keep stores them")
                    : nil
            }
        vector = ColumnVector(column.type.physical)
        zone = ZoneCursor(column.timeZone)
        if case .pattern(let text) = column.timeFormat { pattern = try TimePattern(text) } else { pattern = nil }
        point = UInt8(ascii: column.decimalComma ? "," : ".")
        nullWords = column.nullWords.map { Array($0.utf8) }
    }

    deinit { nullRows.deallocate() }

    /// Begins with a chunk.
    func begin() {
        vector.removeAll()
        interner.trim()
    }

    /// Ends a chunk: the vector is complete.
    func finish() {
        if column.type.physical == .codes { vector.dictionary = interner.dictionary() }
    }

    /// Appends the values of a tile's rows.
    func parse(_ tile: FieldTile, _ chunk: Chunk, _ faults: inout RowFaults) {
        vector.reserve(vector.count + tile.rowCount)
        nullRows.removeAll()
        if !nullWords.isEmpty { markNullWords(tile, chunk) }
        switch column.type {
        case .int: parseIntegers(tile, chunk, &faults)
        case .decimal(let scale): parseDecimals(tile, chunk, scale, &faults)
        case .timestamp: parseTimes(tile, chunk, &faults)
        case .date, .bool: parseRareIntegers(tile, chunk, &faults)
        case .double: parseDoubles(tile, chunk, &faults)
        case .string: parseStrings(tile, chunk, &faults)
        }
        if let absence, !nullRows.isEmpty { refuseNulls(tile, absence.reason, absence.advice, &faults) }
        count(tile.rowCount)
    }

    /// Rows that are at fault already keep their fault.
    private func refuseNulls(_ tile: FieldTile, _ reason: String, _ advice: String?, _ faults: inout RowFaults) {
        for row in nullRows.rows {
            let row = Int(row)
            faults.add(
                RowFault(
                    row: tile.firstRow + row, range: Int(tile.rowStarts[row])..<Int(tile.rowEnds[row]),
                    column: column.name, value: nil, reason: reason, advice: advice))
        }
    }

    /// Notes that a row of the tile holds no value.
    ///
    /// Rows come in ascending order.
    func addNull(_ row: Int) { nullRows.append(row) }

    /// Takes the values written behind the vector's end as its own.
    private func count(_ rows: Int) {
        let first = vector.count
        guard vector.hasNulls || !nullRows.isEmpty else {
            vector.count = first + rows
            return
        }
        vector.beginNulls()
        vector.count = first + rows
        let bits = vector.validity
        var row = first
        while row < first + rows {
            let length = min(64 - row & 63, first + rows - row)
            bits[row >> 6] |= (length == 64 ? ~0 : (1 << UInt64(length)) - 1) << UInt64(row & 63)
            row += length
        }
        for row in nullRows.rows {
            let at = first + Int(row)
            bits[at >> 6] &= ~(1 << UInt64(at & 63))
        }
    }

    /// Makes fields missing that are one of the null words.
    ///
    /// In text columns only unquoted ones are.
    private func markNullWords(_ tile: FieldTile, _ chunk: Chunk) {
        let starts = tile.starts + column.slot * FieldTile.slotStride
        let lengths = tile.lengths + column.slot * FieldTile.slotStride
        for row in 0..<tile.rowCount {
            let length = lengths[row]
            if column.type == .string, length & FieldTile.quoted != 0 { continue }
            let size = Int(length & FieldTile.lengthMask)
            let text = UnsafeBufferPointer(start: UnsafePointer(chunk.bytes) + Int(starts[row]), count: size)
            let word = column.type == .string ? text : ColumnParser.trimmed(text)
            if nullWords.contains(where: { $0.count == word.count && word.elementsEqual($0) }) {
                lengths[row] = FieldTile.missing
            }
        }
    }

    /// What a value's exact form makes of it.
    enum Outcome<Value> {
        case value(Value)
        case null
        case fault(String, advice: String? = nil)
    }

    /// Handles a field that no fast form took: nil for null and for a fault, which is noted.
    func resolve<Value>(
        _ tile: FieldTile, _ chunk: Chunk, _ row: Int, _ faults: inout RowFaults,
        _ read: (UnsafeBufferPointer<UInt8>) -> Outcome<Value>
    ) -> Value? {
        let cell = column.slot * FieldTile.slotStride + row
        let length = tile.lengths[cell]
        let start = Int(tile.starts[cell]), size = Int(length & FieldTile.lengthMask)
        let text = UnsafeBufferPointer(start: UnsafePointer(chunk.bytes) + start, count: size)
        let trimmed = ColumnParser.trimmed(text)
        let outcome: Outcome<Value> =
            length & FieldTile.missing != 0 || trimmed.isEmpty ? .null : read(trimmed)
        switch outcome {
        case .value(let value): return value
        case .null:
            addNull(row)
            return nil
        case .fault(let reason, let advice):
            addFault(tile, row, text, reason, advice, &faults)
            addNull(row)
            return nil
        }
    }

    func addFault(
        _ tile: FieldTile, _ row: Int, _ text: UnsafeBufferPointer<UInt8>, _ reason: String, _ advice: String?,
        _ faults: inout RowFaults
    ) {
        faults.add(
            RowFault(
                row: tile.firstRow + row, range: Int(tile.rowStarts[row])..<Int(tile.rowEnds[row]),
                column: column.name, value: String(decoding: text, as: UTF8.self), reason: reason, advice: advice))
    }

    /// The text without blanks and tabs at its ends.
    static func trimmed(_ text: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var start = 0, end = text.count
        while start < end, text[start] == 32 || text[start] == 9 { start += 1 }
        while start < end, text[end - 1] == 32 || text[end - 1] == 9 { end -= 1 }
        return UnsafeBufferPointer(rebasing: text[start..<end])
    }
}
