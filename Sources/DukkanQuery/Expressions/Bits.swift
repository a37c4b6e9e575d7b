import CDukkanKernels

/// A reusable list of bits, 64 rows a word, lowest bit first.
///
/// Bits past the last row are 0.
final class Bits {
    private(set) var words: UnsafeMutablePointer<UInt64>
    private var capacity: Int
    private(set) var count = 0

    init() {
        capacity = 16
        words = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
    }

    deinit { words.deallocate() }

    var wordCount: Int { (count + 63) / 64 }

    /// Makes room for `count` bits, whose values are unspecified.
    func resize(_ count: Int) {
        self.count = count
        guard wordCount > capacity else { return }
        words.deallocate()
        capacity = wordCount * 2
        words = UnsafeMutablePointer<UInt64>.allocate(capacity: capacity)
    }

    func fill(_ count: Int, with bit: Bool) {
        resize(count)
        words.update(repeating: bit ? ~0 : 0, count: wordCount)
        clearTail()
    }

    /// Sets the bits past the last row to 0.
    func clearTail() {
        if count & 63 != 0 { words[wordCount - 1] &= (1 << UInt64(count & 63)) - 1 }
    }

    func formIntersection(_ other: UnsafePointer<UInt64>) {
        for w in 0..<wordCount { words[w] &= other[w] }
    }

    func formUnion(_ other: Bits) {
        for w in 0..<wordCount { words[w] |= other.words[w] }
    }

    func copy(_ other: Bits) {
        resize(other.count)
        words.update(from: other.words, count: wordCount)
    }

    var setCount: Int { dukkan_count_bits(words, wordCount) }

    /// Bits of 64 rows, set where those are set or, else, where those are not.
    @inline(__always)
    func word(_ w: Int, isSet: Bool) -> UInt64 {
        if isSet { return words[w] }
        return w == wordCount - 1 && count & 63 != 0 ? ~words[w] & ((1 << UInt64(count & 63)) - 1) : ~words[w]
    }

    subscript(row: Int) -> Bool { words[row >> 6] & (1 << UInt64(row & 63)) != 0 }

    /// Writes the places of the set bits to `indices`, which has room for `count`.
    ///
    /// Returns how many.
    func indices(into indices: UnsafeMutablePointer<UInt32>) -> Int {
        dukkan_bit_places(words, wordCount, indices)
    }
}

extension Bits {
    /// Sets the bits from `from` up to `to`.
    func set(from: Int, to: Int) {
        var row = from
        while row < to {
            let bit = row & 63
            let length = min(64 - bit, to - row)
            words[row >> 6] |= (length == 64 ? ~0 : (1 << UInt64(length)) - 1) << UInt64(bit)
            row += length
        }
    }
}
