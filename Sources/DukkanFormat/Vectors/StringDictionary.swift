/// An immutable list of strings, numbered from 0: the values behind the codes of a column.
///
/// In parts the strings are distinct and sorted by their UTF-8 bytes, so that a range of strings is a range of codes;
/// during ingest they stand in order of first appearance.
package final class StringDictionary: Sendable {
    /// `offsets[i] ..< offsets[i + 1]` are the bytes of string i; `count + 1` entries.
    package let offsets: [UInt32]
    package let bytes: [UInt8]
    /// Whether the strings are strictly ascending by bytes.
    package let isSorted: Bool
    /// Of a part dictionary whose column stores ranks by frequency: the code of each rank.
    ///
    /// Empty otherwise.
    let codesByRank: [UInt32]

    package static let empty = StringDictionary(offsets: [0], bytes: [], isSorted: true)
    /// Most bytes in one dictionary.
    package static let byteCountMax = Int(UInt32.max)

    package convenience init(offsets: [UInt32], bytes: [UInt8], isSorted: Bool) {
        self.init(offsets: offsets, bytes: bytes, isSorted: isSorted, codesByRank: [])
    }

    init(offsets: [UInt32], bytes: [UInt8], isSorted: Bool, codesByRank: [UInt32]) {
        precondition(!offsets.isEmpty && Int(offsets[offsets.count - 1]) == bytes.count)
        self.offsets = offsets
        self.bytes = bytes
        self.isSorted = isSorted
        self.codesByRank = codesByRank
    }

    package convenience init(_ strings: [String]) {
        var offsets: [UInt32] = [0]
        var bytes: [UInt8] = []
        for string in strings {
            bytes.append(contentsOf: string.utf8)
            offsets.append(UInt32(bytes.count))
        }
        let sorted = zip(strings, strings.dropFirst()).allSatisfy { Array($0.utf8).lexicographicallyPrecedes($1.utf8) }
        self.init(offsets: offsets, bytes: bytes, isSorted: sorted)
    }

    package var count: Int { offsets.count - 1 }
    /// What it takes in memory.
    package var byteCount: Int { bytes.count + (offsets.count + codesByRank.count) * 4 }

    package func string(_ code: Int) -> String {
        withBytes(code) { String(decoding: $0, as: UTF8.self) }
    }

    package func withBytes<R>(_ code: Int, _ body: (UnsafeBufferPointer<UInt8>) throws -> R) rethrows -> R {
        let start = Int(offsets[code]), end = Int(offsets[code + 1])
        return try bytes.withUnsafeBufferPointer { try body(UnsafeBufferPointer(rebasing: $0[start..<end])) }
    }

    /// Three-way comparison of two byte strings: negative, 0 or positive.
    package static func compare(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
        let common = min(a.count, b.count)
        var i = 0
        if let x = UnsafeRawPointer(a.baseAddress), let y = UnsafeRawPointer(b.baseAddress) {
            while i + 8 <= common {
                let wordA = UInt64(bigEndian: x.loadUnaligned(fromByteOffset: i, as: UInt64.self))
                let wordB = UInt64(bigEndian: y.loadUnaligned(fromByteOffset: i, as: UInt64.self))
                if wordA != wordB { return wordA < wordB ? -1 : 1 }
                i += 8
            }
        }
        while i < common {
            if a[i] != b[i] { return Int(a[i]) - Int(b[i]) }
            i += 1
        }
        return a.count - b.count
    }

    /// The first code whose string is not less than `key`; `count` if there is none.
    ///
    /// Needs a sorted dictionary. O(log count).
    package func lowerBound(_ key: UnsafeBufferPointer<UInt8>) -> Int {
        precondition(isSorted)
        var low = 0, high = count
        while low < high {
            let middle = (low + high) / 2
            if withBytes(middle, { StringDictionary.compare($0, key) }) < 0 { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The code of a string, nil if it is not there.
    ///
    /// O(log count) when sorted, O(count) otherwise.
    package func code(of string: String) -> Int? {
        var string = string
        return string.withUTF8 { key in
            if isSorted {
                let at = lowerBound(key)
                return at < count && withBytes(at, { StringDictionary.compare($0, key) }) == 0 ? at : nil
            }
            return (0..<count).first { withBytes($0) { StringDictionary.compare($0, key) } == 0 }
        }
    }
}
