/// Finds the fields of the rows of a chunk, a tile of rows at a time.
protocol RowTokenizer: AnyObject {
    /// Begins with a chunk.
    func begin(_ chunk: Chunk)
    /// Puts the next rows into the tile, which is empty; none when the chunk is done. A row that has not the form that it
    /// must have gets a fault, and all its fields are missing.
    func fill(_ tile: FieldTile, _ chunk: Chunk, _ faults: inout RowFaults)
}

extension RowTokenizer {
    /// The bytes `start ..< end` of the chunk as text.
    func text(_ chunk: Chunk, _ start: Int, _ end: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: chunk.bytes + start, count: end - start), as: UTF8.self)
    }
}

/// Words of eight bytes, for loops that look at eight characters at once.
enum ByteWord {
    static let ones: UInt64 = 0x0101_0101_0101_0101
    static let highs: UInt64 = 0x8080_8080_8080_8080

    @inline(__always)
    static func load(_ bytes: UnsafePointer<UInt8>) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(bytes).loadUnaligned(as: UInt64.self))
    }

    /// Nonzero if one of the eight bytes equals `byte`; the lowest set bit tells which is the first.
    @inline(__always)
    static func matches(_ word: UInt64, _ byte: UInt8) -> UInt64 {
        let difference = word ^ (ones &* UInt64(byte))
        return (difference &- ones) & ~difference & highs
    }

    /// Place of the first `byte` in `bytes[from ..< to]`, or `to`.
    ///
    /// Reads up to seven bytes past `to`.
    @inline(__always)
    static func find(_ byte: UInt8, _ bytes: UnsafePointer<UInt8>, _ from: Int, _ to: Int) -> Int {
        var at = from
        while at < to {
            let found = matches(load(bytes + at), byte)
            if found != 0 { return min(to, at + found.trailingZeroBitCount / 8) }
            at += 8
        }
        return to
    }
}
