extension ChainRuns {
    // MARK: Runs and periods of entry

    /// Evaluates a run, for each period of entry by itself.
    mutating func evaluateRun(_ columns: ChainColumns, _ exclusions: ChainExclusions) {
        let rows = rows(columns, exclusions)
        if isEntryPlain && !mayFollow(columns) {
            evaluateEntries(columns, rows)
            return
        }
        guard periodStarts != nil else {
            take(result(rows, 0..<columns.count), 0, rows, columns)
            return
        }
        var row = 0
        while row < columns.count {
            guard columns.masks[row] & starting != 0, let bucket = period(of: columns.times[row]) else {
                row += 1
                continue
            }
            let next = end(ofPeriod: bucket, columns, from: row)
            take(result(rows, row..<next), UInt32(truncatingIfNeeded: bucket), rows, columns)
            row = next
        }
    }

    /// Whether some row matches a step that may follow the first.
    @inline(__always)
    func mayFollow(_ columns: ChainColumns) -> Bool {
        var union: UInt32 = 0
        for row in 0..<columns.count { union |= columns.masks[row] }
        return union & rules.afterFirst != 0
    }

    /// Evaluates rows none of which may follow a first step: the first start of each period is reported.
    mutating func evaluateEntries(_ columns: ChainColumns, _ rows: ChainRows) {
        var row = 0
        while row < columns.count {
            guard columns.masks[row] & 1 != 0 else {
                row += 1
                continue
            }
            let bucket = period(of: columns.times[row])
            if periodStarts != nil && bucket == nil {
                row += 1
                continue
            }
            let next = bucket.map { end(ofPeriod: $0, columns, from: row) } ?? columns.count
            var last = next - 1
            while columns.masks[last] & 1 == 0 { last -= 1 }
            var result = ChainResult()
            result.level = 1
            result.levelOfAll = 1
            result.start = columns.times[row]
            result.end = result.start
            result.startRow = evaluator.groupStart(rows, row)
            result.endRow = result.startRow
            result.isOpen = rules.isOpen(start: columns.times[last])
            take(result, UInt32(truncatingIfNeeded: bucket ?? 0), rows, columns)
            row = next
        }
    }

    /// The number of the period of entry that holds a time; nil: none does.
    @inline(__always)
    mutating func period(of time: Int64) -> Int? {
        guard let periodStarts, time >= periodStarts[0], time < periodStarts[periodCount] else { return nil }
        if time >= periodStarts[lastPeriod] && time < periodStarts[lastPeriod + 1] { return lastPeriod }
        var low = 0, high = periodCount
        // The last period that begins by then.
        while high - low > 1 {
            let middle = (low + high) / 2
            if periodStarts[middle] <= time { low = middle } else { high = middle }
        }
        lastPeriod = low
        return low
    }

    /// The first row from `row` on that is later than a period.
    @inline(__always)
    func end(ofPeriod bucket: Int, _ columns: ChainColumns, from row: Int) -> Int {
        guard let periodStarts else { return columns.count }
        let end = periodStarts[bucket + 1]
        if columns.times[columns.count - 1] < end { return columns.count }
        var next = row + 1
        while next < columns.count && columns.times[next] < end { next += 1 }
        return next
    }
}
