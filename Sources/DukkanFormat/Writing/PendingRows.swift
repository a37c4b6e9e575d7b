/// The rows that wait until their stripe is full, and the customers that they belong to.
struct PendingRows {
    let columns: [ColumnDefinition]
    let customerColumn: Int
    let timeColumn: Int
    /// Whether a column's codes are those of a part dictionary.
    let hasPartDictionary: [Bool]
    let dictionaryCounts: [Int]
    /// One for each column; that of the customers stays empty.
    var vectors: [ColumnVector]
    /// One for each column of strings without a part dictionary.
    var pools: [StringPool?]
    var planner = RowBlockPlanner()
    /// Keys of the planner's runs.
    var integerKeys: [Int64] = []
    var stringKeys: [String] = []
    private var lastTime = Int64.min
    private(set) var rowCount = 0

    init(columns: [ColumnDefinition], dictionaries: [StringDictionary?]) {
        self.columns = columns
        customerColumn = columns.firstIndex { $0.role == .customer } ?? 0
        timeColumn = columns.firstIndex { $0.role == .time } ?? 0
        hasPartDictionary = dictionaries.map { $0 != nil }
        dictionaryCounts = dictionaries.map { $0?.count ?? 0 }
        vectors = columns.map { ColumnVector($0.type.physical) }
        pools = zip(columns, dictionaries).map { column, dictionary in
            column.type == .string && column.role != .customer && dictionary == nil ? StringPool() : nil
        }
    }

    /// Makes room for rows, so that none is moved when more come.
    func reserve(_ rowCount: Int) {
        for column in columns.indices where column != customerColumn { vectors[column].reserve(rowCount) }
    }

    /// Values that a thread should copy at least: waking it costs as much.
    private static let copiesPerThreadMin = 1 << 17

    /// Appends rows `range` of a call, with several threads where they are many.
    ///
    /// Throws `invalidArgument` where they are not in order.
    mutating func append(_ rows: [ColumnVector], _ range: Range<Int>, workers: Int = 1) throws(DukkanError) {
        try appendCustomers(rows[customerColumn], rows[timeColumn], range)
        let copied = columns.indices.filter { $0 != customerColumn }
        let vectors = vectors, pools = pools, counts = dictionaryCounts
        let hasUnknownCode = StripeEncoder.Results<Bool>(count: copied.count, empty: false)
        StripeEncoder.forEach(
            copied.count, workers: min(workers, 1 + range.count * copied.count / PendingRows.copiesPerThreadMin)
        ) { index in
            let column = copied[index], source = rows[copied[index]]
            vectors[column].append(contentsOf: source, from: range.lowerBound, count: range.count)
            if pools[column] == nil && source.kind == .codes {
                hasUnknownCode[index] = PendingRows.hasCode(from: UInt32(counts[column]), source, range)
            }
        }
        for (index, column) in copied.enumerated() {
            if pools[column] != nil { try rename(column, rows[column], range) }
            if hasUnknownCode[index] {
                throw DukkanError(.invalidArgument, "column \(columns[column].name): a code without a string")
            }
        }
        rowCount += range.count
    }

    /// Whether a row that holds a value has a code of `limit` or more.
    private static func hasCode(from limit: UInt32, _ source: ColumnVector, _ range: Range<Int>) -> Bool {
        let codes = source.codes
        var greatest: UInt32 = 0
        for row in range { greatest = max(greatest, codes[row]) }
        return greatest >= limit && range.contains { codes[$0] >= limit && source.isValid($0) }
    }

    private mutating func rename(
        _ column: Int, _ source: ColumnVector, _ range: Range<Int>
    ) throws(DukkanError) {
        guard let dictionary = source.dictionary else {
            throw DukkanError(.invalidArgument, "column \(columns[column].name): codes without a dictionary")
        }
        let codes = vectors[column].codes + rowCount
        for row in range where source.isValid(row) {
            guard source.codes[row] < dictionary.count else {
                throw DukkanError(.invalidArgument, "column \(columns[column].name): a code without a string")
            }
            codes[row - range.lowerBound] = try pools[column]!.code(of: source.codes[row], in: dictionary)
        }
    }

    private mutating func appendCustomers(
        _ customers: ColumnVector, _ times: ColumnVector, _ range: Range<Int>
    ) throws(DukkanError) {
        if times.hasNulls {
            for row in range where !times.isValid(row) { throw DukkanError(.invalidArgument, "a row without a time") }
        }
        let time = times.integers
        if customers.kind == .integers && !customers.hasNulls && !planner.endsWithNullRun && !integerKeys.isEmpty {
            return try appendIntegerCustomers(customers.integers, time, range)
        }
        for row in range {
            let isNewRun = try startsRun(customers, row, range.lowerBound)
            if isNewRun {
                planner.runStarts.append(rowCount + row - range.lowerBound)
            } else if time[row] < lastTime {
                throw DukkanError(.invalidArgument, "rows of a part are not in order of time")
            }
            lastTime = time[row]
        }
    }

