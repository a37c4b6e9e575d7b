import DukkanFormat

extension ChainRuns {
    /// Counts the entries of a run: chains that follow each other, each from the first start after the one before was
    /// completed, ended, or out of time.
    mutating func walk(
        _ columns: ChainColumns, _ exclusions: ChainExclusions, _ outcome: ChainOutcome,
        _ body: (ChainOutcome) throws -> Void
    ) throws {
        let rows = rows(columns, exclusions)
        // Starts up to this time belong to entries before; where the order decides, up to this row.
        var time: Int64?
        var lastRow = -1
        for row in 0..<columns.count where columns.masks[row] & starting != 0 {
            let start = columns.times[row]
            if rules.order == .any && !entered.contains(start) { continue }
            if let time, start < time || (start == time && (lastRow < 0 || row <= lastRow)) { continue }
            let result = result(rows, row..<(row + 1))
            lastRow = -1
            if result.level == rules.stepCount {
                time = result.end
                if rules.ties == .recorded { lastRow = result.endRow }
            } else {
                time = result.endedAt ?? rules.end(ofStart: start)
            }
            if result.levelOfAll > 0 { try tell(result, rows, columns, outcome, body) }
        }
    }
}
