extension ChainSweep {
    // MARK: Without rows that exclude

    /// Follows the chains that begin in a period.
    mutating func follow(_ rows: Rows) {
        machine.begin()
        var row = rows.from
        while row < rows.to {
            let time = rows.times[row]
            if time > rows.lastTime { break }
            var isStep = false
            row = takeGroup(rows, row, time, &isStep)
            if machine.level == stepCount { break }
        }
        keep(
            level: machine.level, levelOfAll: machine.level, isOpen: plan.isOpen(start: machine.latestStart),
            machine.reported)
    }

    /// Takes the rows at one time; returns the place behind them.
    ///
    /// - Parameter isStep: set where one of them matches a step.
    @inline(__always)
    private mutating func takeGroup(_ rows: Rows, _ row: Int, _ time: Int64, _ isStep: inout Bool) -> Int {
        let next = row &+ 1
        if next < rows.to && rows.times[next] == time { return takeTies(rows, row, time, &isStep) }
        var mask = rows.masks[row] & steps
        if time >= rows.periodEnd { mask &= ~1 }
        isStep = mask != 0
        machine.take(mask, at: time)
        return next
    }

    private mutating func takeTies(_ rows: Rows, _ from: Int, _ time: Int64, _ isStep: inout Bool) -> Int {
        let usable = time >= rows.periodEnd ? steps & ~1 : steps
        tied.count = 0
        var row = from
        while row < rows.to && rows.times[row] == time {
            let mask = rows.masks[row] & usable
            if mask != 0 { tied.append(mask) }
            row += 1
        }
        isStep = tied.count > 0
        if tied.count > 1 {
            machine.take(tied.base, tied.count, at: time)
        } else {
            machine.take(tied.count == 0 ? 0 : tied.base[0], at: time)
        }
        return row
    }

    // MARK: With rows that exclude

    /// What is known of the levels in a period while its rows are passed.
    private struct Levels {
        /// Levels that a chain reached which nothing poisoned since.
        var clean: UInt32 = 0
        /// Those of them that nothing can poison any more: the chain ran out of time.
        var settled: UInt32 = 0
        /// Whether any chain was poisoned.
        var isPoisoned = false
        /// The next row that excludes.
        var exclusion = 0
        /// Time of the last rows taken.
        var time = Int64.min
        /// No start within the window of the last rows is before this row.
        var start: Int
        /// The latest start.
        var lastStart = Int64.min
    }

    /// The same where rows exclude; false where it takes more than a pass.
    mutating func followExcluding(_ rows: Rows) -> Bool {
        var levels = Levels(start: rows.from)
        guard pass(rows, &levels, poisons: true) else { return false }
        if machine.level == stepCount {
            keep(level: stepCount, levelOfAll: stepCount, isOpen: false, machine.reported)
            return true
        }
        let level = 32 - levels.clean.leadingZeroBitCount
        var isOpen = false
        for standing in 0..<(stepCount - 1) {
            let start = machine.starts[standing]
            isOpen = isOpen || start != FunnelMachine.none && plan.isOpen(start: start)
        }
        var levelOfAll = level
        if levels.isPoisoned {
            var all = Levels(start: rows.from)
            guard pass(rows, &all, poisons: false) else { return false }
            levelOfAll = max(level, machine.level)
        }
        keep(level: level, levelOfAll: levelOfAll, isOpen: isOpen, cleanChains + max(level - 1, 0) * stepCount)
        return true
    }

