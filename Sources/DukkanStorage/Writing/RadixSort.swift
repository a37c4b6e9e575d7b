import DukkanFormat

/// Sorts row numbers by keys, stably, least significant digit first.
///
/// Only digits in which keys differ are sorted by; the customers of a shop need two passes.
enum RadixSort {
    private static let digitBits = 11
    private static let digitCount = 1 << digitBits

    /// Rows in the order of their keys, equal keys in the order of the rows.
    ///
    /// `words` holds for each row the key in the high half and the row in the low half, and is used up. `keyMaximum` is the
    /// largest key. The caller deallocates the result. O(rows) for each 11 bits of the largest key; takes 8 bytes a row
    /// besides `words`.
    static func order(words: UnsafeMutableBufferPointer<UInt64>, keyMaximum: UInt32) -> UnsafeMutableBufferPointer<
        UInt32
    > {
        let count = words.count
        var from = words
        var to = buffer(count, of: UInt64.self)
        let starts = UnsafeMutablePointer<Int>.allocate(capacity: digitCount)
        defer { starts.deallocate() }
        let passes = (32 - keyMaximum.leadingZeroBitCount + digitBits - 1) / digitBits
        for pass in 0..<passes {
            let shift = UInt64(32 + pass * digitBits)
            let input = from.baseAddress!, output = to.baseAddress!
            countStarts(count, input, shift, starts)
            for i in 0..<count {
                let word = input[i]
                let digit = Int((word >> shift) & UInt64(digitCount - 1))
                output[starts[digit]] = word
                starts[digit] &+= 1
            }
            swap(&from, &to)
        }
        to.deallocate()
        let order = buffer(count, of: UInt32.self)
        for i in 0..<count { order[i] = UInt32(truncatingIfNeeded: from[i]) }
        from.deallocate()
        return order
    }

    /// The same for keys of 64 bits; takes 24 bytes a row besides `keys`.
    static func order(keys: UnsafeBufferPointer<UInt64>) -> UnsafeMutableBufferPointer<UInt32> {
        let count = keys.count
        // By the low half first, then by the high half: each is a sort of the order so far.
        var words = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: count)
        for row in 0..<count { words[row] = keys[row] << 32 | UInt64(row) }
        let low = order(words: words, keyMaximum: .max)
        defer { low.deallocate() }
        words = .allocate(capacity: count)
        for i in 0..<count { words[i] = (keys[Int(low[i])] >> 32) << 32 | UInt64(i) }
        let high = order(words: words, keyMaximum: .max)
        for i in 0..<count { high[i] = low[Int(high[i])] }
        return high
    }

    /// Memory for values of a trivial type, uninitialised; the caller deallocates it.
    static func buffer<Word: BitwiseCopyable>(_ count: Int, of type: Word.Type) -> UnsafeMutableBufferPointer<Word> {
        let memory = LargeMemory.allocate(byteCount: max(1, count) * MemoryLayout<Word>.stride)
        return UnsafeMutableBufferPointer(start: memory.bindMemory(to: Word.self, capacity: count), count: count)
    }

    private static func countStarts(
        _ count: Int, _ words: UnsafePointer<UInt64>, _ shift: UInt64, _ starts: UnsafeMutablePointer<Int>
    ) {
        starts.update(repeating: 0, count: digitCount)
        for i in 0..<count { starts[Int((words[i] >> shift) & UInt64(digitCount - 1))] &+= 1 }
        var sum = 0
        for digit in 0..<digitCount {
            let length = starts[digit]
            starts[digit] = sum
            sum += length
        }
    }
}
