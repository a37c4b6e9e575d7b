/// Finds how far the chains of a run come, for steps in order with any options: exact, from one start after the other.
///
/// For a fixed start the levels that some chain has reached and from which it may go on are one word of bits; nothing
/// else matters, since all these chains end their window together. O(starts × rows within the window), and near O(rows)
/// where starts follow each other without rows of the next step between them, for such are passed over.
struct ChainEvaluator {
    let rules: ChainRules
    /// For each level the time, and the place in the run, where the current start first reached it and was not poisoned
    /// since.
    let reachedTimes: UnsafeMutablePointer<Int64>
    let reachedRows: UnsafeMutablePointer<UInt32>
    /// For each level where it was reached last.
    let lastTimes: UnsafeMutablePointer<Int64>
    let lastRows: UnsafeMutablePointer<UInt32>
    /// The reported chain, where ``ChainResult/isDirect``.
    let directTimes: UnsafeMutablePointer<Int64>
    let directRows: UnsafeMutablePointer<UInt32>
    /// For each level all times at which it was reached and lives; only with gaps.
    let visits: BufferRow<Int64>
    var matching = TieMatching()
    var patience: ChainPatience
    private var machine: FunnelMachine?
    /// Masks of a long run.
    var longMasks = GrowableBuffer<UInt32>()
    /// What every group brought, while a chain is traced.
    var log = GrowableBuffer<Group>()
    var isLogging = false
    /// Levels of the current start that no row ended, whether their chains may go on or not.
    private var unended: UInt32 = 0
    /// The first excluding row after the start before.
    var firstExclusion = 0

    /// Rows at one time, or one row where the order decides.
    struct Group {
        var from: Int
        var to: Int
        var time: Int64
        /// Steps that chains from before may go on with.
        var firsts: UInt32
        /// Levels reached.
        var reached: UInt32
        /// Levels from which a chain may go on.
        var lasting: UInt32
    }

    /// What one start comes to.
    struct Attempt {
        var level = 0
        var isOpen = false
        /// Whether any row ended or poisoned a chain.
        var isDisturbed = false
        var endedAt: Int64?
    }

    init(_ rules: ChainRules, _ patience: ChainPatience = ChainPatience(nil)) {
        self.rules = rules
        self.patience = patience
        let count = FunnelQuery.stepCountMax
        reachedTimes = .allocate(capacity: count)
        reachedRows = .allocate(capacity: count)
        lastTimes = .allocate(capacity: count)
        lastRows = .allocate(capacity: count)
        directTimes = .allocate(capacity: count)
        directRows = .allocate(capacity: count)
        for times in [reachedTimes, lastTimes, directTimes] { times.initialize(repeating: 0, count: count) }
        for rows in [reachedRows, lastRows, directRows] { rows.initialize(repeating: 0, count: count) }
        visits = BufferRow(count: rules.hasGaps ? rules.stepCount : 0)
        machine = ChainEvaluator.machine(rules)
    }

    mutating func deallocate() {
        for times in [reachedTimes, lastTimes, directTimes] { times.deallocate() }
        for rows in [reachedRows, lastRows, directRows] { rows.deallocate() }
        visits.deallocate()
        matching.deallocate()
        log.deallocate()
        machine?.deallocate()
        longMasks.deallocate()
    }

    /// The place behind the rows that count as one with `row`.
    @inline(__always)
    func groupEnd(_ rows: ChainRows, _ row: Int) -> Int {
        var end = row &+ 1
        if rules.ties == .recorded { return end }
        while end < rows.count && rows.times[end] == rows.times[row] { end &+= 1 }
        return end
    }

    /// The first of the rows that count as one with `row`.
    @inline(__always)
    func groupStart(_ rows: ChainRows, _ row: Int) -> Int {
        var start = row
        if rules.ties == .recorded { return start }
        while start > 0 && rows.times[start &- 1] == rows.times[row] { start &-= 1 }
        return start
    }

    /// Evaluates chains that start at rows of a range.
    mutating func run(_ rows: ChainRows, starts: Range<Int>) -> ChainResult {
        if starts.count >= ChainEvaluator.longRunRowCount, rows.exclusionCount == 0, var machine {
            defer { self.machine = machine }
            return runLong(rows, starts: starts, &machine)
        }
        var best = ChainResult()
        let masks = rows.masks
        let passesDominated =
            rules.order == .sequence && rules.immediate == rules.steps
            && (rules.poisonable == 0 || rows.exclusionCount == 0)
        firstExclusion = 0
        var row = starts.lowerBound
        var first = -1
        while row < starts.upperBound {
            if masks[row] & 1 == 0 {
                row &+= 1
                continue
            }
            let from = groupStart(rows, row), end = groupEnd(rows, row)
            if first < 0 { first = from }
            if best.level == rules.stepCount && rows.times[row] > best.end { break }
            row = end
            if passesDominated, isDominated(rows, from, end, starts.upperBound) { continue }
            take(rows, from, end, &best)
            if patience.isOver { break }
        }
        if best.level == 1 && passesDominated {
            best.startRow = first
            best.endRow = first
            best.start = rows.times[first]
            best.end = best.start
            directTimes[0] = best.start
            directRows[0] = UInt32(truncatingIfNeeded: first)
        }
        if best.level == rules.stepCount { best.isOpen = false }
        return best
    }

