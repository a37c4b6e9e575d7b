import DukkanFormat

/// The rows of a merge that go to one output part, a batch at a time.
final class MergeWindow {
    /// What changes with every run of rows.
    ///
    /// Behind a pointer, since each access to a variable of a class is checked for exclusiveness.
    private struct State {
        var rows: UnsafeMutablePointer<UInt32>
        var rowCount = 0
        var capacity: Int
        /// Keys of the batch's customers, in integer stores, and how many rows each has.
        var keys: UnsafeMutablePointer<Int64>
        var counts: UnsafeMutablePointer<Int>
        var customerCount = 0
        var customerCapacity: Int
        var nullCount = 0
        /// Number, within the merge, of the customer that the batch ends with.
        var lastCustomer = -1
    }

    private let state: UnsafeMutablePointer<State>
    private var stringOffsets: [UInt32] = [0]
    private var stringBytes: [UInt8] = []
    let vectors: [ColumnVector]
    /// Names of strings in columns without a part dictionary.
    let interners: [StringInterner?]
    var draft: PartDraft?

    init(schema: TableSchema, pooled: [Bool]) {
        state = .allocate(capacity: 1)
        state.initialize(
            to: State(
                rows: .allocate(capacity: MergeWindow.firstCapacity), capacity: MergeWindow.firstCapacity,
                keys: .allocate(capacity: MergeWindow.firstCapacity),
                counts: .allocate(capacity: MergeWindow.firstCapacity),
                customerCapacity: MergeWindow.firstCapacity))
        vectors = schema.columns.map { ColumnVector($0.type.physical) }
        interners = pooled.map { $0 ? StringInterner() : nil }
    }

    deinit {
        state.pointee.rows.deallocate()
        state.pointee.keys.deallocate()
        state.pointee.counts.deallocate()
        state.deallocate()
    }

    private static let firstCapacity = 1 << 14

    /// Where each row of the batch is: number of the cursor in the high half, row of its block in the low half.
    var rows: UnsafePointer<UInt32> { UnsafePointer(state.pointee.rows) }
    var rowCount: Int { state.pointee.rowCount }

    /// Appends rows of the cursor's block, all of the cursor's customer, the merge's customer number `number`.
    func append(_ cursor: PartCursor, base: UInt32, from: Int, to: Int, customer number: Int, isInteger: Bool) {
        let state = self.state
        let length = to - from
        let rowCount = state.pointee.rowCount
        if rowCount + length > state.pointee.capacity { growRows(rowCount + length) }
        let output = state.pointee.rows + rowCount
        for i in 0..<length { output[i] = base | UInt32(truncatingIfNeeded: from &+ i) }
        state.pointee.rowCount = rowCount + length
        if cursor.head.pointee.isNullCustomer {
            state.pointee.nullCount += length
            return
        }
        if state.pointee.lastCustomer != number {
            state.pointee.lastCustomer = number
            if state.pointee.customerCount == state.pointee.customerCapacity { growCustomers() }
            let place = state.pointee.customerCount
            state.pointee.keys[place] = cursor.head.pointee.key
            state.pointee.counts[place] = 0
            state.pointee.customerCount = place + 1
            if !isInteger {
                cursor.customers.strings.withBytes(cursor.head.pointee.customer) {
                    stringBytes.append(contentsOf: $0)
                }
                stringOffsets.append(UInt32(stringBytes.count))
            }
        }
        state.pointee.counts[state.pointee.customerCount - 1] += length
    }

    private func growRows(_ minimum: Int) {
        let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: minimum * 2)
        grown.update(from: state.pointee.rows, count: state.pointee.rowCount)
        state.pointee.rows.deallocate()
        state.pointee.rows = grown
        state.pointee.capacity = minimum * 2
    }

    private func growCustomers() {
        let count = state.pointee.customerCount
        let keys = UnsafeMutablePointer<Int64>.allocate(capacity: count * 2)
        keys.update(from: state.pointee.keys, count: count)
        state.pointee.keys.deallocate()
        state.pointee.keys = keys
        let counts = UnsafeMutablePointer<Int>.allocate(capacity: count * 2)
        counts.update(from: state.pointee.counts, count: count)
        state.pointee.counts.deallocate()
        state.pointee.counts = counts
        state.pointee.customerCapacity = count * 2
    }

    /// Fills the vector of the customer column.
    func fillCustomers(_ vector: ColumnVector) {
        vector.removeAll()
        vector.reserve(rowCount)
        let held = state.pointee
        var at = 0
        if vector.kind == .integers {
            let output = vector.integers
            for place in 0..<held.customerCount {
                (output + at).update(repeating: held.keys[place], count: held.counts[place])
                at += held.counts[place]
            }
        } else {
            let output = vector.codes
            for place in 0..<held.customerCount {
                (output + at).update(repeating: UInt32(place), count: held.counts[place])
                at += held.counts[place]
            }
            vector.dictionary = StringDictionary(offsets: stringOffsets, bytes: stringBytes, isSorted: true)
        }
        vector.count = at
        for _ in 0..<held.nullCount { vector.appendNull() }
    }

    /// Begins the next batch.
    func removeBatch() {
        state.pointee.rowCount = 0
        state.pointee.customerCount = 0
        state.pointee.nullCount = 0
        state.pointee.lastCustomer = -1
        stringOffsets.removeAll(keepingCapacity: true)
        stringOffsets.append(0)
        stringBytes.removeAll(keepingCapacity: true)
        for interner in interners { interner?.removeAll() }
    }
}
