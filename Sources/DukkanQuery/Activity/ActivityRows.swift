import CDukkanKernels
import DukkanFormat
import DukkanStorage

/// The rows of a morsel that count as activity, close together; reused from morsel to morsel.
struct ActivityRows {
    private(set) var starts = GrowableBuffer<UInt32>(capacity: 1 << 12)
    private(set) var times = GrowableBuffer<Int64>(capacity: 1 << 12)
    private(set) var numbers = GrowableBuffer<UInt32>(capacity: 1 << 12)
    private var before = GrowableBuffer<UInt32>(capacity: 1 << 10)
    /// Rows.
    private(set) var count = 0

    func deallocate() {
        starts.deallocate()
        times.deallocate()
        numbers.deallocate()
        before.deallocate()
    }

    /// Takes the rows of a morsel that meet a condition, numbered by period; returns how many customers the morsel has.
    mutating func load(
        _ frame: MorselFrame, table: Int, timeSlot: Int, where condition: Predicate, _ axis: PeriodAxis
    ) throws -> Int {
        let customerCount = frame.worker.customerCount
        guard customerCount > 0, let starts = frame.starts(table) else { return 0 }
        frame.meter?.enter(.steps)
        let rows = try frame.rows(table)
        let bits = try frame.select(condition, table: table)
        load(
            bits, times: UnsafePointer(rows.columns[timeSlot].integers), starts: starts, customerCount: customerCount)
        frame.countSelected(count, of: rows.count)
        frame.meter?.enter(.sequence)
        number(axis)
        return customerCount
    }

    /// Takes the rows of the set bits.
    ///
    /// O(rows + customers).
    mutating func load(
        _ bits: Bits, times all: UnsafePointer<Int64>, starts rowStarts: UnsafePointer<UInt32>, customerCount: Int
    ) {
        count = bits.setCount
        before.reserve(bits.wordCount + 1)
        starts.reserve(customerCount + 1)
        dukkan_ranks(bits.words, bits.count, rowStarts, customerCount + 1, before.base, starts.base)
        // The kernels write whole vectors.
        times.reserve(count + 64)
        _ = dukkan_compress_integers(all, bits.words, bits.count, times.base)
    }

    /// Numbers the periods of the rows.
    private mutating func number(_ axis: PeriodAxis) {
        numbers.reserve(count + 1)
        axis.numbers(of: times.base, count: count, into: numbers.base)
    }
}

extension MorselFrame {
    /// The rows of a table that meet a condition, and counts them.
    func select(_ predicate: Predicate, table: Int) throws -> Bits {
        let rows = try self.rows(table)
        let bits = evaluator.scratchBits()
        // The kernels may need one word more.
        bits.resize(rows.count + 64)
        try evaluator.select(predicate, rows, into: bits)
        return bits
    }

    /// Counts rows as those of the only step.
    func countSelected(_ selected: Int, of count: Int) {
        meter?.tally(0, selected)
        meter?.count(.steps, in: count, out: selected)
        meter?.count(.sequence, in: selected, out: 0)
    }
}
