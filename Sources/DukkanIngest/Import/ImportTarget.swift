package import DukkanFormat
package import DukkanStorage

/// Where imported rows go: a store, or a stand-in for it in tests.
package protocol ImportTarget: AnyObject {
    /// Schema of a table, with what the open transaction changed.
    func schema(of table: String) throws -> TableSchema
    /// Adds a column that is null in all rows so far.
    func addColumn(table: String, _ column: ColumnDefinition) throws
    /// Takes a copy of the rows.
    func append(table: String, _ rows: RowBatch) throws
    /// Makes all rows so far visible and durable.
    func commit(control: WorkControl?) throws
    /// Forgets everything since the last commit.
    func rollback() throws
}

extension StoreCore: ImportTarget {}
