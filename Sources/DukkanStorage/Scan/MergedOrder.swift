import CDukkanKernels
import DukkanFormat
import Synchronization

/// How the rows of several parts stand in one morsel: found by one query, and good for all others that ask the same
/// snapshot and cut it alike.
final class MergedOrder: @unchecked Sendable {  // Sendable: never changed once it is made.
    /// The rows of one part: of a row block as it lies, or of several blocks, copied one behind the other.
    struct Source: Sendable {
        var part: Int
        var places: [(block: Int, rows: Range<Int>)]
        var isBlock: Bool
    }

    /// What the runs of ``rows`` count as sources; those that are not blocks are copied one behind the other, too.
    let sources: [Source]
    let keys: CustomerKeyList
    /// First row of each customer, one more entry than customers.
    let starts: UnsafeMutablePointer<UInt32>
    private let startCount: Int
    /// A bit for each row that is the first of its customer, one word more than the rows need.
    let firstRowBits: UnsafeMutablePointer<UInt64>
    private let runs: UnsafeMutablePointer<dukkan_row_run>
    private let runCount: Int
    private let rowCount: Int
    /// Whether a customer's rows stand in the order of time, and not only in that of their parts.
    let isByTime: Bool
    private let room: OrderRoom
    private let byteCount: Int

    /// Copies what a merge has made; nil where there is no room for it.
    ///
    /// - Parameters:
    ///   - rows: the rows of all sources in their order.
    ///   - keys: the customers.
    ///   - starts: the first row of each, and the end.
    ///   - sources: what the rows' runs count as sources.
    ///   - isByTime: whether a customer's rows stand in the order of time.
    ///   - room: the memory that there is for such orders.
    init?(
        _ rows: RunMerge.Rows, keys: CustomerKeyList, starts: UnsafePointer<UInt32>, sources: [Source], isByTime: Bool,
        room: OrderRoom
    ) {
        let own = CustomerKeyList(copying: keys)
        startCount = keys.count + 1
        let wordCount = rows.count / 64 + 1
        byteCount =
            own.byteCount + startCount * 4 + wordCount * 8 + rows.runs.count * MemoryLayout<dukkan_row_run>.stride
        guard room.take(byteCount) else { return nil }
        self.keys = own
        self.sources = sources
        self.starts = KeptMemory.allocate(startCount)
        self.starts.update(from: starts, count: startCount)
        firstRowBits = KeptMemory.allocate(wordCount)
        dukkan_mark_starts(starts, keys.count, firstRowBits)
        runCount = rows.runs.count
        runs = KeptMemory.allocate(max(1, runCount))
        if let from = rows.runs.baseAddress { runs.update(from: from, count: runCount) }
        rowCount = rows.count
        self.isByTime = isByTime
        self.room = room
    }

    deinit {
        KeptMemory.release(starts, startCount)
        KeptMemory.release(firstRowBits, rowCount / 64 + 1)
        KeptMemory.release(runs, max(1, runCount))
        room.giveBack(byteCount)
    }

    /// The rows in their order.
    var rows: RunMerge.Rows {
        RunMerge.Rows(runs: UnsafeBufferPointer(start: runs, count: runCount), count: rowCount)
    }
}

/// Memory for the orders of all tables of an open store.
final class OrderRoom: Sendable {
    private let left: Atomic<Int>
    private let byteCount: Int

    init(byteCount: Int) {
        self.byteCount = byteCount
        left = Atomic(byteCount)
    }

    /// Whether most of it is taken.
    var isShort: Bool { left.load(ordering: .relaxed) < byteCount / 4 }

    /// Takes memory if there is enough.
    func take(_ byteCount: Int) -> Bool {
        if left.subtract(byteCount, ordering: .relaxed).newValue >= 0 { return true }
        giveBack(byteCount)
        return false
    }

    func giveBack(_ byteCount: Int) { left.add(byteCount, ordering: .relaxed) }
}

/// The orders of one table's rows for one way to cut its customers into morsels.
///
/// They are kept from the second query on, so that one that is never repeated does not pay for it.
final class MergedOrders: Sendable {
    private let ranges: [CustomerRange]
    /// Row blocks that are left out, by part.
    private let pruned: [[Bool]]
    private let found: Guarded<[MergedOrder?]>
    private let isAskedAgain = Atomic<Bool>(false)
    private let room: OrderRoom

    init(_ ranges: [CustomerRange], pruned: [[Bool]], room: OrderRoom) {
        self.ranges = ranges
        self.pruned = pruned
        self.room = room
        found = Guarded(ranges.map { _ in nil })
    }

    /// Whether more than one scan has asked for them.
    var isRepeated: Bool { isAskedAgain.load(ordering: .relaxed) }

    /// Whether these are the orders of a scan.
    func serves(_ ranges: [CustomerRange], pruned: [[Bool]]) -> Bool {
        self.ranges.count == ranges.count && self.pruned == pruned
            && zip(self.ranges, ranges).allSatisfy { $0.isSame(as: $1) }
    }

    /// Has what is missing kept from now on; whether that was not so before.
    func repeatedNow() -> Bool { !isAskedAgain.exchange(true, ordering: .relaxed) }

    /// Whether the order of every morsel is there.
    func isComplete(isByTime: Bool) -> Bool {
        found.withLock { $0.allSatisfy { $0.map { $0.isByTime || !isByTime } ?? false } }
    }

    /// The order of a morsel, if it is there.
    func order(ofMorsel morsel: Int, isByTime: Bool) -> MergedOrder? {
        let order = found.withLock { $0[morsel] }
        return order.flatMap { $0.isByTime || !isByTime ? $0 : nil }
    }

    /// Keeps the order of a morsel, if anyone may want it and there is room.
    func keep(_ morsel: Int, _ make: (OrderRoom) -> MergedOrder?) {
        guard isRepeated, let made = make(room) else { return }
        // What is not kept goes behind the lock. An order by time serves all, and one that a scan counts on stays.
        let spare = found.withLock { found in
            if let former = found[morsel], former.isByTime || !made.isByTime { return made }
            let former = found[morsel]
            found[morsel] = made
            return former ?? made
        }
        _ = spare
    }
}