    /// Whether the next start does at least as well: no row up to it may follow this one.
    @inline(__always)
    private func isDominated(_ rows: ChainRows, _ row: Int, _ end: Int, _ limit: Int) -> Bool {
        let masks = rows.masks, after = rules.afterFirst
        var at = row
        while at < end {
            if masks[at] & after != 0 { return false }
            at &+= 1
        }
        while at < limit {
            if masks[at] & after != 0 { return false }
            if masks[at] & 1 != 0 {
                // Of starts at one time the first recorded is reported.
                if rules.ties == .recorded && rows.times[at] == rows.times[row] { return false }
                // The rest of its group stands beside it.
                let groupEnd = groupEnd(rows, at)
                at &+= 1
                while at < groupEnd {
                    if masks[at] & after != 0 { return false }
                    at &+= 1
                }
                return true
            }
            at &+= 1
        }
        return false
    }

    /// Evaluates one start and keeps it where it is the best.
    mutating func take(_ rows: ChainRows, _ row: Int, _ end: Int, _ best: inout ChainResult) {
        let attempt = follow(rows, row, end, poisons: true)
        best.isOpen = best.isOpen || attempt.isOpen
        best.endedAt = attempt.endedAt
        var own = ChainResult()
        own.level = attempt.level
        if attempt.level > 0 {
            own.start = rows.times[row]
            own.startRow = row
            own.end = reachedTimes[attempt.level - 1]
            own.endRow = Int(reachedRows[attempt.level - 1])
            // Places in a run ascend with time, and tell rows at one time apart where their order decides.
            let isBetter =
                own.level > best.level
                || own.level == best.level
                    && (own.endRow < best.endRow || own.endRow == best.endRow && own.start > best.start)
            if isBetter {
                best.level = own.level
                (best.start, best.startRow) = (own.start, own.startRow)
                (best.end, best.endRow) = (own.end, own.endRow)
                best.isDirect =
                    !attempt.isDisturbed && rules.optional == 0 && !rules.hasGaps && rules.order == .sequence
                directTimes.update(from: reachedTimes, count: attempt.level)
                directRows.update(from: reachedRows, count: attempt.level)
            }
        }
        best.levelOfAll = max(best.levelOfAll, attempt.level)
        guard attempt.isDisturbed, rules.poisonable != 0, attempt.level < rules.stepCount else { return }
        let others = follow(rows, row, end, poisons: false)
        best.levelOfAll = max(best.levelOfAll, others.level)
        best.endedAt = others.endedAt
    }

    // MARK: One start

    /// Follows the chains of one start group.
    ///
    /// - Parameter poisons: whether rows that exclude per customer count.
    mutating func follow(_ rows: ChainRows, _ row: Int, _ end: Int, poisons: Bool) -> Attempt {
        var attempt = Attempt()
        let times = rows.times, masks = rows.masks, count = rows.count
        let start = times[row], limit = rules.end(ofStart: start)
        let following = following(rows)
        if rules.hasGaps {
            for level in 0..<rules.stepCount { visits.base[level].count = 0 }
        }
        var exclusion = firstExclusion
        while exclusion < rows.exclusionCount && rows.exclusionTimes[exclusion] <= start { exclusion += 1 }
        firstExclusion = exclusion
        var ever: UInt32 = 0
        unended = 0
        var alive = serve(rows, row, end, firsts: 1, isStart: true).reached
        note(alive, &ever, start, row, following)
        if isLogging { log.append(Group(from: row, to: end, time: start, firsts: 1, reached: alive, lasting: alive)) }
        var at = end
        while ever & rules.last == 0 && at < count {
            let time = times[at]
            if time > limit { break }
            if exclusion < rows.exclusionCount && rows.exclusionTimes[exclusion] < time {
                exclude(rows, &exclusion, before: time, poisons, &alive, &ever, &attempt)
            }
            if alive == 0 { break }
            let groupEnd = groupEnd(rows, at)
            let firsts = rules.hasGaps ? ready(alive, time) : rules.following(alive)
            if groupEnd == at &+ 1 && masks[at] & firsts == 0 {
                if rules.order == .strict { alive = 0 }
                at = groupEnd
                continue
            }
            let served = serve(rows, at, groupEnd, firsts: firsts, isStart: false)
            if isLogging && served.reached != 0 {
                log.append(
                    Group(
                        from: at, to: groupEnd, time: time, firsts: firsts, reached: served.reached,
                        lasting: served.lasting))
            }
            if rules.order == .strict {
                note(served.reached, &ever, time, at, following)
                alive = served.lasting
                if rules.hasGaps { keepOnly(alive, time) }
            } else {
                note(served.reached, &ever, time, at, following)
                alive |= served.reached
            }
            at = groupEnd
        }
        if ever & rules.last == 0 && exclusion < rows.exclusionCount {
            exclude(rows, &exclusion, through: limit, poisons, &alive, &ever, &attempt)
        }
        _ = patience.spend(at &- row)
        attempt.level = 32 - ever.leadingZeroBitCount
        attempt.isOpen =
            attempt.level < rules.stepCount && alive != 0 && rules.isOpen(start: start) && maySucceed(alive)
        return attempt
    }

