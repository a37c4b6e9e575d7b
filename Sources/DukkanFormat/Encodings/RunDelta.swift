import CDukkanKernels

/// Differences on two levels: between the first rows of a customer's runs, which are visits, and between rows of one run.
///
/// The former are days and the latter seconds, so that either list packs well, and a condition on the values is decided
/// for nearly all runs by their first rows.
///
/// Form: tag, multiplier, span, stream of the customers' first values, stream of the differences from first row to first row
/// of the other runs, stream of the other rows' differences, both divided by the multiplier. No row lies more than the span
/// behind its run's first one, or before it.
struct RunDelta {
    /// First values of the runs.
    let firsts: UnsafeMutablePointer<Int64>
    let bitmap: RowBitmap
    private let multiplier: UInt64
    private let span: Int64

    private var runCount: Int { bitmap.setCount }
    private var rowCount: Int { bitmap.rowCount }

    /// The form's bytes; nil where values fall within a run, or a run holds rows of several customers.
    static func encode(
        _ values: UnsafePointer<Int64>, runStarts: [UInt32], customerStarts: [UInt32], effort: EncodingEffort
    ) -> ByteWriter? {
        let rowCount = Int(customerStarts[customerStarts.count - 1])
        let runCount = runStarts.count, customerCount = customerStarts.count - 1
        guard runCount >= customerCount, runCount < rowCount else { return nil }
        return withUnsafeTemporaryAllocation(of: Int64.self, capacity: rowCount) { memory in
            let firsts = memory.baseAddress!, gaps = firsts + customerCount
            let differences = gaps + (runCount - customerCount)
            var customer = 0, gapCount = 0, differenceCount = 0
            var span: Int64 = 0
            for run in 0..<runCount {
                let start = Int(runStarts[run]), end = run + 1 < runCount ? Int(runStarts[run + 1]) : rowCount
                if start == Int(customerStarts[customer]) {
                    firsts[customer] = values[start]
                    customer += 1
                } else {
                    gaps[gapCount] = values[start] &- values[Int(runStarts[run - 1])]
                    gapCount += 1
                }
                if end > Int(customerStarts[customer]) { return nil }
                for row in start + 1..<max(end, start + 1) {
                    let (difference, overflow) = values[row].subtractingReportingOverflow(values[row - 1])
                    if overflow || difference < 0 { return nil }
                    differences[differenceCount] = difference
                    differenceCount += 1
                }
                let (length, overflow) = values[end - 1].subtractingReportingOverflow(values[start])
                if overflow { return nil }
                span = max(span, length)
            }
            let multiplier = IntegerProfile.commonDivisor(gaps, rowCount - customerCount, 0)
            guard divide(gaps, rowCount - customerCount, by: multiplier) else { return nil }
            var writer = ByteWriter()
            writer.append(StreamTag.runDelta.rawValue)
            writer.appendVarint(multiplier)
            writer.appendVarint(UInt64(span))
            IntegerStream.encode(firsts, customerCount, into: &writer, effort: effort, depth: 1)
            IntegerStream.encode(gaps, gapCount, into: &writer, effort: effort, depth: 1)
            IntegerStream.encode(differences, differenceCount, into: &writer, effort: effort, depth: 1)
            return writer
        }
    }

    /// False where the divisor is none of a negative difference, whose quotient is not that modulo 2^64.
    private static func divide(_ values: UnsafeMutablePointer<Int64>, _ count: Int, by divisor: UInt64) -> Bool {
        guard divisor > 1 else { return true }
        guard let signed = Int64(exactly: divisor) else { return false }
        for i in 0..<count {
            let (quotient, rest) = values[i].quotientAndRemainder(dividingBy: signed)
            guard rest == 0 else { return false }
            values[i] = quotient
        }
        return true
    }

    /// Reads the form behind its tag up to the differences between rows of one run.
    init(
        _ reader: inout ByteReader, customers: CustomerBlock, bitmap: RowBitmap, scratch: ScratchArena
    ) throws(DukkanError) {
        self.bitmap = bitmap
        multiplier = try reader.varint()
        guard let span = Int64(exactly: try reader.varint()) else { throw corrupt("runs of too many microseconds") }
        self.span = span
        let rowCount = bitmap.rowCount, runCount = bitmap.setCount, customerCount = customers.count
        guard customers.rowCount == rowCount, rowCount > 0, bitmap.words[0] & 1 == 1 else {
            throw corrupt("runs that do not fit the block")
        }
        // One bit a run, set where it is its customer's first.
        let customerRuns = scratch.allocate(UInt64.self, (rowCount + 63) / 64 + 1)
        _ = dukkan_compress_bits(customers.startBits, bitmap.words, rowCount, customerRuns)
        guard dukkan_count_bits(customerRuns, (runCount + 63) / 64) == customerCount else {
            throw corrupt("a customer who begins within a run")
        }
        let bases = scratch.allocate(Int64.self, customerCount)
        let gaps = scratch.allocate(Int64.self, runCount - customerCount)
        try IntegerStream.decode(&reader, customerCount, into: bases, scratch: scratch, depth: 1)
        try IntegerStream.decode(&reader, runCount - customerCount, into: gaps, scratch: scratch, depth: 1)
        firsts = scratch.allocate(Int64.self, runCount)
        dukkan_customer_values(gaps, bases, customerRuns, runCount, multiplier, firsts)
    }

