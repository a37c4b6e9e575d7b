import DukkanFormat
import DukkanQuery

/// Funnels and retention.
extension StatementParser {
    private static let funnelClauses: [Keyword] = [.within, .ties, .where, .entered, .by]
    private static let funnelLater: [Keyword] = [.excluding, .holding, .order, .split]
    private static let retentionClauses: [Keyword] = [
        .returning, .by, .for, .first, .recurring, .measuring, .where, .matured,
    ]
    private static let retentionLater: [Keyword] = [.split, .rolling, .running, .on, .at]

    /// Reads a step: `[name =] table [WHERE …]`.
    private func step(_ what: String) throws(Fault) -> Step {
        let first = try name(what)
        var step = Step(in: first)
        if accept(.equal) { step = Step(first, in: try name("a table after '\(first) ='")) }
        if accept(.where) { step.filter = try expression() }
        return step
    }

    // MARK: Funnel

    /// Reads a funnel behind `FUNNEL`.
    func funnel() throws(Fault) -> FunnelQuery {
        var steps: [Step] = []
        repeat {
            if steps.count == FunnelQuery.stepCountMax {
                throw error("a funnel has at most \(FunnelQuery.stepCountMax) steps", at: current)
            }
            steps.append(try step("a step: a table, or a name, '=' and a table"))
        } while accept(.comma)
        var query = FunnelQuery(steps)
        var seen: Set<Keyword> = []
        while !isAtEnd {
            if try option(into: &query.options, &seen) { continue }
            let start = current
            guard let clause = start.keyword, StatementParser.funnelClauses.contains(clause) else {
                throw unexpectedClause(
                    of: "FUNNEL", StatementParser.funnelClauses, later: StatementParser.funnelLater)
            }
            advance()
            try once(clause, &seen, at: start)
            switch clause {
            case .within: query.window = try span("a span of time after WITHIN")
            case .ties: query.ties = try ties()
            case .where: query.filter = try expression()
            case .entered: try entry(into: &query)
            default: query.breakdown = try breakdown(steps: steps)
            }
        }
        return query
    }

    private func ties() throws(Fault) -> FunnelQuery.Ties {
        if accept(.favourable) || accept(.favorable) { return .favourable }
        if accept(.recorded) { return .recorded }
        if accept(.increasing) { return .increasing }
        let words: [Keyword] = [.favourable, .recorded, .increasing, .favorable]
        throw unexpected("FAVOURABLE, RECORDED or INCREASING after TIES", near: words)
    }

    private func entry(into query: inout FunnelQuery) throws(Fault) {
        if !isAt(.from), !isAt(.to) { throw unexpected("FROM or TO after ENTERED", near: [.from, .to]) }
        if accept(.from) { query.enteredFrom = try expression() }
        if accept(.to) { query.enteredTo = try expression() }
    }

    private func breakdown(steps: [Step]) throws(Fault) -> FunnelQuery.Breakdown {
        var breakdown = FunnelQuery.Breakdown(try expression())
        if current.kind == .comma {
            throw error("a funnel is broken down by one expression", at: current, advice: "join texts with ||")
        }
        if accept(.attributed) { breakdown.attribution = try attribution(steps: steps) }
        if accept(.top) { breakdown.top = try count("the number of values after TOP", minimum: 1) }
        return breakdown
    }

    private func attribution(steps: [Step]) throws(Fault) -> FunnelQuery.Attribution {
        if accept(.first) { return .first }
        if accept(.last) { return .last }
        if accept(.all) { return .all }
        if !accept(.step) {
            throw unexpected("FIRST, LAST, STEP or ALL after ATTRIBUTED", near: [.first, .last, .step, .all])
        }
        let place = try stepPlace(among: steps)
        return accept(.first) ? .stepFirst(place) : .step(place)
    }

    /// Reads a step's name or its number from 1; gives its place from 0.
    private func stepPlace(among steps: [Step]) throws(Fault) -> Int {
        if current.kind == .integer {
            return try count("the number of the step", minimum: 1, max: steps.count) - 1
        }
        let start = current
        let wanted = try name("the name or the number of a step")
        if let place = steps.place(named: wanted) { return place }
        let advice = NearestName.advice(for: wanted, among: steps.compactMap(\.name))
        throw error("there is no step '\(wanted)'", at: start, advice: advice)
    }

    // MARK: Retention

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
                throw unexpectedClause(
                    of: "RETENTION", StatementParser.retentionClauses, later: StatementParser.retentionLater)
            }
            advance()
            let isCohorts = clause == .first || clause == .recurring
            try once(isCohorts ? .first : clause, &seen, at: token, isCohorts ? "FIRST TIME or RECURRING" : nil)
            switch clause {
            case .returning: query.returning = try step("a table after RETURNING")
            case .by: query.period = try period()
            case .for: query.periodCount = try periodCount()
            case .first:
                try expect(.time, after: "FIRST")
                query.cohorts = .firstTime
            case .recurring: query.cohorts = .recurring
            case .measuring: query.measure = try measure()
            case .where: query.filter = try expression()
            default:
                try expect(.only, after: "MATURED")
                query.maturedOnly = true
            }
        }
        if !seen.contains(.by) { throw unexpected("BY HOUR, DAY, WEEK or MONTH") }
        if !seen.contains(.for) { throw unexpected("FOR n PERIODS") }
        return query
    }

    private func period() throws(Fault) -> Period {
        if accept(.hour) { return .hour }
        if accept(.day) { return .day }
        if accept(.week) { return .week }
        if accept(.month) { return .month }
        throw unexpected("HOUR, DAY, WEEK or MONTH after BY", near: [.hour, .day, .week, .month])
    }

    private func periodCount() throws(Fault) -> Int {
        let count = try count("the number of periods after FOR", minimum: 1, max: RetentionQuery.periodCountMax)
        try expect(.periods, after: "FOR \(count)")
        return count
    }

    private func measure() throws(Fault) -> RetentionQuery.Measure {
        if accept(.customers) { return .customers }
        let start = current
        let expected = "customers, sum(…) or avg(…) after MEASURING"
        guard ahead().kind == .leftParenthesis else { throw unexpected(expected, near: [.customers]) }
        if case .aggregate(let aggregate) = try primary().expression, aggregate.table == nil, aggregate.filter == nil,
            let argument = aggregate.argument
        {
            switch aggregate.function {
            case .sum: return .sum(argument)
            case .average: return .average(argument)
            default: break
            }
        }
        throw error("expected \(expected)", at: start, advice: "filters stand behind RETURNING … WHERE")
    }
}

extension [Step] {
    /// Place of the first step of a name, exactly as written or else without regard to case; nil if there is none.
    func place(named name: String) -> Int? {
        if let exact = firstIndex(where: { $0.name == name }) { return exact }
        let lower = name.lowercased()
        return firstIndex { $0.name?.lowercased() == lower }
    }
}
