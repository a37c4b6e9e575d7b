import DukkanFormat

/// Merges parts of a table into new ones, a row block of each at a time, in the order (customer, time, ingest).
///
/// Deleted rows stay behind. The output is cut at times: window i holds what comes before `borders[i]`, and not before
/// `borders[i - 1]`.
final class PartMerge {
    private let writer: Writer
    private let tableIndex: Int
    private let schema: TableSchema
    private let cursors: [PartCursor]
    private let borders: [Int64]
    private let isThorough: Bool
    private let isInteger: Bool
    private let control: WorkControl?
    private let strings: [MergedStrings?]
    private let renamings: [StringRenaming?]
    private let readers: [BlockReader]
    private var windows: [MergeWindow]
    /// Windows that this pass writes.
    private let pass: Range<Int>
    /// Cursors by customer, then place: a binary heap.
    private var heap: [Int] = []
    private var customerNumber = 0
    private var batchRowCount = 0
    private var rowsDone = 0

    /// Rows gathered at a time at most.
    private static let batchRowCountMax = 1 << 17
    /// Rows of a block that a place of a row can name.
    private static let blockRowCountMax = 1 << RunBuffer.pieceShift

    /// `parts` stand in order of ingest.
    init(
        writer: Writer, table index: Int, parts: [PartHandle], borders: [Int64], pass: Range<Int>, isThorough: Bool,
        control: WorkControl?
    ) throws {
        self.writer = writer
        tableIndex = index
        schema = writer.working.tables[index].schema
        self.borders = borders
        self.pass = pass
        self.isThorough = isThorough
        self.control = control
        isInteger = schema.columns[schema.customerColumn].type == .int
        let schema = self.schema
        let cursors = try parts.map { try PartCursor(part: $0, schema: schema) }
        self.cursors = cursors
        let rowCount = parts.reduce(0) { $0 + $1.liveRowCount }
        let reader = BlockReader()
        let strings = try schema.columns.indices.map { column -> MergedStrings? in
            guard schema.columns[column].type == .string, column != schema.customerColumn else { return nil }
            return try MergedStrings.decide(column: column, cursors: cursors, rowCount: rowCount, reader: reader)
        }
        self.strings = strings
        let pooled = strings.map { if case .pooled? = $0 { true } else { false } }
        renamings = pooled.map { $0 ? StringRenaming(cursorCount: cursors.count) : nil }
        readers = schema.columns.map { _ in BlockReader() }
        windows = pass.map { _ in MergeWindow(schema: schema, pooled: pooled) }
    }

    /// Writes the parts of this pass; one entry for each window that has rows.
    func run() throws -> [Manifest.Part] {
        for index in cursors.indices where try cursors[index].nextBlock() { push(index) }
        while let first = pop() {
            customerNumber += 1
            if let next = heap.first, !cursors[first].customerPrecedes(cursors[next], isInteger: isInteger) {
                try mergeCustomer(first)
            } else {
                try copyCustomer(first)
            }
            if batchRowCount >= PartMerge.batchRowCountMax { try flush() }
        }
        try flush()
        let order = orderRange()
        return try windows.compactMap { window in
            try window.draft.map { try writer.finishPart($0, order: order) }
        }
    }

    private func orderRange() -> ClosedRange<UInt64> {
        let entries = cursors.map(\.part.entry)
        return (entries.map(\.firstOrder).min() ?? 0)...(entries.map(\.lastOrder).max() ?? 0)
    }

    /// All rows of a customer whom no other part has.
    private func copyCustomer(_ index: Int) throws {
        let cursor = cursors[index]
        repeat {
            emit(index, cursor.row..<cursor.fragmentEnd)
            cursor.row = cursor.fragmentEnd
        } while try goesOn(index)
        if cursor.row < cursor.blockRowCount { push(index) }
    }

    /// The rows of a customer whom several parts have, in order of time; among equal times the older part first.
    private func mergeCustomer(_ first: Int) throws {
        var active = [first]
        while let next = heap.first, !cursors[first].customerPrecedes(cursors[next], isInteger: isInteger) {
            _ = pop()
            active.append(next)
        }
        active.sort()
        while !active.isEmpty {
            // The part with the earliest next row, and the bound up to which it may go on.
            var best = 0
            for place in active.indices.dropFirst() {
                if nextTime(active[place]) < nextTime(active[best]) { best = place }
            }
            let index = active[best]
            let cursor = cursors[index]
            var end = cursor.fragmentEnd
            for place in active.indices where place != best {
                // An older part's rows of one time come first, a newer part's after.
                let bound = nextTime(active[place])
                end = PartMerge.end(cursor, upTo: end, bound: bound, includingBound: best < place)
            }
            emit(index, cursor.row..<end)
            cursor.row = end
            if cursor.row == cursor.fragmentEnd, try !goesOn(index) {
                active.remove(at: best)
                if cursor.row < cursor.blockRowCount { push(index) }
            }
        }
    }