    /// Reads the rest of the form and writes the values of all rows.
    func decodeRows(
        _ reader: inout ByteReader, into out: UnsafeMutablePointer<Int64>, scratch: ScratchArena
    ) throws(DukkanError) {
        let rest = try Differences(&reader, self, miniBlocks: ~0, scratch: scratch)
        rest.write(from: 0, count: rowCount, runsBefore: 0, into: out)
    }

    /// The differences between rows of one run, in 32 bits where no run is longer.
    private struct Differences {
        private let runs: RunDelta
        private let narrow: UnsafeMutablePointer<UInt32>?
        private let wide: UnsafeMutablePointer<Int64>?

        /// - Parameter wanted: the mini-blocks that are to be unpacked, as in ``IntegerStream``.
        init(
            _ reader: inout ByteReader, _ runs: RunDelta, miniBlocks wanted: UInt64, scratch: ScratchArena
        ) throws(DukkanError) {
            self.runs = runs
            let count = runs.rowCount - runs.runCount
            if runs.isNarrow {
                let values = scratch.allocate(UInt32.self, count)
                try IntegerStream.decode(&reader, count, miniBlocks: wanted, into: values, scratch: scratch)
                (narrow, wide) = (values, nil)
            } else {
                let values = scratch.allocate(Int64.self, count)
                try IntegerStream.decode(&reader, count, miniBlocks: wanted, into: values, scratch: scratch)
                (narrow, wide) = (nil, values)
            }
        }

        /// Writes the values of rows from a multiple of 64 on, before which so many runs begin; rows up to the first start
        /// among them mean nothing unless it is the first.
        func write(from first: Int, count: Int, runsBefore: Int, into out: UnsafeMutablePointer<Int64>) {
            let bits = runs.bitmap.words + first / 64, firsts = runs.firsts + runsBefore
            if let narrow {
                dukkan_run_values(
                    narrow + (first - runsBefore), firsts, bits, count, UInt32(runs.multiplier), out + first)
            } else if let wide {
                dukkan_customer_values(
                    wide + (first - runsBefore), firsts, bits, count, runs.multiplier, out + first)
            }
        }

        subscript(place: Int) -> Int64 { narrow.map { Int64($0[place]) } ?? wide?[place] ?? 0 }
    }

    /// Whether the differences between rows of one run, and their sums, take 32 bits.
    private var isNarrow: Bool { multiplier > 0 && multiplier <= UInt32.max && UInt64(span) / multiplier <= UInt32.max }

    /// Sets the bits of the rows with `low <= value <= high`.
    ///
    /// O(runs), and a look at the differences where a run is in by some of its rows only: those 1,024 values are unpacked
    /// that belong to such runs.
    func select(
        low: Int64, high: Int64, _ reader: inout ByteReader, into words: UnsafeMutablePointer<UInt64>,
        scratch: ScratchArena
    ) throws(DukkanError) {
        let wordCount = (runCount + 63) / 64
        // One word more, which the kernels may read.
        let whole = scratch.allocate(UInt64.self, wordCount + 1), touched = scratch.allocate(UInt64.self, wordCount + 1)
        let (highest, isTooLow) = high.subtractingReportingOverflow(span)
        let (lowest, isBelowAll) = low.subtractingReportingOverflow(span)
        dukkan_select_range(firsts, runCount, isBelowAll ? .min : lowest, high, touched)
        if isTooLow || highest < low {
            whole.update(repeating: 0, count: wordCount)
        } else {
            dukkan_select_range(firsts, runCount, low, highest, whole)
        }
        whole[wordCount] = 0
        dukkan_fill_forward_bits(whole, bitmap.words, rowCount, words)
        var places: [Int] = []
        for word in 0..<wordCount {
            var rest = touched[word] & ~whole[word]
            while rest != 0 {
                places.append(word * 64 + rest.trailingZeroBitCount)
                rest &= rest &- 1
            }
        }
        if !places.isEmpty { try select(runs: places, low, high, &reader, into: words, scratch) }
    }

