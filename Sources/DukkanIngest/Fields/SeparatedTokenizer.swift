import CDukkanKernels

/// Rows of separated values, as RFC 4180 has them.
final class SeparatedTokenizer: RowTokenizer {
    private let separator: UInt8
    private let quote: UInt8?
    /// For each field of a row the slot of the tile, or -1 for a field that is left out.
    private let slots: [Int32]

    private var state: dk_csv_state
    /// Places of separators and newlines, those from `at` to `placeCount` not yet used.
    private var places: UnsafeMutablePointer<UInt32>
    private var placeCapacity: Int
    private var placeCount = 0
    private var at = 0
    /// Where the next row begins, and up to where the chunk was searched.
    private var rowStart = 0
    private var searched = 0
    private var isEndPlaced = false

    init(separator: UInt8, quote: UInt8?, slots: [Int32]) {
        self.separator = separator
        self.quote = quote
        // A row has one field at least.
        self.slots = slots.isEmpty ? [-1] : slots
        state = dk_csv_state()
        placeCapacity = max(8_192, 4 * slots.count) + 64
        places = .allocate(capacity: placeCapacity)
    }

    deinit { places.deallocate() }

    func begin(_ chunk: Chunk) {
        state = dk_csv_state(
            separator: separator, quote: quote ?? 0, has_quote: quote == nil ? 0 : 1, inside: 0, can_open: 1)
        (placeCount, at, rowStart, searched, isEndPlaced) = (0, 0, 0, 0, false)
    }

    func fill(_ tile: FieldTile, _ chunk: Chunk, _ faults: inout RowFaults) {
        repeat {
            fillRows(tile, chunk, &faults)
        } while tile.rowCount < FieldTile.rowCapacity && refill(chunk)
    }

    /// Finds more places; false when the chunk has no more.
    private func refill(_ chunk: Chunk) -> Bool {
        if searched >= chunk.count {
            // The last row of the input may lack its newline: the end stands for it.
            guard !isEndPlaced, chunk.isLast, chunk.count > 0, chunk.bytes[chunk.count - 1] != 10 || state.inside != 0
            else { return false }
            isEndPlaced = true
            makeRoom(1)
            places[placeCount] = UInt32(chunk.count)
            placeCount += 1
            return true
        }
        makeRoom(4_096)
        var next = 0
        placeCount += dk_csv_index(
            chunk.bytes, searched, chunk.count, &state, places + placeCount, placeCapacity - placeCount, &next)
        searched = next
        return true
    }

