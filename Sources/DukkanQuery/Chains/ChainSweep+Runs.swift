extension ChainSweep {
    // MARK: Runs

    /// Rows of one key after those of another, as long as keys ascend; so none comes back.
    @inline(__always)
    mutating func takeHeld(_ columns: ChainColumns, _ keys: UnsafePointer<Int64>) -> Bool {
        let masks = columns.masks, count = columns.count, steps = steps
        var row = 0
        var greatest = Int64.min
        var isFirst = true
        while row < count {
            if masks[row] & steps == 0 {
                row &+= 1
                continue
            }
            let key = keys[row]
            if key <= greatest && !isFirst { return takeScattered(columns, keys) }
            greatest = key
            isFirst = false
            var union = masks[row]
            // Which of the run's first rows match the first step.
            var starting = UInt64(union & 1)
            var next = row &+ 1, end = next
            while next < count {
                let mask = masks[next]
                if mask & steps != 0 {
                    if keys[next] != key { break }
                    union |= mask
                    starting |= UInt64(mask & 1) &<< UInt64(truncatingIfNeeded: next &- row)
                    end = next &+ 1
                }
                next &+= 1
            }
            if union & 1 != 0 {
                let isTaken =
                    end &- row <= UInt64.bitWidth
                    ? takeShortRun(columns.times, masks, row, end, union, starting)
                    : takeRun(columns.times, masks, row, end, union)
                if !isTaken { return false }
            }
            row = next
        }
        return true
    }

    /// Rows of one key wherever they are.
    private mutating func takeScattered(_ columns: ChainColumns, _ keys: UnsafePointer<Int64>) -> Bool {
        clear()
        partition.run(keys, masks: columns.masks, among: steps, count: columns.count)
        let rows = arena.gather(columns, partition.order.base, partition.order.count)
        for i in 0..<partition.groups.count {
            let group = partition.groups.base[i]
            var union: UInt32 = 0
            for row in group.from..<group.to { union |= rows.masks[row] }
            if !takeRun(rows.times, rows.masks, group.from, group.to, union) { return false }
        }
        return true
    }

    /// The rows of a run, which mostly lie in one period.
    ///
    /// - Parameter starting: bit i for the i-th of them: whether it matches the first step.
    @inline(__always)
    private mutating func takeShortRun(
        _ times: UnsafePointer<Int64>, _ masks: UnsafePointer<UInt32>, _ from: Int, _ to: Int, _ union: UInt32,
        _ starting: UInt64
    ) -> Bool {
        let first = from &+ starting.trailingZeroBitCount
        let start = times[first]
        guard find(start), times[to &- 1] < periodTo else { return takeRun(times, masks, from, to, union) }
        let lastStart = times[from &+ 63 &- starting.leadingZeroBitCount]
        if union & 2 == 0 && isEntryPlain {
            keepEntry(start, isOpen: plan.isOpen(start: lastStart))
            return true
        }
        var rows = Rows(times: times, masks: masks, from: first, to: to)
        // Rows at the time of the start may follow it.
        while rows.from > from && times[rows.from &- 1] == start { rows.from &-= 1 }
        rows.lastTime = end(ofStart: lastStart)
        if mayExclude(start, rows.lastTime) { return followExcluding(rows) }
        follow(rows)
        return true
    }

    /// The rows of one run, for each period of entry by itself.
    @inline(__always)
    mutating func takeRun(
        _ times: UnsafePointer<Int64>, _ masks: UnsafePointer<UInt32>, _ from: Int, _ to: Int, _ union: UInt32
    ) -> Bool {
        if union & 1 == 0 { return true }
        if union & 2 == 0 && isEntryPlain {
            takeEntries(times, masks, from, to)
            return true
        }
        var row = from
        while row < to {
            guard masks[row] & 1 != 0, find(times[row]) else {
                row &+= 1
                continue
            }
            var rows = Rows(times: times, masks: masks, from: row, to: to)
            // Rows at the time of the start may follow it.
            while rows.from > from && times[rows.from &- 1] == times[row] { rows.from &-= 1 }
            var next = to
            if periodStarts != nil {
                var lastStart = times[row]
                var union: UInt32 = 0
                for tied in rows.from..<row { union |= masks[tied] }
                next = row
                while next < to && times[next] < periodTo {
                    let mask = masks[next]
                    union |= mask
                    if mask & 1 != 0 { lastStart = times[next] }
                    next &+= 1
                }
                rows.periodEnd = periodTo
                rows.lastTime = end(ofStart: lastStart)
                if isEntryPlain && union & 2 == 0 && (next == to || times[next] > rows.lastTime) {
                    keepEntry(times[row], isOpen: plan.isOpen(start: lastStart))
                    row = next
                    continue
                }
            }
            if !mayExclude(times[row], periodStarts == nil ? end(ofStart: times[to &- 1]) : rows.lastTime) {
                follow(rows)
            } else if !followExcluding(rows) {
                return false
            }
            row = next
        }
        return true
    }

    /// Whether a row that excludes is later than a first start, and no later than chains may be.
    @inline(__always)
    private func mayExclude(_ start: Int64, _ end: Int64) -> Bool {
        if exclusions.count == 0 { return false }
        let next = firstExclusion(after: start)
        return next < exclusions.count && exclusions.base[next].time <= end
    }

    /// The rows of a run from its first start in a period on.
    struct Rows {
        var times: UnsafePointer<Int64>
        var masks: UnsafePointer<UInt32>
        var from: Int
        var to: Int
        /// Rows from here on start no chain of the period.
        var periodEnd = Int64.max
        /// Rows later than this follow no chain of it.
        var lastTime = Int64.max
    }

    /// Rows none of which may follow a first step: the first start of each period is reported.
    mutating func takeEntries(
        _ times: UnsafePointer<Int64>, _ masks: UnsafePointer<UInt32>, _ from: Int, _ to: Int
    ) {
        var row = from
        while row < to {
            guard masks[row] & 1 != 0, find(times[row]) else {
                row &+= 1
                continue
            }
            var lastStart = times[row]
            var next = row &+ 1
            while next < to && (periodStarts == nil || times[next] < periodTo) {
                if masks[next] & 1 != 0 { lastStart = times[next] }
                next &+= 1
            }
            keepEntry(times[row], isOpen: plan.isOpen(start: lastStart))
            row = next
        }
    }

    /// The entries of a customer none of whose rows may follow a first step, straight into a batch.
    @inline(__always)
    mutating func appendEntries(
        _ columns: ChainColumns, value: UInt32, customer: Int, into batch: inout ChainBatch
    ) {
        let times = columns.times, masks = columns.masks, count = columns.count
        let hasPeriods = periodStarts != nil
        takenCount &+= 1
        var row = 0
        while row < count {
            let time = times[row]
            guard masks[row] & 1 != 0, find(time) else {
                row &+= 1
                continue
            }
            var lastStart = time
            row &+= 1
            while row < count && (!hasPeriods || times[row] < periodTo) {
                if masks[row] & 1 != 0 { lastStart = times[row] }
                row &+= 1
            }
            batch.append(
                customer: customer, value: value, bucket: UInt32(truncatingIfNeeded: period), time: time,
                isOpen: plan.isOpen(start: lastStart))
        }
    }

    // MARK: Periods

    /// Finds the period of entry of a time; false where there is none.
    @inline(__always)
    private mutating func find(_ time: Int64) -> Bool {
        guard let starts = periodStarts else { return true }
        guard time >= starts[0], time < starts[periodCount] else { return false }
        // Periods are nearly of one length, so it is there or beside.
        let since = UInt64(bitPattern: time &- starts[0])
        var number = Int(truncatingIfNeeded: since.multipliedFullWidth(by: periodScale).high)
        while starts[number] > time { number &-= 1 }
        while starts[number &+ 1] <= time { number &+= 1 }
        period = number
        periodTo = starts[number &+ 1]
        return true
    }
}
