package import DukkanFormat
package import DukkanQuery

/// Reads the text form of statements and expressions.
///
/// `docs/language.md` has the grammar.
///
/// Safe on any text: what is too long or too deep is an error of code `limit`, what does not follow the grammar one of
/// code `syntax`, both with line and offset. ``DukkanFormat/DukkanError/rendered(in:)`` shows the place with a caret.
package enum Parser {
    /// Longest text of statements, in bytes.
    package static let textByteCountMax = 4 << 20
    /// Deepest nesting of parentheses, calls and other forms that contain expressions: what half a megabyte of stack
    /// holds in a debug build.
    package static let nestingDepthMax = 50
    /// Greatest height of an expression's tree; a chain such as `a AND b AND …` grows by one with each operator.
    package static let expressionHeightMax = 250
    /// Most columns of the answer of a slice.
    package static let itemCountMax = 1_000
    /// Most expressions in `GROUP BY`, and most in `ORDER BY`.
    package static let keyCountMax = 64

    /// Statements separated by `;`, the last with or without one.
    ///
    /// O(bytes).
    package static func parse(_ text: String) throws(DukkanError) -> [ParsedStatement] {
        try read(text) { (parser) throws(Fault) in
            var statements: [ParsedStatement] = []
            while true {
                while parser.accept(.semicolon) {}
                if parser.current.kind == .end { return statements }
                let start = ContinuousClock.now
                statements.append(try parser.parsedStatement(in: text))
                statements[statements.count - 1].duration = ContinuousClock.now - start
                if parser.current.kind != .end, !parser.accept(.semicolon) {
                    throw parser.unexpected("';' or the end of the statement")
                }
            }
        }
    }

    /// One expression on its own, as over the rows of a table or of a group.
    package static func parseExpression(_ text: String) throws(DukkanError) -> Expression {
        try parseWhole(text, inSegment: false)
    }

    /// The condition of a segment: aggregates in it name a table, as `count(orders) > 3`.
    package static func parseSegmentCondition(_ text: String) throws(DukkanError) -> Expression {
        try parseWhole(text, inSegment: true)
    }

    private static func parseWhole(_ text: String, inSegment: Bool) throws(DukkanError) -> Expression {
        try read(text) { (parser) throws(Fault) in
            parser.inSegment = inSegment
            let expression = try parser.expression()
            if parser.current.kind != .end { throw parser.unexpected("an operator or the end of the expression") }
            return expression
        }
    }

    private static func read<Result>(
        _ text: String, _ body: (StatementParser) throws(Fault) -> Result
    ) throws(DukkanError) -> Result {
        do throws(Fault) {
            return try body(try StatementParser(text))
        } catch {
            throw error.error
        }
    }
}

/// A statement with its place in the text that it was read from.
package struct ParsedStatement: Sendable {
    /// What was read.
    package var statement: Statement
    /// The text of a `-- name` comment line directly above the statement.
    package var name: String?
    /// The whole text that the statement stands in.
    package var source: String
    /// The bytes of the statement in ``source``, without the `;`.
    package var range: Range<Int>
    /// How long reading it took.
    package var duration = Duration.zero

    /// The statement as it was written.
    package var text: String {
        let bytes = source.utf8
        let start = bytes.index(bytes.startIndex, offsetBy: range.lowerBound)
        return String(decoding: bytes[start..<bytes.index(start, offsetBy: range.count)], as: UTF8.self)
    }
}
