import DukkanFormat

extension ChainRuns {
    /// Counts entries: chains of one customer that follow each other, each from the first start after the one before was
    /// completed, ended, or out of time.
    mutating func walk(
        _ columns: ChainColumns, _ exclusions: ChainExclusions, _ runCount: Int, _ outcome: ChainOutcome,
        _ sink: ChainSink
    ) throws {
        gatherStarts(columns, runCount)
        var loaded = -1
        var own = columns
        // Starts up to this time, or where the order decides up to this place, belong to entries before.
        var time: Int64?
        var place = -1
        for at in 0..<entries.count {
            let start = entries.base[at]
            if let time, start.time < time || (start.time == time && (place < 0 || start.place <= place)) { continue }
            if loaded != start.run {
                own = self.columns(ofRun: start.run, of: columns, runCount)
                loaded = start.run
            }
            let rows = rows(own, exclusions)
            let result = result(rows, start.row..<(start.row + 1))
            try checkPatience()
            place = -1
            if result.level == rules.stepCount {
                time = result.end
                if rules.ties == .recorded { place = own.place(result.endRow) }
            } else {
                time = result.endedAt ?? rules.end(ofStart: start.time)
            }
            if result.levelOfAll > 0 { try tell(result, rows, own, outcome, sink) }
        }
    }

    /// Writes down all rows at which an entry may begin, in their order.
    private mutating func gatherStarts(_ columns: ChainColumns, _ runCount: Int) {
        entries.count = 0
        for run in 0..<runCount {
            let own = self.columns(ofRun: run, of: columns, runCount)
            for row in 0..<own.count where own.masks[row] & starting != 0 {
                if rules.order == .any && !entered.contains(own.times[row]) { continue }
                entries.append(EntryStart(time: own.times[row], place: own.place(row), run: run, row: row))
            }
        }
        guard runCount > 1 else { return }
        var all = UnsafeMutableBufferPointer(start: entries.base, count: entries.count)
        all.sort { ($0.time, $0.place) < ($1.time, $1.place) }
    }
}
