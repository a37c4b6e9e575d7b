import DukkanFormat

/// Merges parts of a table into new ones, a row block of each at a time, in the order (customer, time, ingest).
///
/// Deleted rows stay behind. The output is cut at times: window i holds what comes before `borders[i]`, and not before
/// `borders[i - 1]`.
final class PartMerge {
    private let maker: any PartMaking
    private let table: Manifest.Table
    private let schema: TableSchema
    private let threads: Int
    private let cursors: [PartCursor]
    private let borders: [Int64]
    private let isThorough: Bool
    private let isInteger: Bool
    private let control: WorkControl?
    /// By window of the pass, then column.
    private let strings: [[MergedStrings?]]
    private let renamings: [StringRenaming?]
    private let readers: [BlockReader]
    private let windows: [MergeWindow]
    /// What is known of the batch in each of them, for loops that run over all rows.
    private let states: UnsafeMutablePointer<UnsafeMutablePointer<MergeWindow.State>>
    /// Windows that this pass writes.
    private let pass: Range<Int>
    /// Places of all cursors, and the cursors by customer, then place, as a binary heap.
    ///
    /// Behind pointers, since each access to a variable of a class is checked for exclusiveness.
    private let heads: UnsafeMutablePointer<UnsafeMutablePointer<MergeHead>>
    private let heap: UnsafeMutablePointer<Int>
    private let heapCount: UnsafeMutablePointer<Int>
    /// Rows of the batch.
    private let batchRowCount: UnsafeMutablePointer<Int>
    private let customerNumber: UnsafeMutablePointer<Int>
    /// Cursors that have the customer, ascending.
    private let active: UnsafeMutablePointer<Int>
    private var rowsDone = 0

    /// Rows gathered at a time at most.
    private static let batchRowCountMax = 1 << 17
    /// Rows of a block that a place of a row can name.
    private static let blockRowCountMax = 1 << RunBuffer.pieceShift

    /// `parts` stand in order of ingest.
    init(
        maker: any PartMaking, table: Manifest.Table, parts: [PartHandle], borders: [Int64], pass: Range<Int>,
        isThorough: Bool, threads: Int, control: WorkControl?
    ) throws {
        self.maker = maker
        self.table = table
        schema = table.schema
        self.threads = threads
        self.borders = borders
        self.pass = pass
        self.isThorough = isThorough
        self.control = control
        isInteger = schema.columns[schema.customerColumn].type == .int
        let schema = self.schema
        let cursors = try parts.map { try PartCursor(part: $0, schema: schema) }
        self.cursors = cursors
        let used = try UsedStrings(cursors: cursors, schema: schema, borders: borders, pass: pass, control: control)
        let strings = pass.indices.map { window in
            schema.columns.indices.map { column -> MergedStrings? in
                guard schema.columns[column].type == .string, column != schema.customerColumn else { return nil }
                return .decide(column: column, window: window - pass.lowerBound, cursors: cursors, used: used)
            }
        }
        self.strings = strings
        renamings = schema.columns.map {
            $0.type == .string ? StringRenaming(cursorCount: cursors.count) : nil
        }
        readers = schema.columns.map { _ in BlockReader() }
        windows = strings.map { columns in
            MergeWindow(schema: schema, pooled: columns.map { if case .pooled? = $0 { true } else { false } })
        }
        heads = .allocate(capacity: cursors.count)
        for (index, cursor) in cursors.enumerated() { (heads + index).initialize(to: cursor.head) }
        heap = .allocate(capacity: cursors.count)
        active = .allocate(capacity: cursors.count)
        heapCount = .allocate(capacity: 1)
        heapCount.initialize(to: 0)
        batchRowCount = .allocate(capacity: 1)
        batchRowCount.initialize(to: 0)
        customerNumber = .allocate(capacity: 1)
        customerNumber.initialize(to: 0)
        states = .allocate(capacity: windows.count)
        for (place, window) in windows.enumerated() { (states + place).initialize(to: window.state) }
    }

    deinit {
        heads.deallocate()
        heap.deallocate()
        active.deallocate()
        heapCount.deallocate()
        batchRowCount.deallocate()
        customerNumber.deallocate()
        states.deallocate()
    }

    /// Writes the parts of this pass; one entry for each window that has rows.
    func run() throws -> [Manifest.Part] {
        for index in cursors.indices where try cursors[index].nextBlock() { push(index) }
        while let first = pop() {
            customerNumber.pointee += 1
            if heapCount.pointee > 0 && compare(first, heap[0]) == 0 {
                try mergeCustomer(first)
            } else {
                try copyCustomer(first)
            }
            if batchRowCount.pointee >= PartMerge.batchRowCountMax { try flush() }
        }
        try flush()
        let order = orderRange()
        return try windows.compactMap { window in
            try window.draft.map { try maker.finishPart($0, order: order) }
        }
    }

