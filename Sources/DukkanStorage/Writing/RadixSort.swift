import DukkanFormat

/// Sorts row numbers by keys, stably, least significant digit first.
///
/// Only digits in which keys differ are sorted by; the customers of a shop need two passes.
enum RadixSort {
    private static let digitBits = 11
    private static let digitCount = 1 << digitBits

    /// Rows that are worth a thread of their own.
    private static let rowsPerThreadMin = 1 << 16

    /// Rows in the order of their keys, equal keys in the order of the rows.
    ///
    /// `words` holds for each row the key in the high half and the row in the low half, and is used up. `keyMaximum` is the
    /// largest key. The caller deallocates the result. O(rows) for each 11 bits of the largest key; takes 8 bytes a row
    /// besides `words`.
    static func order(
        words: UnsafeMutableBufferPointer<UInt64>, keyMaximum: UInt32, threads: Int = 1
    ) -> UnsafeMutableBufferPointer<UInt32> {
        let count = words.count
        let passes = (32 - keyMaximum.leadingZeroBitCount + digitBits - 1) / digitBits
        let order: UnsafeMutableBufferPointer<UInt32>
        if passes == 0 {
            order = buffer(count, of: UInt32.self)
            for i in 0..<count { order[i] = UInt32(truncatingIfNeeded: words[i]) }
            words.deallocate()
            return order
        }
        var from = words
        var to: UnsafeMutableBufferPointer<UInt64>? = passes > 1 ? buffer(count, of: UInt64.self) : nil
        let starts = Starts(chunks: max(1, min(threads, count / rowsPerThreadMin)))
        for pass in 0..<passes - 1 {
            guard let output = to else { break }
            starts.count(from, UInt64(32 + pass * digitBits))
            starts.move(from, UInt64(32 + pass * digitBits), to: output.baseAddress!) { $0 }
            (from, to) = (output, from)
        }
        if let spare = to?.baseAddress {
            // Memory that was written to before; new one would cost a page fault for each of its pages.
            let memory = UnsafeMutableRawPointer(spare).bindMemory(to: UInt32.self, capacity: count)
            order = UnsafeMutableBufferPointer(start: memory, count: count)
        } else {
            order = buffer(count, of: UInt32.self)
        }
        starts.count(from, UInt64(32 + (passes - 1) * digitBits))
        starts.move(from, UInt64(32 + (passes - 1) * digitBits), to: order.baseAddress!) {
            UInt32(truncatingIfNeeded: $0)
        }
        from.deallocate()
        return order
    }

    /// The same for keys of 64 bits; takes 24 bytes a row besides `keys`.
    static func order(keys: UnsafeBufferPointer<UInt64>, threads: Int = 1) -> UnsafeMutableBufferPointer<UInt32> {
        let count = keys.count
        // By the low half first, then by the high half: each is a sort of the order so far.
        var words = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: count)
        for row in 0..<count { words[row] = keys[row] << 32 | UInt64(row) }
        let low = order(words: words, keyMaximum: .max, threads: threads)
        defer { low.deallocate() }
        words = .allocate(capacity: count)
        for i in 0..<count { words[i] = (keys[Int(low[i])] >> 32) << 32 | UInt64(i) }
        let high = order(words: words, keyMaximum: .max, threads: threads)
        for i in 0..<count { high[i] = low[Int(high[i])] }
        return high
    }

    /// Blocks of rows that threads take one after the other.
    static func blockCount(_ rowCount: Int) -> Int { (rowCount + rowsPerThreadMin - 1) / rowsPerThreadMin }

    /// The rows of a block.
    static func block(_ block: Int, of rowCount: Int) -> Range<Int> {
        block * rowsPerThreadMin..<min(rowCount, (block + 1) * rowsPerThreadMin)
    }

    /// Memory for values of a trivial type, uninitialised; the caller deallocates it.
    static func buffer<Word: BitwiseCopyable>(_ count: Int, of type: Word.Type) -> UnsafeMutableBufferPointer<Word> {
        let memory = LargeMemory.allocate(byteCount: max(1, count) * MemoryLayout<Word>.stride)
        return UnsafeMutableBufferPointer(start: memory.bindMemory(to: Word.self, capacity: count), count: count)
    }

    /// Where the next word of each digit goes, for each of the chunks that threads take.
    ///
    /// The words of a digit come chunk after chunk, so that the order does not depend on the number of chunks.
    private final class Starts {
        private let chunks: Int
        private let starts: UnsafeMutablePointer<Int>

        init(chunks: Int) {
            self.chunks = chunks
            starts = .allocate(capacity: chunks * digitCount)
        }

        deinit { starts.deallocate() }

        private static func range(_ chunk: Int, of chunks: Int, _ count: Int) -> Range<Int> {
            chunk * count / chunks..<(chunk + 1) * count / chunks
        }

        func count(_ words: UnsafeMutableBufferPointer<UInt64>, _ shift: UInt64) {
            nonisolated(unsafe) let words = words, starts = starts
            let chunks = chunks
            Parallel.run(chunks, threads: chunks) { chunk in
                let places = starts + chunk * digitCount, input = words.baseAddress!
                places.update(repeating: 0, count: digitCount)
                for i in Starts.range(chunk, of: chunks, words.count) {
                    places[Int((input[i] >> shift) & UInt64(digitCount - 1))] &+= 1
                }
            }
            var sum = 0
            for digit in 0..<digitCount {
                for chunk in 0..<chunks {
                    let length = starts[chunk * digitCount + digit]
                    starts[chunk * digitCount + digit] = sum
                    sum += length
                }
            }
        }

        /// Moves the words that were counted.
        @inline(__always)
        func move<Word: BitwiseCopyable>(
            _ words: UnsafeMutableBufferPointer<UInt64>, _ shift: UInt64, to output: UnsafeMutablePointer<Word>,
            _ convert: @Sendable (UInt64) -> Word
        ) {
            nonisolated(unsafe) let words = words, starts = starts, output = output
            let chunks = chunks
            // Each place of the output is that of one word.
            Parallel.run(chunks, threads: chunks) { chunk in
                let places = starts + chunk * digitCount, input = words.baseAddress!
                for i in Starts.range(chunk, of: chunks, words.count) {
                    let word = input[i]
                    let digit = Int((word >> shift) & UInt64(digitCount - 1))
                    output[places[digit]] = convert(word)
                    places[digit] &+= 1
                }
            }
        }
    }
}
