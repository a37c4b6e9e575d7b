/// Sorts row numbers by 64-bit keys, stably, least significant digit first.
///
/// Only digits that differ among the keys are sorted by; keys of the workload (customers of a shop) need two passes.
enum RadixSort {
    private static let digitBits = 11
    private static let digitCount = 1 << digitBits

    /// Rows 0 ..< count in the order of `key`, equal keys in the order of the rows.
    ///
    /// `key` is called for rows in ascending order a few times over. O(count) for each 11 bits in which keys differ.
    static func order(count: Int, keys: UnsafePointer<UInt64>) -> UnsafeMutableBufferPointer<UInt32> {
        let order = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: count)
        guard count > 0 else { return order }
        var minimum = UInt64.max, maximum = UInt64.min
        for row in 0..<count {
            let key = keys[row]
            minimum = min(minimum, key)
            maximum = max(maximum, key)
        }
        let range = maximum - minimum
        if range >> 32 == 0 {
            sortNarrow(count, keys, minimum, range, order)
        } else {
            sortWide(count, keys, minimum, range, order)
        }
        return order
    }

    /// Keys that differ in 32 bits: key and row travel together in one word.
    private static func sortNarrow(
        _ count: Int, _ keys: UnsafePointer<UInt64>, _ minimum: UInt64, _ range: UInt64,
        _ order: UnsafeMutableBufferPointer<UInt32>
    ) {
        let passes = (64 - range.leadingZeroBitCount + digitBits - 1) / digitBits
        var from = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
        var to = UnsafeMutablePointer<UInt64>.allocate(capacity: passes > 1 ? count : 1)
        let starts = UnsafeMutablePointer<Int>.allocate(capacity: digitCount)
        defer {
            from.deallocate()
            to.deallocate()
            starts.deallocate()
        }
        for row in 0..<count { from[row] = ((keys[row] &- minimum) << 32) | UInt64(row) }
        for pass in 0..<passes {
            let shift = UInt64(32 + pass * digitBits)
            countStarts(count, from, shift, starts)
            if pass == passes - 1 {
                for i in 0..<count {
                    let word = from[i]
                    let digit = Int((word >> shift) & UInt64(digitCount - 1))
                    order[starts[digit]] = UInt32(truncatingIfNeeded: word)
                    starts[digit] &+= 1
                }
            } else {
                for i in 0..<count {
                    let word = from[i]
                    let digit = Int((word >> shift) & UInt64(digitCount - 1))
                    to[starts[digit]] = word
                    starts[digit] &+= 1
                }
                swap(&from, &to)
            }
        }
        if passes == 0 { for row in 0..<count { order[row] = UInt32(row) } }
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

    /// Keys of up to 64 bits: rows travel, keys are looked up.
    private static func sortWide(
        _ count: Int, _ keys: UnsafePointer<UInt64>, _ minimum: UInt64, _ range: UInt64,
        _ order: UnsafeMutableBufferPointer<UInt32>
    ) {
        // By the low half first, then by the high half: each half is a narrow sort of the order so far.
        let half = UnsafeMutablePointer<UInt64>.allocate(capacity: count)
        defer { half.deallocate() }
        for row in 0..<count { half[row] = (keys[row] &- minimum) & 0xFFFF_FFFF }
        let low = self.order(count: count, keys: half)
        defer { low.deallocate() }
        for i in 0..<count { half[i] = (keys[Int(low[i])] &- minimum) >> 32 }
        let high = self.order(count: count, keys: half)
        defer { high.deallocate() }
        for i in 0..<count { order[i] = low[Int(high[i])] }
    }
}