    private func orderRange() -> ClosedRange<UInt64> {
        let entries = cursors.map(\.part.entry)
        return (entries.map(\.firstOrder).min() ?? 0)...(entries.map(\.lastOrder).max() ?? 0)
    }

    /// All rows of a customer whom no other part has.
    private func copyCustomer(_ index: Int) throws {
        let head = heads[index]
        repeat {
            emit(index, head.pointee.row, head.pointee.fragmentEnd)
            head.pointee.row = head.pointee.fragmentEnd
        } while try goesOn(index)
        if head.pointee.row < cursors[index].blockRowCount { push(index) }
    }

    /// The rows of a customer whom several parts have, in order of time; among equal times the older part first.
    private func mergeCustomer(_ first: Int) throws {
        let active = self.active, heads = self.heads
        active[0] = first
        var count = 1
        // Cursors of one customer leave the heap in ascending order.
        while heapCount.pointee > 0 && compare(first, heap[0]) == 0 {
            active[count] = heap[0]
            count += 1
            _ = pop()
        }
        while count > 0 {
            // The cursor with the earliest next row, and the one that follows it: the first goes on up to the second.
            var best = 0, second = -1
            for place in 1..<max(1, count) {
                let time = heads[active[place]].pointee.nextTime
                if time < heads[active[best]].pointee.nextTime {
                    second = best
                    best = place
                } else if second < 0 || time < heads[active[second]].pointee.nextTime {
                    second = place
                }
            }
            let index = active[best]
            let head = heads[index]
            var end = head.pointee.fragmentEnd
            if second >= 0 {
                // Of equal times the older part's rows come first.
                let bound = heads[active[second]].pointee.nextTime
                let times = head.pointee.times
                var row = head.pointee.row + 1
                if best < second {
                    while row < end && times[row] <= bound { row += 1 }
                } else {
                    while row < end && times[row] < bound { row += 1 }
                }
                end = row
            }
            emit(index, head.pointee.row, end)
            head.pointee.row = end
            if end == head.pointee.fragmentEnd, try !goesOn(index) {
                for place in best..<(count - 1) { active[place] = active[place + 1] }
                count -= 1
                if head.pointee.row < cursors[index].blockRowCount { push(index) }
            }
        }
    }

    /// After the last row of a customer's fragment: whether the next block goes on with it.
    ///
    /// Otherwise the cursor stands at the next customer, or at the end of its block if there is none.
    private func goesOn(_ index: Int) throws -> Bool {
        let cursor = cursors[index]
        if cursor.head.pointee.customer + 1 < cursor.customers.count {
            cursor.goTo(customer: cursor.head.pointee.customer + 1)
            return false
        }
        let continues = cursor.nextBlockContinues
        try control?.check()
        // The batch names rows of the block that goes now.
        try flush()
        rowsDone += cursor.blockRowCount
        control?.report(
            .init(rowsDone: rowsDone, rowsTotal: totalRowCount, bytesDone: readers.reduce(0) { $0 + $1.bytesRead }))
        guard try cursor.nextBlock() else { return false }
        return continues
    }

    private var liveRowCount: Int { cursors.reduce(0) { $0 + $1.part.liveRowCount } }

    private var totalRowCount: Int { cursors.reduce(0) { $0 + $1.part.entry.rowCount } }

    /// Appends rows of a cursor's customer to their windows, without the deleted ones.
    private func emit(_ index: Int, _ start: Int, _ end: Int) {
        let head = heads[index]
        guard head.pointee.hasDeletes, let deletes = cursors[index].part.deletes else {
            cutAndAppend(index, start, end)
            return
        }
        let firstRow = head.pointee.firstRow
        var from = start
        while from < end {
            if deletes.isDeleted(firstRow + from) {
                from += 1
                continue
            }
            var to = from + 1
            while to < end && !deletes.isDeleted(firstRow + to) { to += 1 }
            cutAndAppend(index, from, to)
            from = to
        }
    }

    private func cutAndAppend(_ index: Int, _ start: Int, _ end: Int) {
        if borders.isEmpty {
            append(index, start, end, window: 0)
            return
        }
        let times = heads[index].pointee.times
        var from = start
        while from < end {
            let window = TimeWindows.window(of: times[from], borders)
            var to = end
            if window < borders.count && times[to - 1] >= borders[window] {
                to = from + 1
                while times[to] < borders[window] { to += 1 }
            }
            append(index, from, to, window: window)
            from = to
        }
    }

