extension LayoutChoice {
    /// Rows of a stripe that tell whether one column decides another.
    private static let sampleCount = 2_048
    /// Pairs of columns that are looked at, at most.
    private static let pairCountMax = 256
    /// A table must save this many percent of its column, since decoding reads the other column too.
    private static let gainPercentMin = 40

    /// Columns of strings that another column decides, as the product decides the category.
    ///
    /// Numbers are left as they are: a query that sums them would have to read the other column too.
    func chooseTables(_ columns: [Int], _ trials: [Trial], _ layout: inout PartLayout) {
        let bitCount = { trials[$0].byteCount * 8 }
        let dependents = columns.filter {
            pending.hasPartDictionary[$0] && bitCount($0) > trialRowCount && $0 != pending.timeColumn
        }
        var references = columns.filter {
            let type = pending.columns[$0].type
            return (type == .int || pending.hasPartDictionary[$0]) && trials[$0].timeModel == nil
        }
        references = references.inOrder { trials[$0].byteCount < trials[$1].byteCount }
        var pairCount = 0
        var decided: Set<Int> = [], deciding: Set<Int> = []
        for column in dependents where !deciding.contains(column) {
            for reference in references where reference != column && !decided.contains(reference) {
                guard trials[reference].byteCount > trials[column].byteCount else { continue }
                pairCount += 1
                if pairCount > LayoutChoice.pairCountMax { return }
                guard decides(reference, column), let table = table(reference, column, trials[column]) else { continue }
                layout.tables[column] = table
                decided.insert(column)
                deciding.insert(reference)
                break
            }
        }
    }

    /// Whether rows of a sample that agree in one column agree in the other, and are null in the same rows.
    private func decides(_ reference: Int, _ column: Int) -> Bool {
        let keys = pending.vectors[reference], values = pending.vectors[column]
        var seen = [Int64: Int64]()
        var agreeing = 0, differing = 0, rows = 0
        let step = max(1, rowCount / LayoutChoice.sampleCount / 4)
        for row in stride(from: 0, to: rowCount, by: step) {
            let valid = keys.isValid(row)
            guard valid == values.isValid(row) else { return false }
            guard valid else { continue }
            let key = TableBuilder.value(keys, row), value = TableBuilder.value(values, row)
            if let known = seen[key] {
                agreeing += known == value ? 1 : 0
                differing += known == value ? 0 : 1
                if differing > 8 && differing * 20 > agreeing { return false }
            } else {
                seen[key] = value
            }
            rows += 1
            if rows == LayoutChoice.sampleCount { break }
        }
        return agreeing > rows / 8 && differing * 20 <= agreeing
    }

    private func table(_ reference: Int, _ column: Int, _ trial: Trial) -> TableBuilder? {
        let keys = pending.vectors[reference]
        var low = Int64.max, high = Int64.min
        for row in 0..<rowCount where keys.isValid(row) {
            low = min(low, TableBuilder.value(keys, row))
            high = max(high, TableBuilder.value(keys, row))
        }
        let unknown = Int64(pending.dictionaryCounts[column])
        guard low <= high, var table = TableBuilder(referenceColumn: reference, keys: low...high, unknown: unknown)
        else { return nil }
        table.add(pending.vectors[column], keys, 0..<rowCount)
        var relations = input.relations()
        relations.table = table.model
        relations.reference = keys
        relations.referenceColumn = reference
        let byteCount = byteCount(column, ranks: nil) { _ in relations }
        // An entry takes about a byte, and is written once; a stripe that is full stands for a larger part.
        let isFull = input.plans.count == PartLimits.stripeBlockCountMax
        let entryByteCount = table.entryCount * trialRowCount / max(rowCount, 1) / (isFull ? 8 : 1)
        let limit = trial.byteCount * (100 - LayoutChoice.gainPercentMin) / 100
        return byteCount + entryByteCount < limit ? table : nil
    }
}
