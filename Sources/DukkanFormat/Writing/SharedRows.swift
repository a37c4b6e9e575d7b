/// What several columns of one row block share: where runs start, and which rows hold a value.
struct SharedRows {
    /// First row of each run, ascending from 0; empty where the row block has no shared runs.
    var starts: [UInt32] = []
    /// A bit for each of `starts`.
    var startWords: [UInt64] = []
    /// The null pattern, one bit a row, set = value present; empty where the row block has none to share.
    var validWords: [UInt64] = []

    static let none = SharedRows()

    /// The rows of `plan` where any of `runColumns` changes, and the nulls of the first of `nullColumns` that has some.
    init(_ pending: PendingRows, _ plan: RowBlockPlan, runColumns: [Int], nullColumns: [Int]) {
        let runs = runColumns.filter { !SharedRows.hasNulls(pending.vectors[$0], plan) }
        if !runs.isEmpty {
            var words = [UInt64](repeating: 0, count: (plan.rowCount + 63) / 64)
            words[0] = 1
            for column in runs { SharedRows.markChanges(pending.vectors[column], plan, in: &words) }
            startWords = words
            starts = SharedRows.places(words)
        }
        for column in nullColumns {
            let words = SharedRows.validity(pending.vectors[column], plan)
            let present = words.reduce(0) { $0 + $1.nonzeroBitCount }
            if present > 0 && present < plan.rowCount {
                validWords = words
                break
            }
        }
    }

    private init() {}

    static func hasNulls(_ vector: ColumnVector, _ plan: RowBlockPlan) -> Bool {
        guard vector.hasNulls else { return false }
        let bits = ValidityBits(words: vector.validity, firstRow: plan.firstRow)
        return bits.presentCount(plan.rowCount) < plan.rowCount
    }

    /// The validity of a block's rows, its first row at bit 0.
    static func validity(_ vector: ColumnVector, _ plan: RowBlockPlan) -> [UInt64] {
        let wordCount = (plan.rowCount + 63) / 64
        guard vector.hasNulls else {
            var words = [UInt64](repeating: ~0, count: wordCount)
            if plan.rowCount & 63 != 0 { words[wordCount - 1] = (1 << UInt64(plan.rowCount & 63)) - 1 }
            return words
        }
        let bits = ValidityBits(words: vector.validity, firstRow: plan.firstRow)
        return (0..<wordCount).map { bits.word($0 * 64, plan.rowCount) }
    }

    /// Sets the bits of the rows whose value is not that of the row before.
    static func markChanges(_ vector: ColumnVector, _ plan: RowBlockPlan, in words: inout [UInt64]) {
        words.withUnsafeMutableBufferPointer { words in
            let words = words.baseAddress!
            switch vector.kind {
            case .integers: mark(vector.integers + plan.firstRow, plan.rowCount, words)
            case .codes: mark(vector.codes + plan.firstRow, plan.rowCount, words)
            case .doubles: break
            }
        }
    }

    private static func mark<Value: Equatable & BitwiseCopyable>(
        _ values: UnsafePointer<Value>, _ count: Int, _ words: UnsafeMutablePointer<UInt64>
    ) {
        for word in 0..<(count + 63) / 64 {
            var bits: UInt64 = 0
            let first = word * 64
            for row in max(first, 1)..<max(min(first + 64, count), 1) {
                bits |= (values[row] != values[row - 1] ? 1 : 0) &<< UInt64(row - first)
            }
            words[word] |= bits
        }
    }

    private static func places(_ words: [UInt64]) -> [UInt32] {
        var places: [UInt32] = []
        places.reserveCapacity(words.reduce(0) { $0 + $1.nonzeroBitCount })
        for (index, word) in words.enumerated() {
            var rest = word
            while rest != 0 {
                places.append(UInt32(index * 64 + rest.trailingZeroBitCount))
                rest &= rest &- 1
            }
        }
        return places
    }
}
