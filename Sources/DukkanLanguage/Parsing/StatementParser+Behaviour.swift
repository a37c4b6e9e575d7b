import DukkanFormat
import DukkanQuery

/// What funnels, retention and the other questions of behaviour have in common.
extension StatementParser {
    // MARK: Steps

    /// Reads a step: `[name =] table [WHERE …] [FIRST EVER [WHERE …]] [OPTIONAL] [GAP [FROM …] [TO …]]`.
    ///
    /// Which of these a step may have where is for the query to say.
    func step(_ what: String) throws(Fault) -> Step {
        let first = try name(what)
        var step = Step(in: first)
        if accept(.equal) { step = Step(first, in: try name("a table after '\(first) ='")) }
        if accept(.where) { step.filter = try expression() }
        if accept(.first, .ever) {
            step.firstEver = Step.FirstEver()
            if accept(.where) { step.firstEver = Step.FirstEver(where: try expression()) }
        }
        step.isOptional = accept(.optional)
        if accept(.gap) {
            if !isAt(.from), !isAt(.to) { throw unexpected("FROM or TO after GAP", near: [.from, .to]) }
            if accept(.from) { step.gapMin = try span("a span of time after GAP FROM") }
            if accept(.to) { step.gapMax = try span("a span of time after GAP TO") }
        }
        return step
    }

    /// Reads a step's name, or its number from 1 with or without `STEP` before it; gives the token that says it.
    func stepReference() throws(Fault) -> Token {
        if isAt(.step), ahead().kind == .integer { advance() }
        if current.kind != .integer, !isAtName { throw unexpected("the name or the number of a step") }
        return advance()
    }

    /// The place from 0 of the step that a token names.
    func place(of token: Token, among steps: [Step]) throws(Fault) -> Int {
        if token.kind == .integer {
            guard let number = Int(digits(of: token)), number <= steps.count else {
                throw error("the number of the step is at most \(steps.count), not \(shortened(token))", at: token)
            }
            if number < 1 { throw error("the number of the step is at least 1, not \(number)", at: token) }
            return number - 1
        }
        let wanted = name(of: token)
        if let place = steps.place(named: wanted) { return place }
        let advice = NearestName.advice(for: wanted, among: steps.compactMap(\.name))
        throw error("there is no step '\(wanted)'", at: token, advice: advice)
    }

    /// Reads a step's name or its number; gives its place from 0.
    func stepPlace(among steps: [Step]) throws(Fault) -> Int {
        try place(of: try stepReference(), among: steps)
    }

    // MARK: Periods and measures

    func period(after word: String = "BY") throws(Fault) -> Period {
        if accept(.hour) { return .hour }
        if accept(.day) { return .day }
        if accept(.week) { return .week }
        if accept(.month) { return .month }
        throw unexpected("HOUR, DAY, WEEK or MONTH after \(word)", near: [.hour, .day, .week, .month])
    }

    /// A measure behind `MEASURING`.
    enum MeasureForm {
        case customers
        case sum(Expression)
        case average(Expression)
    }

    /// Reads `sum(…)` or `avg(…)`, and `customers` where that is allowed.
    func measure(allowsCustomers: Bool) throws(Fault) -> MeasureForm {
        if allowsCustomers, ahead().kind != .leftParenthesis, accept(.customers) { return .customers }
        let start = current
        let expected = (allowsCustomers ? "customers, " : "") + "sum(…) or avg(…) after MEASURING"
        guard ahead().kind == .leftParenthesis else {
            throw unexpected(expected, near: allowsCustomers ? [.customers] : [])
        }
        let read = try primary()
        tallestExpression = max(tallestExpression, read.height)
        if case .aggregate(let aggregate) = read.expression, aggregate.table == nil, aggregate.filter == nil,
            let argument = aggregate.argument
        {
            switch aggregate.function {
            case .sum: return .sum(argument)
            case .average: return .average(argument)
            default: break
            }
        }
        let advice = allowsCustomers ? "filters stand behind RETURNING … WHERE" : "filters stand behind the step"
        throw error("expected \(expected)", at: start, advice: advice)
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
