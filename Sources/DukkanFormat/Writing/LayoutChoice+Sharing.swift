extension LayoutChoice {
    /// Columns that may lead a group, at most.
    private static let leaderCountMax = 4
    /// Percent of a leader's runs that another column may add to them.
    private static let addedRunPercentMax = 3
    /// Relations must save this share of a thousand of the columns' bytes.
    private static let gainPermilleMin = 20

    /// Columns that change only together, as device and country do with the session: their runs are marked once.
    ///
    /// Columns that the time predicts take part with their model, or have it alone.
    func chooseRuns(_ columns: [Int], _ trials: [Trial], _ layout: inout PartLayout) {
        let candidates = columns.filter {
            let trial = trials[$0]
            return layout.tables[$0] == nil && $0 != pending.timeColumn && !trial.hasNulls
                && (pending.columns[$0].type.physical == .integers || pending.hasPartDictionary[$0])
                && trial.changeCount > trialRowCount / 64 && trial.changeCount < trialRowCount * 2 / 3
        }
        let leaders = candidates.inOrder { trials[$0].changeCount > trials[$1].changeCount }
            .prefix(LayoutChoice.leaderCountMax)
        var bestGain = 0
        for leader in leaders {
            let (members, gain) = group(leader, candidates, trials, layout)
            if gain > bestGain {
                bestGain = gain
                layout.runColumns = members.ascending()
            }
        }
        for column in columns where trials[column].timeModel != nil && layout.tables[column] == nil {
            let pays = trials[column].predictedByteCount < trials[column].byteCount * 9 / 10
            guard pays || layout.runColumns.contains(column), paysForModel(column, trials[column]) else { continue }
            layout.timeModels[column] = trials[column].timeModel
        }
    }

    /// Percent by which times by runs may be larger than by customers: a range of times is found by a run's first row.
    private static let runTimePercentMax = 102

    /// Whether the times follow the shared runs.
    func chooseRunTimes(_ trials: [Trial], _ layout: inout PartLayout) {
        guard let bitmap = layout.runBitmap else { return }
        let runs = trialBlocks.reduce(0) { $0 + changeCount(layout.runColumns, $1) }
        guard runs * 4 < trialRowCount * 3 else { return }
        let bytes = byteCount(pending.timeColumn, ranks: nil) { block in
            var relations = input.relations()
            relations.shared = SharedRows(pending, input.plans[block], runColumns: layout.runColumns, nullColumns: [])
            relations.timeRunBitmap = bitmap
            return relations
        }
        layout.hasRunTimes =
            bytes * 100 <= trials[pending.timeColumn].byteCount * LayoutChoice.runTimePercentMax
    }

    private func changeCount(_ columns: [Int], _ block: Int) -> Int {
        changes(columns, block).reduce(0) { $0 + $1.nonzeroBitCount }
    }

    /// Whether a model saves more in the stripe than itself takes; a whole stripe stands for a larger part.
    private func paysForModel(_ column: Int, _ trial: Trial) -> Bool {
        guard let model = trial.timeModel else { return false }
        // A knot takes about a byte.
        let gain = (trial.byteCount - min(trial.predictedByteCount, trial.byteCount)) * rowCount / max(trialRowCount, 1)
        return gain > model.knots.count || pending.planner.blocks.count == PartLimits.stripeBlockCountMax
    }

    /// The columns that gain by sharing the leader's runs, and the bytes that they gain together.
    private func group(
        _ leader: Int, _ candidates: [Int], _ trials: [Trial], _ layout: PartLayout
    ) -> (members: [Int], gain: Int) {
        let leaderCount = trials[leader].changeCount
        var members = [leader]
        for column in candidates where column != leader {
            let together = trialBlocks.reduce(0) { sum, block in
                changes([leader, column], block).reduce(sum) { $0 + $1.nonzeroBitCount }
            }
            if together * 100 <= leaderCount * (100 + LayoutChoice.addedRunPercentMax) { members.append(column) }
        }
        guard members.count > 1 || trials[leader].timeModel != nil else { return ([], 0) }
        var shared = [Int: SharedRows]()
        for block in trialBlocks {
            shared[block] = SharedRows(pending, input.plans[block], runColumns: members, nullColumns: [])
        }
        var gain = 0, before = 0
        var chosen: [Int] = []
        for column in members {
            let bytes = byteCount(column, ranks: layout.ranks[column]) { block in
                var relations = input.relations()
                relations.shared = shared[block] ?? .none
                relations.runBitmap = 0
                relations.timeModel = trials[column].timeModel
                return relations
            }
            let alone = min(trials[column].byteCount, trials[column].predictedByteCount)
            guard bytes <= alone else { continue }
            gain += alone - bytes
            before += alone
            chosen.append(column)
        }
        for block in trialBlocks {
            var writer = ByteWriter()
            RowBitmap.encode(
                shared[block]?.startWords ?? [], input.plans[block].rowCount, into: &writer, effort: input.effort)
            gain -= writer.count + PartChecksum.byteCount + 4
        }
        return gain * 1_000 > before * LayoutChoice.gainPermilleMin ? (chosen, gain) : ([], 0)
    }

    /// Columns that are null in the same rows: the pattern is written once.
    func chooseNulls(_ columns: [Int], _ trials: [Trial], _ layout: inout PartLayout) {
        let candidates = columns.filter { trials[$0].hasNulls && layout.tables[$0] == nil }
        var groups: [(words: [[UInt64]], columns: [Int])] = []
        for column in candidates {
            let words = trialBlocks.map { SharedRows.validity(pending.vectors[column], input.plans[$0]) }
            if let group = groups.firstIndex(where: { $0.words == words }) {
                groups[group].columns.append(column)
            } else {
                groups.append((words, [column]))
            }
        }
        var bestGain = 0
        for group in groups where group.columns.count > 1 {
            let byteCount = zip(group.words, trialBlocks).reduce(0) { sum, block in
                var writer = ByteWriter()
                RowBitmap.encode(block.0, input.plans[block.1].rowCount, into: &writer, effort: input.effort)
                return sum + writer.count
            }
            let gain = (group.columns.count - 1) * byteCount - group.columns.count * trialBlocks.count * 6
            if gain > bestGain {
                bestGain = gain
                layout.nullColumns = group.columns
            }
        }
    }
}
