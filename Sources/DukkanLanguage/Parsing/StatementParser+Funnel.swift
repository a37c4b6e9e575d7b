import DukkanFormat
import DukkanQuery

/// Funnels.
extension StatementParser {
    private static let funnelClauses: [Keyword] = [
        .within, .order, .ties, .reusing, .where, .entered, .excluding, .holding, .by, .split, .counting, .measuring,
        .trends, .time, .customers, .preset,
    ]

    /// Reads a funnel behind `FUNNEL`; one within parentheses ends before the closing one.
    func funnel(isWithin: Bool = false) throws(Fault) -> FunnelQuery {
        var steps: [Step] = []
        repeat {
            if steps.count == FunnelQuery.stepCountMax {
                throw tooMany("a funnel has at most \(FunnelQuery.stepCountMax) steps")
            }
            steps.append(try step("a step: a table, or a name, '=' and a table"))
        } while accept(.comma)
        var query = FunnelQuery(steps)
        var seen: Set<Keyword> = []
        while !isAtEnd, !(isWithin && current.kind == .rightParenthesis) {
            if try option(into: &query.options, &seen) { continue }
            let start = current
            guard let clause = start.keyword, StatementParser.funnelClauses.contains(clause) else {
                throw unexpectedClause(of: "FUNNEL", StatementParser.funnelClauses)
            }
            advance()
            switch clause {
            case .trends, .time, .customers: try view(clause, into: &query, at: start)
            case .within, .order, .ties, .reusing, .excluding, .holding:
                try chainClause(clause, into: &query, &seen, at: start)
            default: try countClause(clause, into: &query, &seen, at: start)
            }
        }
        // A preset is what holds where nothing else is said.
        if query.preset == .postHog, !seen.contains(.week) { query.options.weekStartsOnSunday = true }
        return query
    }

    /// Reads a clause that tells what a chain is, behind its first word.
    private func chainClause(
        _ clause: Keyword, into query: inout FunnelQuery, _ seen: inout Set<Keyword>, at start: Token
    ) throws(Fault) {
        switch clause {
        case .within where accept(.session):
            try once(.session, &seen, at: start, "WITHIN SESSION")
            query.session = try sessionKey() ?? StatementParser.sessionColumn
        case .within:
            try once(clause, &seen, at: start)
            query.window = try span("a span of time after WITHIN")
        case .order:
            try once(clause, &seen, at: start)
            query.order = isAt(.any) ? .any : .strict
            if !accept(.any), !accept(.strict) { throw unexpected("STRICT or ANY after ORDER", near: [.strict, .any]) }
        case .ties:
            try once(clause, &seen, at: start)
            query.ties = try ties()
        case .reusing:
            try once(clause, &seen, at: start)
            try expect(.rows, after: "REUSING")
            query.reusesRows = true
        case .excluding: query.exclusions.append(try exclusion(among: query.steps))
        default:
            try once(clause, &seen, at: start)
            query.holding = try expression()
        }
    }

    /// Reads a clause that tells which chains count and how, behind its first word.
    private func countClause(
        _ clause: Keyword, into query: inout FunnelQuery, _ seen: inout Set<Keyword>, at start: Token
    ) throws(Fault) {
        try once(clause == .split ? .by : clause, &seen, at: start)
        switch clause {
        case .where: query.filter = try expression()
        case .entered: try entry(into: &query)
        case .by: query.breakdown = try breakdown(steps: query.steps)
        case .split:
            try expect(.by, after: "SPLIT")
            query.breakdown = try breakdown(steps: query.steps)
        case .counting: query.unit = try unit()
        case .measuring: query.measure = try stepMeasure(among: query.steps)
        default: query.preset = try preset()
        }
    }

    // MARK: Chains

    /// The column that tells sessions apart where none is named.
    static let sessionColumn = Expression.column(ColumnName("session_id"))

    /// Reads `BY e` behind `SESSION` or `SESSIONS`; nil where none follows.
    private func sessionKey() throws(Fault) -> Expression? {
        guard isAt(.by), ahead().keyword != .segments else { return nil }
        advance()
        return try expression()
    }

    private func ties() throws(Fault) -> FunnelQuery.Ties {
        if accept(.favourable) || accept(.favorable) { return .favourable }
        if accept(.recorded) { return .recorded }
        if accept(.increasing) { return .increasing }
        let words: [Keyword] = [.favourable, .recorded, .increasing, .favorable]
        throw unexpected("FAVOURABLE, RECORDED or INCREASING after TIES", near: words)
    }

