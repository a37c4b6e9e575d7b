package import DukkanFormat

/// Reads the morsels of a scan, one at a time.
///
/// Each worker thread has its own.
package final class MorselWorker {
    package let scan: MorselScan
    package let reader: BlockReader
    /// The rows of each requested table in the morsel loaded last.
    package let tables: [TableRows]
    /// Customers of the morsel loaded last; 0 in a morsel of rows without customer.
    package private(set) var customerCount = 0
    /// Their keys, ascending; none where the only request ignores them.
    package private(set) var keys: CustomerKeyList

    private let assemblies: [TableAssembly]
    private let union: CustomerUnion

    package init(scan: MorselScan, reader: BlockReader) {
        self.scan = scan
        self.reader = reader
        tables = scan.requests.map { _ in TableRows() }
        assemblies = scan.requests.indices.map {
            TableAssembly(scan, request: $0)
        }
        union = CustomerUnion(isString: scan.isStringCustomer)
        keys = union.keys
    }

    /// Reads row blocks that several workers need, together with the others, and waits until all are read.
    func readShared(_ blocks: SharedBlocks, isStopped: () -> Bool, check: () throws -> Void) throws {
        try blocks.read(isStopped: isStopped) { place in
            try check()
            return try assemblies[place.table].makeShared(part: place.part, block: place.block, reader)
        }
        for (table, found) in blocks.tables().enumerated() { assemblies[table].share(found) }
    }

    /// Whether customers matter in the morsel loaded last: false for a bare block of rows.
    package var hasCustomers: Bool { tables[0].rowStarts != nil }

    /// Whether the rows are one of several pieces of the morsel loaded last.
    package var isPiece: Bool { assemblies[0].isPiece }
    /// Whether no piece follows.
    package var isLastPiece: Bool { assemblies[0].isLastPiece }
    /// Whether the first customer is the last one of the piece before.
    package var continuesCustomer: Bool { assemblies[0].continuesCustomer }

    /// Reads the rest of a morsel whose request takes pieces: the next row block; false where nothing is left.
    package func loadNextPiece() throws -> Bool {
        guard assemblies.count == 1, try assemblies[0].loadNextPiece(into: tables[0], reader) else { return false }
        keys = assemblies[0].keys
        customerCount = assemblies[0].customerCount
        return true
    }

    /// Decodes a column of a table whose request defers its columns; until then its vector means nothing.
    package func require(_ table: Int, column: Int) throws {
        try assemblies[table].require(column, reader)
    }

    /// Sets the bits of a table's rows that meet a condition on a column, where that takes no value for each row.
    ///
    /// `words` has a word more than the rows need. False where the column must be required and looked at.
    package func select(
        _ test: ValueTest, table: Int, column: Int, into words: UnsafeMutablePointer<UInt64>
    ) throws -> Bool {
        try assemblies[table].select(test, column: column, into: words, reader)
    }

    /// Decodes at least those of a table's rows whose value in a column lies in a range, and sets their bits.
    ///
    /// `words` has a word more than the rows need. False where all rows are decoded instead and `words` mean nothing.
    package func requireRange(
        low: Int64, high: Int64, table: Int, column: Int, into words: UnsafeMutablePointer<UInt64>
    ) throws -> Bool {
        try assemblies[table].requireRange(low: low, high: high, column: column, into: words, reader)
    }

    /// The selected rows of a table's column one behind the other, in a vector that is valid until the next call for that
    /// column.
    ///
    /// Where the column waits to be asked for, no more than these rows are made of it.
    package func selected(_ selected: SelectedRows, table: Int, column: Int) throws -> ColumnVector {
        try assemblies[table].selected(selected, column: column, of: tables[table], reader)
    }

    /// Reads morsel `index` into ``tables`` and ``keys``.
    package func load(_ index: Int) throws {
        switch scan.morsels[index] {
        case .block(let part, let block):
            try assemblies[0].loadBlock(part: part, block: block, into: tables[0], reader)
            for rows in tables.dropFirst() { rows.set(rowCount: 0, rowStarts: nil, columns: rows.columns) }
            customerCount = 0
        case .customers(let range):
            for (assembly, rows) in zip(assemblies, tables) {
                try assembly.load(range, morsel: index, into: rows, reader)
            }
            if assemblies.count == 1 {
                keys = assemblies[0].keys
                customerCount = assemblies[0].customerCount
            } else {
                union.unite(assemblies)
                for (rows, starts) in zip(tables, union.starts) {
                    rows.set(rowCount: rows.rowCount, rowStarts: starts, columns: rows.columns)
                }
                keys = union.keys
                customerCount = keys.count
            }
        }
    }
}
