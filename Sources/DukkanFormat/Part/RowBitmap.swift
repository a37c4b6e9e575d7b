/// One bit for each row of a row block, which several columns share: where runs start, or which rows hold a value.
///
/// Reused from block to block; belongs to one thread at a time.
package final class RowBitmap: @unchecked Sendable {  // Sendable: handed from thread to thread, never shared.
    /// 64 rows a word, lowest bit first; bits past the last row are 0.
    package private(set) var words: UnsafeMutablePointer<UInt64>
    package internal(set) var rowCount = 0
    /// Bits that are set.
    package internal(set) var setCount = 0
    private var capacity = 0
    let scratch = ScratchArena()

    /// One bit a row.
    static let bitsForm: UInt8 = 0
    /// The number of set bits, and the stream of the distances between them.
    static let placesForm: UInt8 = 1

    package init() {
        words = UnsafeMutablePointer<UInt64>.allocate(capacity: 1)
        words[0] = 0
    }

    deinit {
        words.deallocate()
    }

    private func reserve(_ rowCount: Int) {
        let wordCount = (rowCount + 63) / 64 + 1
        guard wordCount > capacity else { return }
        words.deallocate()
        capacity = max(wordCount, PartLimits.rowBlockTarget / 64 + 1)
        words = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
    }

    /// Appends bits in the smaller form.
    static func encode(
        _ words: UnsafePointer<UInt64>, _ rowCount: Int, into writer: inout ByteWriter, effort: EncodingEffort
    ) {
        let bitmapByteCount = (rowCount + 7) / 8
        var setCount = 0
        for word in 0..<(rowCount + 63) / 64 { setCount += words[word].nonzeroBitCount }
        if setCount < rowCount / 12 {
            var gaps: [Int64] = []
            gaps.reserveCapacity(setCount)
            var previous = -1
            for word in 0..<(rowCount + 63) / 64 {
                var rest = words[word]
                while rest != 0 {
                    let place = word * 64 + rest.trailingZeroBitCount
                    gaps.append(Int64(place - previous - 1))
                    previous = place
                    rest &= rest &- 1
                }
            }
            var places = ByteWriter()
            places.append(placesForm)
            places.appendVarint(setCount)
            IntegerStream.encode(gaps, setCount, into: &places, effort: effort)
            if places.count < bitmapByteCount * 9 / 10 {
                writer.append(places.bytes)
                return
            }
        }
        writer.append(bitsForm)
        writer.fill(bitmapByteCount) { out in
            // The words are little-endian on every machine that this runs on only if they are made so.
            for word in 0..<(rowCount + 63) / 64 {
                withUnsafeBytes(of: words[word].littleEndian) {
                    let byteCount = min(8, bitmapByteCount - word * 8)
                    UnsafeMutableRawPointer(out + word * 8).copyMemory(from: $0.baseAddress!, byteCount: byteCount)
                }
            }
        }
    }

    /// Reads the content of a shared bitmap's block.
    func decode(_ content: UnsafeRawBufferPointer, rowCount: Int) throws(DukkanError) {
        var reader = ByteReader(content)
        reserve(rowCount)
        self.rowCount = 0
        let form = try reader.byte()
        switch form {
        case RowBitmap.bitsForm:
            setCount = try IntegerStream.readBitmap(&reader, rowCount, into: words)
        case RowBitmap.placesForm:
            setCount = try reader.count(rowCount, "set bits of a bitmap")
            let gaps = scratch.allocate(UInt32.self, setCount)
            try IntegerStream.decode(&reader, setCount, into: gaps, scratch: scratch)
            words.update(repeating: 0, count: (rowCount + 63) / 64)
            var place = -1
            for i in 0..<setCount {
                place += Int(gaps[i]) + 1
                guard place < rowCount else { throw corrupt("a bit outside its row block") }
                words[place >> 6] |= 1 << UInt64(place & 63)
            }
        default:
            throw corrupt("unknown form \(form) of a bitmap")
        }
        guard reader.isAtEnd else { throw corrupt("bytes behind a bitmap's end") }
        self.rowCount = rowCount
    }
}
