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
    private struct Coding {
        /// The dictionary of the vectors that the writer gets.
        var dictionary: StringDictionary
        /// Code of the run to code of `dictionary`; empty where they are the same.
        var translation: [UInt32]
        /// `dictionary` serves the whole part.
        var isPartDictionary: Bool
    }

    /// The dictionaries and the rows go to an output that `makeOutput` opens.
    ///
    /// Returns the finished part's summary.
    func write(makeOutput: ([StringDictionary?]) throws -> PartOutput) throws -> PartSummary {
        let codings = self.codings()
        let output = try makeOutput(codings.map { $0.flatMap { $0.isPartDictionary ? $0.dictionary : nil } })
        let columns = run.schema.columns
        let rowByteCount = columns.reduce(0) { $0 + ColumnVector.stride($1.type.physical) }
        let batchRowCount = min(
            RunWriter.batchRowCountMax, max(PartLimits.rowBlockTarget, budgetByteCount / 16 / rowByteCount))
        let vectors = columns.enumerated().map { index, column in
            let vector = ColumnVector(column.type.physical, capacity: min(batchRowCount, order.count))
            vector.dictionary = codings[index]?.dictionary
            return vector
        }
        // Each column is gathered by one thread, into its own vector.
        nonisolated(unsafe) let writer = self
        var done = 0
        while done < order.count {
            let rows = done..<min(order.count, done + batchRowCount)
            Parallel.run(columns.count, threads: threads) { column in
                writer.gather(column, rows, codings[column]?.translation ?? [], into: vectors[column])
            }
            try output.append(vectors)
            done = rows.upperBound
        }
        return try output.finish()
    }

    private func codings() -> [Coding?] {
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
        let pieces = run.pieces[column]
        for row in order {
            let piece = pieces[Int(row) >> RunBuffer.pieceShift]
            let at = Int(row) & (RunBuffer.pieceRowCount - 1)
            if piece.isValid(at) { used[Int(piece.codes[at])] = true }
        }
        return used
    }

    private func gather(_ column: Int, _ rows: Range<Int>, _ translation: [UInt32], into vector: ColumnVector) {
        let pieces = run.pieces[column]
        let numbers = UnsafeBufferPointer(rebasing: order[rows])
        vector.removeAll()
        vector.reserve(rows.count)
        let hasNulls = pieces.contains { $0.hasNulls }
        switch vector.kind {
        case .integers: Gather.words(numbers, pieces.map { UnsafePointer($0.integers) }, into: vector.integers)
        case .doubles: Gather.words(numbers, pieces.map { UnsafePointer($0.doubles) }, into: vector.doubles)
        case .codes: Gather.words(numbers, pieces.map { UnsafePointer($0.codes) }, into: vector.codes)
        }
        if hasNulls { Gather.validity(numbers, pieces, into: vector) }
        vector.count = rows.count
        if !translation.isEmpty {
            let codes = vector.codes
            translation.withUnsafeBufferPointer { map in
                for i in 0..<rows.count { codes[i] = map[Int(codes[i])] }
            }
            // A null row carries code 0 whatever the translation says.
            if vector.hasNulls { for i in 0..<rows.count where !vector.isValid(i) { codes[i] = 0 } }
        }
    }
}

/// Copies values of scattered rows side by side.
private enum Gather {
    static func words<Word: BitwiseCopyable>(
        _ rows: UnsafeBufferPointer<UInt32>, _ pieces: [UnsafePointer<Word>], into output: UnsafeMutablePointer<Word>
    ) {
        pieces.withUnsafeBufferPointer { pieces in
            let pieces = pieces.baseAddress!
            for i in 0..<rows.count {
                let row = Int(rows[i])
                output[i] = pieces[row >> RunBuffer.pieceShift][row & (RunBuffer.pieceRowCount - 1)]
            }
        }
    }

    static func validity(_ rows: UnsafeBufferPointer<UInt32>, _ pieces: [ColumnVector], into vector: ColumnVector) {
        let bits = pieces.map { $0.hasNulls ? UnsafePointer($0.validity) : nil }
        let output = vector.validity
        bits.withUnsafeBufferPointer { bits in
            var word: UInt64 = 0
            for i in 0..<rows.count {
                let row = Int(rows[i]), at = row & (RunBuffer.pieceRowCount - 1)
                let valid = bits[row >> RunBuffer.pieceShift].map { ($0[at >> 6] >> UInt64(at & 63)) & 1 } ?? 1
                word |= valid << UInt64(i & 63)
                if i & 63 == 63 {
                    output[i >> 6] = word
                    word = 0
                }
            }
            if rows.count & 63 != 0 { output[rows.count >> 6] = word }
        }
        vector.hasNulls = true
    }
}
