/// Finds how far the chains of a run come where steps may come in any order: as many different steps as rows from the
/// oldest on can serve, each row one.
///
/// For a fixed oldest row, rows are taken in order and each one kept that lets one more step be served, moving rows between
/// steps where needed: so the number is the largest for every time. O(starts × rows within the window × steps²).
struct AnyOrderEvaluator {
    let rules: ChainRules
    var patience: ChainPatience
    /// The mask of the row that serves each step, 0: none; and its place in the run.
    private let owners: UnsafeMutablePointer<UInt32>
    private let ownerRows: UnsafeMutablePointer<UInt32>
    /// Times and rows at which one more step was served.
    private let times: UnsafeMutablePointer<Int64>
    private let rows: UnsafeMutablePointer<UInt32>
    /// Those of the reported chain.
    private let bestTimes: UnsafeMutablePointer<Int64>
    private let bestRows: UnsafeMutablePointer<UInt32>
    /// For each step the row that serves it there, ``noRow`` where none does.
    private let serving: UnsafeMutablePointer<UInt32>

    /// The place of no row.
    static let noRow = UInt32.max

    /// What one start comes to.
    private struct Attempt {
        var level = 0
        var isPoisoned = false
        var isOpen = false
        var endedAt: Int64?
    }

    init(_ rules: ChainRules, _ patience: ChainPatience) {
        self.rules = rules
        self.patience = patience
        let count = FunnelQuery.stepCountMax
        owners = .allocate(capacity: count)
        ownerRows = .allocate(capacity: count)
        rows = .allocate(capacity: count)
        serving = .allocate(capacity: count)
        times = .allocate(capacity: count)
        bestTimes = .allocate(capacity: count)
        bestRows = .allocate(capacity: count)
        for masks in [owners, ownerRows, rows, bestRows, serving] { masks.initialize(repeating: 0, count: count) }
        for all in [times, bestTimes] { all.initialize(repeating: 0, count: count) }
    }

    func deallocate() {
        for masks in [owners, ownerRows, rows, bestRows, serving] { masks.deallocate() }
        for all in [times, bestTimes] { all.deallocate() }
    }

    /// Evaluates chains whose oldest row is one of a range.
    ///
    /// - Parameter entered: times of oldest rows that count.
    mutating func run(_ rows: ChainRows, starts: Range<Int>, entered: Range<Int64>) -> ChainResult {
        var best = ChainResult()
        var row = starts.lowerBound
        while row < starts.upperBound {
            let time = rows.times[row]
            guard rows.masks[row] != 0, entered.contains(time) else {
                row += 1
                continue
            }
            if best.level == rules.stepCount && time > best.end { break }
            let attempt = follow(rows, row)
            if patience.isOver { break }
            best.endedAt = attempt.endedAt
            best.isOpen = best.isOpen || attempt.isOpen
            best.levelOfAll = max(best.levelOfAll, attempt.level)
            if attempt.level > 0 && !attempt.isPoisoned {
                var own = ChainResult()
                own.level = attempt.level
                own.start = time
                own.end = times[attempt.level - 1]
                if own.precedes(best) {
                    best.level = own.level
                    (best.start, best.end) = (own.start, own.end)
                    best.startRow = row
                    keep(attempt.level)
                }
            }
            // Rows at one time begin the same chains.
            while row < starts.upperBound && rows.times[row] == time { row += 1 }
        }
        if best.level == rules.stepCount { best.isOpen = false }
        return best
    }

    /// The reported chain of the last result.
    func trace(_ result: ChainResult, into links: inout ChainLinks) {
        links.steps = UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(result.level)) - 1)
        links.times.update(from: bestTimes, count: result.level)
        links.rows.update(from: bestRows, count: result.level)
    }

    private func keep(_ level: Int) {
        bestTimes.update(from: times, count: level)
        bestRows.update(from: rows, count: level)
        for step in 0..<rules.stepCount {
            serving[step] = owners[step] == 0 ? AnyOrderEvaluator.noRow : ownerRows[step]
        }
    }

    /// The row that serves a step on the chain reported last, ``noRow`` where none does.
    func row(serving step: Int) -> UInt32 { serving[step] }

    private mutating func follow(_ rows: ChainRows, _ row: Int) -> Attempt {
        var attempt = Attempt()
        let start = rows.times[row], limit = rules.end(ofStart: start)
        let excluded = firstExclusions(rows, after: start, through: limit)
        owners.update(repeating: 0, count: rules.stepCount)
        var level = 0
        var union: UInt32 = 0
        var at = row
        while at < rows.count && level < rules.stepCount {
            let time = rows.times[at]
            if time > limit { break }
            if let ended = excluded.ended, time > ended { break }
            let mask = rows.masks[at] & rules.steps
            union |= mask
            if mask != 0 {
                var visited: UInt32 = 0
                if augment(mask, UInt32(truncatingIfNeeded: at), &visited) {
                    times[level] = time
                    self.rows[level] = UInt32(truncatingIfNeeded: at)
                    level += 1
                }
            }
            at += 1
        }
        _ = patience.spend(at &- row &+ rows.exclusionCount)
        let isComplete = level == rules.stepCount
        if let poisoned = excluded.poisoned, !(isComplete && times[level - 1] <= poisoned) { attempt.isPoisoned = true }
        if let ended = excluded.ended, !isComplete { attempt.endedAt = ended }
        attempt.isOpen =
            !isComplete && excluded.ended == nil && !attempt.isPoisoned && rules.isOpen(start: start)
        // Who has no row for a step does not stand under its value.
        attempt.level = rules.required & ~union == 0 ? level : 0
        return attempt
    }

    /// The first rows that end and poison chains from a start.
    private func firstExclusions(
        _ rows: ChainRows, after start: Int64, through limit: Int64
    ) -> (ended: Int64?, poisoned: Int64?) {
        var ended: Int64?
        var poisoned: Int64?
        for i in 0..<rows.exclusionCount {
            let time = rows.exclusionTimes[i]
            if time <= start { continue }
            if time > limit || (ended != nil && poisoned != nil) { break }
            let levels = rules.levels(excludedBy: rows.exclusionMasks[i])
            if levels.ended != 0, ended == nil { ended = time }
            if levels.poisoned != 0, poisoned == nil { poisoned = time }
        }
        return (ended, poisoned)
    }

    /// Gives a row to one of its steps, moving other rows where needed.
    private mutating func augment(_ mask: UInt32, _ row: UInt32, _ visited: inout UInt32) -> Bool {
        // A free step is the shortest way.
        var bits = mask & ~visited
        while bits != 0 {
            let step = bits.trailingZeroBitCount
            bits &= bits &- 1
            if owners[step] == 0 {
                owners[step] = mask
                ownerRows[step] = row
                return true
            }
        }
        bits = mask & ~visited
        while bits != 0 {
            let step = bits.trailingZeroBitCount
            let bit: UInt32 = 1 &<< UInt32(step)
            bits &= bits &- 1
            if visited & bit != 0 { continue }
            visited |= bit
            let owner = owners[step], ownerRow = ownerRows[step]
            if augment(owner, ownerRow, &visited) {
                owners[step] = mask
                ownerRows[step] = row
                return true
            }
        }
        return false
    }
}