    /// The same for rows that all have a customer, behind others that do.
    private mutating func appendIntegerCustomers(
        _ customers: UnsafePointer<Int64>, _ times: UnsafePointer<Int64>, _ range: Range<Int>
    ) throws(DukkanError) {
        var key = integerKeys[integerKeys.count - 1], last = lastTime
        for row in range {
            if customers[row] != key {
                if customers[row] < key { throw outOfOrder() }
                key = customers[row]
                integerKeys.append(key)
                planner.runStarts.append(rowCount + row - range.lowerBound)
            } else if times[row] < last {
                throw DukkanError(.invalidArgument, "rows of a part are not in order of time")
            }
            last = times[row]
        }
        lastTime = last
    }

    /// Whether a row has another customer than the row before; then the customer's key is noted.
    @inline(__always)
    private mutating func startsRun(
        _ customers: ColumnVector, _ row: Int, _ firstRow: Int
    ) throws(DukkanError) -> Bool {
        guard customers.isValid(row) else {
            defer { planner.endsWithNullRun = true }
            return !planner.endsWithNullRun
        }
        if planner.endsWithNullRun { throw outOfOrder() }
        if customers.kind == .integers {
            let key = customers.integers[row]
            if let last = integerKeys.last {
                if key == last { return false }
                if key < last { throw outOfOrder() }
            }
            integerKeys.append(key)
            return true
        }
        if row > firstRow && customers.codes[row] == customers.codes[row - 1] { return false }
        return try startsStringRun(customers, row)
    }

    private mutating func startsStringRun(_ customers: ColumnVector, _ row: Int) throws(DukkanError) -> Bool {
        guard let dictionary = customers.dictionary, customers.codes[row] < dictionary.count else {
            throw DukkanError(.invalidArgument, "a customer's code without a string")
        }
        let key = dictionary.string(Int(customers.codes[row]))
        guard key.utf8.count <= PartLimits.stringByteCountMax else {
            throw DukkanError(.limit, "a customer key of \(key.utf8.count) bytes")
        }
        if let last = stringKeys.last {
            if key.utf8.elementsEqual(last.utf8) { return false }
            if !last.utf8.lexicographicallyPrecedes(key.utf8) { throw outOfOrder() }
        }
        stringKeys.append(key)
        return true
    }

    private func outOfOrder() -> DukkanError {
        DukkanError(.invalidArgument, "rows of a part are not in order of customer")
    }

    /// Key of a run; nil for the rows without a customer.
    func key(ofRun run: Int) -> CustomerKey? {
        if planner.endsWithNullRun && run == planner.runStarts.count - 1 { return nil }
        return columns[customerColumn].type == .int ? .integer(integerKeys[run]) : .string(stringKeys[run])
    }

    func keys(of block: RowBlockPlan) -> CustomerKeys {
        if block.isNullCustomer { return .none }
        let runs = block.firstRun..<block.firstRun + block.runCount
        if columns[customerColumn].type == .int { return .integers(Array(integerKeys[runs])) }
        return .strings(StringDictionary(Array(stringKeys[runs])))
    }

    /// First rows of a block's customers, from the block's first row, and its number of rows.
    func starts(of block: RowBlockPlan) -> [UInt32] {
        var starts = (0..<block.runCount).map {
            UInt32(max(0, planner.runStarts[block.firstRun + $0] - block.firstRow))
        }
        starts.append(UInt32(block.rowCount))
        return starts
    }

    /// Bytes of the strings that wait.
    var stringByteCount: Int { pools.reduce(0) { $0 + ($1?.bytes.count ?? 0) } }

    /// Cuts what can be cut into row blocks.
    mutating func cut(isFinal: Bool) {
        let bytesPerRow = stringByteCount / max(rowCount, 1)
        planner.rowCountTarget = max(
            1, min(PartLimits.rowBlockTarget, PartLimits.rowBlockStringByteTarget / max(bytesPerRow, 1)))
        planner.cut(rowCount: rowCount, isFinal: isFinal)
    }

    /// Drops the rows of the blocks that were cut.
    mutating func removeBlocks() {
        let removed = planner.removeBlocks()
        let kept = rowCount - removed.rows
        // The last key stays known, so that order is checked across stripes.
        let runs = min(removed.runs, columns[customerColumn].type == .int ? integerKeys.count : stringKeys.count)
        if columns[customerColumn].type == .int {
            integerKeys.removeFirst(runs)
        } else {
            stringKeys.removeFirst(runs)
        }
        for column in columns.indices where column != customerColumn {
            // The memory stays: what the next stripe would allocate costs a page fault for every 512 values.
            vectors[column].removeFirst(removed.rows)
            if pools[column] != nil { pools[column]!.keep(vectors[column].codes, kept) }
        }
        rowCount = kept
    }
}
