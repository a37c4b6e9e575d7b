import DukkanFormat

/// Writes the rows of a run as a part, in a given order.
struct RunWriter {
    let run: RunBuffer
    /// Row numbers of the run.
    let order: UnsafeBufferPointer<UInt32>
    let threads: Int
    let budgetByteCount: Int

    /// Rows gathered at a time: a stripe of the part.
    private static let batchRowCountMax = 16 * PartLimits.rowBlockTarget

    /// What a string column is written with.
    struct Coding {
        /// The dictionary of the vectors that the writer gets.
        var dictionary: StringDictionary
        /// Code of the run to code of `dictionary`; empty where they are the same.
        var translation: [UInt32]
        /// `dictionary` serves the whole part.
        var isPartDictionary: Bool
    }

    func partDictionaries(_ codings: [Coding?]) -> [StringDictionary?] {
        codings.map { $0.flatMap { $0.isPartDictionary ? $0.dictionary : nil } }
    }

    /// Gathers the rows and hands them to an output.
    func write(_ codings: [Coding?], to output: PartOutput) throws {
        let columns = run.schema.columns
        let rowByteCount = columns.reduce(0) { $0 + ColumnVector.stride($1.type.physical) }
        let batchRowCount = min(
            RunWriter.batchRowCountMax, max(PartLimits.rowBlockTarget, budgetByteCount / 16 / rowByteCount))
        let vectors = columns.enumerated().map { index, column in
            let vector = ColumnVector(column.type.physical, capacity: min(batchRowCount, order.count))
            vector.dictionary = codings[index]?.dictionary
            return vector
        }
        let gather = RunGather(run, codings, vectors, threads: threads)
        var done = 0
        while done < order.count {
            let rows = done..<min(order.count, done + batchRowCount)
            gather.fill(UnsafeBufferPointer(rebasing: order[rows]))
            try output.append(vectors)
            done = rows.upperBound
        }
    }

    /// What each column is written with; nil for columns that are not of strings.
    func codings() -> [Coding?] {
        let customerColumn = run.schema.customerColumn
        return run.interners.enumerated().map { column, interner in
            guard let interner else { return nil }
            let isPart =
                column != customerColumn
                && PartDictionaryRule.accepts(
                    count: interner.count, byteCount: interner.byteCount, rows: order.count)
            guard isPart || column == customerColumn else {
                return Coding(dictionary: interner.dictionary(), translation: [], isPartDictionary: false)
            }
            var sorted = interner.sortedCodes()
            if order.count < run.rowCount {
                let used = usedCodes(column, count: interner.count)
                sorted = sorted.filter { used[Int($0)] }
            }
            var translation = [UInt32](repeating: 0, count: max(1, interner.count))
            for (rank, code) in sorted.enumerated() { translation[Int(code)] = UInt32(rank) }
            return Coding(
                dictionary: interner.dictionary(of: sorted, isSorted: true), translation: translation,
                isPartDictionary: isPart)
        }
    }

    /// Which codes of a column the rows to be written hold.
    ///
    /// Rows that were replaced within the run may be the only ones with a value, and a part keeps no values that none
    /// of its rows has.
    private func usedCodes(_ column: Int, count: Int) -> [Bool] {
        var used = [Bool](repeating: false, count: count)
        let values = RunColumn(run, column: column)
        for row in order where values.isValid(row) { used[Int(values[row])] = true }
        return used
    }
}
