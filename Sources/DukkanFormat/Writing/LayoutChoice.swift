/// Chooses a part's layout by what its first stripe takes with it and without it.
struct LayoutChoice {
    let input: StripeEncoder.Input
    /// Blocks that are encoded for trial: a quarter of the stripe tells.
    let trialBlocks: [Int]
    let rowCount: Int

    /// Fewer rows than this are written without relations between columns, which small commits should not pay for.
    private static let rowCountMin = 8_192

    init(_ input: StripeEncoder.Input) {
        self.input = input
        trialBlocks = Array(stride(from: 0, to: input.plans.count, by: 4))
        rowCount = input.plans.last.map { $0.firstRow + $0.rowCount } ?? 0
    }

    var pending: PendingRows { input.pending }
    /// Rows of the blocks that are encoded for trial.
    var trialRowCount: Int { trialBlocks.reduce(0) { $0 + input.plans[$1].rowCount } }

    func choose() -> PartLayout {
        let columns = pending.columns.indices.filter { $0 != pending.customerColumn }
        var layout = PartLayout(columnCount: pending.columns.count)
        if input.effort.quick { return layout }
        let isLarge = rowCount >= LayoutChoice.rowCountMin
        let results = StripeEncoder.Results<Trial>(count: pending.columns.count, empty: Trial())
        StripeEncoder.forEach(columns.count, workers: input.workers) { index in
            results[columns[index]] = trial(columns[index], isLarge: isLarge)
        }
        for column in columns {
            layout.codesByRank[column] = results[column].codesByRank
            layout.ranks[column] = results[column].codesByRank.map { PartDictionary.ranks(of: $0) }
        }
        guard isLarge else { return layout }
        let trials = pending.columns.indices.map { results[$0] }
        chooseTables(columns, trials, &layout)
        chooseNulls(columns, trials, &layout)
        chooseRuns(columns, trials, &layout)
        chooseRunTimes(trials, &layout)
        return layout
    }

    /// What is known of a column on its own.
    struct Trial: Sendable {
        var codesByRank: [UInt32]?
        /// Bytes of the trial blocks in the column's own forms.
        var byteCount = 0
        /// The same with predictions from the time.
        var predictedByteCount = Int.max
        var timeModel: TimeModel?
        var hasNulls = false
        /// Rows of the trial blocks that differ from the row before.
        var changeCount = 0
    }

    private func trial(_ column: Int, isLarge: Bool) -> Trial {
        var trial = Trial()
        let vector = pending.vectors[column]
        let relations = input.relations()
        trial.codesByRank = codesByRank(column, &trial.byteCount)
        guard isLarge else { return trial }
        if trial.byteCount == 0 { trial.byteCount = byteCount(column, ranks: nil) { _ in relations } }
        trial.hasNulls = trialBlocks.contains { SharedRows.hasNulls(vector, input.plans[$0]) }
        for block in trialBlocks where vector.kind != .doubles {
            trial.changeCount += changes([column], block).reduce(0) { $0 + $1.nonzeroBitCount }
        }
        if pending.columns[column].type == .int, !vector.hasNulls, column != pending.timeColumn {
            let builder = TimeModelBuilder(
                times: pending.vectors[pending.timeColumn].integers, values: vector.integers, rowCount: rowCount)
            if builder.followsTime(), let model = builder.build() {
                trial.timeModel = model
                var predicted = relations
                predicted.timeModel = model
                trial.predictedByteCount = byteCount(column, ranks: nil) { _ in predicted }
            }
        }
        return trial
    }

    /// Bytes of the trial blocks of a column.
    func byteCount(_ column: Int, ranks: [UInt32]?, _ relations: (Int) -> BlockRelations) -> Int {
        trialBlocks.reduce(0) { $0 + input.encode(column, $1, ranks: ranks, relations($1)).bytes.count }
    }

    /// Where any of `columns` changes within a block, and the block's first row.
    func changes(_ columns: [Int], _ block: Int) -> [UInt64] {
        let plan = input.plans[block]
        var words = [UInt64](repeating: 0, count: (plan.rowCount + 63) / 64)
        words[0] = 1
        for column in columns { SharedRows.markChanges(pending.vectors[column], plan, in: &words) }
        return words
    }

    /// Ranks must save this many percent, since decoding looks each of them up.
    private static let rankGainPercentMin = 4

    /// The codes by rank, where the stripe's blocks are smaller with ranks than with codes.
    private func codesByRank(_ column: Int, _ byteCount: inout Int) -> [UInt32]? {
        let count = pending.dictionaryCounts[column]
        guard pending.hasPartDictionary[column], count > 2, count <= PartDictionary.rankedCountMax else { return nil }
        let codes = PartDictionary.codesByRank(pending.vectors[column].codes, rowCount, count)
        let ranks = PartDictionary.ranks(of: codes)
        let relations = input.relations()
        let codesByteCount = self.byteCount(column, ranks: nil) { _ in relations }
        var ranksByteCount = self.byteCount(column, ranks: ranks) { _ in relations }
        byteCount = min(codesByteCount, ranksByteCount)
        // The table itself is written once, for all stripes; a part of one block must still pay for it.
        let blockCount = input.plans.count
        ranksByteCount += count * blockCount / (8 * PartLimits.stripeBlockCountMax) + count / max(blockCount, 1)
        return ranksByteCount < codesByteCount * (100 - LayoutChoice.rankGainPercentMin) / 100 ? codes : nil
    }
}
