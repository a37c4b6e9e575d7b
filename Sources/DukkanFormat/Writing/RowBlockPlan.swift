/// Rows of the pending stripe that will become one row block.
struct RowBlockPlan {
    var firstRow: Int
    var rowCount: Int
    var firstRun: Int
    var runCount: Int
    var continues: Bool
    var isNullCustomer: Bool
}

/// Cuts the pending rows into row blocks: at customer borders wherever one customer's rows fit.
///
/// A run is the rows of one customer. The last run is open: more of its rows may come.
struct RowBlockPlanner {
    /// First pending row of each run; a run whose head is written already begins at 0.
    var runStarts: [Int] = []
    /// Whether the last run is that of the rows without a customer.
    var endsWithNullRun = false
    /// Rows that a block has at most; fewer where the rows are long.
    var rowCountTarget = PartLimits.rowBlockTarget
    /// The blocks cut so far.
    var blocks: [RowBlockPlan] = []
    /// Rows in `blocks`.
    private(set) var plannedRowCount = 0
    private var nextRun = 0
    /// Blocks of the next run were cut already.
    private var continuing = false

    /// Cuts what can be cut, up to a stripe.
    ///
    /// `isFinal`: no more rows will come.
    mutating func cut(rowCount: Int, isFinal: Bool) {
        while blocks.count < PartLimits.stripeBlockCountMax && plannedRowCount < rowCount {
            if !isFinal && rowCount - plannedRowCount <= rowCountTarget { return }
            guard let block = nextBlock(rowCount: rowCount, isFinal: isFinal) else { return }
            blocks.append(block)
            plannedRowCount += block.rowCount
        }
    }

    private func isNull(_ run: Int) -> Bool { endsWithNullRun && run == runStarts.count - 1 }

    private mutating func nextBlock(rowCount: Int, isFinal: Bool) -> RowBlockPlan? {
        let target = rowCountTarget
        func end(_ run: Int) -> Int { run + 1 < runStarts.count ? runStarts[run + 1] : rowCount }
        func isOpen(_ run: Int) -> Bool { !isFinal && run == runStarts.count - 1 }
        let first = nextRun
        let rest = end(first) - plannedRowCount
        if continuing || rest > target {
            if rest <= target && isOpen(first) { return nil }
            let block = RowBlockPlan(
                firstRow: plannedRowCount, rowCount: min(rest, target), firstRun: first, runCount: 1,
                continues: continuing, isNullCustomer: isNull(first))
            continuing = rest > target
            if !continuing { nextRun += 1 }
            return block
        }
        var run = first
        var blockEnd = plannedRowCount
        while run < runStarts.count {
            if isNull(run) && run > first || end(run) - plannedRowCount > target { break }
            // What fits so far may still grow beyond the block.
            if isOpen(run) { return nil }
            blockEnd = end(run)
            run += 1
            if isNull(first) { break }
        }
        nextRun = run
        return RowBlockPlan(
            firstRow: plannedRowCount, rowCount: blockEnd - plannedRowCount, firstRun: first, runCount: run - first,
            continues: false, isNullCustomer: isNull(first))
    }

    /// Forgets the blocks and their rows.
    ///
    /// Returns how many rows and runs went.
    mutating func removeBlocks() -> (rows: Int, runs: Int) {
        let rows = plannedRowCount, runs = nextRun
        runStarts.removeFirst(runs)
        for i in runStarts.indices { runStarts[i] = max(0, runStarts[i] - rows) }
        blocks.removeAll(keepingCapacity: true)
        plannedRowCount = 0
        nextRun = 0
        return (rows, runs)
    }
}
