import DukkanFormat

extension ColumnParser {
    func parseStrings(_ tile: FieldTile, _ chunk: Chunk, _ faults: inout RowFaults) {
        let starts = tile.starts + column.slot * FieldTile.slotStride
        let lengths = tile.lengths + column.slot * FieldTile.slotStride
        let output = vector.codes + vector.count
        let bytes = UnsafePointer(chunk.bytes)
        let interner = interner, nullRows = nullRows
        var table = interner.table
        // An empty key is no key, in quotes or not.
        let isKey = column.role == .customer
        for row in 0..<tile.rowCount {
            let flagged = lengths[row]
            let length = Int(flagged & FieldTile.lengthMask)
            if length == 0, isKey || flagged & FieldTile.quoted == 0 {
                output[row] = 0
                nullRows.append(row)
                continue
            }
            let text = bytes + Int(starts[row])
            if length > 0, let code = table.find(text, length) {
                output[row] = code
            } else {
                output[row] = addString(tile, row, text, length, &faults)
                table = interner.table
            }
        }
    }

    /// A string that is seen for the first time, checked, or the empty one.
    private func addString(
        _ tile: FieldTile, _ row: Int, _ text: UnsafePointer<UInt8>, _ length: Int, _ faults: inout RowFaults
    ) -> UInt32 {
        let hash = StringInterner.hash(text, length)
        if length == 0, let code = interner.table.find(text, length, hash: hash) { return code }
        let bytes = UnsafeBufferPointer(start: text, count: length)
        let reason: String
        var advice: String?
        if length > PartLimits.stringByteCountMax {
            reason = "is longer than \(PartLimits.stringByteCountMax >> 20) MiB"
        } else if !ColumnParser.isUTF8(bytes) {
            reason = "is not UTF-8"
            advice = "--encoding latin1 reads the file as ISO 8859-1"
        } else {
            return interner.insert(text, length, hash: hash)
        }
        addFault(tile, row, UnsafeBufferPointer(rebasing: bytes.prefix(200)), reason, advice, &faults)
        addNull(row)
        return 0
    }

    static func isUTF8(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        bytes.allSatisfy { $0 < 0x80 } || String(validating: bytes, as: UTF8.self) != nil
    }
}
