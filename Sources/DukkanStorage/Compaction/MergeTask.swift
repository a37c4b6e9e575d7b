import DukkanFormat

/// One merge: which parts of which table, and what may be used for it.
///
/// Parts of a snapshot never change, so that it may run beside anything else.
struct MergeTask {
    /// The table as it was when the merge was chosen.
    let table: Manifest.Table
    /// In order of ingest, with the deletions that they have.
    let parts: [PartHandle]
    /// Cut the output at the window borders.
    let isCut: Bool
    let isThorough: Bool
    let windows: TimeWindows
    let memoryBudgetBytes: Int
    let threads: Int
    let control: WorkControl?

    /// What came of it.
    struct Outcome {
        /// Parts made, not in any table yet.
        var parts: [Manifest.Part]
        /// Window borders of the table.
        var borders: [Int64]
    }

    /// Merges; files are made by `maker`, who has those of a failed merge, too.
    func run(by maker: any PartMaking) throws -> Outcome {
        var borders = table.windowBorders
        if isCut {
            borders = try WindowBorders(schema: table.schema, parts: parts, windows: windows)
                .borders(existing: borders)
        }
        let cuts = isCut ? borders : []
        var outputs: [Manifest.Part] = []
        var window = 0
        while window <= cuts.count {
            let pass = window..<min(cuts.count + 1, window + windowCountMax)
            outputs += try PartMerge(
                maker: maker, table: table, parts: parts, borders: cuts, pass: pass, isThorough: isThorough,
                threads: threads, control: control
            ).run()
            window = pass.upperBound
        }
        return Outcome(parts: outputs, borders: borders)
    }

    /// Windows written side by side, each of which collects a stripe: a quarter of the budget.
    private var windowCountMax: Int {
        let stripeByteCount =
            table.schema.rowByteCount * PartLimits.rowBlockTarget * PartLimits.stripeBlockCountMax
        return max(1, memoryBudgetBytes / 4 / stripeByteCount)
    }
}

extension TableSchema {
    /// Bytes of a row in memory.
    var rowByteCount: Int { columns.reduce(0) { $0 + ColumnVector.stride($1.type.physical) } }
}
