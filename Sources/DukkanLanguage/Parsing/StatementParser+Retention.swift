import DukkanFormat
import DukkanQuery

/// Retention.
extension StatementParser {
    private static let retentionClauses: [Keyword] = [
        .returning, .by, .for, .brackets, .rolling, .first, .recurring, .on, .at, .measuring, .per, .running, .split,
        .where, .matured, .preset,
    ]

    /// Reads what stands behind `RETENTION`.
    func retention() throws(Fault) -> RetentionQuery {
        try expect(.of, after: "RETENTION")
        let start = try step("a table after RETENTION OF")
        var query = RetentionQuery(of: start, returning: start, by: .month, periods: 0)
        var seen: Set<Keyword> = []
        while !isAtEnd {
            if try option(into: &query.options, &seen) { continue }
            let token = current
            guard let clause = token.keyword, StatementParser.retentionClauses.contains(clause) else {
                throw unexpectedClause(of: "RETENTION", StatementParser.retentionClauses)
            }
            advance()
            let isCohorts = clause == .first || clause == .recurring
            try once(isCohorts ? .first : clause, &seen, at: token, isCohorts ? "FIRST TIME or RECURRING" : nil)
            switch clause {
            case .returning, .by, .first, .recurring, .measuring, .where, .split, .preset:
                try retentionClause(clause, into: &query)
            default: try cellClause(clause, into: &query, seen, at: token)
            }
        }
        if !seen.contains(.by) { throw unexpected("BY HOUR, DAY, WEEK or MONTH") }
        if !seen.contains(.for), !seen.contains(.brackets) { throw unexpected("FOR n PERIODS") }
        // A preset is what holds where nothing else is said.
        if query.isPostHog, !seen.contains(.week) { query.options.weekStartsOnSunday = true }
        if query.isPostHog, !seen.contains(.first) { query.cohorts = .recurring }
        return query
    }

    /// Reads a clause that tells who is asked about and what is measured, behind its first word.
    private func retentionClause(_ clause: Keyword, into query: inout RetentionQuery) throws(Fault) {
        switch clause {
        case .returning: query.returning = try step("a table after RETURNING")
        case .by: query.period = try period()
        case .first:
            try expect(.time, after: "FIRST")
            query.cohorts = .firstTime
        case .recurring: query.cohorts = .recurring
        case .measuring: query.measures = try measures()
        case .where: query.filter = try expression()
        case .split:
            try expect(.by, after: "SPLIT")
            query.split = RetentionQuery.Split(try expression())
            if accept(.top) { query.split?.top = try count("the number of values after TOP", minimum: 1) }
        default:
            try expect(.posthog, after: "PRESET")
            query.isPostHog = true
        }
    }

    /// Reads a clause that tells what a cell of the grid is, behind its first word.
    private func cellClause(
        _ clause: Keyword, into query: inout RetentionQuery, _ seen: Set<Keyword>, at start: Token
    ) throws(Fault) {
        switch clause {
        case .for: query.periodCount = try periodCount()
        case .brackets:
            query.brackets = try brackets()
            query.periodCount = query.brackets.count + 1
        case .rolling: query.isRolling = true
        case .on:
            try expect(.or, after: "ON")
            try expect(.after, after: "ON OR")
            query.isOnOrAfter = true
        case .at:
            try expect(.least, after: "AT")
            query.returnCountMin = try rowCountMin()
        case .per:
            try expect(.customer, after: "PER")
            query.isPerCustomer = true
        case .running: query.isRunning = true
        default:
            try expect(.only, after: "MATURED")
            query.maturedOnly = true
        }
        if (clause == .for || clause == .brackets) && seen.isSuperset(of: [.for, .brackets]) {
            throw error("BRACKETS stand instead of FOR n PERIODS", at: start)
        }
    }

    /// Most rows of `AT LEAST n`.
    static let rowCountMinMax = 1_000_000_000

    /// Reads the number behind `AT LEAST`.
    func rowCountMin() throws(Fault) -> Int {
        try count("the number of rows after AT LEAST", minimum: 1, max: StatementParser.rowCountMinMax)
    }

    private func periodCount() throws(Fault) -> Int {
        let count = try count("the number of periods after FOR", minimum: 1, max: RetentionQuery.periodCountMax)
        try expect(.periods, after: "FOR \(count)")
        return count
    }

    private func brackets() throws(Fault) -> [Int] {
        let max = RetentionQuery.periodCountMax
        var brackets: [Int] = []
        repeat {
            if brackets.count == max - 1 { throw tooMany("a retention has at most \(max) periods") }
            brackets.append(try count("the number of periods of a bracket", minimum: 1, max: max))
        } while accept(.comma)
        return brackets
    }

    private func measures() throws(Fault) -> [RetentionQuery.Measure] {
        var measures: [RetentionQuery.Measure] = []
        repeat {
            if measures.count == RetentionQuery.measureCountMax {
                throw tooMany("a retention has at most \(RetentionQuery.measureCountMax) measures")
            }
            switch try measure(allowsCustomers: true) {
            case .customers: measures.append(.customers)
            case .sum(let expression): measures.append(.sum(expression))
            case .average(let expression): measures.append(.average(expression))
            }
        } while accept(.comma)
        return measures
    }
}
