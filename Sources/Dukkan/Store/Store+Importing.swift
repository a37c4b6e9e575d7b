public import DukkanFormat
public import DukkanIngest
public import DukkanStorage

extension Store {
    /// Loads text files into a table and commits: CSV, JSON lines, fixed-width or blank-separated text, gzip or not.
    ///
    /// All files are one transaction: when it throws, nothing of them is in the store, and what was appended before and
    /// not committed is gone as well. A table that does not exist yet is made from the first file, if its customer and
    /// time columns are clear or named by the options.
    ///
    /// Memory stays within the store's budget whatever the size of the files.
    ///
    /// - Parameters:
    ///   - paths: Files; `-` is standard input.
    ///   - table: Name of the table.
    ///   - options: How the text is to be read; the defaults suit a comma-separated file with a header.
    ///   - control: Cancellation, deadline and progress.
    ///   - onNewTable: Is told the schema of a table that is made, before rows are read.
    /// - Throws: `DukkanError` `invalidRow` with file, line and column; `invalidInput` where the columns do not fit;
    ///   `cancelled`, `deadline`.
    @discardableResult
    public func importFiles(
        _ paths: [String], into table: String, options: ImportOptions = ImportOptions(), control: WorkControl? = nil,
        onNewTable: (TableSchema) -> Void = { _ in }
    ) throws -> ImportReport {
        var options = options
        if options.threads == nil { options.threads = self.options.threads }
        options.workingBytesMax = min(options.workingBytesMax, self.options.memoryBudgetBytes / 4)
        let importer = Importer(target: core, inputs: paths.map { ImportInput(path: $0) }, options: options)
        do {
            let names = try core.pendingSchemas.map(\.name)
            if !names.contains(where: { $0.lowercased() == table.lowercased() }) {
                let schema = try newSchema(table, importer, existing: names, control: control)
                try core.createTable(schema)
                onNewTable(schema)
            }
        } catch {
            try? core.rollback()
            throw error
        }
        return try importer.run(into: table, control: control)
    }

    /// Loads text files into a table and commits, without blocking the caller's executor.
    @discardableResult
    public func importFiles(
        _ paths: [String], into table: String, options: ImportOptions = ImportOptions(), control: WorkControl? = nil
    ) async throws -> ImportReport {
        try await offload(control) { try self.importFiles(paths, into: table, options: options, control: $0) }
    }

    /// Looks through a file and says what its columns are, and which table would hold it.
    public static func inferSchema(
        of path: String, table: String = "table", options: ImportOptions = ImportOptions(),
        control: WorkControl? = nil
    ) throws -> InferredSchema {
        let importer = Importer(target: NoTarget(), inputs: [ImportInput(path: path)], options: options)
        return try importer.inferSchema(table: table, control: control)
    }

    private func newSchema(
        _ table: String, _ importer: Importer, existing: [String], control: WorkControl?
    ) throws -> TableSchema {
        let inferred = try importer.inferSchema(table: table, control: control)
        if let schema = inferred.table { return schema }
        let near = NearestName.advice(for: table, among: existing)
        let missing = inferred.notes.joined(separator: "\n  ")
        throw DukkanError(
            .notFound, "there is no table \(table), and it cannot be made from the file",
            advice: near ?? (missing.isEmpty ? "make it with CREATE TABLE" : missing))
    }

    /// Looking through a file needs no store.
    private final class NoTarget: ImportTarget {
        func schema(of table: String) throws -> TableSchema { TableSchema(table, columns: []) }
        func addColumn(table: String, _ column: ColumnDefinition) throws {}
        func append(table: String, _ rows: RowBatch) throws {}
        func commit(control: WorkControl?) throws {}
        func rollback() throws {}
    }
}
