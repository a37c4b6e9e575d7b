import DukkanFormat

/// The rows of a merge that go to one output part, a batch at a time.
final class MergeWindow {
    /// Where each row of the batch is: number of the cursor in the high half, row of its block in the low half.
    private(set) var rows: UnsafeMutablePointer<UInt32>
    private(set) var rowCount = 0
    private var capacity = 1 << 14
    /// Rows in all batches.
    private(set) var totalRowCount = 0

    /// Customers of the batch in order and how many rows each has.
    private var counts: [Int] = []
    private var integerKeys: [Int64] = []
    private var stringOffsets: [UInt32] = [0]
    private var stringBytes: [UInt8] = []
    private var nullCount = 0
    /// Number, within the merge, of the customer that the batch ends with.
    private var lastCustomer = -1
    let vectors: [ColumnVector]
    /// Names of strings in columns without a part dictionary.
    let interners: [StringInterner?]
    var draft: PartDraft?

    init(schema: TableSchema, pooled: [Bool]) {
        rows = .allocate(capacity: capacity)
        vectors = schema.columns.map { ColumnVector($0.type.physical) }
        interners = pooled.map { $0 ? StringInterner() : nil }
    }

    deinit {
        rows.deallocate()
    }

    /// Appends rows `range` of the cursor's block, all of the cursor's customer, the merge's customer number `number`.
    func append(_ cursor: PartCursor, index: Int, _ range: Range<Int>, customer number: Int, isInteger: Bool) {
        if rowCount + range.count > capacity {
            let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: (rowCount + range.count) * 2)
            grown.update(from: rows, count: rowCount)
            rows.deallocate()
            rows = grown
            capacity = (rowCount + range.count) * 2
        }
        let base = UInt32(index) << UInt32(RunBuffer.pieceShift)
        let output = rows + rowCount - range.lowerBound
        for row in range { output[row] = base | UInt32(truncatingIfNeeded: row) }
        rowCount += range.count
        if cursor.isNullCustomer {
            nullCount += range.count
            return
        }
        if lastCustomer != number {
            lastCustomer = number
            counts.append(0)
            if isInteger {
                integerKeys.append(cursor.customers.keys[cursor.customer])
            } else {
                cursor.customers.strings.withBytes(cursor.customer) { stringBytes.append(contentsOf: $0) }
                stringOffsets.append(UInt32(stringBytes.count))
            }
        }
        counts[counts.count - 1] += range.count
    }

    /// Fills the vector of the customer column.
    func fillCustomers(_ vector: ColumnVector) {
        vector.removeAll()
        vector.reserve(rowCount)
        var at = 0
        if vector.kind == .integers {
            let output = vector.integers
            for (key, count) in zip(integerKeys, counts) {
                (output + at).update(repeating: key, count: count)
                at += count
            }
        } else {
            let output = vector.codes
            for (code, count) in counts.enumerated() {
                (output + at).update(repeating: UInt32(code), count: count)
                at += count
            }
            vector.dictionary = StringDictionary(offsets: stringOffsets, bytes: stringBytes, isSorted: true)
        }
        vector.count = at
        for _ in 0..<nullCount { vector.appendNull() }
    }

    /// Begins the next batch.
    func removeBatch() {
        totalRowCount += rowCount
        rowCount = 0
        counts.removeAll(keepingCapacity: true)
        integerKeys.removeAll(keepingCapacity: true)
        stringOffsets.removeAll(keepingCapacity: true)
        stringOffsets.append(0)
        stringBytes.removeAll(keepingCapacity: true)
        nullCount = 0
        lastCustomer = -1
        for interner in interners { interner?.removeAll() }
    }
}
