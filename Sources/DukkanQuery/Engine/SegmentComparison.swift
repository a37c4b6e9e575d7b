import DukkanFormat
import DukkanStorage
import DukkanTime

/// Answers a query once for each of several segments: `BY SEGMENTS a, b`.
enum SegmentComparison {
    /// The answers one below the other, with the segment's name or condition before the other columns.
    ///
    /// All are as of the same time: what the query says, or the latest time in the tables that it and any of the
    /// segments ask.
    ///
    /// - Parameter one: answers a statement without `BY SEGMENTS`.
    static func run(
        _ statement: Statement, _ segments: [Expression], _ base: QueryContext,
        _ one: (Statement) throws -> QueryResult
    ) throws -> QueryResult {
        guard var options = statement.options else { return try one(statement) }
        let own = options.segment
        if options.asOf == nil {
            var names: [String] = []
            statement.collectTables(base.segments, into: &names)
            var context = base
            try context.setAsOf(nil, tables: names.map { try base.table($0) })
            if context.asOf != .min {
                options.asOf = .literal(.timestamp(Timestamp(microseconds: context.asOf)))
            }
        }
        options.segments = []
        var result = QueryResult(columns: [], rows: [], shape: .segments)
        for segment in segments {
            options.segment = SliceRun.conjunction(own, segment)
            var asked = statement
            asked.options = options
            let answer = try one(asked)
            result.columns = [.init("segment", .string)] + answer.columns
            let name: String
            if case .inSegment(let known) = segment { name = known } else { name = base.segmentTitle(segment) }
            result.rows += answer.rows.map { [.string(name)] + $0 }
            result.cost.rowsScanned += answer.cost.rowsScanned
            result.cost.bytesRead += answer.cost.bytesRead
            result.cost.blocksDecoded += answer.cost.blocksDecoded
            result.cost.blocksPruned += answer.cost.blocksPruned
        }
        return result
    }
}

extension Statement {
    /// Appends the tables whose rows a query looks at.
    func collectTables(_ segments: [String: Expression], into names: inout [String]) {
        var expressions: [Expression?] = []
        var steps: [Step] = []
        switch self {
        case .select(let query):
            names.append(query.table)
            expressions = query.items.map(\.expression) + query.groupBy + [query.filter, query.having]
        case .funnel(let query):
            steps = query.steps + query.exclusions.map(\.step)
            expressions = [query.filter]
        case .retention(let query):
            steps = [query.start, query.returning]
            expressions = [query.filter]
        case .deciles(let query): expressions = [.aggregate(query.measure), query.measure.filter]
        case .lifecycle(let query): steps = [query.step]
        case .stickiness(let query): steps = [query.step]
        case .paths(let query): steps = [query.step]
        default: break
        }
        names += steps.map(\.table)
        expressions += steps.flatMap { [$0.filter, $0.firstEver?.filter] }
        if let options { expressions += [options.segment] + options.segments }
        for expression in expressions { expression?.collectTables(segments, into: &names) }
    }
}
