import DukkanFormat
import DukkanQuery

extension StatementParser {
    /// The words that begin a statement, as messages name them.
    private static let statementWords: [Keyword] = [
        .select, .funnel, .retention, .deciles, .define, .create, .drop, .alter, .show, .describe, .explain,
        .lifecycle, .stickiness, .paths, .summarize,
    ]

    /// Reads a statement with its place; the token behind it is left.
    func parsedStatement(in text: String) throws(Fault) -> ParsedStatement {
        let start = current
        let name = lineCommentAbove()
        let statement = try statement()
        return ParsedStatement(
            statement: statement, name: name, source: text, range: Int(start.start)..<endOfPrevious)
    }

    func statement() throws(Fault) -> Statement {
        let start = current
        switch start.keyword {
        case .select, .funnel, .retention, .deciles, .lifecycle, .stickiness, .paths: return try query()
        case .explain: return try explanation()
        case .define: return try segmentDefinition()
        case .create: return try tableDefinition()
        case .drop: return try drop()
        case .alter: return try alteration()
        case .show: return try listing()
        case .describe, .desc:
            advance()
            return .describe(table: try name("a table after \(text(of: start).uppercased())"))
        case .summarize, .with:
            throw notAvailable(start.keyword?.text ?? "", at: start)
        default:
            throw unexpected("a statement", near: StatementParser.statementWords)
        }
    }

    private func query() throws(Fault) -> Statement {
        let start = advance()
        switch start.keyword {
        case .select: return .select(try slice())
        case .funnel: return .funnel(try funnel())
        case .retention: return .retention(try retention())
        case .lifecycle: return .lifecycle(try lifecycle())
        case .stickiness: return .stickiness(try stickiness())
        case .paths: return .paths(try paths())
        default: return .deciles(try deciles())
        }
    }

    private func explanation() throws(Fault) -> Statement {
        advance()
        let analyze = accept(.analyze)
        let queries: [Keyword] = [.select, .funnel, .retention, .deciles, .lifecycle, .stickiness, .paths]
        guard let keyword = current.keyword, queries.contains(keyword) else {
            throw unexpected("a query after EXPLAIN\(analyze ? " ANALYZE" : "")", near: queries + [.analyze])
        }
        return .explain(analyze: analyze, try query())
    }

    private func listing() throws(Fault) -> Statement {
        advance()
        if accept(.tables) { return .showTables }
        if accept(.segments) { return .showSegments }
        throw unexpected("TABLES or SEGMENTS after SHOW", near: [.tables, .segments])
    }

    private func drop() throws(Fault) -> Statement {
        advance()
        let what = current
        guard accept(.table) || accept(.segment) else {
            throw unexpected("TABLE or SEGMENT after DROP", near: [.table, .segment])
        }
        if isAt(.if), ahead().keyword == .exists { throw notAvailable("IF EXISTS", at: current) }
        if what.keyword == .segment { return .dropSegment(name: try name("the name of a segment")) }
        return .dropTable(name: try name("a table after DROP TABLE"))
    }

    private func segmentDefinition() throws(Fault) -> Statement {
        advance()
        try expect(.segment, after: "DEFINE")
        let name = try name("the name of a segment")
        try expect(.as, after: "the name of a segment")
        return .defineSegment(name: name, condition: try segmentCondition())
    }

    /// Reads a condition on a customer.
    func segmentCondition() throws(Fault) -> Expression {
        let outer = inSegment
        inSegment = true
        defer { inSegment = outer }
        return try expression()
    }

    // MARK: Clauses

    /// Most segments of `BY SEGMENTS`.
    static let segmentCountMax = 64

    /// Clauses that every query takes.
    static let optionWords: [Keyword] = [.as, .time, .week, .for, .in, .by]

    /// Reads the clause of a query that begins with the current keyword, if it is one that every query takes.
    func option(into options: inout QueryOptions, _ seen: inout Set<Keyword>) throws(Fault) -> Bool {
        let start = current
        switch start.keyword {
        case .as:
            advance()
            try expect(.of, after: "AS")
            try once(.as, &seen, at: start, "AS OF")
            options.asOf = try expression()
        case .time where ahead().keyword != .to:
            advance()
            try expect(.zone, after: "TIME")
            try once(.time, &seen, at: start, "TIME ZONE")
            options.timeZone = try string("the name of a time zone in single quotes")
        case .week:
            advance()
            try expect(.start, after: "WEEK")
            try once(.week, &seen, at: start, "WEEK START")
            options.weekStartsOnSunday = isAt(.sunday)
            if !accept(.sunday), !accept(.monday) {
                throw unexpected("MONDAY or SUNDAY after WEEK START", near: [.monday, .sunday])
            }
        case .for where ahead().keyword == .segment:
            advance()
            advance()
            try once(.segment, &seen, at: start, "FOR SEGMENT")
            options.segment = try restriction()
        case .in where ahead().keyword == .segment:
            advance()
            try once(.segment, &seen, at: start, "IN SEGMENT")
            options.segment = try segmentName().expression
        case .not where ahead().keyword == .in && ahead(2).keyword == .segment:
            advance()
            advance()
            try once(.segment, &seen, at: start, "NOT IN SEGMENT")
            options.segment = .not(try segmentName().expression)
        case .by where ahead().keyword == .segments && (isName(ahead(2)) || ahead(2).kind == .leftParenthesis):
            advance()
            advance()
            try once(.segments, &seen, at: start, "BY SEGMENTS")
            options.segments = try comparedSegments()
        default:
            return false
        }
        return true
    }

    /// Reads what stands behind `FOR SEGMENT`: a segment's name, or a condition.
    private func restriction() throws(Fault) -> Expression {
        if isAtName, ahead().kind != .leftParenthesis, ahead().kind != .point {
            return try atTime(leaf(.inSegment(try name("the name of a segment")))).expression
        }
        return try segmentCondition()
    }

    /// Reads what stands behind `BY SEGMENTS`: names, and conditions in parentheses.
    private func comparedSegments() throws(Fault) -> [Expression] {
        var segments: [Expression] = []
        repeat {
            if segments.count == StatementParser.segmentCountMax {
                throw tooMany("a query is BY at most \(StatementParser.segmentCountMax) SEGMENTS")
            }
            if accept(.leftParenthesis) {
                segments.append(try segmentCondition())
                try expect(.rightParenthesis, "an operator or ')' in a condition of BY SEGMENTS")
            } else {
                segments.append(.inSegment(try name("the name of a segment, or a condition in parentheses")))
            }
        } while accept(.comma)
        return segments
    }

    /// Notes that a clause was read; throws if it was read before.
    func once(
        _ clause: Keyword, _ seen: inout Set<Keyword>, at token: Token, _ text: String? = nil
    ) throws(Fault) {
        if !seen.insert(clause).inserted {
            throw error("\(text ?? clause.text) is written twice", at: token)
        }
    }

    /// The error for a word that begins no clause of a statement.
    func unexpectedClause(of statement: String, _ clauses: [Keyword], later: [Keyword] = []) -> Fault {
        if let keyword = current.keyword, later.contains(keyword) {
            return notAvailable("\(keyword.text) in \(statement)", at: current)
        }
        if isAt(.for) {
            advance()
            return unexpected("SEGMENT after FOR", near: [.segment])
        }
        return unexpected(
            "a clause of \(statement) or the end of the statement", near: clauses + StatementParser.optionWords + later)
    }
}