    private func nextTime(_ index: Int) -> Int64 { cursors[index].times[cursors[index].row] }

    /// First row, at most `end`, whose time is past the bound.
    private static func end(_ cursor: PartCursor, upTo end: Int, bound: Int64, includingBound: Bool) -> Int {
        let times = cursor.times
        var row = cursor.row
        while row < end && (times[row] < bound || (includingBound && times[row] == bound)) { row += 1 }
        return row
    }

    /// After the last row of a customer's fragment: whether the next block goes on with it.
    ///
    /// Otherwise the cursor stands at the next customer, or at the end of its block if there is none.
    private func goesOn(_ index: Int) throws -> Bool {
        let cursor = cursors[index]
        if cursor.customer + 1 < cursor.customers.count {
            cursor.customer += 1
            cursor.fragmentEnd = Int(cursor.customers.rowStarts[cursor.customer + 1])
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

    private var totalRowCount: Int { cursors.reduce(0) { $0 + $1.part.entry.rowCount } }

    /// Appends rows of a cursor's customer to their windows, without the deleted ones.
    private func emit(_ index: Int, _ range: Range<Int>) {
        let cursor = cursors[index]
        guard cursor.hasDeletes, let deletes = cursor.part.deletes else {
            cutAndAppend(index, range)
            return
        }
        var from = range.lowerBound
        while from < range.upperBound {
            if deletes.isDeleted(cursor.firstRow + from) {
                from += 1
                continue
            }
            var to = from + 1
            while to < range.upperBound && !deletes.isDeleted(cursor.firstRow + to) { to += 1 }
            cutAndAppend(index, from..<to)
            from = to
        }
    }

    private func cutAndAppend(_ index: Int, _ range: Range<Int>) {
        let cursor = cursors[index]
        if borders.isEmpty {
            append(index, range, window: 0)
            return
        }
        let times = cursor.times
        var from = range.lowerBound
        while from < range.upperBound {
            let window = TimeWindows.window(of: times[from], borders)
            var to = range.upperBound
            if window < borders.count && times[to - 1] >= borders[window] {
                to = from + 1
                while times[to] < borders[window] { to += 1 }
            }
            append(index, from..<to, window: window)
            from = to
        }
    }

    private func append(_ index: Int, _ range: Range<Int>, window: Int) {
        guard pass.contains(window) else { return }
        windows[window - pass.lowerBound].append(
            cursors[index], index: index, range, customer: customerNumber, isInteger: isInteger)
        batchRowCount += range.count
    }

    // MARK: Batches

    /// Gathers the columns of the rows found so far and writes them.
    private func flush() throws {
        guard batchRowCount > 0 else { return }
        nonisolated(unsafe) let merge = self
        try Parallel.runThrowing(schema.columns.count, threads: writer.options.threads) { column in
            try merge.gather(column)
        }
        for window in windows where window.rowCount > 0 {
            if window.draft == nil {
                window.draft = try writer.beginPart(
                    table: tableIndex,
                    dictionaries: strings.map {
                        if case .part(let dictionary, _)? = $0 { dictionary } else { nil }
                    }, isThorough: isThorough)
            }
            try window.draft?.output.append(window.vectors)
            window.removeBatch()
        }
        batchRowCount = 0
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
        for window in windows where window.rowCount > 0 {
            let rows = UnsafeBufferPointer(start: UnsafePointer(window.rows), count: window.rowCount)
            let vector = window.vectors[column]
            Gather.column(rows, pieces, into: vector)
            guard let strings = strings[column] else { continue }
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

    private func precedes(_ a: Int, _ b: Int) -> Bool {
        if cursors[a].customerPrecedes(cursors[b], isInteger: isInteger) { return true }
        if cursors[b].customerPrecedes(cursors[a], isInteger: isInteger) { return false }
        return a < b
    }

    private func push(_ index: Int) {
        heap.append(index)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard precedes(heap[child], heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private func pop() -> Int? {
        guard let top = heap.first else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty { return top }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if precedes(heap[child], heap[least]) { least = child }
            }
            if least == parent { return top }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
