import DukkanTime

/// Rows that are JSON objects, one on each line.
///
/// Objects and lists within a row are values of their own text. Of a key that appears twice the last value counts.
final class JSONLinesTokenizer: RowTokenizer {
    /// What happens to keys that have no slot.
    enum UnknownKeys {
        case fault
        case pass
        /// They are noted by name in ``JSONLinesTokenizer/newKeys``.
        case collect
    }

    private let keys: [[UInt8]]
    private let slots: [Int32]
    private let names: [String]
    private let unknownKeys: UnknownKeys
    /// Keys met that have no slot, in order of appearance.
    private(set) var newKeys: [String] = []
    private var knownNew: Set<String> = []
    private var at = 0
    /// Place in `keys` of the key after the one met last: rows mostly have their keys in the same order.
    private var expected = 0

    /// `names[i]` goes to `slots[i]`, or nowhere if that is -1.
    init(names: [String], slots: [Int32], unknownKeys: UnknownKeys) {
        self.names = names
        keys = names.map { Array($0.utf8) }
        self.slots = slots
        self.unknownKeys = unknownKeys
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
            let row = tile.rowCount
            var reader = JSONReader(bytes: UnsafePointer(bytes), at: start, end: end)
            reader.skipBlanks()
            if reader.at == end { continue }
            tile.rowStarts[row] = UInt32(start)
            tile.rowEnds[row] = UInt32(end)
            tile.clearRow(row)
            do throws(JSONReader.Fault) {
                try readObject(&reader, tile, row, chunk)
            } catch {
                let isTorn = chunk.isLast && newline == chunk.count && error.isAtEnd
                faults.add(
                    RowFault(
                        row: tile.firstRow + row, range: start..<end,
                        reason: isTorn ? "the last line is torn: \(error.reason)" : error.reason, advice: error.advice))
                tile.clearRow(row)
            }
            tile.rowCount += 1
        }
    }

    private func readObject(
        _ reader: inout JSONReader, _ tile: FieldTile, _ row: Int, _ chunk: Chunk
    ) throws(JSONReader.Fault) {
        guard reader.skip("{") else {
            throw JSONReader.Fault(
                "the row is no JSON object",
                advice: reader.peek == UInt8(ascii: "[") ? "one object on each line is read, no list: jq -c '.[]'" : nil
            )
        }
        reader.skipBlanks()
        if !reader.skip("}") {
            repeat {
                reader.skipBlanks()
                let slot = try readKey(&reader, chunk)
                reader.skipBlanks()
                guard reader.skip(":") else { throw reader.expected("a colon") }
                reader.skipBlanks()
                let (start, length) = try readValue(&reader, chunk)
                if slot >= 0 {
                    let cell = slot * FieldTile.slotStride + row
                    tile.starts[cell] = UInt32(truncatingIfNeeded: start)
                    tile.lengths[cell] = length
                }
                reader.skipBlanks()
            } while reader.skip(",")
            guard reader.skip("}") else { throw reader.expected("a comma or }") }
        }
        reader.skipBlanks()
        guard reader.at == reader.end else { throw JSONReader.Fault("text stands behind the object") }
    }

    /// The slot of the key that stands here, -1 for one that is left out.
    private func readKey(_ reader: inout JSONReader, _ chunk: Chunk) throws(JSONReader.Fault) -> Int {
        guard reader.peek == UInt8(ascii: "\"") else { throw reader.expected("a key in quotes") }
        let (start, length) = try readString(&reader, chunk)
        let key = UnsafeBufferPointer(start: UnsafePointer(chunk.bytes) + start, count: length)
        for step in 0..<keys.count {
            let index = expected + step < keys.count ? expected + step : expected + step - keys.count
            if keys[index].count == length, key.elementsEqual(keys[index]) {
                expected = index + 1 == keys.count ? 0 : index + 1
                return Int(slots[index])
            }
        }
        let name = String(decoding: key, as: UTF8.self)
        switch unknownKeys {
        case .pass: break
        case .collect: if knownNew.insert(name).inserted { newKeys.append(name) }
        case .fault:
            let near = NearName.nearest(to: name, among: names).first
            throw JSONReader.Fault(
                "the table has no column for the key \(RowFault.shown(name))",
                advice: (near.map { "did you mean \($0)? " } ?? "") + "--ignore, --map or --add-columns takes it")
        }
        return -1
    }

    /// Place of the value's text, and its length with flags.
    private func readValue(_ reader: inout JSONReader, _ chunk: Chunk) throws(JSONReader.Fault) -> (Int, UInt32) {
        switch reader.peek {
        case UInt8(ascii: "\""):
            let (start, length) = try readString(&reader, chunk)
            return (start, UInt32(truncatingIfNeeded: length) | FieldTile.quoted)
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            let start = reader.at
            try reader.skipNested()
            return (start, UInt32(truncatingIfNeeded: reader.at - start) | FieldTile.quoted)
        default:
            let start = reader.at
            reader.skipWord()
            let length = reader.at - start
            guard length > 0 else { throw reader.expected("a value") }
            let word = UnsafeBufferPointer(start: reader.bytes + start, count: length)
            if word.elementsEqual("null".utf8) { return (start, FieldTile.missing) }
            let isNumber = word[0] == UInt8(ascii: "-") || word[0] &- 48 < 10
            guard isNumber || word.elementsEqual("true".utf8) || word.elementsEqual("false".utf8) else {
                throw JSONReader.Fault("\(String(decoding: word.prefix(40), as: UTF8.self)) is no JSON value")
            }
            return (start, UInt32(truncatingIfNeeded: length))
        }
    }

    /// Place and length of the text of a string, in the arena when it had escapes.
    private func readString(_ reader: inout JSONReader, _ chunk: Chunk) throws(JSONReader.Fault) -> (Int, Int) {
        let start = reader.at + 1
        let hasEscapes = try reader.skipString()
        let end = reader.at - 1
        guard hasEscapes else { return (start, end - start) }
        let output = chunk.arenaStart + chunk.arenaCount
        let length = try JSONReader.unescape(chunk.bytes, start, end, into: chunk.bytes + output)
        chunk.arenaCount += length
        return (output, length)
    }
}