    /// Sets the bits of the rows with `low <= value <= high`, and writes at least the values of these rows.
    ///
    /// O(runs + values of the words of 64 rows that runs which may hold such rows lie in).
    func decodeRows(
        low: Int64, high: Int64, _ reader: inout ByteReader, into out: UnsafeMutablePointer<Int64>,
        words: UnsafeMutablePointer<UInt64>, scratch: ScratchArena
    ) throws(DukkanError) {
        let runWordCount = (runCount + 63) / 64, wordCount = (rowCount + 63) / 64
        let touched = scratch.allocate(UInt64.self, runWordCount + 1)
        let (lowest, isBelowAll) = low.subtractingReportingOverflow(span)
        dukkan_select_range(firsts, runCount, isBelowAll ? .min : lowest, high, touched)
        touched[runWordCount] = 0
        dukkan_fill_forward_bits(touched, bitmap.words, rowCount, words)
        let spans = scratch.allocate(dukkan_word_span.self, wordCount / 2 + 2)
        // The differences of the words' rows and of none before.
        var wanted: UInt64 = 0
        let shift = UInt32(PartLimits.miniBlockValueCount.trailingZeroBitCount)
        let spanCount = dukkan_word_spans(
            words, bitmap.words, wordCount, rowCount - runCount, shift, spans, &wanted)
        guard spanCount > 0 else { return }
        let differences = try Differences(&reader, self, miniBlocks: wanted, scratch: scratch)
        let found = scratch.allocate(UInt64.self, wordCount)
        for span in UnsafeBufferPointer(start: spans, count: spanCount) {
            let words = words + Int(span.first), first = Int(span.first) * 64
            let count = min(Int(span.end) * 64, rowCount) - first
            differences.write(from: first, count: count, runsBefore: Int(span.before), into: out)
            dukkan_select_range(out + first, count, low, high, found)
            // Rows of a run that was begun before have no value here; none of them is touched.
            for word in 0..<Int(span.end - span.first) { words[word] &= found[word] }
        }
    }

    /// Looks at each row of some runs, in ascending order.
    private func select(
        runs: [Int], _ low: Int64, _ high: Int64, _ reader: inout ByteReader, into words: UnsafeMutablePointer<UInt64>,
        _ scratch: ScratchArena
    ) throws(DukkanError) {
        let ranges = rows(of: runs)
        var wanted: UInt64 = 0
        for (run, rows) in zip(runs, ranges) where rows.count > 1 {
            // Each run before, and this one, has one row without a difference.
            let first = rows.lowerBound - run, last = rows.upperBound - 2 - run
            for block in first / PartLimits.miniBlockValueCount...last / PartLimits.miniBlockValueCount {
                wanted |= 1 << UInt64(min(block, 63))
            }
        }
        // A run of one row has no difference.
        let differences = wanted == 0 ? nil : try Differences(&reader, self, miniBlocks: wanted, scratch: scratch)
        for (run, rows) in zip(runs, ranges) {
            var value = firsts[run]
            for row in rows {
                if row > rows.lowerBound, let differences {
                    value &+= Int64(truncatingIfNeeded: multiplier) &* differences[row - run - 1]
                }
                if value >= low && value <= high { words[row >> 6] |= 1 << UInt64(row & 63) }
            }
        }
    }

    /// The rows of runs, which stand in ascending order.
    private func rows(of runs: [Int]) -> [Range<Int>] {
        var ranges: [Range<Int>] = []
        var word = 0, before = 0
        func place(of run: Int) -> Int {
            if run >= runCount { return rowCount }
            while before + bitmap.words[word].nonzeroBitCount <= run {
                before += bitmap.words[word].nonzeroBitCount
                word += 1
            }
            var rest = bitmap.words[word]
            for _ in before..<run { rest &= rest &- 1 }
            return word * 64 + rest.trailingZeroBitCount
        }
        for run in runs {
            let start = place(of: run)
            ranges.append(start..<place(of: run + 1))
        }
        return ranges
    }

    /// Whether no row lies further behind its run's first one than the form says.
    func isSpanKept(_ values: UnsafePointer<Int64>) -> Bool {
        var run = -1
        for row in 0..<rowCount {
            run += Int(bitmap.words[row >> 6] >> UInt64(row & 63) & 1)
            let (distance, overflow) = values[row].subtractingReportingOverflow(firsts[run])
            if overflow || distance < 0 || distance > span { return false }
        }
        return true
    }
}
