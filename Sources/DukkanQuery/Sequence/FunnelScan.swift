import CDukkanKernels

/// Runs the rows of a morsel through the funnel's C kernel and holds what came out for each customer.
///
/// A customer is *active* when she has a row of a later step than the first. The kernel keeps rows, not times: which row
/// completed each step first and where that chain began.
struct FunnelScan {
    private let plan: FunnelPlan
    private let stateWords: Int
    private let pairsOffset: Int
    /// Starts up to this time leave none to get further.
    let openAfter: Int64
    private var firstRows = FirstRowBits()
    /// Those that came with the rows of the last scan.
    private var firstRowBits: UnsafePointer<UInt64>?
    private var entries = GrowableBuffer<UInt64>(capacity: 1 << 10)
    private var lateRows = GrowableBuffer<UInt64>(capacity: 1 << 10)
    private var lastEntries = GrowableBuffer<UInt32>(capacity: 1 << 10)
    private var activeFirstRows = GrowableBuffer<UInt32>(capacity: 1 << 12)
    /// All 0 between scans.
    private var activeTies = GrowableBuffer<UInt8>(capacity: 1)
    /// All 0 between scans.
    private var states = GrowableBuffer<UInt64>(capacity: 1)
    private var zeroedCustomerCount = 0
    private(set) var levels = GrowableBuffer<UInt8>(capacity: 1 << 12)
    private(set) var activeLevels = GrowableBuffer<UInt8>(capacity: 1 << 12)
    private(set) var activeCustomers = GrowableBuffer<UInt32>(capacity: 1 << 12)
    private(set) var activeCount = 0

    /// Bit of a level: her latest start leaves time to get further.
    static let openBit: UInt8 = 0x80

    init(_ plan: FunnelPlan) {
        self.plan = plan
        stateWords = dukkan_funnel_state_words(UInt32(plan.stepCount))
        pairsOffset = dukkan_funnel_pairs_offset(UInt32(plan.stepCount))
        // Open: start + window > as of.
        let (after, overflow) = plan.asOf.subtractingReportingOverflow(plan.window ?? 0)
        openAfter = plan.window == nil || overflow ? Int64.min : after
    }

    func deallocate() {
        firstRows.deallocate()
        entries.deallocate()
        lateRows.deallocate()
        lastEntries.deallocate()
        activeFirstRows.deallocate()
        activeTies.deallocate()
        states.deallocate()
        levels.deallocate()
        activeLevels.deallocate()
        activeCustomers.deallocate()
    }

    /// Scans the rows `rowStarts[0] ..< rowStarts[count]`, at least one.
    mutating func run(_ table: SequenceRows, count: Int) {
        prepare(rowCount: Int(table.rowStarts[count] - table.rowStarts[0]), customerCount: count)
        firstRowBits = table.firstRowBits
        if firstRowBits == nil { firstRows.mark(table.rowStarts, count) }
        var rows = rows(table, rowCount: Int(table.rowStarts[count] - table.rowStarts[0]))
        var scratch = scratch
        activeCount = dukkan_funnel_scan(&rows, &scratch)
    }

    /// Whether ``hasTies(_:)`` is true of any active customer of the last scan.
    var hasAnyTies: Bool {
        let ties = activeTies.base
        var any: UInt8 = 0
        for active in 0..<activeCount { any |= ties[active] }
        return any != 0
    }

    /// Counts the customers of the last scan, which has no ties, by level and those of them who are open.
    mutating func countLevels(
        _ table: SequenceRows, count: Int, reached: UnsafeMutablePointer<UInt64>, open: UnsafeMutablePointer<UInt64>
    ) {
        var rows = rows(table, rowCount: Int(table.rowStarts[count] - table.rowStarts[0]))
        var scratch = scratch
        lateRows.reserve(rows.row_count / 64 + 1)
        if openAfter == .max {
            lateRows.base.update(repeating: 0, count: rows.row_count / 64 + 1)
        } else {
            dukkan_select_range(rows.times, rows.row_count, openAfter + 1, .max, lateRows.base)
        }
        dukkan_funnel_count_levels(&rows, &scratch, activeCount, lateRows.base, activeLevels.base, reached, open)
    }

