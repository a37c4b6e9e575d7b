import DukkanFormat

/// Puts together one table's rows of a customer range from its parts.
///
/// One whole block of one part without deleted rows, which is what a compacted table gives, passes through without a copy.
/// Everything else is merged by (customer, time, part): out of a part's block as it was decoded where the part has one block
/// in the range, or else out of a copy.
final class TableAssembly {
    private let request: TableRequest
    private let kinds: [PhysicalKind]
    private let sources: [CodeSource]
    private var cursors: [ScanCursor?]
    private let choice: (any RowChoice)?
    /// For each part the rows that the choice leaves.
    private var chosenRows: [ChosenRows?]
    /// Place of the time column among `kinds`, added behind the requested ones where parts must be merged.
    private let timeSlot: Int
    /// Whether the rows of a customer in several parts are merged by time.
    private let mergesByTime: Bool
    private let columnCount: Int

    let ownKeys: CustomerKeyList
    /// The customers' keys; none where the request ignores them and nothing had to be merged.
    private(set) var keys: CustomerKeyList
    private(set) var customerCount = 0
    /// First row of each customer, one more entry than customers.
    private(set) var starts: UnsafeMutablePointer<UInt32>
    private let ownStarts = StartList()
    private let directKeys: CustomerKeyList

    /// The block whose columns wait to be asked for; nil where the morsel's columns are there.
    private var deferred: ScanCursor?
    /// Where the next piece stands among the chosen blocks; nil where there are none.
    private var nextPiece: Int?
    /// Whether the rows are one of several pieces of a range.
    private(set) var isPiece = false
    var isLastPiece: Bool { nextPiece.map { $0 >= chosen.count } ?? true }
    /// Whether the first customer is the last one of the piece before.
    private(set) var continuesCustomer = false
    private lazy var selections = kinds.map { ColumnVector($0) }
    private let copied: [ColumnVector]
    private let merged: [ColumnVector]
    private let locals: [LocalDictionary?]
    /// Row blocks that other workers use too.
    private var shared = SharedBlocks.Table()
    /// Whether strings get their codes morsel by morsel, which only copies of them can.
    private let hasLocals: Bool
    private var runs: [PartRun] = []
    private var runCount = 0
    /// The row blocks of the range that may hold rows that matter, by part.
    private var chosen: [(part: Int, block: Int)] = []
    private let merge = RunMerge()
    /// Orders of merged rows that are kept; nil where none are.
    private let orders: MergedOrders?
    /// The one of the morsel loaded last.
    private var order: MergedOrder?
    /// Whether merged rows of a customer stand in the order of time.
    private let isByTime: Bool
    /// Whether the order of every morsel is known.
    private let isOrdered: Bool

    init(_ scan: MorselScan, request place: Int) {
        let request = scan.requests[place], sources = scan.codeSources[place]
        self.request = request
        orders = scan.orders[place]
        isOrdered = scan.isOrdered[place]
        let schema = request.table.schema
        var columns = request.columns
        columnCount = columns.count
        let slot = columns.firstIndex(of: schema.timeColumn)
        timeSlot = slot ?? columns.count
        choice = request.makeChoice?()
        chosenRows = request.table.parts.map { _ in nil }
        (mergesByTime, isByTime) = request.timeOrder()
        if mergesByTime && slot == nil { columns.append(schema.timeColumn) }
        kinds = columns.map { schema.columns[$0].type.physical }
        self.sources = sources + (columns.count > sources.count ? [.none] : [])
        cursors = request.table.parts.map { _ in nil }
        ownKeys = CustomerKeyList(isString: scan.isStringCustomer)
        directKeys = CustomerKeyList(isString: scan.isStringCustomer)
        keys = ownKeys
        starts = ownStarts.pointer
        copied = kinds.map { ColumnVector($0) }
        merged = kinds.map { ColumnVector($0) }
        locals = self.sources.map { if case .local = $0 { LocalDictionary() } else { nil } }
        hasLocals = locals.contains { $0 != nil }
    }

    /// Uses row blocks that are there for all workers.
    func share(_ blocks: SharedBlocks.Table) { shared = blocks }

