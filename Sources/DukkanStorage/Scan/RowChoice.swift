import CDukkanKernels
package import DukkanFormat

/// Tells which rows of a table matter where nothing but their number is asked of it.
///
/// One for each worker. It must not fail for a row's value, since it sees rows of customers that are not asked for.
package protocol RowChoice: AnyObject {
    /// One bit for each row of a row block, set where the row matters, bits past the last row 0; valid until the next
    /// call.
    func choose(_ block: RowBlockColumns) throws -> UnsafePointer<UInt64>
}

/// The columns of a row block, which wait until they are asked for.
package struct RowBlockColumns {
    fileprivate let cursor: ScanCursor
    fileprivate let sources: [CodeSource]
    fileprivate let reader: BlockReader
    package let rowCount: Int

    /// The requested columns; a vector means nothing until it is required.
    package var columns: [ColumnVector] { cursor.vectors }

    /// Decodes a column.
    package func require(_ column: Int) throws { try cursor.load(column, reader) }

    /// As ``MorselWorker/select(_:table:column:into:)``.
    package func select(_ test: ValueTest, column: Int, into words: UnsafeMutablePointer<UInt64>) throws -> Bool {
        try cursor.select(test, column, into: words, reader)
    }

    /// As ``MorselScan/sharedDictionary(_:column:)``.
    package func sharedDictionary(_ column: Int) -> StringDictionary? {
        if case .shared(let dictionary, _) = sources[column] { dictionary } else { nil }
    }
}

/// How many rows that matter stand before each customer of the row block that a cursor holds.
///
/// They stand for the starts of rows: a table of which only these rows are asked for consists of them.
final class ChosenRows {
    private let choice: any RowChoice
    private let sources: [CodeSource]
    private let starts = StartList()
    private let before = StartList()
    private var block = -1

    init(_ choice: any RowChoice, _ sources: [CodeSource]) {
        self.choice = choice
        self.sources = sources
    }

    /// For each customer of the cursor's loaded directory block the number of chosen rows before her, and that of all.
    func starts(_ cursor: ScanCursor, _ block: Int, _ reader: BlockReader) throws -> UnsafeMutablePointer<UInt32> {
        if self.block == block { return starts.pointer }
        self.block = -1
        cursor.begin(block, reader)
        let rowBlock = cursor.part.footer.rowBlocks[block]
        let count = rowBlock.rowCount
        let bits = try choice.choose(
            RowBlockColumns(cursor: cursor, sources: sources, reader: reader, rowCount: count))
        let customerCount = cursor.customers.count
        starts.reserve(customerCount + 1)
        before.reserve(count / 64 + 1)
        if let deletes = cursor.part.deletes {
            withUnsafeTemporaryAllocation(of: UInt64.self, capacity: count / 64 + 1) { live in
                guard let words = live.baseAddress else { return }
                words.initialize(repeating: 0, count: count / 64 + 1)
                words.update(from: bits, count: (count + 63) / 64)
                for word in 0..<(count + 63) / 64 {
                    var rest = words[word]
                    while rest != 0 {
                        let bit = rest & (~rest &+ 1)
                        if deletes.isDeleted(rowBlock.firstRow + word * 64 + rest.trailingZeroBitCount) {
                            words[word] ^= bit
                        }
                        rest ^= bit
                    }
                }
                rank(words, count, cursor.customers, customerCount)
            }
        } else {
            rank(bits, count, cursor.customers, customerCount)
        }
        self.block = block
        return starts.pointer
    }

    private func rank(
        _ bits: UnsafePointer<UInt64>, _ count: Int, _ customers: CustomerBlock, _ customerCount: Int
    ) {
        dukkan_ranks(bits, count, customers.rowStarts, customerCount + 1, before.pointer, starts.pointer)
    }
}
