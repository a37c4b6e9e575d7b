extension ChainEvaluator {
    /// Rows from which on a run is worth a machine that sees each row once.
    static let longRunRowCount = 512

    /// The machine of funnels without options, where a run asks for nothing more.
    static func machine(_ rules: ChainRules) -> FunnelMachine? {
        // Where the order decides, chains are told apart by rows, which the machine does not keep.
        guard rules.order == .sequence, rules.ties != .recorded, !rules.hasGaps, rules.optional == 0,
            !rules.reusesRows, rules.stepCount > 1,
            let plan = try? FunnelPlan(
                stepCount: rules.stepCount, window: rules.window, ties: rules.ties, asOf: rules.asOf)
        else { return nil }
        return FunnelMachine(plan)
    }

    /// Evaluates a long run without rows that exclude: O(rows), where following each start could take O(rows²).
    mutating func runLong(_ rows: ChainRows, starts: Range<Int>, _ machine: inout FunnelMachine) -> ChainResult {
        var result = ChainResult()
        guard let first = starts.first(where: { rows.masks[$0] & 1 != 0 }) else { return result }
        let from = groupStart(rows, first)
        var last = starts.upperBound - 1
        while last > first && rows.masks[last] & 1 == 0 { last -= 1 }
        let limit = rules.end(ofStart: rows.times[last]), lastStart = rows.times[last]
        var to = from
        longMasks.reserve(rows.count - from)
        while to < rows.count && rows.times[to] <= limit {
            let mask = rows.masks[to] & rules.steps
            longMasks.base[to - from] = rows.times[to] <= lastStart ? mask : mask & ~1
            to += 1
        }
        machine.run(rows.times + from, longMasks.base, count: to - from)
        result.level = machine.level
        result.levelOfAll = machine.level
        guard result.level > 0 else { return result }
        result.isOpen = result.level < rules.stepCount && rules.isOpen(start: machine.latestStart)
        for step in 0..<result.level {
            directTimes[step] = machine.reported[step]
            directRows[step] = UInt32(truncatingIfNeeded: firstRow(rows, at: machine.reported[step]))
        }
        result.start = directTimes[0]
        result.startRow = Int(directRows[0])
        result.end = directTimes[result.level - 1]
        result.endRow = Int(directRows[result.level - 1])
        return result
    }

    /// The first row at a time that a row has.
    private func firstRow(_ rows: ChainRows, at time: Int64) -> Int {
        var low = 0, high = rows.count
        while low < high {
            let middle = (low + high) / 2
            if rows.times[middle] < time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