    /// Whether the places of later visits matter: where rows may end chains, or gaps are limited.
    @inline(__always)
    private func following(_ rows: ChainRows) -> Bool { rows.exclusionCount > 0 || rules.hasGaps }

    /// Writes down levels reached at a time.
    @inline(__always)
    private mutating func note(
        _ reached: UInt32, _ ever: inout UInt32, _ time: Int64, _ row: Int, _ tracksVisits: Bool
    ) {
        var fresh = reached & ~ever
        ever |= reached
        while fresh != 0 {
            let level = fresh.trailingZeroBitCount
            fresh &= fresh &- 1
            reachedTimes[level] = time
            reachedRows[level] = UInt32(truncatingIfNeeded: row)
            lastTimes[level] = time
            lastRows[level] = UInt32(truncatingIfNeeded: row)
        }
        if tracksVisits { noteVisits(reached, time, row) }
    }

    private mutating func noteVisits(_ reached: UInt32, _ time: Int64, _ row: Int) {
        unended |= reached
        var bits = reached
        while bits != 0 {
            let level = bits.trailingZeroBitCount
            bits &= bits &- 1
            if lastTimes[level] != time {
                lastTimes[level] = time
                lastRows[level] = UInt32(truncatingIfNeeded: row)
            }
            guard rules.hasGaps else { continue }
            let visited = visits.base[level]
            if visited.count == 0 || visited.base[visited.count - 1] != time { visits.base[level].append(time) }
        }
    }

    // MARK: Excluding rows

    /// Rows earlier than `time`.
    private mutating func exclude(
        _ rows: ChainRows, _ exclusion: inout Int, before time: Int64, _ poisons: Bool, _ alive: inout UInt32,
        _ ever: inout UInt32, _ attempt: inout Attempt
    ) {
        while exclusion < rows.exclusionCount && rows.exclusionTimes[exclusion] < time {
            exclude(rows, exclusion, poisons, &alive, &ever, &attempt)
            exclusion += 1
        }
    }

    /// Rows up to `time`.
    private mutating func exclude(
        _ rows: ChainRows, _ exclusion: inout Int, through time: Int64, _ poisons: Bool, _ alive: inout UInt32,
        _ ever: inout UInt32, _ attempt: inout Attempt
    ) {
        while exclusion < rows.exclusionCount && rows.exclusionTimes[exclusion] <= time {
            exclude(rows, exclusion, poisons, &alive, &ever, &attempt)
            exclusion += 1
        }
    }

    private mutating func exclude(
        _ rows: ChainRows, _ exclusion: Int, _ poisons: Bool, _ alive: inout UInt32, _ ever: inout UInt32,
        _ attempt: inout Attempt
    ) {
        let time = rows.exclusionTimes[exclusion]
        let excluded = rules.levels(excludedBy: rows.exclusionMasks[exclusion])
        let poisoned = poisons ? excluded.poisoned : 0
        attempt.isDisturbed = true
        var bits = alive & (excluded.ended | poisoned)
        while bits != 0 {
            let level = bits.trailingZeroBitCount
            bits &= bits &- 1
            let survives = lastTimes[level] == time
            if !survives { alive &= ~(1 &<< UInt32(level)) }
            if rules.hasGaps {
                visits.base[level].count = 0
                if survives { visits.base[level].append(time) }
            }
        }
        bits = unended & excluded.ended
        while bits != 0 {
            let level = bits.trailingZeroBitCount
            bits &= bits &- 1
            if lastTimes[level] != time { unended &= ~(1 &<< UInt32(level)) }
            if unended == 0 { attempt.endedAt = time }
        }
        bits = ever & poisoned
        while bits != 0 {
            let level = bits.trailingZeroBitCount
            bits &= bits &- 1
            if lastTimes[level] == time {
                reachedTimes[level] = time
                reachedRows[level] = lastRows[level]
            } else {
                ever &= ~(1 &<< UInt32(level))
            }
        }
    }
}
