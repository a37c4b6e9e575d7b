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

    package init(
        threads: Int, memoryBudgetBytes: Int, segments: [String: Expression] = [:],
        title: @escaping @Sendable (Expression) -> String
    ) {
        self.threads = threads
        self.memoryBudgetBytes = memoryBudgetBytes
        self.segments = segments
        self.title = title
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
        func context(_ queryOptions: QueryOptions) throws -> QueryContext {
            try QueryContext(snapshot: snapshot, queryOptions: queryOptions, engine: options, control: control)
        }
        switch statement {
        case .select(let query): return try SliceRun(query, context(query.options)).run()
        case .funnel(let query): return try FunnelRun(query, context(query.options)).run()
        case .retention(let query): return try RetentionRun(query, context(query.options)).run()
        case .deciles(let query): return try DecileRun(query, context(query.options)).run()
        case .explain:
            throw DukkanError(.invalidQuery, "EXPLAIN is not available in this version")
        default:
            throw DukkanError(.invalidQuery, "this statement is not a query")
        }
    }
}