    /// Moves the places not yet used to the front, and sees that as many more fit.
    private func makeRoom(_ count: Int) {
        let kept = placeCount - at
        if kept + count + 64 > placeCapacity {
            placeCapacity = 2 * (kept + count + 64)
            let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: placeCapacity)
            grown.update(from: places + at, count: kept)
            places.deallocate()
            places = grown
        } else if at > 0 {
            places.update(from: places + at, count: kept)
        }
        placeCount = kept
        at = 0
    }

    /// Takes the rows whose places are all known, until the tile is full.
    ///
    /// More places are needed when it returns with room left in the tile.
    private func fillRows(_ tile: FieldTile, _ chunk: Chunk, _ faults: inout RowFaults) {
        while tile.rowCount < FieldTile.rowCapacity, at < placeCount {
            takeSimpleRows(tile, chunk)
            guard tile.rowCount < FieldTile.rowCapacity, at < placeCount else { return }
            let row = tile.rowCount
            if regularRow(tile, chunk, row) {
                let last = Int(places[at + slots.count - 1])
                tile.rowStarts[row] = UInt32(truncatingIfNeeded: rowStart)
                tile.rowEnds[row] = UInt32(truncatingIfNeeded: last)
                at += slots.count
                rowStart = last + 1
                tile.rowCount = row + 1
                continue
            }
            // A blank line, or a row with another number of fields or with bad quotes.
            guard let end = rowEnd(chunk, from: at) else { return }
            let stop = Int(places[end])
            if end > at || !isBlankLine(chunk, rowStart, stop) {
                faults.add(fault(chunk, tile.firstRow + row, rowStart, stop, end - at + 1))
                tile.clearRow(row)
                tile.rowStarts[row] = UInt32(rowStart)
                tile.rowEnds[row] = UInt32(stop)
                tile.rowCount = row + 1
            }
            at = end + 1
            rowStart = stop + 1
        }
    }

    /// Takes rows up to the first one that needs a closer look.
    private func takeSimpleRows(_ tile: FieldTile, _ chunk: Chunk) {
        var fields = dk_csv_fields(
            starts: tile.starts, lengths: tile.lengths, slot_stride: FieldTile.slotStride, row_starts: tile.rowStarts,
            row_ends: tile.rowEnds, quoted: FieldTile.quoted)
        var start = UInt32(truncatingIfNeeded: rowStart)
        let rows = dk_csv_rows(
            chunk.bytes, places + at, placeCount - at, slots, slots.count, &state, &fields, tile.rowCount,
            FieldTile.rowCapacity - tile.rowCount, &start)
        rowStart = Int(start)
        at += rows * slots.count
        tile.rowCount += rows
    }

    /// Notes the fields of the row at `rowStart`; false if it has not exactly the fields expected, or not all are known.
    @inline(__always)
    private func regularRow(_ tile: FieldTile, _ chunk: Chunk, _ row: Int) -> Bool {
        let bytes = chunk.bytes, places = places + at
        let starts = tile.starts + row, lengths = tile.lengths + row
        let separator = separator
        // No byte equals 256: then there are no quotes.
        let quote = quote.map(UInt16.init) ?? 256
        let fieldCount = slots.count
        guard placeCount - at >= fieldCount else { return false }
        var start = rowStart
        return slots.withUnsafeBufferPointer { slots in
            for field in 0..<fieldCount {
                let place = Int(places[field])
                var end = place
                let isLast = field == fieldCount - 1
                guard (bytes[place] == separator) != isLast else { return false }
                if isLast, end > start, bytes[end - 1] == 13 { end -= 1 }
                let slot = Int(slots[field])
                if slot >= 0 {
                    let cell = slot * FieldTile.slotStride
                    if end > start, UInt16(bytes[start]) == quote {
                        guard unquote(chunk, start, end, cell + row, tile) else { return false }
                    } else {
                        starts[cell] = UInt32(truncatingIfNeeded: start)
                        lengths[cell] = UInt32(truncatingIfNeeded: end - start)
                    }
                }
                start = place + 1
            }
            return true
        }
    }

    /// Index of the place that ends the row whose first place is `from`; nil when it is not known yet.
    private func rowEnd(_ chunk: Chunk, from: Int) -> Int? {
        var index = from
        while index < placeCount {
            let place = Int(places[index])
            if place == chunk.count || chunk.bytes[place] == 10 { return index }
            index += 1
        }
        return nil
    }

    private func isBlankLine(_ chunk: Chunk, _ start: Int, _ end: Int) -> Bool {
        start == end || (end == start + 1 && chunk.bytes[start] == 13)
    }

    /// Notes the text between quotes; false when the quotes are not right.
    private func unquote(_ chunk: Chunk, _ start: Int, _ end: Int, _ cell: Int, _ tile: FieldTile) -> Bool {
        let bytes = chunk.bytes
        guard let quote, end - start >= 2, bytes[end - 1] == quote else { return false }
        let from = start + 1, to = end - 1
        var next = ByteWord.find(quote, bytes, from, to)
        if next == to {
            tile.starts[cell] = UInt32(truncatingIfNeeded: from)
            tile.lengths[cell] = UInt32(truncatingIfNeeded: to - from) | FieldTile.quoted
            return true
        }
        // Doubled quotes: the text goes to the arena with single ones.
        let output = chunk.arenaStart + chunk.arenaCount
        var written = output, copied = from
        while next < to {
            guard next + 1 < to, bytes[next + 1] == quote else { return false }
            let count = next + 1 - copied
            (bytes + written).update(from: bytes + copied, count: count)
            written += count
            copied = next + 2
            next = ByteWord.find(quote, bytes, copied, to)
        }
        (bytes + written).update(from: bytes + copied, count: to - copied)
        written += to - copied
        chunk.arenaCount = written - chunk.arenaStart
        tile.starts[cell] = UInt32(truncatingIfNeeded: output)
        tile.lengths[cell] = UInt32(truncatingIfNeeded: written - output) | FieldTile.quoted
        return true
    }

    private func fault(_ chunk: Chunk, _ row: Int, _ start: Int, _ end: Int, _ found: Int) -> RowFault {
        let isTorn = chunk.isLast && end == chunk.count
        let stop = end > start && end < chunk.count && chunk.bytes[end - 1] == 13 ? end - 1 : end
        var fault = RowFault(row: row, range: start..<stop, reason: "")
        if isTorn, state.inside != 0 {
            fault.reason = "a quoted field is never closed"
            fault.advice = "the file may be cut off; --no-quote reads quotes as they are"
        } else if isTorn, found < slots.count {
            fault.reason = "the last line is torn: \(found) fields of \(slots.count), and no newline"
        } else if found != slots.count {
            fault.reason = "\(found) \(found == 1 ? "field" : "fields") where \(slots.count) are expected"
        } else {
            fault.reason = "text stands behind a closing quote"
        }
        return fault
    }
}
