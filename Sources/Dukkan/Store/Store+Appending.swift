public import DukkanFormat
public import DukkanIngest
import DukkanStorage

extension Store {
    /// Appends encodable records to a table.
    ///
    /// They become visible and durable with `commit()`.
    ///
    /// Each property goes to the column of its name; where there is none, to the one column that agrees when case and
    /// underscores do not count. `Timestamp`, `CivilDate`, Foundation's `Date` and `Decimal`, and enumerations with raw
    /// values are understood. For millions of rows a `RowBatchBuilder` is many times faster. O(records).
    ///
    /// - Throws: `DukkanError` `invalidRow` that names the record; records before it may have been appended:
    ///   ``rollback()`` forgets them, with all else since the last commit.
    public func append(_ records: some Sequence<some Encodable>, to table: String) throws {
        let encoder = RowEncoder(try core.schema(of: table))
        try encoder.encode(records) { try core.append(table: table, $0) }
    }

    /// Appends the rows of a builder to its table, and leaves the builder as it is.
    ///
    /// They become visible and durable with `commit()`. O(rows).
    ///
    /// - Throws: `DukkanError` `invalidRow` for a null where the table wants a value, `invalidInput` where columns
    ///   differ in length.
    public func append(_ rows: RowBatchBuilder) throws {
        try core.append(table: rows.schema.name, try rows.batch())
    }

    /// Columns of a table, with those added since the last commit.
    ///
    /// - Throws: `DukkanError` `notFound`.
    public func schema(of table: String) throws -> TableSchema {
        try core.schema(of: table)
    }
}
