import DukkanFormat
import DukkanLanguage
public import DukkanQuery
public import DukkanStorage

extension Store {
    /// How a query would be answered, and with `analyze` how it was and what each part of the work cost.
    ///
    /// With `analyze` the query runs as it would without; measuring adds a few looks at the clock for each block. Do not
    /// use it for the answer, which is not kept.
    ///
    /// ```swift
    /// let explanation = try store.explain("FUNNEL sessions, orders WITHIN 7 DAYS", analyze: true)
    /// for line in explanation.lines { print(line) }
    /// ```
    ///
    /// - Parameters:
    ///   - text: one query, with or without `EXPLAIN` before it.
    ///   - analyze: whether to run the query and tell what it cost.
    ///   - control: through which the run can be cancelled.
    /// - Throws: `DukkanError` as `query`; `invalidQuery` for a statement that is not a query.
    public func explain(_ text: String, analyze: Bool = false, control: WorkControl? = nil) throws -> Explanation {
        try explain(try ParsedStatement(single: text), analyze: analyze, control: control).explanation
    }

    /// The same without blocking the caller's executor.
    public func explain(
        _ text: String, analyze: Bool = false, control: WorkControl? = nil
    ) async throws -> Explanation {
        let parsed = try ParsedStatement(single: text)
        return try await offload(control) {
            try self.explain(parsed, analyze: analyze, control: $0).explanation
        }
    }

    /// The same for a query made in Swift.
    public func explain(
        _ statement: Statement, analyze: Bool = false, control: WorkControl? = nil
    ) throws -> Explanation {
        try explain(statement, analyze: analyze, parsing: nil, control: control).explanation
    }

    /// Explains a statement that was read from a text; errors tell its place there.
    ///
    /// - Returns: with it the query's own answer, empty unless it ran.
    package func explain(
        _ parsed: ParsedStatement, analyze: Bool = false, control: WorkControl?
    ) throws -> (explanation: Explanation, answer: QueryResult) {
        do {
            return try explain(parsed.statement, analyze: analyze, parsing: parsed.duration, control: control)
        } catch let error as DukkanError {
            throw parsed.placed(error)
        }
    }

    private func explain(
        _ statement: Statement, analyze: Bool, parsing: Duration?, control: WorkControl?
    ) throws -> (explanation: Explanation, answer: QueryResult) {
        var query = statement
        var isAnalyzed = analyze
        if case .explain(let asked, let inner) = statement {
            query = inner
            isAnalyzed = isAnalyzed || asked
        }
        let snapshot = try core.snapshot()
        return try Engine.explain(
            query, analyze: isAnalyzed, snapshot: snapshot, options: try engineOptions(snapshot), control: control,
            parsing: parsing)
    }
}
