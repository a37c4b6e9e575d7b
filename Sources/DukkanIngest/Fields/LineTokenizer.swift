/// Rows that are lines of words between blanks, or of fields at fixed places.
final class LineTokenizer: RowTokenizer {
    /// How the fields of a line are found.
    enum Layout {
        /// Runs of blanks and tabs stand between fields, and mean nothing at the ends of the line.
        case words
        /// Each field has its bytes in the line.
        case fixed([Range<Int>])
    }

    private let layout: Layout
    /// For each field of a row the slot of the tile, or -1 for a field that is left out.
    private let slots: [Int32]
    private var at = 0

    init(_ layout: Layout, slots: [Int32]) {
        self.layout = layout
        self.slots = slots
    }

    func begin(_ chunk: Chunk) { at = 0 }

    func fill(_ tile: FieldTile, _ chunk: Chunk, _ faults: inout RowFaults) {
        let bytes = chunk.bytes
        while tile.rowCount < FieldTile.rowCapacity, at < chunk.count {
            let start = at
            let newline = ByteWord.find(10, bytes, start, chunk.count)
            at = newline + 1
            var end = newline
            if end > start, bytes[end - 1] == 13 { end -= 1 }
            if isBlank(bytes, start, end) { continue }
            let row = tile.rowCount
            tile.rowStarts[row] = UInt32(start)
            tile.rowEnds[row] = UInt32(end)
            let found: Int
            switch layout {
            case .words: found = splitWords(tile, row, bytes, start, end)
            case .fixed(let ranges): found = splitFixed(tile, row, bytes, start, end, ranges)
            }
            if found != slots.count {
                let isTorn = found < slots.count && chunk.isLast && newline == chunk.count
                let fields = "\(found) \(found == 1 ? "field" : "fields")"
                let reason =
                    isTorn
                    ? "the last line is torn: \(fields) of \(slots.count), and no newline"
                    : "\(fields) where \(slots.count) are expected"
                faults.add(RowFault(row: tile.firstRow + row, range: start..<end, reason: reason))
                tile.clearRow(row)
            }
            tile.rowCount += 1
        }
    }

    private func isBlank(_ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int) -> Bool {
        var at = start
        while at < end, bytes[at] == 32 || bytes[at] == 9 { at += 1 }
        return at == end
    }

    private func splitWords(
        _ tile: FieldTile, _ row: Int, _ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int
    ) -> Int {
        var at = start, field = 0
        while true {
            while at < end, bytes[at] == 32 || bytes[at] == 9 { at += 1 }
            if at == end { return field }
            let word = at
            while at < end, bytes[at] != 32, bytes[at] != 9 { at += 1 }
            if field < slots.count, slots[field] >= 0 {
                let cell = Int(slots[field]) * FieldTile.slotStride + row
                tile.starts[cell] = UInt32(word)
                tile.lengths[cell] = UInt32(at - word)
            }
            field += 1
        }
    }

    /// A line may end early only within or behind its last field; what lies behind the last range must be blank.
    private func splitFixed(
        _ tile: FieldTile, _ row: Int, _ bytes: UnsafePointer<UInt8>, _ start: Int, _ end: Int, _ ranges: [Range<Int>]
    ) -> Int {
        for (field, range) in ranges.enumerated() {
            var from = start + range.lowerBound, to = min(end, start + range.upperBound)
            if from >= end, field < ranges.count - 1 { return field }
            from = min(from, end)
            while from < to, bytes[from] == 32 || bytes[from] == 9 { from += 1 }
            while from < to, bytes[to - 1] == 32 || bytes[to - 1] == 9 { to -= 1 }
            if slots[field] >= 0 {
                let cell = Int(slots[field]) * FieldTile.slotStride + row
                tile.starts[cell] = UInt32(from)
                tile.lengths[cell] = UInt32(max(0, to - from))
            }
        }
        return ranges.count
    }
}