    /// Reads `table [WHERE …] [BETWEEN step AND step] [PER CUSTOMER | PER ATTEMPT]`.
    private func exclusion(among steps: [Step]) throws(Fault) -> FunnelQuery.Exclusion {
        let outer = (exclusionSteps, exclusionDepth)
        defer { (exclusionSteps, exclusionDepth) = outer }
        exclusionSteps = Set(steps.compactMap { $0.name?.lowercased() })
        exclusionDepth = nestingDepth + 1
        var exclusion = FunnelQuery.Exclusion(try step("a table after EXCLUDING"))
        if accept(.between) {
            exclusion.from = try stepPlace(among: steps)
            try expect(.and, after: "BETWEEN and a step")
            exclusion.to = try stepPlace(among: steps)
        }
        if accept(.per) {
            if accept(.attempt) {
                exclusion.scope = .attempt
            } else if !accept(.customer) {
                throw unexpected("CUSTOMER or ATTEMPT after PER", near: [.customer, .attempt])
            }
        }
        return exclusion
    }

    private func entry(into query: inout FunnelQuery) throws(Fault) {
        if !isAt(.from), !isAt(.to) { throw unexpected("FROM or TO after ENTERED", near: [.from, .to]) }
        if accept(.from) { query.enteredFrom = try expression() }
        if accept(.to) { query.enteredTo = try expression() }
    }

    // MARK: Counts

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

    private func unit() throws(Fault) -> FunnelQuery.Unit {
        if accept(.customers) { return .customers }
        if accept(.entries) { return .entries }
        if accept(.sessions) { return .sessions(try sessionKey()) }
        let words: [Keyword] = [.customers, .sessions, .entries]
        throw unexpected("CUSTOMERS, SESSIONS or ENTRIES after COUNTING", near: words)
    }

    private func stepMeasure(among steps: [Step]) throws(Fault) -> FunnelQuery.StepMeasure {
        let function: FunnelQuery.StepMeasure.Function
        let measured: Expression
        switch try measure(allowsCustomers: false) {
        case .average(let expression): (function, measured) = (.average, expression)
        case .sum(let expression): (function, measured) = (.sum, expression)
        case .customers: throw unexpected("sum(…) or avg(…) after MEASURING")
        }
        try expect(.at, after: "the measure")
        return FunnelQuery.StepMeasure(function, of: measured, at: try stepPlace(among: steps))
    }

    private func preset() throws(Fault) -> FunnelQuery.Preset {
        if accept(.posthog) { return .postHog }
        if !accept(.clickhouse) {
            throw unexpected("CLICKHOUSE or POSTHOG after PRESET", near: [.clickhouse, .posthog])
        }
        var modes: Set<FunnelQuery.ClickHouseMode> = []
        guard accept(.modes) else { return .clickHouse(modes) }
        try expect(.leftParenthesis, "'(' after MODES")
        repeat {
            let start = current
            let name = try name("a mode of windowFunnel")
            guard let mode = FunnelQuery.ClickHouseMode(rawValue: name.lowercased()) else {
                let known = FunnelQuery.ClickHouseMode.allCases.map(\.rawValue)
                let advice = NearestName.advice(for: name, among: known) ?? "there is \(known.joined(separator: ", "))"
                throw error("windowFunnel has no mode '\(name)'", at: start, advice: advice)
            }
            modes.insert(mode)
        } while accept(.comma)
        try expect(.rightParenthesis, "',' or ')' behind a mode")
        return .clickHouse(modes)
    }

    // MARK: Views

    /// Reads what the answer shows, behind the first word.
    private func view(_ clause: Keyword, into query: inout FunnelQuery, at start: Token) throws(Fault) {
        let view: FunnelQuery.View
        switch clause {
        case .trends:
            try expect(.by, after: "TRENDS")
            view = .trends(try period(after: "TRENDS BY"))
        case .time:
            try expect(.to, after: "TIME")
            try expect(.convert, after: "TIME TO")
            let from = accept(.from) ? try stepPlace(among: query.steps) : nil
            let to = accept(.to) ? try stepPlace(among: query.steps) : nil
            var bins: Int?
            if isAt(.in), ahead().kind == .integer {
                advance()
                bins = try count("the number of bins", minimum: 1, max: FunnelQuery.binCountMax)
                try expect(.bins, after: "IN and a number")
            }
            view = .timeToConvert(from: from, to: to, bins: bins)
        default:
            let standing = try standing(after: "CUSTOMERS")
            view = .customers(standing, step: try stepPlace(among: query.steps))
        }
        if query.view != .steps {
            let (first, second) = (query.view.words, view.words)
            let message =
                first == second
                ? "\(first) is written twice" : "\(first) and \(second) are two answers: ask for one"
            throw error(message, at: start)
        }
        query.view = view
    }

    /// Reads `REACHED`, `DROPPED AT` or `OPEN AT`.
    func standing(after word: String) throws(Fault) -> FunnelQuery.Standing {
        if accept(.reached) { return .reached }
        if accept(.dropped, .at) { return .dropped }
        if accept(.open, .at) { return .open }
        throw unexpected("REACHED, DROPPED AT or OPEN AT after \(word)", near: [.reached, .dropped, .open])
    }
}

extension FunnelQuery.View {
    /// The words that ask for it.
    fileprivate var words: String {
        switch self {
        case .steps: "FUNNEL"
        case .trends: "TRENDS"
        case .timeToConvert: "TIME TO CONVERT"
        case .customers: "CUSTOMERS"
        }
    }
}
