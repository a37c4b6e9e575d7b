import DukkanFormat

/// The rows of a merge that go to one output part, a batch at a time.
final class MergeWindow {
    /// What changes with every run of rows.
    ///
    /// Behind a pointer, since each access to a variable of a class is checked for exclusiveness.
    struct State {
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

    let state: UnsafeMutablePointer<State>
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

    /// Appends the key of a cursor's customer, where customers are strings.
    func appendKey(of cursor: PartCursor) {
        cursor.customers.strings.withBytes(cursor.head.pointee.customer) { stringBytes.append(contentsOf: $0) }
        stringOffsets.append(UInt32(stringBytes.count))
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

extension MergeWindow.State {
    /// Appends rows of a block.
    ///
    /// - Parameter base: the place of the block's first row.
    mutating func append(base: UInt32, from: Int, to: Int) {
        let length = to - from
        if rowCount + length > capacity { growRows(rowCount + length) }
        let output = rows + rowCount
        for i in 0..<length { output[i] = base | UInt32(truncatingIfNeeded: from &+ i) }
        rowCount += length
    }

    /// Counts rows of a customer; true for the first of hers.
    ///
    /// - Parameter number: of the customer within the merge.
    mutating func count(_ length: Int, of number: Int, key: Int64) -> Bool {
        let isFirst = lastCustomer != number
        if isFirst {
            lastCustomer = number
            if customerCount == customerCapacity { growCustomers() }
            keys[customerCount] = key
            counts[customerCount] = 0
            customerCount += 1
        }
        counts[customerCount - 1] += length
        return isFirst
    }

    private mutating func growRows(_ minimum: Int) {
        rows = MergeWindow.State.grown(rows, rowCount, to: minimum * 2)
        capacity = minimum * 2
    }

    private mutating func growCustomers() {
        customerCapacity *= 2
        keys = MergeWindow.State.grown(keys, customerCount, to: customerCapacity)
        counts = MergeWindow.State.grown(counts, customerCount, to: customerCapacity)
    }

    private static func grown<Element: BitwiseCopyable>(
        _ held: UnsafeMutablePointer<Element>, _ count: Int, to capacity: Int
    ) -> UnsafeMutablePointer<Element> {
        let grown = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
        grown.update(from: held, count: count)
        held.deallocate()
        return grown
    }
}
