import DukkanFormat

@testable import DukkanQuery

/// Slow and obvious answers to the behavioural queries, written from the definitions in `docs/semantics.md` and not from
/// the kernels: what the engine's answers are held against.
enum ReferenceEvaluator {
    static func run(
        _ statement: Statement, _ world: ReferenceWorld, segments: [String: Expression] = [:]
    ) throws -> QueryResult {
        let reference = ReferenceSegments(world: world, definitions: segments)
        switch statement {
        case .funnel(let asked):
            var query = asked
            let tables = (asked.steps + asked.exclusions.map(\.step)).map(\.table)
            let members = try reference.restrict(&query.options, tables: tables)
            if query.hasOptions { return try ReferenceFunnelOptions(query, members).result() }
            return try ReferenceFunnel(query, members).result()
        case .retention(let asked):
            var query = asked
            let members = try reference.restrict(&query.options, tables: [asked.start.table, asked.returning.table])
            return try ReferenceRetention(query, members).result()
        case .deciles(let asked):
            var query = asked
            let members = try reference.restrict(&query.options, tables: [asked.measure.table ?? ""])
            return try ReferenceDeciles(query: query, world: members).result()
        case .select(let query): return try ReferenceSlice(query: query, world: world).result()
        default: throw ReferenceError("the reference evaluator knows slices, funnels, retention and deciles")
        }
    }

    /// The first difference between two answers, nil when they are equal; doubles may differ by rounding.
    static func difference(_ answer: QueryResult, _ expected: QueryResult, ignoring ignored: Set<String> = [])
        -> String?
    {
        guard answer.rows.count == expected.rows.count else {
            return "\(answer.rows.count) rows instead of \(expected.rows.count)"
        }
        for (number, (row, other)) in zip(answer.rows, expected.rows).enumerated() {
            for (column, (value, wanted)) in zip(row, other).enumerated()
            where !ignored.contains(expected.columns[column].name) && !isEqual(value, wanted) {
                return "row \(number), \(expected.columns[column].name): \(value) instead of \(wanted)"
            }
        }
        return nil
    }

    private static func isEqual(_ a: Value, _ b: Value) -> Bool {
        if case .double(let a) = a, case .double(let b) = b {
            return a == b || abs(a - b) <= 1e-9 * max(abs(a), abs(b))
        }
        // The reference does not know the type of a sum over nothing.
        if case .decimal(let number) = a, number.unscaled == 0 { return b == .int(0) || a == b }
        if a == .double(0) { return b == .int(0) }
        return a == b
    }
}
