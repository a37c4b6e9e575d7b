/// What an import did.
public struct ImportReport: Sendable {
    /// Rows found in the input, bad ones included, the header not.
    public var rowsRead = 0
    /// Rows that went into the table.
    public var rowsImported = 0
    /// Bad rows that were set aside.
    public var rowsRejected = 0
    /// Rows left out because they had no customer.
    public var rowsDropped = 0
    /// Rows whose time lies more than a day ahead of the present.
    public var rowsInFuture = 0
    /// Bytes of the input, as they are on disk.
    public var bytesRead = 0
    /// What a person should look at, one sentence each.
    public var warnings: [String] = []
    /// Columns that were added to the table.
    public var addedColumns: [InferredColumn] = []
    /// Columns of the input that were left out.
    public var ignoredColumns: [String] = []
    /// Time taken.
    public var elapsed: Duration = .zero

    /// Makes an empty report.
    public init() {}
}
