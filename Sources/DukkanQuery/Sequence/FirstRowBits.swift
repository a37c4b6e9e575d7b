import CDukkanKernels

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
        words.reserve((Int(rowStarts[count]) - Int(rowStarts[0])) / 64 + 1)
        dukkan_mark_starts(rowStarts, count, words.base)
    }
}
