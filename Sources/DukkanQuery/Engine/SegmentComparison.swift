import DukkanFormat

/// Answers a query once for each of several segments: `BY SEGMENTS a, b`.
enum SegmentComparison {
    /// - Parameter one: answers a statement without `BY SEGMENTS`.
    static func run(
        _ statement: Statement, _ segments: [Expression], _ one: (Statement) throws -> QueryResult
    ) throws -> QueryResult {
        throw DukkanError.notAvailable("BY SEGMENTS")
    }
}
