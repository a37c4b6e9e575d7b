/// Which rows of a part are deleted: one bit a row, bit set = row deleted, 64 rows a word, lowest bit first.
package final class DeleteBitmap: @unchecked Sendable {  // Sendable: written only while it is made.
    /// `(rowCount + 63) / 64` words.
    package let words: UnsafeMutablePointer<UInt64>
    package let rowCount: Int
    package private(set) var deletedCount: Int

    var wordCount: Int { (rowCount + 63) / 64 }

    init(rowCount: Int) {
        self.rowCount = rowCount
        words = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, (rowCount + 63) / 64))
        words.initialize(repeating: 0, count: max(1, (rowCount + 63) / 64))
        deletedCount = 0
    }

    /// A copy to which deletions are added before it is published.
    init(copying other: DeleteBitmap) {
        rowCount = other.rowCount
        words = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, other.wordCount))
        words.update(from: other.words, count: max(1, other.wordCount))
        deletedCount = other.deletedCount
    }

    deinit {
        words.deallocate()
    }

    /// Marks a row; false if it was marked already.
    @discardableResult
    func insert(_ row: Int) -> Bool {
        precondition(row >= 0 && row < rowCount)
        let mask: UInt64 = 1 << UInt64(row & 63)
        if words[row >> 6] & mask != 0 { return false }
        words[row >> 6] |= mask
        deletedCount += 1
        return true
    }

    @inline(__always)
    package func isDeleted(_ row: Int) -> Bool {
        words[row >> 6] & (1 << UInt64(row & 63)) != 0
    }

    /// Deleted rows among `rows`.
    ///
    /// O(rows / 64).
    package func deletedCount(in rows: Range<Int>) -> Int {
        guard !rows.isEmpty else { return 0 }
        let first = rows.lowerBound >> 6, last = (rows.upperBound - 1) >> 6
        let head = ~UInt64(0) << UInt64(rows.lowerBound & 63)
        let tail = ~UInt64(0) >> UInt64(63 - (rows.upperBound - 1) & 63)
        if first == last { return (words[first] & head & tail).nonzeroBitCount }
        var count = (words[first] & head).nonzeroBitCount + (words[last] & tail).nonzeroBitCount
        var word = first + 1
        while word < last {
            count += words[word].nonzeroBitCount
            word += 1
        }
        return count
    }
}