    /// Reads a row block for all workers.
    func makeShared(part: Int, block: Int, _ reader: BlockReader) throws -> SharedBlock {
        let cursor = makeCursor(part)
        if isOrdered {
            try cursor.loadColumns(block, first: columnCount, reader)
            return SharedBlock(cursor: cursor, chosen: nil)
        }
        try cursor.loadCustomers(block, reader)
        guard let choice else {
            try cursor.loadColumns(block, reader)
            return SharedBlock(cursor: cursor, chosen: nil)
        }
        let rows = ChosenRows(choice, sources)
        _ = try rows.starts(cursor, block, reader)
        return SharedBlock(cursor: cursor, chosen: rows)
    }

    /// What has read a row block, or will.
    private func cursor(_ part: Int, _ block: Int) -> ScanCursor {
        if let known = shared.block(part: part, block: block) { return known.cursor }
        if let cursor = cursors[part] { return cursor }
        let made = makeCursor(part)
        cursors[part] = made
        return made
    }

    private func makeCursor(_ part: Int) -> ScanCursor {
        let handle = request.table.parts[part]
        let schema = request.table.schema
        var places = request.columns
        if kinds.count > columnCount { places.append(schema.timeColumn) }
        let columns = zip(places, sources).map { place, source in
            var column = ScanCursor.Column(partColumn: handle.column(forSchemaColumn: schema.columns[place].name))
            switch source {
            case .none: break
            case .shared(let dictionary, let perPart):
                column.dictionary = dictionary
                column.partDictionary = perPart[part]?.dictionary
                column.map = perPart[part]?.map
            case .local(let perPart):
                column.partDictionary = perPart[part]
            }
            return column
        }
        return ScanCursor(part: handle, columns: columns, kinds: kinds)
    }

    /// First rows of a block's customers, and the end: of the rows that a choice leaves, where there is one.
    private func rowStarts(
        _ place: (part: Int, block: Int), _ cursor: ScanCursor, _ reader: BlockReader
    ) throws -> UnsafeMutablePointer<UInt32> {
        guard let choice else { return cursor.customers.rowStarts }
        if let rows = shared.block(part: place.part, block: place.block)?.chosen {
            return try rows.starts(cursor, place.block, reader)
        }
        let rows = chosenRows[place.part] ?? ChosenRows(choice, sources)
        chosenRows[place.part] = rows
        return try rows.starts(cursor, place.block, reader)
    }

    /// One row block as it lies, without its customers; deleted rows are left out.
    func loadBlock(part: Int, block: Int, into rows: TableRows, _ reader: BlockReader) throws {
        forgetPieces()
        deferred = nil
        let cursor = cursor(part, block)
        let rowBlock = cursor.part.footer.rowBlocks[block]
        guard let deletes = cursor.part.deletes else {
            try begin(cursor, block, reader)
            rows.set(rowCount: rowBlock.rowCount, rowStarts: nil, columns: Array(cursor.vectors.prefix(columnCount)))
            return
        }
        try cursor.loadColumns(block, reader)
        let order = merge.liveRows(deletes, from: rowBlock.firstRow, count: rowBlock.rowCount)
        for (vector, source) in zip(merged, cursor.vectors) {
            vector.removeAll()
            vector.dictionary = source.dictionary
            vector.appendGather(source, order)
        }
        rows.set(rowCount: order.count, rowStarts: nil, columns: Array(merged.prefix(columnCount)))
    }

    /// Loads a block's columns, or lets them wait where the request says so.
    private func begin(_ cursor: ScanCursor, _ block: Int, _ reader: BlockReader) throws {
        if request.defersColumns {
            cursor.begin(block, reader)
            deferred = cursor
        } else {
            try cursor.loadColumns(block, reader)
        }
    }

    /// Decodes a column that waits.
    func require(_ column: Int, _ reader: BlockReader) throws {
        try deferred?.load(column, reader)
    }

    /// Decides a condition on a column that waits, if its form tells; false where its values must be looked at.
    func select(
        _ test: ValueTest, column: Int, into words: UnsafeMutablePointer<UInt64>, _ reader: BlockReader
    ) throws -> Bool {
        try deferred?.select(test, column, into: words, reader) ?? false
    }

    /// Decodes at least the rows of a column that waits whose values lie in a range; false where all are there.
    func requireRange(
        low: Int64, high: Int64, column: Int, into words: UnsafeMutablePointer<UInt64>, _ reader: BlockReader
    ) throws -> Bool {
        try deferred?.loadRange(low: low, high: high, column, into: words, reader) ?? false
    }

