package import DukkanFormat

/// What a scan wants of one table.
package struct TableRequest: Sendable {
    package var table: TableSnapshot
    /// Places of columns in the table's schema, without repetition; never the customer column, which is the directory.
    package var columns: [Int]
    /// Whether a row block can be left out because none of its rows matter: (place of the part, row block) -> true.
    package var isPruned: (@Sendable (_ part: Int, _ block: Int) -> Bool)?
    /// Whether columns wait until they are asked for, see ``MorselWorker/require(_:column:)``.
    package var defersColumns = false
    /// Whether nobody asks who the customers are, where their rows need not be merged; for scans of one table.
    package var ignoresKeys = false
    /// Makes what chooses the rows that matter, where nothing but the number of each customer's is asked: the table then
    /// consists of these rows, and has no columns.
    package var makeChoice: (@Sendable () -> any RowChoice)?
    /// Whether nobody asks in which order of time a customer's rows stand.
    package var ignoresTimeOrder = false
    /// Whether rows of a customer who fills several row blocks may come one block after the other, see
    /// ``MorselWorker/loadNextPiece()``; for scans of one table.
    package var takesPieces = false

    package init(
        table: TableSnapshot, columns: [Int], isPruned: (@Sendable (_ part: Int, _ block: Int) -> Bool)? = nil
    ) {
        precondition(!columns.contains(table.schema.customerColumn))
        self.table = table
        self.columns = columns
        self.isPruned = isPruned
    }
}

extension TableRequest {
    /// Whether no row of a part is earlier than one of the parts before it.
    private var followsInTime: Bool {
        let parts = table.parts
        return zip(parts, parts.dropFirst()).allSatisfy { $0.entry.maximumTime <= $1.entry.minimumTime }
    }

    /// Whether the rows of a customer in several parts are merged by time, and whether they stand by time then.
    func timeOrder() -> (isMerged: Bool, isKept: Bool) {
        let follows = followsInTime
        let isMerged =
            makeChoice == nil && table.parts.count > 1 && !follows
            && (columns.contains(table.schema.timeColumn) || !ignoresTimeOrder)
        return (isMerged, isMerged || follows)
    }
}

/// The rows of one table in a morsel, in the total order (customer, time, ingest) where the scan is by customer.
package final class TableRows {
    package fileprivate(set) var rowCount = 0
    /// Row of each customer's first row; `customerCount + 1` entries.
    ///
    /// Nil in a morsel without customers.
    package fileprivate(set) var rowStarts: UnsafeMutablePointer<UInt32>?
    /// A bit for each row that is the first of its customer, one word more than the rows need; nil where nobody has made
    /// them.
    package fileprivate(set) var firstRowBits: UnsafePointer<UInt64>?
    /// The requested columns, in the order of the request.
    ///
    /// Valid until the worker loads its next morsel.
    package fileprivate(set) var columns: [ColumnVector] = []

    package init() {}

    func set(
        rowCount: Int, rowStarts: UnsafeMutablePointer<UInt32>?, firstRowBits: UnsafePointer<UInt64>? = nil,
        columns: [ColumnVector]
    ) {
        self.rowCount = rowCount
        self.rowStarts = rowStarts
        self.firstRowBits = firstRowBits
        self.columns = columns
    }
}
