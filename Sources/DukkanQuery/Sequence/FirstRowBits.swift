/// A bit for each row that is the first of its customer, 64 rows a word: what the C kernels read instead of row starts.
struct FirstRowBits {
    private(set) var words = GrowableBuffer<UInt64>(capacity: 1 << 10)

    func deallocate() {
        words.deallocate()
    }

    /// Marks the customers of `rowStarts`, `count + 1` entries; the first of their rows is bit 0.
    ///
    /// Leaves one word behind the last row.
    mutating func mark(_ rowStarts: UnsafePointer<UInt32>, _ count: Int) {
        let base = Int(rowStarts[0]), wordCount = (Int(rowStarts[count]) - base) / 64 + 1
        words.reserve(wordCount)
        words.base.update(repeating: 0, count: wordCount)
        let bits = words.base
        var next = 0
        for customer in 0..<count {
            let first = next
            next = Int(rowStarts[customer &+ 1]) &- base
            bits[first &>> 6] |= (next > first ? 1 : 0) &<< UInt64(truncatingIfNeeded: first & 63)
        }
    }
}