    /// The selected rows of a column, in a vector that is valid until the next call for that column.
    func selected(
        _ selected: SelectedRows, column: Int, of rows: TableRows, _ reader: BlockReader
    ) throws -> ColumnVector {
        let vector = selections[column]
        if let deferred {
            try deferred.load(column, selected, into: vector, reader)
        } else {
            vector.assign(selected, of: rows.columns[column])
        }
        return vector
    }

    /// All rows of the customers in a range.
    ///
    /// - Parameters:
    ///   - range: the customers.
    ///   - morsel: the number of the morsel that they are.
    ///   - rows: gets the rows.
    ///   - reader: reads row blocks.
    func load(_ range: CustomerRange, morsel: Int, into rows: TableRows, _ reader: BlockReader) throws {
        forgetPieces()
        deferred = nil
        order = orders?.order(ofMorsel: morsel, isByTime: isByTime)
        if let order { return try arrange(order, into: rows, reader) }
        choose(range)
        if try passThrough(range, into: rows, reader) { return }
        let copiedCount = choice == nil ? copiedRowCount() : 0
        for (vector, local) in zip(copied, locals) {
            vector.removeAll()
            vector.reserve(copiedCount)
            local?.removeAll()
        }
        runCount = 0
        var first = 0
        while first < chosen.count {
            let end = endOfPart(from: first)
            try gather(first..<end, range, reader)
            first = end
        }
        for (vector, local) in zip(copied, locals) {
            if let local { vector.dictionary = local.dictionary() }
        }
        finish(rows, morsel: morsel)
    }

    /// Puts rows together whose order is known.
    private func arrange(_ order: MergedOrder, into rows: TableRows, _ reader: BlockReader) throws {
        let copiedCount = order.sources.reduce(0) { count, source in
            source.isBlock ? count : count + source.places.reduce(0) { $0 + $1.rows.count }
        }
        for vector in copied.prefix(columnCount) {
            vector.removeAll()
            vector.reserve(copiedCount)
        }
        let columns = try order.sources.map { source in
            if source.isBlock, let place = source.places.first {
                let cursor = cursor(source.part, place.block)
                try cursor.loadColumns(place.block, first: columnCount, reader)
                return cursor.vectors
            }
            for place in source.places {
                let cursor = cursor(source.part, place.block)
                try cursor.loadColumns(place.block, first: columnCount, reader)
                for (vector, values) in zip(copied, cursor.vectors).prefix(columnCount) {
                    vector.dictionary = values.dictionary
                    vector.append(contentsOf: values, from: place.rows.lowerBound, count: place.rows.count)
                }
            }
            return copied
        }
        keys = order.keys
        customerCount = keys.count
        starts = order.starts
        deliver(order.rows, of: columns, firstRowBits: order.firstRowBits, into: rows)
    }

    private func choose(_ range: CustomerRange) {
        var chosen = self.chosen
        self.chosen = []
        chosen.removeAll(keepingCapacity: true)
        for (p, part) in request.table.parts.enumerated() {
            for b in part.footer.blocks(of: range) where request.isPruned?(p, b) != true { chosen.append((p, b)) }
        }
        self.chosen = chosen
    }

    /// Behind the chosen blocks of one part.
    private func endOfPart(from first: Int) -> Int {
        var end = first + 1
        while end < chosen.count && chosen[end].part == chosen[first].part { end += 1 }
        return end
    }

    /// Rows of the chosen blocks that are copied, so that the copies need not grow.
    private func copiedRowCount() -> Int {
        var count = 0, first = 0
        while first < chosen.count {
            let end = endOfPart(from: first)
            if hasLocals || end > first + 1 {
                let part = request.table.parts[chosen[first].part]
                for place in first..<end { count += part.footer.rowBlocks[chosen[place].block].rowCount }
            }
            first = end
        }
        return count
    }