    /// Finds the level of each customer of the last scan: ``levels`` has them, with ``openBit``.
    mutating func findLevels(_ table: SequenceRows, count: Int) {
        var rows = rows(table, rowCount: Int(table.rowStarts[count] - table.rowStarts[0]))
        var scratch = scratch
        dukkan_funnel_levels(
            &rows, &scratch, table.rowStarts, count, activeCount, openAfter, levels.base, activeLevels.base,
            activeCustomers.base)
    }

    /// Appends the gaps of the reported chains behind `counts`, which move on.
    ///
    /// - Parameter table: the rows of the last scan.
    func appendGaps(
        _ table: SequenceRows, leastLevel: Int, customerSlots: UnsafePointer<UInt32>?,
        _ gaps: UnsafeMutableBufferPointer<UnsafeMutablePointer<Int64>?>,
        _ slots: UnsafeMutableBufferPointer<UnsafeMutablePointer<UInt32>?>, _ counts: UnsafeMutableBufferPointer<Int>
    ) {
        var rows = rows(table, rowCount: 0)
        var scratch = scratch
        dukkan_funnel_gaps(
            &rows, &scratch, activeLevels.base, activeCustomers.base, activeCount, UInt32(leastLevel), customerSlots,
            gaps.baseAddress, slots.baseAddress, counts.baseAddress)
    }

    private func rows(_ table: SequenceRows, rowCount: Int) -> dukkan_funnel_rows {
        let base = Int(table.rowStarts[0])
        var rows = dukkan_funnel_rows()
        rows.row_count = rowCount
        rows.times = table.times + base
        switch table.masks {
        case .bytes(let bytes): rows.byte_masks = bytes + base
        case .words(let words): rows.word_masks = words + base
        }
        rows.step_count = UInt32(plan.stepCount)
        rows.window = plan.window ?? 0
        rows.has_window = plan.window == nil ? 0 : 1
        return rows
    }

    private var scratch: dukkan_funnel_scratch {
        var scratch = dukkan_funnel_scratch()
        scratch.first_rows = firstRowBits ?? UnsafePointer(firstRows.words.base)
        scratch.entries = entries.base
        scratch.last_entries = lastEntries.base
        scratch.active_first_rows = activeFirstRows.base
        scratch.active_ties = activeTies.base
        scratch.states = UnsafeMutableRawPointer(states.base).assumingMemoryBound(to: UInt32.self)
        return scratch
    }

    /// Forgets the last scan.
    mutating func clear() {
        states.base.update(repeating: 0, count: activeCount * stateWords / 2)
        activeTies.base.update(repeating: 0, count: activeCount)
        activeCount = 0
    }

    private mutating func prepare(rowCount: Int, customerCount: Int) {
        let wordCount = rowCount / 64 + 1
        entries.reserve(wordCount)
        lastEntries.reserve(wordCount)
        levels.reserve(customerCount)
        activeFirstRows.reserve(customerCount + 1)
        activeLevels.reserve(customerCount + 1)
        activeCustomers.reserve(customerCount + 1)
        if customerCount > zeroedCustomerCount {
            states.reserve(customerCount * stateWords / 2)
            activeTies.reserve(customerCount)
            states.base.update(repeating: 0, count: customerCount * stateWords / 2)
            activeTies.base.update(repeating: 0, count: customerCount)
            zeroedCustomerCount = customerCount
        }
    }

    /// The first row from `row` on that matches the first step, counted from 0; there is one.
    @inline(__always)
    func firstEntry(from row: Int) -> Int {
        var word = row &>> 6
        var bits = entries.base[word] & (~0 &<< UInt64(truncatingIfNeeded: row & 63))
        while bits == 0 {
            word &+= 1
            bits = entries.base[word]
        }
        return word &* 64 &+ bits.trailingZeroBitCount
    }

    /// Whether an active customer may have two matching rows at one time, which the kernel does not decide.
    @inline(__always)
    func hasTies(_ active: Int) -> Bool { activeTies.base[active] != 0 }
}
