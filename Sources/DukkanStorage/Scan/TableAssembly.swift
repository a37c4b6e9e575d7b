import DukkanFormat

/// Puts together one table's rows of a customer range from its parts.
///
/// One whole block of one part without deleted rows, which is what a compacted table gives, passes through without a copy.
/// Everything else is copied part by part, then merged by (customer, time, part) through a gather.
final class TableAssembly {
    private let request: TableRequest
    private let kinds: [PhysicalKind]
    private let sources: [CodeSource]
    private var cursors: [ScanCursor?]
    /// Place of the time column among `kinds`, added behind the requested ones where parts must be merged.
    private let timeSlot: Int
    private let columnCount: Int

    let ownKeys: CustomerKeyList
    private(set) var keys: CustomerKeyList
    /// First row of each customer in `keys`, one more entry than customers.
    private(set) var starts: UnsafeMutablePointer<UInt32>
    private let ownStarts = StartList()
    private let directKeys: CustomerKeyList

    /// The block whose columns wait to be asked for; nil where the morsel's columns are there.
    private var deferred: ScanCursor?
    private lazy var selections = kinds.map { ColumnVector($0) }
    private let copied: [ColumnVector]
    private let merged: [ColumnVector]
    private let locals: [LocalDictionary?]
    private var runs: [PartRun] = []
    private var runCount = 0
    private let merge = RunMerge()

    init(request: TableRequest, sources: [CodeSource], isStringCustomer: Bool) {
        self.request = request
        let schema = request.table.schema
        var columns = request.columns
        columnCount = columns.count
        if let slot = columns.firstIndex(of: schema.timeColumn) {
            timeSlot = slot
        } else {
            timeSlot = columns.count
            if request.table.parts.count > 1 { columns.append(schema.timeColumn) }
        }
        kinds = columns.map { schema.columns[$0].type.physical }
        self.sources = sources + (columns.count > sources.count ? [.none] : [])
        cursors = request.table.parts.map { _ in nil }
        ownKeys = CustomerKeyList(isString: isStringCustomer)
        directKeys = CustomerKeyList(isString: isStringCustomer)
        keys = ownKeys
        starts = ownStarts.pointer
        copied = kinds.map { ColumnVector($0) }
        merged = kinds.map { ColumnVector($0) }
        locals = self.sources.map { if case .local = $0 { LocalDictionary() } else { nil } }
    }

    private func cursor(_ part: Int) -> ScanCursor {
        if let cursor = cursors[part] { return cursor }
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
        let made = ScanCursor(part: handle, columns: columns, kinds: kinds)
        cursors[part] = made
        return made
    }

    /// One row block as it lies, without its customers; deleted rows are left out.
    func loadBlock(part: Int, block: Int, into rows: TableRows, _ reader: BlockReader) throws {
        deferred = nil
        let cursor = cursor(part)
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
    func load(_ range: CustomerRange, into rows: TableRows, _ reader: BlockReader) throws {
        deferred = nil
        if try passThrough(range, into: rows, reader) { return }
        for (vector, local) in zip(copied, locals) {
            vector.removeAll()
            local?.removeAll()
        }
        runCount = 0
        for (p, part) in request.table.parts.enumerated() {
            let blocks = part.footer.blocks(of: range)
            if !blocks.isEmpty { try copy(p, blocks, range, reader) }
        }
        for (vector, local) in zip(copied, locals) {
            if let local { vector.dictionary = local.dictionary() }
        }
        finish(rows)
    }

    /// The copy-free case; false if it does not apply.
    private func passThrough(_ range: CustomerRange, into rows: TableRows, _ reader: BlockReader) throws -> Bool {
        var only: (part: Int, block: Int)?
        for (p, part) in request.table.parts.enumerated() {
            for b in part.footer.blocks(of: range) where request.isPruned?(p, b) != true {
                if only != nil { return false }
                only = (p, b)
            }
        }
        guard let only else { return false }
        let footer = request.table.parts[only.part].footer
        let rowBlock = footer.rowBlocks[only.block]
        guard request.table.parts[only.part].deletes == nil,
            let first = rowBlock.firstCustomer, let last = rowBlock.lastCustomer,
            !range.begins(after: first), !range.ends(before: last)
        else { return false }
        let cursor = cursor(only.part)
        try cursor.loadCustomers(only.block, reader)
        try begin(cursor, only.block, reader)
        directKeys.removeAll()
        directKeys.append(cursor.customers, 0..<cursor.customers.count)
        keys = directKeys
        starts = cursor.customers.rowStarts
        rows.set(
            rowCount: rowBlock.rowCount, rowStarts: starts, columns: Array(cursor.vectors.prefix(columnCount)))
        return true
    }

    /// Appends a part's rows of the range to the copied columns and describes them as a run.
    private func copy(_ p: Int, _ blocks: Range<Int>, _ range: CustomerRange, _ reader: BlockReader) throws {
        if runs.count == runCount { runs.append(PartRun(isString: ownKeys.isString)) }
        let run = runs[runCount]
        run.begin(at: copied.first?.count ?? runEnd)
        let cursor = cursor(p)
        for b in blocks where request.isPruned?(p, b) != true {
            try cursor.loadCustomers(b, reader)
            let chosen = cursor.customers(in: range)
            if chosen.isEmpty { continue }
            try cursor.loadColumns(b, reader)
            let from = Int(cursor.customers.rowStarts[chosen.lowerBound])
            let length = Int(cursor.customers.rowStarts[chosen.upperBound]) - from
            for (c, vector) in copied.enumerated() {
                let source = cursor.vectors[c]
                if let local = locals[c] {
                    local.append(source, from: from, count: length, to: vector)
                } else {
                    vector.dictionary = source.dictionary
                    vector.append(contentsOf: source, from: from, count: length)
                }
            }
            run.append(cursor.customers, chosen, rows: from)
            if let deletes = cursor.part.deletes {
                let firstRow = cursor.part.footer.rowBlocks[b].firstRow + from
                run.markDeleted(deletes, firstRow: firstRow, count: length)
            } else {
                run.extendLive(length)
            }
        }
        runEnd = run.end
        if run.keys.count > 0 { runCount += 1 }
    }

    /// Row behind the last run, for scans that request no columns at all.
    private var runEnd = 0

    /// Makes the table's rows of the copied runs: as they are for one run, merged for several.
    private func finish(_ rows: TableRows) {
        runEnd = 0
        let live = runs.prefix(runCount)
        if live.count == 1, !live[0].hasDeletes {
            keys = live[0].keys
            starts = live[0].startPointer()
            rows.set(
                rowCount: live[0].end, rowStarts: starts, columns: Array(copied.prefix(columnCount)))
            return
        }
        let times = runCount > 1 ? UnsafePointer(copied[timeSlot].integers) : nil
        let order = merge.merge(live, times: times, keys: ownKeys, starts: ownStarts)
        keys = ownKeys
        starts = ownStarts.pointer
        // The time column that was added for the merge is of no more use.
        for (vector, source) in zip(merged, copied).prefix(columnCount) {
            vector.dictionary = source.dictionary
            vector.replace(with: source, order.runs, length: order.count)
        }
        rows.set(rowCount: order.count, rowStarts: starts, columns: Array(merged.prefix(columnCount)))
    }
}
