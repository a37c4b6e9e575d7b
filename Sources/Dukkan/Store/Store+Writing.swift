public import DukkanFormat
public import DukkanStorage

extension Store {
    /// Adds a table.
    ///
    /// Commits at once, and with it whatever was appended before.
    ///
    /// - Throws: `DukkanError` `alreadyExists`, or `invalidArgument` for a schema that is not acceptable.
    public func createTable(_ schema: TableSchema) throws {
        try createTables([schema])
    }

    /// Adds tables, all or none.
    ///
    /// Commits at once, and with them whatever was appended before.
    ///
    /// - Throws: `DukkanError` `alreadyExists`, or `invalidArgument` for a schema that is not acceptable.
    public func createTables(_ schemas: [TableSchema]) throws {
        for schema in schemas { try schema.validate() }
        for schema in schemas { try core.createTable(schema) }
        try core.commit(control: nil)
    }

    /// Makes everything appended so far visible and durable: after it returns, the rows survive a power cut.
    ///
    /// - Throws: `DukkanError` `inputOutput`; `outcomeUnknown` if the failure came so late that only reopening
    ///   tells whether the commit stands.
    public func commit(control: WorkControl? = nil) throws {
        try core.commit(control: control)
    }

    /// Makes everything appended so far visible and durable, without blocking the caller's executor.
    public func commit(control: WorkControl? = nil) async throws {
        try await offload(control) { try self.core.commit(control: $0) }
    }

    /// Forgets everything appended since the last commit.
    public func rollback() throws {
        try core.rollback()
    }

    /// Rewrites small and overlapping parts into large ones: faster queries, fewer bytes.
    ///
    /// Readers are not blocked.
    ///
    /// With automatic compaction on there is rarely a reason to call it, except once after a large import.
    ///
    /// - Parameters:
    ///   - table: The table, or nil for all.
    ///   - control: Cancellation, deadline and progress.
    @discardableResult
    public func compact(table: String? = nil, control: WorkControl? = nil) throws -> CompactionSummary {
        CompactionSummary(try core.compact(table: table, control: control))
    }

    /// Rewrites small and overlapping parts into large ones, without blocking the caller's executor.
    @discardableResult
    public func compact(table: String? = nil, control: WorkControl? = nil) async throws -> CompactionSummary {
        try await offload(control) { try self.compact(table: table, control: $0) }
    }
}

/// What a compaction did.
public struct CompactionSummary: Sendable, Hashable {
    /// Files before.
    public var partsBefore: Int
    /// Files after.
    public var partsAfter: Int
    /// Bytes of the files before.
    public var bytesBefore: Int
    /// Bytes of the files after.
    public var bytesAfter: Int

    init(_ report: CompactionReport) {
        partsBefore = report.partsBefore
        partsAfter = report.partsAfter
        bytesBefore = report.bytesBefore
        bytesAfter = report.bytesAfter
    }
}
