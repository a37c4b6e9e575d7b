import DukkanFormat

/// Rows on their way into parts.
extension Writer {
    /// Bytes of rows that may wait: half of the budget, less where the rows are so wide that writing them takes more
    /// than a quarter.
    ///
    /// The rest is for the source of the rows.
    private var runByteCountMax: Int {
        let budget = options.memoryBudgetBytes
        let writing = runs.values.reduce(0) { max($0, $1.writingByteCount) }
        return max(budget / 8, min(budget / 2, budget / 4 * 3 - writing))
    }
    /// Rows copied between two looks at the budget.
    private static let stepRowCount = 1 << 14

    func append(table name: String, _ batch: RowBatch) throws {
        try checkUsable()
        let index = try tableIndex(name)
        let table = working.tables[index]
        try Writer.check(batch, table.schema)
        var done = 0
        while done < batch.rowCount {
            let run = runs[table.number] ?? RunBuffer(schema: table.schema)
            runs[table.number] = run
            let length = min(
                Writer.stepRowCount, batch.rowCount - done, max(1, options.runRowCountMax - run.rowCount))
            run.append(batch, from: done, count: length)
            done += length
            if run.isFull || run.rowCount >= options.runRowCountMax { try spill(table: index) }
            while runs.values.reduce(0, { $0 + $1.memoryByteCount }) > runByteCountMax {
                try spillLargest()
            }
        }
    }

    private func spillLargest() throws {
        guard let largest = runs.max(by: { $0.value.memoryByteCount < $1.value.memoryByteCount }) else { return }
        guard let index = working.tables.firstIndex(where: { $0.number == largest.key }) else {
            runs[largest.key] = nil
            return
        }
        try spill(table: index)
    }

    /// What the importer promises, checked where the rows enter the store.
    private static func check(_ batch: RowBatch, _ schema: TableSchema) throws {
        guard batch.columns.count == schema.columns.count else {
            throw DukkanError(
                .invalidInput,
                "a batch has \(batch.columns.count) columns, table \(schema.name) has \(schema.columns.count)")
        }
        for (column, vector) in zip(schema.columns, batch.columns) {
            guard vector.kind == column.type.physical, vector.count == batch.rowCount else {
                throw DukkanError(
                    .invalidInput, "a batch has a column of another type or length", place: .init(column: column.name))
            }
            let mayBeNull =
                switch column.role {
                case .attribute: true
                case .customer: schema.allowsNullCustomer
                case .time, .unique: false
                }
            let valid = ValidRows(vector)
            if !mayBeNull, valid.nullCount(batch.rowCount) > 0,
                let row = (0..<batch.rowCount).first(where: { !valid[$0] })
            {
                throw DukkanError(
                    .invalidRow, "row \(row) of a batch has no value in a column that needs one",
                    place: .init(column: column.name))
            }
            if vector.kind == .codes { try check(vector, column) }
        }
    }

    private static func check(_ vector: ColumnVector, _ column: ColumnDefinition) throws {
        let count = vector.dictionary?.count ?? 0
        let codes = vector.codes
        var bound: UInt32 = 0
        for row in 0..<vector.count { bound = max(bound, codes[row]) }
        if bound < count { return }
        var highest = -1
        let valid = ValidRows(vector)
        for row in 0..<vector.count where valid[row] { highest = max(highest, Int(codes[row])) }
        guard highest < count else {
            throw DukkanError(
                .invalidInput, "a batch has code \(highest), its dictionary \(count) strings",
                place: .init(column: column.name))
        }
    }

    /// Sorts and writes the waiting rows of a table as a part of the open transaction.
    func spill(table index: Int) throws {
        let table = working.tables[index]
        guard let run = runs[table.number], run.rowCount > 0 else { return }
        let schema = table.schema
        var keys: UniqueKeys?
        if let column = schema.uniqueColumn { keys = UniqueKeys(run: run, column: column) }
        let sorted = RunOrder(run: run, threads: options.threads).sorted()
        defer { sorted.deallocate() }
        var count = sorted.count
        if let replaced = keys?.replacedRows {
            count = 0
            for row in sorted where !replaced.isDeleted(Int(row)) {
                sorted[count] = row
                count += 1
            }
        }
        let writer = RunWriter(
            run: run, order: UnsafeBufferPointer(rebasing: sorted[..<count]), threads: options.threads,
            budgetByteCount: options.memoryBudgetBytes)
        let codings = writer.codings()
        let draft = try beginPart(
            table: table, dictionaries: writer.partDictionaries(codings), rowCount: count,
            isQuick: count < Writer.quickRowCountMax, isThorough: false, threads: options.threads)
        try writer.write(codings, to: draft.output)
        let entry = try finishPart(draft, order: working.nextOrder...working.nextOrder)
        if let keys, let column = schema.uniqueColumn {
            try markReplaced(keys, table: index, column: schema.columns[column].name)
        }
        runs[table.number] = nil
        working.nextOrder += 1
        working.tables[index].parts.append(entry)
        dropEmptyParts(table: index)
    }

    /// Marks the rows of the table's parts that a new run replaces.
    private func markReplaced(_ keys: UniqueKeys, table index: Int, column: String) throws {
        let table = working.tables[index]
        for entry in table.parts {
            let part = try handle(entry)
            let rows = try keys.rows(in: part, column: column, threads: options.threads)
                .filter { part.deletes?.isDeleted($0) != true }
            if rows.isEmpty { continue }
            if !ownedDeletes.contains(entry.identifier) {
                deletes[entry.identifier] =
                    part.deletes.map { DeleteBitmap(copying: $0) } ?? DeleteBitmap(rowCount: entry.rowCount)
                ownedDeletes.insert(entry.identifier)
            }
            for row in rows { deletes[entry.identifier]?.insert(row) }
            freshDeletes[table.number, default: .init()][entry.identifier, default: []].append(contentsOf: rows)
        }
    }

    /// Takes parts without a row left out of the table.
    func dropEmptyParts(table index: Int) {
        let number = working.tables[index].number
        working.tables[index].parts.removeAll { part in
            guard let bitmap = deletes[part.identifier], bitmap.deletedCount == part.rowCount else { return false }
            freshDeletes[number]?[part.identifier] = nil
            forget(part.identifier)
            return true
        }
        removeUnusedFiles()
    }
}
