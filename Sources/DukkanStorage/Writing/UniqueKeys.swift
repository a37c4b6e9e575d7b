import DukkanFormat
import Synchronization

/// The keys of a run of a table with a unique column: which of its rows are replaced within the run, and which rows of
/// older parts it replaces.
struct UniqueKeys {
    private enum Index {
        case integers(IntegerKeyIndex)
        /// The strings of the run, which are its keys.
        case strings(StringInterner)
    }

    private let index: Index
    /// Rows of the run that a later row of the run replaces; nil if there are none.
    let replacedRows: DeleteBitmap?

    /// Finds the keys of a run.
    ///
    /// O(rows).
    init(run: RunBuffer, column: Int) {
        let replaced = DeleteBitmap(rowCount: run.rowCount)
        let values = RunColumn(run, column: column)
        let rows = 0..<UInt32(run.rowCount)
        if let interner = run.interners[column] {
            let last = UnsafeMutablePointer<UInt32>.allocate(capacity: max(1, interner.count))
            defer { last.deallocate() }
            last.initialize(repeating: .max, count: max(1, interner.count))
            for row in rows {
                let code = Int(values[row])
                if last[code] != .max { replaced.insert(Int(last[code])) }
                last[code] = row
            }
            index = .strings(interner)
        } else {
            let keys = IntegerKeyIndex(capacity: run.rowCount)
            for row in rows {
                if let earlier = keys.insert(values[row], row: row) { replaced.insert(Int(earlier)) }
            }
            index = .integers(keys)
        }
        replacedRows = replaced.deletedCount == 0 ? nil : replaced
    }

    /// Rows of a part that carry one of the keys, ascending.
    ///
    /// Blocks that cannot hold a key are not read.
    func rows(in part: PartHandle, column name: String, threads: Int) throws -> [Int] {
        guard let column = part.column(forSchemaColumn: name) else { return [] }
        let blocks = candidateBlocks(part.footer.columns[column])
        guard !blocks.isEmpty else { return [] }
        var dictionary: StringDictionary?
        if part.footer.columns[column].dictionary != nil {
            dictionary = try part.readDictionary(column: column, reader: BlockReader())
        }
        let found = Guarded([Int: [Int]]())
        // The index is only read from here on.
        nonisolated(unsafe) let keys = self
        let shared = dictionary
        try Parallel.runThrowing(blocks.count, threads: threads) { at in
            let rows = try keys.rows(in: part, column: column, block: blocks[at], dictionary: shared)
            if !rows.isEmpty { found.withLock { $0[at] = rows } }
        }
        return found.withLock { found in found.keys.ascending().flatMap { found[$0] ?? [] } }
    }

    private func candidateBlocks(_ column: PartFooter.PartColumn) -> [Int] {
        guard case .integers(let keys) = index else { return Array(column.blocks.indices) }
        return column.blocks.indices.filter {
            let statistics = column.blocks[$0].statistics
            return statistics.minimum <= keys.maximum && statistics.maximum >= keys.minimum
        }
    }

    private func rows(
        in part: PartHandle, column: Int, block: Int, dictionary: StringDictionary?
    ) throws -> [Int] {
        let reader = BlockReader()
        let definition = part.footer.columns[column].definition
        let vector = ColumnVector(definition.type.physical)
        var customers: CustomerBlock?
        if part.footer.columns[column].blocks[block].needsCustomers {
            let block_ = CustomerBlock()
            try part.readCustomers(block: block, into: block_, reader: reader)
            customers = block_
        }
        try part.readColumn(
            column, block: block, customers: customers, dictionary: dictionary, into: vector, reader: reader)
        let firstRow = part.footer.rowBlocks[block].firstRow
        var rows: [Int] = []
        switch index {
        case .integers(let keys):
            let values = vector.integers
            for row in 0..<vector.count where keys.contains(values[row]) { rows.append(firstRow + row) }
        case .strings(let interner):
            let dictionary = vector.dictionary ?? dictionary ?? .empty
            let wanted = (0..<dictionary.count).map { code in
                dictionary.withBytes(code) { interner.find($0) } != nil
            }
            for row in 0..<vector.count where wanted[Int(vector.codes[row])] { rows.append(firstRow + row) }
        }
        return rows
    }
}
