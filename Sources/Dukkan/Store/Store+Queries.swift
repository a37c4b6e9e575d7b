import DukkanFormat
import DukkanLanguage
public import DukkanQuery
public import DukkanStorage

extension Store {
    /// Answers one statement of the query language.
    ///
    /// A statement that changes the store, such as `CREATE TABLE` or `DEFINE SEGMENT`, commits at once, and with it
    /// whatever was appended before.
    ///
    /// ```swift
    /// let result = try await store.query("SELECT country, count(*) FROM orders GROUP BY country")
    /// for row in result.rows { print(row) }
    /// ```
    ///
    /// - Throws: `DukkanError` `syntax` and `invalidQuery` with the place in the text, `memoryBudget`, `cancelled`,
    ///   `deadline`, `corrupt`.
    @discardableResult
    public func query(_ text: String, control: WorkControl? = nil) throws -> QueryResult {
        let parsed = try ParsedStatement(single: text)
        return try run(parsed, control: control)
    }

    /// Answers one statement of the query language without blocking the caller's executor.
    ///
    /// - Throws: As the synchronous form; `cancelled` when the task is cancelled.
    @discardableResult
    public func query(_ text: String, control: WorkControl? = nil) async throws -> QueryResult {
        let parsed = try ParsedStatement(single: text)
        return try await offload(control) { try self.run(parsed, control: $0) }
    }

    /// Answers a statement made in Swift without blocking the caller's executor.
    @discardableResult
    public func run(_ statement: Statement, control: WorkControl? = nil) async throws -> QueryResult {
        try await offload(control) { try self.run(statement, control: $0) }
    }

    /// Answers a statement made in Swift.
    ///
    /// - Throws: As the form that takes text, without `syntax`.
    @discardableResult
    public func run(_ statement: Statement, control: WorkControl? = nil) throws -> QueryResult {
        switch statement {
        case .createTable(let schema):
            return try change(control) { try core.createTable(schema) }
        case .dropTable(let name):
            return try change(control) { try core.dropTable(name) }
        case .addColumn(let table, let column):
            return try change(control) { try core.addColumn(table: table, column) }
        case .defineSegment(let name, let condition):
            let text = condition.canonicalText(inSegment: true)
            return try change(control) { try core.defineSegment(name: name, text: text) }
        case .dropSegment(let name):
            return try change(control) { try core.dropSegment(name: name) }
        case .showTables: return try tableListing()
        case .showSegments: return try segmentListing()
        case .describe(let table): return try columnListing(of: table)
        case .select, .funnel, .retention, .deciles, .lifecycle, .stickiness, .paths, .explain:
            return try answer(statement, on: try core.snapshot(), control: control)
        }
    }

    /// Answers a statement that was read from a text; errors tell its place there.
    package func run(_ parsed: ParsedStatement, control: WorkControl?) throws -> QueryResult {
        do {
            if case .explain = parsed.statement { return try explain(parsed, control: control).explanation.result }
            return try run(parsed.statement, control: control)
        } catch let error as DukkanError {
            throw parsed.placed(error)
        }
    }

    private func change(_ control: WorkControl?, _ body: () throws -> Void) throws -> QueryResult {
        try body()
        try core.commit(control: control)
        return QueryResult(columns: [], rows: [], shape: .done)
    }

    private func answer(_ statement: Statement, on snapshot: Snapshot, control: WorkControl?) throws -> QueryResult {
        try Engine.run(statement, snapshot: snapshot, options: try engineOptions(snapshot), control: control)
    }

    func engineOptions(_ snapshot: Snapshot) throws -> EngineOptions {
        var segments = [String: Expression]()
        for segment in snapshot.segments {
            segments[segment.name] = try Parser.parseSegmentCondition(segment.text)
        }
        return EngineOptions(
            threads: options.threads, memoryBudgetBytes: options.memoryBudgetBytes, segments: segments,
            title: { $0.canonicalText }, segmentTitle: { $0.canonicalText(inSegment: true) })
    }
}

extension Statement {
    /// Reads one statement of the query language.
    ///
    /// - Throws: `DukkanError` `syntax` with the place in the text; also when there is none, or more than one.
    public init(_ text: String) throws {
        self = try ParsedStatement(single: text).statement
    }
}

extension ParsedStatement {
    /// The only statement of a text.
    init(single text: String) throws {
        let parsed = try Parser.parse(text)
        guard let first = parsed.first else { throw DukkanError(.syntax, "there is no statement in the text") }
        guard parsed.count == 1 else {
            throw DukkanError(.syntax, "\(parsed.count) statements where one is expected")
        }
        self = first
    }
}
