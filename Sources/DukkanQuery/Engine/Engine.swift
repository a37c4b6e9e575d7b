import DukkanFormat
package import DukkanStorage

/// What the engine may use.
package struct EngineOptions: Sendable {
    /// Threads of a query.
    package var threads: Int
    /// Memory that a query's working state may take.
    package var memoryBudgetBytes: Int
    /// Conditions of the store's named segments.
    package var segments: [String: Expression]
    /// The text of an expression, for the names of columns and steps that have none.
    package var title: @Sendable (Expression) -> String
    /// The text of an expression over a customer, as segments and measures of deciles are.
    package var segmentTitle: @Sendable (Expression) -> String

    package init(
        threads: Int, memoryBudgetBytes: Int, segments: [String: Expression] = .init(),
        title: @escaping @Sendable (Expression) -> String,
        segmentTitle: (@Sendable (Expression) -> String)? = nil
    ) {
        self.threads = threads
        self.memoryBudgetBytes = memoryBudgetBytes
        self.segments = segments
        self.title = title
        self.segmentTitle = segmentTitle ?? title
    }
}

/// Answers read-only statements on a snapshot.
package enum Engine {
    /// Plans and runs a statement.
    ///
    /// - Throws: `invalidQuery` for what has no meaning, `overflow`, `memoryBudget`, `cancelled`, `deadline`, `corrupt`.
    package static func run(
        _ statement: Statement, snapshot: Snapshot, options: EngineOptions, control: WorkControl?
    ) throws -> QueryResult {
        try run(statement, snapshot: snapshot, options: options, control: control, trace: nil)
    }

    private static func run(
        _ statement: Statement, snapshot: Snapshot, options: EngineOptions, control: WorkControl?, trace: QueryTrace?
    ) throws -> QueryResult {
        func context(_ queryOptions: QueryOptions) throws -> QueryContext {
            try QueryContext(
                snapshot: snapshot, queryOptions: queryOptions, engine: options, control: control, trace: trace)
        }
        if let segments = statement.options?.segments, !segments.isEmpty {
            if trace != nil {
                throw DukkanError(.invalidQuery, "EXPLAIN one segment at a time: FOR SEGMENT …")
            }
            let base = try context(statement.options ?? QueryOptions())
            return try SegmentComparison.run(statement, segments, base) {
                try run($0, snapshot: snapshot, options: options, control: control, trace: nil)
            }
        }
        switch statement {
        case .select(let query): return try SliceRun(query, context(query.options)).run()
        case .funnel(let query):
            // Plain ones have kernels of their own, so that options cost only where they are used.
            if query.isPlain { return try FunnelRun(query, context(query.options)).run() }
            let resolved = query.resolved()
            return try ChainFunnelRun(resolved, context(resolved.options)).run()
        case .retention(let query):
            let query = query.resolved()
            if query.isPlain { return try RetentionRun(query, context(query.options)).run() }
            return try GeneralRetentionRun(query, context(query.options)).run()
        case .deciles(let query): return try DecileRun(query, context(query.options)).run()
        case .lifecycle(let query): return try LifecycleRun(query, context(query.options)).run()
        case .stickiness(let query): return try StickinessRun(query, context(query.options)).run()
        case .paths(let query): return try PathRun(query, context(query.options)).run()
        case .explain(let analyze, let inner):
            return try explain(inner, analyze: analyze, snapshot: snapshot, options: options, control: control)
                .explanation.result
        default:
            throw DukkanError(.invalidQuery, "this statement is not a query")
        }
    }

    /// Plans a statement, with `analyze` runs it too, and tells how and at what cost.
    ///
    /// - Parameter parsing: what reading the statement's text took, where it was read.
    /// - Returns: with it the query's own answer, empty unless it ran.
    /// - Throws: As ``run(_:snapshot:options:control:)``.
    package static func explain(
        _ statement: Statement, analyze: Bool, snapshot: Snapshot, options: EngineOptions, control: WorkControl?,
        parsing: Duration? = nil
    ) throws -> (explanation: Explanation, answer: QueryResult) {
        let trace = QueryTrace(isAnalyzed: analyze)
        let answer = try run(statement, snapshot: snapshot, options: options, control: control, trace: trace)
        return (trace.explanation(answer, options: options, parsing: parsing), answer)
    }
}

extension DukkanError {
    /// The error that a form is known to the language but not built yet.
    static func notAvailable(_ form: String) -> DukkanError {
        DukkanError(.invalidQuery, "\(form) is not available in this version")
    }
}
