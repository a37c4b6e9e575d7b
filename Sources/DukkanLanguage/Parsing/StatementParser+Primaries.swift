import DukkanFormat
import DukkanQuery

/// Literals, names, calls and forms in parentheses.
extension StatementParser {
    func primary() throws(Fault) -> Node {
        switch current.kind {
        case .integer, .decimal, .double:
            return try number(negative: false)
        case .string:
            return leaf(.literal(.string(try string("a text"))))
        case .leftParenthesis:
            advance()
            if isAt(.select) {
                let advice = "DEFINE SEGMENT names a set of customers"
                throw notAvailable("a query within a query", at: current, advice: advice)
            }
            let inner = try node()
            try expect(.rightParenthesis, "an operator or ')'")
            return inner
        case .quotedName:
            return try named()
        case .word:
            return try word()
        default:
            throw unexpected("an expression")
        }
    }

    func leaf(_ expression: Expression) -> Node {
        Node(expression: expression, height: 1, size: 1)
    }

    private func word() throws(Fault) -> Node {
        let isLiteral = ahead().kind == .string
        let isCall = ahead().kind == .leftParenthesis
        switch current.keyword {
        case .null:
            advance()
            return leaf(.literal(.null))
        case .true, .false:
            return leaf(.literal(.bool(advance().keyword == .true)))
        case .now:
            advance()
            if accept(.leftParenthesis) { try expect(.rightParenthesis) }
            return leaf(.now)
        case .case:
            return try choice()
        case .in where ahead().keyword == .segment:
            advance()
            return try segmentName()
        case .reached where isAtStanding(1), .dropped where ahead().keyword == .at && isAtStanding(2),
            .open where ahead().keyword == .at && isAtStanding(2):
            return try membership()
        case .did where isCall && inSegment:
            return try sequence()
        case .any where isCall && inSegment:
            return try existence()
        case .segment where isCall:
            return try inlineSegment()
        case .interval where isLiteral || ahead().kind == .integer:
            return try intervalLiteral()
        case .date where isLiteral, .timestamp where isLiteral, .double where isLiteral:
            return try typedLiteral()
        case .cast where isCall, .exists where isCall:
            throw notAvailable(text(of: current).uppercased(), at: current)
        default:
            return try named()
        }
    }

    /// Reads a column or a call.
    private func named() throws(Fault) -> Node {
        if ahead().kind == .leftParenthesis, isAtName { return try call() }
        let first = try name("an expression")
        guard accept(.point) else { return leaf(.column(ColumnName(first))) }
        guard current.kind == .word || current.kind == .quotedName else {
            throw unexpected("the name of a column after '\(first).'")
        }
        let start = current
        let second = name(of: advance())
        if second.isEmpty { throw error("a name is empty", at: start) }
        if current.kind == .point { throw error("a column has at most a table before it: table.column", at: current) }
        return leaf(.column(ColumnName(second, in: first)))
    }

    private func call() throws(Fault) -> Node {
        let start = current
        if start.kind == .word, let function = AggregateWord(rawValue: text(of: start).lowercased()) {
            advance()
            return try aggregate(function, at: start)
        }
        let function = start.kind == .quotedName ? try name("a function") : text(of: start).lowercased()
        if start.kind == .word { advance() }
        try expect(.leftParenthesis)
        var height = 0
        var size = 0
        var arguments: [Expression] = []
        if current.kind == .star {
            let names = AggregateWord.allCases.lazy.map(\.rawValue)
            let advice = NearestName.advice(for: function, among: names)
            throw error("only count takes '*', not \(function)", at: current, advice: advice)
        }
        if current.kind != .rightParenthesis {
            repeat {
                let argument = try node()
                arguments.append(argument.expression)
                height = max(height, argument.height)
                size += argument.size
            } while accept(.comma)
        }
        try expect(.rightParenthesis, "',' or ')' after an argument of \(function)")
        return try checked(.call(function, arguments), height: height, size: size)
    }

    /// Reads `SEGMENT (condition) [AT time]`.
    private func inlineSegment() throws(Fault) -> Node {
        advance()
        try expect(.leftParenthesis)
        let outer = inSegment
        inSegment = true
        let condition = try node()
        inSegment = outer
        try expect(.rightParenthesis, "an operator or ')' in the condition of SEGMENT")
        return try atTime(try make(condition) { .segment($0) })
    }

    // MARK: CASE

    /// Largest operand of `CASE x WHEN …`, in expressions: it is repeated in each branch.
    static let choiceOperandSizeMax = 16

    /// Reads `CASE WHEN …` or `CASE x WHEN …`, which stands for `CASE WHEN x = …`.
    private func choice() throws(Fault) -> Node {
        try expect(.case)
        var operand: Node?
        if !isAt(.when) {
            let start = current
            let read = try node()
            if read.size > StatementParser.choiceOperandSizeMax {
                throw error("the operand of CASE is too large", at: start, advice: "write CASE WHEN … = … THEN …")
            }
            operand = read
        }
        var height = operand?.height ?? 0
        var size = 0
        var branches: [WhenBranch] = []
        while accept(.when) {
            var condition = try node()
            if let operand { condition = try make(operand, condition) { .binary(.equal, $0, $1) } }
            try expect(.then, after: "a condition of CASE")
            let value = try node()
            branches.append(WhenBranch(condition.expression, then: value.expression))
            height = max(height, condition.height, value.height)
            size += condition.size + value.size
        }
        if branches.isEmpty { throw unexpected("WHEN after CASE", near: [.when]) }
        var otherwise: Expression?
        if accept(.else) {
            let last = try node()
            otherwise = last.expression
            height = max(height, last.height)
            size += last.size
        }
        if !accept(Keyword.end) { throw unexpected("WHEN, ELSE or END in CASE", near: [.when, .else, .end]) }
        return try checked(.when(branches, otherwise: otherwise), height: height, size: size)
    }
}