    /// The copy-free case; false if it does not apply.
    private func passThrough(_ range: CustomerRange, into rows: TableRows, _ reader: BlockReader) throws -> Bool {
        guard let firstBlock = chosen.first, let lastBlock = chosen.last, chosen.count == 1 || request.takesPieces,
            firstBlock.part == lastBlock.part
        else { return false }
        let part = request.table.parts[firstBlock.part]
        guard part.deletes == nil || choice != nil && chosen.count == 1,
            let first = part.footer.rowBlocks[firstBlock.block].firstCustomer,
            let last = part.footer.rowBlocks[lastBlock.block].lastCustomer,
            !range.begins(after: first), !range.ends(before: last)
        else { return false }
        isPiece = chosen.count > 1
        nextPiece = isPiece ? 1 : nil
        try passThrough(firstBlock.part, firstBlock.block, into: rows, reader)
        return true
    }

    /// Hands out a row block as it was decoded.
    private func passThrough(_ part: Int, _ block: Int, into rows: TableRows, _ reader: BlockReader) throws {
        let cursor = cursor(part, block)
        let rowCount = cursor.part.footer.rowBlocks[block].rowCount
        // Pieces are joined by the key that they have in common.
        let needsKeys = !request.ignoresKeys || isPiece
        try cursor.loadCustomers(block, needsKeys: needsKeys, reader)
        let rowStarts = try rowStarts((part, block), cursor, reader)
        if choice == nil { try begin(cursor, block, reader) }
        directKeys.removeAll()
        if needsKeys { directKeys.append(cursor.customers, 0..<cursor.customers.count) }
        keys = directKeys
        customerCount = cursor.customers.count
        starts = rowStarts
        if choice != nil {
            rows.set(rowCount: Int(rowStarts[customerCount]), rowStarts: rowStarts, columns: [])
            return
        }
        rows.set(
            rowCount: rowCount, rowStarts: starts, firstRowBits: UnsafePointer(cursor.customers.startBits),
            columns: Array(cursor.vectors.prefix(columnCount)))
    }

    /// The next row block of a range that comes in pieces; false at its end.
    func loadNextPiece(into rows: TableRows, _ reader: BlockReader) throws -> Bool {
        guard let place = nextPiece, place < chosen.count else { return false }
        nextPiece = place + 1
        let (part, block) = chosen[place]
        let cursor = cursor(part, block)
        try cursor.loadCustomers(block, reader)
        continuesCustomer = cursor.customers.count > 0 && directKeys.lastEquals(cursor.customers, 0)
        try passThrough(part, block, into: rows, reader)
        return true
    }

    private func forgetPieces() {
        nextPiece = nil
        isPiece = false
        continuesCustomer = false
    }

    /// Describes a part's rows of the range as a run, of the block that has them all or of copied columns.
    private func gather(_ places: Range<Int>, _ range: CustomerRange, _ reader: BlockReader) throws {
        let (p, block) = chosen[places.lowerBound]
        if runs.count == runCount { runs.append(PartRun(isString: ownKeys.isString)) }
        let run = runs[runCount]
        if places.count == 1 && (choice != nil || !hasLocals) {
            let cursor = cursor(p, block)
            try cursor.loadCustomers(block, reader)
            let customers = cursor.customers(in: range)
            if customers.isEmpty { return }
            let starts = try rowStarts((p, block), cursor, reader)
            if choice == nil { try cursor.loadColumns(block, reader) }
            let rows = rows(of: customers, starts)
            run.begin(part: p, at: rows.lowerBound, of: choice == nil ? cursor.vectors : [], isBlock: choice == nil)
            run.note(block, rows)
            run.lend(cursor.customers, customers, starts: starts)
            extend(run, cursor, block, rows)
        } else if choice != nil {
            run.begin(part: p, at: 0, of: [], isBlock: false)
            for place in places { try count(chosen[place], range, in: run, reader) }
        } else {
            run.begin(part: p, at: copied.first?.count ?? runEnd, of: copied, isBlock: false)
            for place in places { try copy(chosen[place], range, to: run, reader) }
            runEnd = run.end
        }
        if run.customerCount > 0 { runCount += 1 }
    }

    /// Appends a block's customers of the range with the number of rows that the choice leaves each.
    private func count(
        _ place: (part: Int, block: Int), _ range: CustomerRange, in run: PartRun, _ reader: BlockReader
    ) throws {
        let cursor = cursor(place.part, place.block)
        try cursor.loadCustomers(place.block, reader)
        let customers = cursor.customers(in: range)
        if customers.isEmpty { return }
        let starts = try rowStarts(place, cursor, reader)
        let rows = rows(of: customers, starts)
        run.append(cursor.customers, customers, starts: starts, rows: rows.lowerBound)
        run.extendLive(rows.count)
    }

