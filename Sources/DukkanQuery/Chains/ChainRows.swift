/// The rows of one run of a customer in the total order (time, table, ingest): those that chains are made of, and those
/// that exclude.
///
/// The pointers are borrowed for a call.
struct ChainRows {
    /// Times of the rows, ascending.
    var times: UnsafePointer<Int64>
    /// Steps that each matches; other bits have no meaning.
    var masks: UnsafePointer<UInt32>
    var count: Int
    /// Times of the excluding rows, ascending.
    var exclusionTimes: UnsafePointer<Int64>
    /// What each excludes, see ``ChainRules/exclusions``; other bits have no meaning.
    var exclusionMasks: UnsafePointer<UInt32>
    var exclusionCount: Int
}

/// How far the chains of a run come.
struct ChainResult {
    /// Steps reached by a chain that nothing poisoned; 0: none.
    var level = 0
    /// Steps reached by any chain.
    var levelOfAll = 0
    /// Time of the reported chain's first row.
    var start: Int64 = 0
    /// Of its last row.
    var end: Int64 = 0
    /// Place in the run of the reported chain's first row, and of the first row at the time of its last; where the order
    /// decides, of the last row itself.
    var startRow = 0
    var endRow = 0
    /// Whether some chain may still get further.
    var isOpen = false
    /// Time of what ended the last attempt, if that was an exclusion.
    var endedAt: Int64?
    /// Whether a chain of the steps' first times is the reported one.
    var isDirect = true

    /// Whether its chain is reported before another's of the same customer.
    func precedes(_ other: ChainResult) -> Bool {
        if level != other.level { return level > other.level }
        if end != other.end { return end < other.end }
        return start > other.start
    }
}

/// Steps of a chain and where they are.
struct ChainLinks {
    /// The steps on the chain.
    var steps: UInt32 = 0
    /// For each of them its time.
    let times: UnsafeMutablePointer<Int64>
    /// For each of them the place in the run of its row, or of the first row at that time.
    let rows: UnsafeMutablePointer<UInt32>

    init() {
        times = .allocate(capacity: FunnelQuery.stepCountMax)
        rows = .allocate(capacity: FunnelQuery.stepCountMax)
        times.initialize(repeating: 0, count: FunnelQuery.stepCountMax)
        rows.initialize(repeating: 0, count: FunnelQuery.stepCountMax)
    }

    func deallocate() {
        times.deallocate()
        rows.deallocate()
    }
}