    /// Passes the rows of a period's chains.
    ///
    /// - Parameter poisons: whether rows that exclude per customer count.
    private mutating func pass(_ rows: Rows, _ levels: inout Levels, poisons: Bool) -> Bool {
        machine.begin()
        levels.exclusion = firstExclusion(after: rows.times[rows.from])
        var row = rows.from
        while row < rows.to {
            let time = rows.times[row]
            if time > rows.lastTime { break }
            while levels.exclusion < exclusions.count && exclusions.base[levels.exclusion].time < time {
                guard exclude(exclusions.base[levels.exclusion], &levels, poisons: poisons) else { return false }
                levels.exclusion += 1
            }
            let from = row
            var isStep = false
            row = takeGroup(rows, row, time, &isStep)
            if !isStep { continue }
            levels.time = time
            if machine.level == stepCount { return true }
            if machine.raised & 1 != 0 { levels.lastStart = time }
            let fresh = machine.raised & ~levels.clean
            if poisons && fresh != 0 { note(fresh, rows, from, &levels) }
        }
        // What still reaches into the window of the last start.
        let end = end(ofStart: levels.lastStart)
        while levels.exclusion < exclusions.count && exclusions.base[levels.exclusion].time <= end {
            guard exclude(exclusions.base[levels.exclusion], &levels, poisons: poisons) else { return false }
            levels.exclusion += 1
            if isDone(levels, poisons: poisons) { break }
        }
        return true
    }

    /// Whether there is nothing left to end or poison.
    private func isDone(_ levels: Levels, poisons: Bool) -> Bool {
        if poisons && levels.clean & ~levels.settled != 0 { return false }
        var bits = endable
        while bits != 0 {
            if machine.starts[bits.trailingZeroBitCount] != FunnelMachine.none { return false }
            bits &= bits &- 1
        }
        return true
    }

    /// Writes down the chains that reached levels which none had reached, or none since one was poisoned.
    private mutating func note(_ fresh: UInt32, _ rows: Rows, _ row: Int, _ levels: inout Levels) {
        levels.clean |= fresh
        let time = rows.times[row], earliest = plan.earliestStart(at: time)
        while levels.start < row && (rows.masks[levels.start] & 1 == 0 || rows.times[levels.start] < earliest) {
            levels.start += 1
        }
        var bits = fresh
        while bits != 0 {
            let level = bits.trailingZeroBitCount
            bits &= bits &- 1
            let from = machine.chains + level * stepCount, to = cleanChains + level * stepCount
            for step in 0...level { to[step] = from[step] }
            oldestStarts[level] = level == 0 ? time : max(oldestStarts[level - 1], rows.times[levels.start])
        }
    }

    /// Takes a row that excludes; false where it concerns some of a level's chains and not others.
    private mutating func exclude(_ exclusion: Exclusion, _ levels: inout Levels, poisons: Bool) -> Bool {
        let poisoned = poisons ? exclusion.poisoned : 0
        var living: UInt32 = 0
        var bits = exclusion.ended | poisoned
        while bits != 0 {
            let level = bits.trailingZeroBitCount
            bits &= bits &- 1
            if machine.starts[level] != FunnelMachine.none { living |= 1 &<< UInt32(level) }
        }
        var open = poisoned & levels.clean & ~levels.settled
        if living | open == 0 { return true }
        // Chains with a row at its time live on.
        if exclusion.time == levels.time { return false }
        machine.end(living)
        levels.isPoisoned = levels.isPoisoned || poisoned & (living | open) != 0
        while open != 0 {
            let level = open.trailingZeroBitCount
            let bit: UInt32 = 1 &<< UInt32(level)
            open &= ~bit
            if end(ofStart: cleanChains[level * stepCount]) < exclusion.time {
                levels.settled |= bit
            } else if end(ofStart: oldestStarts[level]) >= exclusion.time {
                levels.clean &= ~bit
            } else {
                return false
            }
        }
        return true
    }

    /// The first row that excludes later than a time.
    func firstExclusion(after time: Int64) -> Int {
        var low = 0, high = exclusions.count
        while low < high {
            let middle = (low &+ high) &>> 1
            if exclusions.base[middle].time <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The latest time that a chain may have.
    func end(ofStart start: Int64) -> Int64 {
        guard let window = plan.window else { return Int64.max }
        let (end, overflow) = start.addingReportingOverflow(window)
        return overflow ? Int64.max : end
    }
}
