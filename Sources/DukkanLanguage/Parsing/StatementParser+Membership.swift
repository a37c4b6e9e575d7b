import DukkanFormat
import DukkanQuery

/// Conditions on a customer that are about the order of her rows.
extension StatementParser {
    /// Levels of nesting that a funnel within an expression counts for: it takes as much of the stack.
    private static let funnelNesting = 6
    /// Parts of an expression that such a funnel counts for.
    private static let funnelSize = 32

    /// Whether `step OF (` stands some tokens ahead, behind `REACHED`, `DROPPED AT` or `OPEN AT`.
    func isAtStanding(_ place: Int) -> Bool {
        let isNumbered = ahead(place).keyword == .step && ahead(place + 1).kind == .integer
        let step = ahead(isNumbered ? place + 1 : place)
        let next = place + (isNumbered ? 2 : 1)
        guard step.kind == .integer || isName(step) else { return false }
        return ahead(next).keyword == .of && ahead(next + 1).kind == .leftParenthesis
    }

    /// Reads `REACHED step OF (FUNNEL …)`.
    func membership() throws(Fault) -> Node {
        let standing = try standing(after: "a condition")
        let step = try stepReference()
        try expect(.of, after: "the step")
        try expect(.leftParenthesis)
        return try withinFunnel { () throws(Fault) in
            try expect(.funnel, after: "(")
            let query = try funnel(isWithin: true)
            try expect(.rightParenthesis, "a clause of FUNNEL or ')'")
            return FunnelMembership(query, standing, step: try place(of: step, among: query.steps))
        }
    }

    /// Reads `DID (a THEN b … WITHIN 7 DAYS)`, which stands for reaching the last step of such a funnel.
    func sequence() throws(Fault) -> Node {
        advance()
        try expect(.leftParenthesis)
        return try withinFunnel { () throws(Fault) in
            var query = FunnelQuery([try step("a table after DID (")])
            try expect(.then, after: "the first step of DID")
            repeat {
                if query.steps.count == FunnelQuery.stepCountMax {
                    throw tooMany("a funnel has at most \(FunnelQuery.stepCountMax) steps")
                }
                query.steps.append(try step("a table after THEN"))
            } while accept(.then)
            if accept(.within) { query.window = try span("a span of time after WITHIN") }
            try expect(.rightParenthesis, "THEN, WITHIN or ')'")
            return FunnelMembership(query, .reached, step: query.steps.count - 1)
        }
    }

    /// Reads a funnel in an expression: what is in it is about rows again, and its height counts.
    private func withinFunnel(_ body: () throws(Fault) -> FunnelMembership) throws(Fault) -> Node {
        let outer = (inSegment, exclusionSteps, tallestExpression)
        inSegment = false
        exclusionSteps = nil
        tallestExpression = 0
        nestingDepth += StatementParser.funnelNesting
        defer {
            (inSegment, exclusionSteps) = (outer.0, outer.1)
            tallestExpression = max(tallestExpression, outer.2)
            nestingDepth -= StatementParser.funnelNesting
        }
        if nestingDepth > Parser.nestingDepthMax { throw tooComplex("is nested deeper than \(Parser.nestingDepthMax)") }
        let membership = try body()
        return try checked(
            .funnel(membership), height: tallestExpression, size: StatementParser.funnelSize)
    }

    /// Reads `ANY(orders WHERE …)`, which stands for `count(orders WHERE …) > 0`.
    func existence() throws(Fault) -> Node {
        advance()
        try expect(.leftParenthesis)
        let table = try name("a table after ANY(")
        let outer = inSegment
        inSegment = false
        defer { inSegment = outer }
        let filter = accept(.where) ? try node() : nil
        try expect(.rightParenthesis, "WHERE or ')'")
        let rows = Aggregate(.count, table: table, filter: filter?.expression)
        let count = try checked(.aggregate(rows), height: filter?.height ?? 0, size: filter?.size ?? 0)
        return try make(count, leaf(.literal(.int(0)))) { .binary(.greater, $0, $1) }
    }
}
