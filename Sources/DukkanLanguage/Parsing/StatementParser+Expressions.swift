import DukkanFormat
import DukkanQuery

/// How tightly operators bind, weakest first: PostgreSQL's order.
enum Binding {
    static let or = 1
    static let and = 2
    static let not = 3
    static let isNull = 4
    static let comparison = 5
    /// `BETWEEN`, `IN` and `LIKE`.
    static let membership = 6
    static let concatenation = 7
    static let sum = 8
    static let product = 9
    static let sign = 10
    static let primary = 11

    static func of(_ operation: BinaryOperator) -> Int {
        switch operation {
        case .or: or
        case .and: and
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: comparison
        case .concatenate: concatenation
        case .add, .subtract: sum
        case .multiply, .divide, .remainder: product
        }
    }
}

/// An expression, with what is needed to keep trees from hostile text small.
struct Node {
    var expression: Expression
    /// Levels of the tree.
    var height: Int
    /// Expressions in the tree, as far as they were counted.
    var size: Int
}

extension StatementParser {
    /// Reads an expression.
    func expression() throws(Fault) -> Expression {
        let node = try node(Binding.or)
        tallestExpression = max(tallestExpression, node.height)
        return node.expression
    }

    /// Reads an expression of operators that bind at least as tightly as `minimum`.
    ///
    /// The right side of an operator binds more tightly than the operator, so it is not one level deeper by itself.
    func node(_ minimum: Int = Binding.or, isRightSide: Bool = false) throws(Fault) -> Node {
        nestingDepth += isRightSide ? 0 : 1
        defer { nestingDepth -= isRightSide ? 0 : 1 }
        if nestingDepth > Parser.nestingDepthMax { throw tooComplex("is nested deeper than \(Parser.nestingDepthMax)") }
        // What was read last decides what may follow: `a = b = c` and `a IS NULL + 1` have no meaning.
        var ceiling = Binding.primary
        var left: Node
        if isAt(.not) {
            if minimum > Binding.not { throw error("NOT stands in parentheses here", at: current) }
            advance()
            exclusionDepth += 1
            defer { exclusionDepth -= 1 }
            left = try make(try node(Binding.not)) { .not($0) }
            ceiling = Binding.not
        } else {
            left = try signed()
        }
        while let level = infixLevel(after: left), level >= minimum {
            if level > ceiling {
                if level == Binding.comparison || level == Binding.membership {
                    throw error(
                        "comparisons do not chain", at: current, advice: "join them with AND, or use parentheses")
                }
                throw unexpected("AND, OR or the end of the expression")
            }
            left = try operation(level, on: left)
            let chains = level != Binding.comparison && level != Binding.membership
            ceiling = chains ? level : level - 1
        }
        return left
    }

    /// The binding of the operator at the current token, nil if there is none.
    private func infixLevel(after left: Node) -> Int? {
        if let operation = binaryOperator { return Binding.of(operation) }
        switch current.keyword {
        case .is: return Binding.isNull
        case .between: return isAtStepRange ? nil : Binding.membership
        case .like, .ilike: return Binding.membership
        case .except: return inSegment ? Binding.and : nil
        case .in: return ahead().keyword == .segment ? segmentLevel(left) : Binding.membership
        case .not:
            switch ahead().keyword {
            case .between, .like, .ilike: return Binding.membership
            case .in: return ahead(2).keyword == .segment ? segmentLevel(left) : Binding.membership
            default: return nil
            }
        default: return nil
        }
    }

    /// `customer IN SEGMENT s` is an operator; behind any other expression `IN SEGMENT` begins a clause of its own.
    private func segmentLevel(_ left: Node) -> Int? {
        guard case .column(let column) = left.expression, column.table == nil else { return nil }
        return column.name.lowercased() == "customer" ? Binding.membership : nil
    }

    private var binaryOperator: BinaryOperator? {
        switch current.kind {
        case .equal: .equal
        case .notEqual: .notEqual
        case .less: .less
        case .lessOrEqual: .lessOrEqual
        case .greater: .greater
        case .greaterOrEqual: .greaterOrEqual
        case .plus: .add
        case .minus: .subtract
        case .star: .multiply
        case .slash: .divide
        case .percent: .remainder
        case .concatenate: .concatenate
        case .word:
            switch current.keyword {
            case .and: .and
            case .or: .or
            case .intersect: inSegment ? .and : nil
            case .union: inSegment ? .or : nil
            default: nil
            }
        default: nil
        }
    }

