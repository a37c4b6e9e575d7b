import DukkanFormat
import DukkanQuery

/// The names of the aggregates.
enum AggregateWord: String, CaseIterable {
    case count, sum, avg, min, max, median, quantile, first, last, active
}

extension StatementParser {
    /// Reads an aggregate behind its name.
    ///
    /// Over a group: `sum(x) FILTER (WHERE …)`. Over a customer's rows of a table: `count(t WHERE …)`, `sum(t.x WHERE …)`,
    /// `sum(x * y FROM t WHERE …)`.
    func aggregate(_ word: AggregateWord, at start: Token) throws(Fault) -> Node {
        try expect(.leftParenthesis)
        let outer = inSegment
        inSegment = false
        defer { inSegment = outer }
        var table: String?
        var argument: Node?
        var distinct = false
        var periods: Aggregate.Function?
        if word == .active {
            periods = try activePeriods()
        } else if word == .count {
            distinct = acceptDistinct()
            if !distinct, accept(.star) {
            } else if !distinct, outer, isAtTableOnly {
                table = try name("a table")
            } else {
                argument = try node()
            }
        } else {
            if current.kind == .star { throw error("only count takes '*', not \(word.rawValue)", at: current) }
            if isAt(.distinct), startsOperand(ahead()) {
                throw notAvailable("\(word.rawValue)(DISTINCT …)", at: current)
            }
            argument = try node()
        }
        let fraction = try word == .quantile ? self.fraction() : 0.5
        if accept(.from) { table = try name("a table after FROM") }
        if outer, table == nil {
            table = try self.table(of: argument?.expression, in: word, at: start)
            // `orders.revenue` is the column revenue of the rows of orders.
            if case .column(let column)? = argument?.expression {
                argument?.expression = .column(ColumnName(column.name))
            }
        }
        var filter = try innerFilter(hasTable: table != nil, word: word)
        try expect(.rightParenthesis, closing(hasTable: table != nil, isCount: word == .count))
        if isAt(.filter), ahead().kind == .leftParenthesis {
            if filter != nil {
                throw error("\(word.rawValue) has two filters", at: current, advice: "join them with AND")
            }
            filter = try outerFilter()
        }
        let function: Aggregate.Function =
            switch word {
            case .count: distinct ? .countDistinct : .count
            case .sum: .sum
            case .avg: .average
            case .min: .minimum
            case .max: .maximum
            case .median, .quantile: .quantile(fraction)
            case .first: .first
            case .last: .last
            case .active: periods ?? .count
            }
        let height = max(argument?.height ?? 0, filter?.height ?? 0)
        let size = (argument?.size ?? 0) + (filter?.size ?? 0)
        let aggregate = Aggregate(
            function, of: argument?.expression, table: table, filter: filter?.expression)
        return try checked(.aggregate(aggregate), height: height, size: size)
    }

    /// Reads `WEEK, 8`: in how many of the last 8 weeks.
    private func activePeriods() throws(Fault) -> Aggregate.Function {
        let period = try period(after: "active(")
        try expect(.comma, "',' and a number of periods")
        let max = RetentionQuery.periodCountMax
        return .activePeriods(period, last: try count("the number of periods in active(…)", minimum: 1, max: max))
    }

    /// Whether a token can begin an operand, so that a word before it is not an operand itself.
    func startsOperand(_ token: Token) -> Bool {
        switch token.kind {
        case .string, .quotedName, .integer, .decimal, .double, .leftParenthesis: return true
        case .word:
            guard let keyword = token.keyword, keyword.isReserved else { return true }
            return [.case, .not, .null, .true, .false, .now].contains(keyword)
        default: return false
        }
    }

    private func acceptDistinct() -> Bool {
        guard isAt(.distinct), startsOperand(ahead()) else { return false }
        advance()
        return true
    }

    /// Whether a table stands alone: `count(orders)`, `count(orders WHERE …)`.
    private var isAtTableOnly: Bool {
        isAtName && (ahead().kind == .rightParenthesis || ahead().keyword == .where)
    }

    private func closing(hasTable: Bool, isCount: Bool) -> String {
        hasTable ? "WHERE or ')' in an aggregate" : "an operator or ')' in an aggregate"
    }

    private func fraction() throws(Fault) -> Double {
        try expect(.comma, "',' and a fraction, as in quantile(x, 0.9)")
        let start = current
        switch current.kind {
        case .integer, .decimal, .double: break
        default: throw unexpected("a fraction from 0 to 1, as in quantile(x, 0.9)")
        }
        guard let fraction = double(of: advance()), fraction <= 1 else {
            throw error("the fraction of quantile is 0 to 1, not \(text(of: start))", at: start)
        }
        return fraction
    }

    private func innerFilter(hasTable: Bool, word: AggregateWord) throws(Fault) -> Node? {
        guard isAt(.where) else { return nil }
        if !hasTable {
            let advice = "write \(word.rawValue)(…) FILTER (WHERE …)"
            throw error("WHERE stands behind the aggregate here", at: current, advice: advice)
        }
        advance()
        return try node()
    }

    private func outerFilter() throws(Fault) -> Node {
        advance()
        try expect(.leftParenthesis)
        try expect(.where, after: "FILTER (")
        let filter = try node()
        try expect(.rightParenthesis, "an operator or ')' in FILTER")
        return filter
    }

    /// The table whose rows are aggregated, from the qualifiers of the argument's columns.
    private func table(
        of argument: Expression?, in word: AggregateWord, at start: Token
    ) throws(Fault) -> String {
        var tables: Set<String> = []
        var isComplete = true
        argument?.visitColumns { column in
            if let table = column.table { tables.insert(table) } else { isComplete = false }
        }
        if isComplete, tables.count == 1, let table = tables.first { return table }
        let example = argument == nil ? "count(orders)" : "\(word.rawValue)(orders.revenue)"
        let advice = "name a table, as in \(example), or \(word.rawValue)(… FROM orders)"
        throw error("\(word.rawValue) of which table's rows?", at: start, advice: advice)
    }
}

extension Expression {
    /// Visits the columns of an expression, those within aggregates and segments excepted.
    func visitColumns(_ visit: (ColumnName) -> Void) {
        switch self {
        case .literal, .interval, .now, .aggregate, .inSegment, .segment, .segmentAt, .funnel: break
        case .column(let column): visit(column)
        case .not(let operand), .negate(let operand), .isNull(let operand, _), .like(let operand, _, _, _):
            operand.visitColumns(visit)
        case .binary(_, let left, let right):
            left.visitColumns(visit)
            right.visitColumns(visit)
        case .between(let operand, let low, let high, _):
            operand.visitColumns(visit)
            low.visitColumns(visit)
            high.visitColumns(visit)
        case .inList(let operand, let elements, _):
            operand.visitColumns(visit)
            for element in elements { element.visitColumns(visit) }
        case .when(let branches, let otherwise):
            for branch in branches {
                branch.condition.visitColumns(visit)
                branch.value.visitColumns(visit)
            }
            otherwise?.visitColumns(visit)
        case .call(_, let arguments):
            for argument in arguments { argument.visitColumns(visit) }
        }
    }
}