    private func append(_ index: Int, _ from: Int, _ to: Int, window: Int) {
        guard pass.contains(window) else { return }
        let place = window - pass.lowerBound
        let state = states[place]
        state.pointee.append(base: UInt32(index) << UInt32(RunBuffer.pieceShift), from: from, to: to)
        let head = heads[index]
        if head.pointee.isNullCustomer {
            state.pointee.nullCount += to - from
        } else if state.pointee.count(to - from, of: customerNumber.pointee, key: head.pointee.key), !isInteger {
            windows[place].appendKey(of: cursors[index])
        }
        batchRowCount.pointee += to - from
    }

    // MARK: Batches

    /// Gathers the columns of the rows found so far and writes them.
    private func flush() throws {
        guard batchRowCount.pointee > 0 else { return }
        nonisolated(unsafe) let merge = self
        let values = batchRowCount.pointee * schema.columns.count
        let threads = Parallel.threads(self.threads, copying: values)
        try Parallel.runThrowing(schema.columns.count, threads: threads) { column in
            try merge.gather(column)
        }
        for (number, window) in windows.enumerated() where window.rowCount > 0 {
            if window.draft == nil {
                window.draft = try maker.beginPart(
                    table: table,
                    dictionaries: strings[number].map {
                        if case .part(let dictionary, _)? = $0 { dictionary } else { nil }
                    }, rowCount: windows.count == 1 ? liveRowCount : 0,
                    isQuick: liveRowCount < Writer.quickMergedRowCountMax, isThorough: isThorough, threads: threads)
            }
            try window.draft?.output.append(window.vectors)
            window.removeBatch()
        }
        batchRowCount.pointee = 0
    }

    /// One column of all windows.
    ///
    /// Called for different columns at once.
    private func gather(_ column: Int) throws {
        if column == schema.customerColumn {
            for window in windows where window.rowCount > 0 { window.fillCustomers(window.vectors[column]) }
            return
        }
        // Cursors at their end hold no block; no row names them.
        for cursor in cursors where cursor.block >= 0 { try cursor.decode(column, reader: readers[column]) }
        let pieces = cursors.map { $0.vectors[column] }
        for (number, window) in windows.enumerated() where window.rowCount > 0 {
            let rows = UnsafeBufferPointer(start: window.rows, count: window.rowCount)
            let vector = window.vectors[column]
            Gather.column(rows, pieces, into: vector)
            guard let strings = strings[number][column] else { continue }
            switch strings {
            case .part(let dictionary, let translations):
                PartMerge.translate(vector, rows, translations)
                vector.dictionary = dictionary
            case .pooled:
                guard let renaming = renamings[column], let interner = window.interners[column] else { continue }
                renaming.beginBatch(pieces)
                let codes = vector.codes
                let valid = ValidRows(vector)
                for i in 0..<vector.count {
                    codes[i] =
                        valid[i]
                        ? renaming.code(codes[i], cursor: Int(rows[i]) >> RunBuffer.pieceShift, interner) : 0
                }
                vector.dictionary = interner.dictionary()
            }
        }
    }

    private static func translate(
        _ vector: ColumnVector, _ rows: UnsafeBufferPointer<UInt32>, _ translations: [[UInt32]]
    ) {
        let codes = vector.codes
        let valid = ValidRows(vector)
        translations.withUnsafeBufferPointer { translations in
            for i in 0..<vector.count {
                if !valid[i] {
                    codes[i] = 0
                } else {
                    codes[i] = translations[Int(rows[i]) >> RunBuffer.pieceShift][Int(codes[i])]
                }
            }
        }
    }

    // MARK: Heap

    /// Three-way comparison of two cursors' customers.
    @inline(__always)
    private func compare(_ a: Int, _ b: Int) -> Int {
        let x = heads[a].pointee.key, y = heads[b].pointee.key
        if x != y { return x < y ? -1 : 1 }
        // Integers are equal then, unless one of the blocks is of rows without a customer.
        if isInteger && x != .max { return 0 }
        return cursors[a].compareEqualKeys(cursors[b])
    }

    @inline(__always)
    private func precedes(_ a: Int, _ b: Int) -> Bool {
        let order = compare(a, b)
        return order != 0 ? order < 0 : a < b
    }

    private func push(_ index: Int) {
        let heap = self.heap
        var child = heapCount.pointee
        heapCount.pointee = child + 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(index, heap[parent]) else { break }
            heap[child] = heap[parent]
            child = parent
        }
        heap[child] = index
    }

    private func pop() -> Int? {
        let heap = self.heap
        let count = heapCount.pointee - 1
        guard count >= 0 else { return nil }
        heapCount.pointee = count
        let top = heap[0], moved = heap[count]
        var parent = 0
        while true {
            var child = 2 * parent + 1
            guard child < count else { break }
            if child + 1 < count && precedes(heap[child + 1], heap[child]) { child += 1 }
            guard precedes(heap[child], moved) else { break }
            heap[parent] = heap[child]
            parent = child
        }
        heap[parent] = moved
        return top
    }
}
