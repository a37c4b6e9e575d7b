import DukkanFormat
import DukkanQuery

/// Lifecycle, stickiness and paths.
extension StatementParser {
    private static let lifecycleClauses: [Keyword] = [.by, .from, .to]
    private static let stickinessClauses: [Keyword] = [.by, .from, .to, .at, .or]
    private static let pathClauses: [Keyword] = [.on, .from, .towards, .depth, .split, .by]

    /// Reads the clauses of a query up to its end; `read` reads one behind its first word.
    private func clauses(
        of statement: String, _ clauses: [Keyword], _ options: inout QueryOptions,
        _ read: (Keyword, Token) throws(Fault) -> Void
    ) throws(Fault) -> Set<Keyword> {
        var seen: Set<Keyword> = []
        while !isAtEnd {
            if try option(into: &options, &seen) { continue }
            let start = current
            guard let clause = start.keyword, clauses.contains(clause) else {
                throw unexpectedClause(of: statement, clauses)
            }
            advance()
            try once(clause, &seen, at: start)
            try read(clause, start)
        }
        return seen
    }

    /// Reads a limit of time: `OR` is not part of it, so that `OR MORE` can follow.
    private func limit() throws(Fault) -> Expression {
        try node(Binding.and).expression
    }

    /// Reads what stands behind `LIFECYCLE`.
    func lifecycle() throws(Fault) -> LifecycleQuery {
        try expect(.of, after: "LIFECYCLE")
        var query = LifecycleQuery(of: try step("a table after LIFECYCLE OF"), by: .month)
        var options = QueryOptions()
        let words = StatementParser.lifecycleClauses
        let seen = try clauses(of: "LIFECYCLE", words, &options) { (clause, _) throws(Fault) in
            switch clause {
            case .by: query.period = try period()
            case .from: query.from = try limit()
            default: query.to = try limit()
            }
        }
        if !seen.contains(.by) { throw unexpected("BY HOUR, DAY, WEEK or MONTH") }
        query.options = options
        return query
    }

    /// Reads what stands behind `STICKINESS`.
    func stickiness() throws(Fault) -> StickinessQuery {
        try expect(.of, after: "STICKINESS")
        var query = StickinessQuery(of: try step("a table after STICKINESS OF"), by: .month)
        var options = QueryOptions()
        let words = StatementParser.stickinessClauses
        let seen = try clauses(of: "STICKINESS", words, &options) { (clause, _) throws(Fault) in
            switch clause {
            case .by: (query.periodSpan, query.period) = try periods()
            case .from: query.from = try limit()
            case .to: query.to = try limit()
            case .at:
                try expect(.least, after: "AT")
                query.rowCountMin = try rowCountMin()
            default:
                try expect(.more, after: "OR")
                query.isCumulative = true
            }
        }
        if !seen.contains(.by) { throw unexpected("BY HOUR, DAY, WEEK or MONTH") }
        query.options = options
        return query
    }

    /// Reads `DAY` or `2 DAYS`.
    private func periods() throws(Fault) -> (Int, Period) {
        guard current.kind == .integer else { return (1, try period()) }
        let max = RetentionQuery.periodCountMax
        let count = try count("the number of periods after BY", minimum: 1, max: max)
        let plurals: [(String, Period)] = [("hours", .hour), ("days", .day), ("weeks", .week), ("months", .month)]
        if current.kind == .word, let plural = plurals.first(where: { $0.0 == text(of: current).lowercased() }) {
            advance()
            return (count, plural.1)
        }
        return (count, try period(after: "BY \(count)"))
    }

    /// Items of a path where `DEPTH` is not said.
    static let depthDefault = 5

    /// Reads what stands behind `PATHS`.
    func paths() throws(Fault) -> PathQuery {
        try expect(.of, after: "PATHS")
        let step = try step("a table after PATHS OF")
        var query = PathQuery(of: step, on: .literal(.null), depth: StatementParser.depthDefault)
        var options = QueryOptions()
        var saysSessions = false
        let words = StatementParser.pathClauses
        let seen = try clauses(of: "PATHS", words, &options) { (clause, start) throws(Fault) in
            switch clause {
            case .on: query.item = try expression()
            case .from: query.from = try expression()
            case .towards: query.towards = try expression()
            case .depth: query.depth = try count("the number of items after DEPTH", minimum: 1, max: PathQuery.depthMax)
            default:
                if saysSessions { throw error("SPLIT AT and BY SESSION are two ends of a path", at: start) }
                saysSessions = true
                query.sessions = try pathSessions(clause)
            }
        }
        if !seen.contains(.on) { throw unexpected("ON and an expression, as ON event", near: [.on]) }
        query.options = options
        return query
    }

    /// Reads `AT span` behind `SPLIT`, or `SESSION [e]` behind `BY`.
    private func pathSessions(_ clause: Keyword) throws(Fault) -> PathQuery.Sessions {
        if clause == .split {
            try expect(.at, after: "SPLIT")
            return .gap(try span("a span of time after SPLIT AT"))
        }
        try expect(.session, after: "BY")
        // Any word of the language ends the clause; a column of such a name stands in parentheses.
        if isAtEnd || current.kind == .rightParenthesis || current.keyword != nil { return .column(nil) }
        return .column(try expression())
    }
}