    /// Reads the operator at the current token, and what stands behind it.
    private func operation(_ level: Int, on left: Node) throws(Fault) -> Node {
        if let operation = binaryOperator {
            advance()
            let right = try node(level + 1, isRightSide: true)
            return try make(left, right) { .binary(operation, $0, $1) }
        }
        if accept(.except) {
            let right = try make(try node(level + 1, isRightSide: true)) { .not($0) }
            return try make(left, right) { .binary(.and, $0, $1) }
        }
        if accept(.is) {
            let negated = accept(.not)
            if !accept(.null) { throw unexpected("NULL or NOT NULL after IS", near: [.null, .not]) }
            return try make(left) { .isNull($0, negated: negated) }
        }
        let negated = accept(.not)
        if accept(.between) {
            let low = try node(Binding.concatenation, isRightSide: true)
            try expect(.and, after: "BETWEEN …")
            let high = try node(Binding.concatenation, isRightSide: true)
            return try make(left, low, high) { .between($0, low: $1, high: $2, negated: negated) }
        }
        if accept(.in) {
            if isAt(.segment) {
                return try make(try segmentName()) { negated ? .not($0) : $0 }
            }
            return try list(of: left, negated: negated)
        }
        let caseInsensitive = isAt(.ilike)
        advance()
        let pattern = try string("a pattern in single quotes after \(caseInsensitive ? "ILIKE" : "LIKE")")
        if isAt(.escape) { throw notAvailable("ESCAPE", at: current, advice: "\\ quotes the character behind it") }
        return try make(left) {
            .like($0, pattern: pattern, caseInsensitive: caseInsensitive, negated: negated)
        }
    }

    private func list(of left: Node, negated: Bool) throws(Fault) -> Node {
        try expect(.leftParenthesis, "'(' after IN")
        if isAt(.select) {
            throw notAvailable("a query within a query", at: current, advice: "DEFINE SEGMENT names a set of customers")
        }
        var height = left.height
        var size = left.size
        var elements: [Expression] = []
        repeat {
            let element = try node()
            elements.append(element.expression)
            height = max(height, element.height)
            size += element.size
        } while accept(.comma)
        try expect(.rightParenthesis, "',' or ')' in the list of IN")
        return try checked(.inList(left.expression, elements, negated: negated), height: height, size: size)
    }

    /// Whether `BETWEEN` and two steps follow, in the filter of an exclusion.
    private var isAtStepRange: Bool {
        guard let exclusionSteps, nestingDepth == exclusionDepth, isAt(.between) else { return false }
        func width(_ place: Int) -> Int? {
            let token = ahead(place)
            if token.keyword == .step, ahead(place + 1).kind == .integer { return 2 }
            return isName(token) && exclusionSteps.contains(name(of: token).lowercased()) ? 1 : nil
        }
        guard let first = width(1), ahead(1 + first).keyword == .and else { return false }
        return width(2 + first) != nil
    }

    // MARK: Segments

    /// Reads `SEGMENT name [AT time]` behind `IN`.
    func segmentName() throws(Fault) -> Node {
        try expect(.segment)
        return try atTime(leaf(.inSegment(try name("the name of a segment"))))
    }

    /// Reads the time as of which a segment is asked, if one follows; `AT LEAST` is a clause of a query.
    func atTime(_ segment: Node) throws(Fault) -> Node {
        guard isAt(.at), ahead().keyword != .least, ahead().keyword != .from else { return segment }
        advance()
        let time = try node(Binding.concatenation)
        return try make(segment, time) { .segmentAt($0, time: $1) }
    }

    // MARK: Signs

    /// Reads a primary with signs before it.
    ///
    /// A minus directly before a number belongs to the number.
    private func signed() throws(Fault) -> Node {
        if current.kind == .minus {
            switch ahead().kind {
            case .integer, .decimal, .double:
                advance()
                return try number(negative: true)
            default:
                advance()
                return try make(try node(Binding.sign)) { .negate($0) }
            }
        }
        if accept(.plus) { return try node(Binding.sign) }
        return try primary()
    }

    // MARK: Trees

    func tooComplex(_ what: String) -> Fault {
        let place = source.place(at: Int(current.start))
        let advice = "IN (a, b, …) holds any number of values"
        return Fault(DukkanError(.limit, "the expression \(what)", place: place, advice: advice))
    }

    func checked(_ expression: Expression, height: Int, size: Int) throws(Fault) -> Node {
        if height + 1 > Parser.expressionHeightMax {
            throw tooComplex("has more than \(Parser.expressionHeightMax) operators upon each other")
        }
        return Node(expression: expression, height: height + 1, size: size + 1)
    }

    func make(_ a: Node, _ form: (Expression) -> Expression) throws(Fault) -> Node {
        try checked(form(a.expression), height: a.height, size: a.size)
    }

    func make(_ a: Node, _ b: Node, _ form: (Expression, Expression) -> Expression) throws(Fault) -> Node {
        try checked(form(a.expression, b.expression), height: max(a.height, b.height), size: a.size + b.size)
    }

    func make(
        _ a: Node, _ b: Node, _ c: Node, _ form: (Expression, Expression, Expression) -> Expression
    ) throws(Fault) -> Node {
        let height = max(a.height, b.height, c.height)
        return try checked(
            form(a.expression, b.expression, c.expression), height: height, size: a.size + b.size + c.size)
    }
}