    /// Appends a block's rows of the range to the copied columns.
    private func copy(
        _ place: (part: Int, block: Int), _ range: CustomerRange, to run: PartRun, _ reader: BlockReader
    ) throws {
        let cursor = cursor(place.part, place.block)
        try cursor.loadCustomers(place.block, reader)
        let customers = cursor.customers(in: range)
        if customers.isEmpty { return }
        try cursor.loadColumns(place.block, reader)
        let starts = cursor.customers.rowStarts
        let rows = rows(of: customers, starts)
        for (c, vector) in copied.enumerated() {
            let source = cursor.vectors[c]
            if let local = locals[c] {
                local.append(source, from: rows.lowerBound, count: rows.count, to: vector)
            } else {
                vector.dictionary = source.dictionary
                vector.append(contentsOf: source, from: rows.lowerBound, count: rows.count)
            }
        }
        run.note(place.block, rows)
        run.append(cursor.customers, customers, starts: starts, rows: rows.lowerBound)
        extend(run, cursor, place.block, rows)
    }

    private func rows(of customers: Range<Int>, _ starts: UnsafePointer<UInt32>) -> Range<Int> {
        Int(starts[customers.lowerBound])..<Int(starts[customers.upperBound])
    }

    /// Makes a run longer by a block's rows and tells which of them are deleted; a choice leaves none of those.
    private func extend(_ run: PartRun, _ cursor: ScanCursor, _ block: Int, _ rows: Range<Int>) {
        if choice == nil, let deletes = cursor.part.deletes {
            let firstRow = cursor.part.footer.rowBlocks[block].firstRow + rows.lowerBound
            run.markDeleted(deletes, firstRow: firstRow, count: rows.count)
        } else {
            run.extendLive(rows.count)
        }
    }

    /// Row behind the last copied run, for scans that request no columns at all.
    private var runEnd = 0

    /// Makes the table's rows of the runs: as they are for one run, merged for several.
    private func finish(_ rows: TableRows, morsel: Int) {
        runEnd = 0
        let live = runs.prefix(runCount)
        if live.count == 1, !live[0].hasDeletes {
            finish(rows, only: live[0])
            if choice != nil { rows.set(rowCount: rows.rowCount, rowStarts: starts, columns: []) }
            return
        }
        let order = merge.merge(
            live, timeSlot: mergesByTime ? timeSlot : nil, countsOnly: choice != nil, keys: ownKeys, starts: ownStarts)
        keys = ownKeys
        customerCount = keys.count
        starts = ownStarts.pointer
        if choice != nil {
            rows.set(rowCount: order.count, rowStarts: starts, columns: [])
            return
        }
        orders?.keep(morsel) { room in
            MergedOrder(
                order, keys: keys, starts: starts,
                sources: live.map { .init(part: $0.part, places: $0.places, isBlock: $0.isBlock) },
                isByTime: isByTime, room: room)
        }
        deliver(order, of: live.map(\.columns), into: rows)
    }

    /// Makes the table's rows of those of several sources; of each the requested columns, and perhaps more.
    private func deliver(
        _ order: RunMerge.Rows, of columns: [[ColumnVector]], firstRowBits: UnsafePointer<UInt64>? = nil,
        into rows: TableRows
    ) {
        for (c, vector) in merged.prefix(columnCount).enumerated() {
            let sources = columns.map { $0[c] }
            vector.dictionary = (sources.first ?? copied[c]).dictionary
            vector.replace(with: sources, order.runs, length: order.count)
        }
        rows.set(
            rowCount: order.count, rowStarts: starts, firstRowBits: firstRowBits,
            columns: Array(merged.prefix(columnCount)))
    }

    private func finish(_ rows: TableRows, only run: PartRun) {
        var columns = copied
        let count = run.end - run.first
        if run.isBlock {
            columns = merged
            for (vector, source) in zip(merged, run.columns).prefix(columnCount) {
                vector.removeAll()
                vector.dictionary = source.dictionary
                vector.append(contentsOf: source, from: run.first, count: count)
            }
        }
        keys = run.keyList()
        customerCount = keys.count
        starts = run.startPointer()
        rows.set(rowCount: count, rowStarts: starts, columns: Array(columns.prefix(columnCount)))
    }
}
