import CDukkanKernels
import DukkanFormat

/// Cuts the rows of customers into paths and counts their edges: one for each worker.
struct PathWalker {
    /// What makes a path.
    struct Rules: Sendable {
        /// Most items of a path.
        var depth: Int
        /// A path begins at an item marked ``PathWalker/fromMark``.
        var hasFrom: Bool
        /// A path ends at an item marked ``PathWalker/towardsMark``.
        var hasTowards: Bool
        /// A path ends where more than so many microseconds pass; nil: where the session changes.
        var gap: Int64?
    }

    /// The item is the one that paths begin with; numbers of items are smaller.
    static let fromMark: UInt32 = 1 << 30
    /// The item is the one that paths end at.
    static let towardsMark: UInt32 = 1 << 31
    private static let numberMask = fromMark - 1

    private let rules: Rules
    private(set) var rows = ActivityRows()
    private(set) var edges = PathEdges()
    /// Items of the rows: numbers, with the marks.
    private var items = GrowableBuffer<UInt32>(capacity: 1 << 12)
    private var sessions = GrowableBuffer<Int64>(capacity: 1 << 12)
    private var order: [Place] = []
    private var pathItems = GrowableBuffer<UInt32>(capacity: 256)
    private var pathTimes = GrowableBuffer<Int64>(capacity: 256)

    /// A row of a customer with its session.
    private struct Place: BitwiseCopyable {
        var session: Int64
        var row: Int
    }

    init(_ rules: Rules) {
        self.rules = rules
    }

    func deallocate() {
        rows.deallocate()
        edges.deallocate()
        items.deallocate()
        sessions.deallocate()
        pathItems.deallocate()
        pathTimes.deallocate()
    }

    /// The rows of a morsel's customers.
    struct Morsel {
        var customerCount: Int
        var starts: UnsafePointer<UInt32>
        var times: UnsafePointer<Int64>
        /// Numbers of the items, with marks.
        var items: UnsafePointer<UInt32>
        /// A value of each row's session; nil: there are no sessions.
        var sessions: UnsafePointer<Int64>?
    }

    /// Gathers the rows of the set bits of a morsel.
    mutating func load(_ morsel: Morsel, _ bits: Bits) {
        rows.load(bits, times: morsel.times, starts: morsel.starts, customerCount: morsel.customerCount)
        // The kernels write whole vectors.
        items.reserve(rows.count + 64)
        _ = dukkan_compress_codes(morsel.items, bits.words, bits.count, items.base)
        guard let all = morsel.sessions else { return }
        sessions.reserve(rows.count + 64)
        _ = dukkan_compress_integers(all, bits.words, bits.count, sessions.base)
    }

    /// Counts the edges of the loaded rows.
    ///
    /// O(rows), and O(rows × log rows) where sessions of a customer alternate.
    ///
    /// - Throws: `limit`.
    mutating func walk(customerCount: Int) throws {
        for customer in 0..<customerCount {
            let from = Int(rows.starts.base[customer]), to = Int(rows.starts.base[customer + 1])
            guard from < to else { continue }
            if let gap = rules.gap {
                try walk(from, to, gap: gap)
            } else {
                try walkSessions(from, to)
            }
        }
    }

    private mutating func walk(_ from: Int, _ to: Int, gap: Int64) throws {
        let times = rows.times.base
        var begin = from
        for row in from + 1..<to + 1 {
            // Times ascend, so the difference fits without its sign.
            if row < to && UInt64(bitPattern: times[row] &- times[row - 1]) <= UInt64(gap) { continue }
            try count(begin..<row) { $0 }
            begin = row
        }
    }

    private mutating func walkSessions(_ from: Int, _ to: Int) throws {
        let sessions = sessions.base
        var isSorted = true
        for row in from + 1..<max(to, from + 1) where sessions[row] < sessions[row - 1] { isSorted = false }
        var order = self.order
        if !isSorted {
            self.order = []
            order.removeAll(keepingCapacity: true)
            for row in from..<to { order.append(Place(session: sessions[row], row: row)) }
            order.sort { ($0.session, $0.row) < ($1.session, $1.row) }
        }
        let count = to - from
        var begin = 0
        for place in 1...count {
            let isSame =
                place < count
                && (isSorted
                    ? sessions[from + place] == sessions[from + begin] : order[place].session == order[begin].session)
            if isSame { continue }
            if isSorted {
                try self.count(from + begin..<from + place) { $0 }
            } else {
                try self.count(begin..<place) { order[$0].row }
            }
            begin = place
        }
        self.order = order
    }

    /// Counts the edges of one path, from rows in order.
    @inline(__always)
    private mutating func count(_ places: Range<Int>, row: (Int) -> Int) throws {
        let items = items.base, times = rows.times.base
        pathItems.count = 0
        pathTimes.count = 0
        var last = UInt32.max
        var hasBegun = !rules.hasFrom, hasEnded = !rules.hasTowards
        for place in places {
            let at = row(place)
            let item = items[at]
            // Repeats are one item, at the time of the first.
            if item == last { continue }
            last = item
            let isFirst = !hasBegun
            if isFirst {
                guard item & PathWalker.fromMark != 0 else { continue }
                hasBegun = true
            }
            pathItems.append(item & PathWalker.numberMask)
            pathTimes.append(times[at])
            if rules.hasTowards {
                hasEnded = !isFirst && item & PathWalker.towardsMark != 0
                if hasEnded { break }
            } else if pathItems.count == rules.depth {
                break
            }
        }
        guard hasBegun, hasEnded else { return }
        let length = min(pathItems.count, rules.depth)
        // Towards an end without a start, the last items count.
        let first = rules.hasTowards && !rules.hasFrom ? pathItems.count - length : 0
        for step in 1..<max(length, 1) {
            let at = first + step
            let time = UInt64(bitPattern: pathTimes.base[at] &- pathTimes.base[at - 1])
            let key = PathEdges.Edge.key(step: step, from: pathItems.base[at - 1], to: pathItems.base[at])
            try edges.add(key, count: 1, time: Int128(time))
        }
    }

    /// Takes over what another worker found; the other is left as it was.
    mutating func merge(_ other: PathWalker) throws {
        try edges.merge(other.edges)
    }
}
