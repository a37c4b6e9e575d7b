import DukkanFormat

/// Which rows of a vector hold a value, as a plain pointer: asking the vector in a loop over rows costs a check of exclusive
/// access for each.
struct ValidRows {
    /// nil while no row is null.
    let words: UnsafePointer<UInt64>?

    init(_ vector: ColumnVector) {
        words = vector.hasNulls ? UnsafePointer(vector.validity) : nil
    }

    @inline(__always)
    subscript(row: Int) -> Bool {
        guard let words else { return true }
        return words[row >> 6] & (1 << UInt64(row & 63)) != 0
    }

    /// Rows below `count` without a value.
    ///
    /// O(count / 64).
    func nullCount(_ count: Int) -> Int {
        guard let words, count > 0 else { return 0 }
        var valid = 0
        for word in 0..<(count >> 6) { valid += words[word].nonzeroBitCount }
        if count & 63 != 0 { valid += (words[count >> 6] & ((1 << UInt64(count & 63)) - 1)).nonzeroBitCount }
        return count - valid
    }
}
