import DukkanFormat
import DukkanQuery

/// An error within the parser: a reference, because the frames of the recursion have a place for it at each call.
final class Fault: Error {
    let error: DukkanError

    init(_ error: DukkanError) {
        self.error = error
    }
}

/// A recursive-descent parser over the tokens of one text.
///
/// Extensions hold the grammar, a file for each family.
final class StatementParser {
    let source: SourceText
    private let lexer: Lexer
    private var position = 0
    /// The next line comment to be looked at.
    private var commentPosition = 0
    /// Expressions that contain the one being read.
    var nestingDepth = 0
    /// Whether a segment's condition is being read, in which aggregates name a table.
    var inSegment = false
    /// Names of a funnel's steps, in lower case, while the filter of an exclusion is read: `BETWEEN` two of them belongs
    /// to the exclusion.
    var exclusionSteps: Set<String>?
    /// The nesting at which such a `BETWEEN` may stand: not within parentheses.
    var exclusionDepth = 0
    /// Greatest height of the expressions that were read, for forms that contain whole queries.
    var tallestExpression = 0

    init(_ text: String) throws(Fault) {
        let byteCount = text.utf8.count
        if byteCount > Parser.textByteCountMax {
            let message = "the text has \(byteCount) bytes, at most \(Parser.textByteCountMax) are allowed"
            throw Fault(DukkanError(.limit, message))
        }
        source = SourceText(text)
        lexer = Lexer(source)
    }

    // MARK: Tokens

    /// The token to be read next.
    var current: Token { lexer.tokens[position] }

    /// The token some places behind the current one; the last token stands for all behind it.
    func ahead(_ count: Int = 1) -> Token {
        lexer.tokens[min(position + count, lexer.tokens.count - 1)]
    }

    /// Goes on to the next token and gives the one that was current.
    @discardableResult
    func advance() -> Token {
        let token = current
        if position < lexer.tokens.count - 1 { position += 1 }
        return token
    }

    func text(of token: Token) -> String { source.text(token.range) }

    /// Whether the statement is over.
    var isAtEnd: Bool { current.kind == .end || current.kind == .semicolon }

    /// Where the last token that was read ended.
    var endOfPrevious: Int { position > 0 ? Int(lexer.tokens[position - 1].end) : 0 }

    func accept(_ kind: Token.Kind) -> Bool {
        guard current.kind == kind else { return false }
        advance()
        return true
    }

    func isAt(_ keywords: Keyword...) -> Bool {
        for (index, keyword) in keywords.enumerated() where ahead(index).keyword != keyword { return false }
        return true
    }

    /// Reads a run of keywords if all of them follow.
    func accept(_ first: Keyword, _ second: Keyword? = nil) -> Bool {
        guard current.keyword == first else { return false }
        if let second {
            guard ahead().keyword == second else { return false }
            advance()
        }
        advance()
        return true
    }

    /// Reads a keyword that must follow.
    ///
    /// `after` says what has been read, as `SELECT`.
    func expect(_ keyword: Keyword, after: String? = nil) throws(Fault) {
        if accept(keyword) { return }
        throw unexpected(keyword.text + (after.map { " after \($0)" } ?? ""), near: [keyword])
    }

    func expect(_ kind: Token.Kind, _ what: String? = nil) throws(Fault) {
        if accept(kind) { return }
        throw unexpected(what ?? "'\(kind.sign)'")
    }

    // MARK: Names and numbers

    /// Whether the current token can be a name.
    var isAtName: Bool { isName(current) }

    func isName(_ token: Token) -> Bool {
        token.kind == .quotedName || token.kind == .word && token.keyword?.isReserved != true
    }

    /// The name that a token stands for.
    func name(of token: Token) -> String {
        token.kind == .quotedName ? unquoted(token, quote: "\"") : text(of: token)
    }

    /// Reads a name.
    ///
    /// `what` is what it names, with its article, as `a table after FROM`.
    func name(_ what: String) throws(Fault) -> String {
        guard isAtName else { throw unexpected(what, advice: reservedWordAdvice) }
        let start = current
        let name = name(of: advance())
        if name.isEmpty { throw error("a name is empty", at: start) }
        return name
    }

    /// The advice to quote a word that seems to be meant as a name: nothing that it could govern follows.
    private var reservedWordAdvice: String? {
        guard current.keyword?.isReserved == true, !startsOperand(ahead()), current.keyword != .from else { return nil }
        return "a name that is also a word of the language is quoted: \"\(text(of: current))\""
    }

    /// The text between the quotes, doubled quotes made single.
    func unquoted(_ token: Token, quote: Unicode.Scalar) -> String {
        let inner = source.bytes[(token.range.lowerBound + 1)..<(token.range.upperBound - 1)]
        let quote = UInt8(ascii: quote)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(inner.count)
        var isSecond = false
        for byte in inner {
            // The lexer saw to it that quotes within come in pairs.
            isSecond = byte == quote && !isSecond
            if !isSecond { bytes.append(byte) }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads a text in single quotes.
    func string(_ what: String) throws(Fault) -> String {
        guard current.kind == .string else {
            if current.kind == .quotedName {
                throw unexpected(what, advice: "a text is in single quotes, double quotes are for names")
            }
            throw unexpected(what)
        }
        return unquoted(advance(), quote: "'")
    }

    /// Reads a whole number from 0 to a maximum.
    func count(_ what: String, minimum: Int = 0, max: Int = .max) throws(Fault) -> Int {
        guard current.kind == .integer else { throw unexpected(what) }
        let token = current
        let value = Int(digits(of: token))
        guard let value, value <= max else {
            throw error("\(what) is at most \(max), not \(shortened(token))", at: token)
        }
        if value < minimum { throw error("\(what) is at least \(minimum), not \(value)", at: token) }
        advance()
        return value
    }

    /// A number's text without `_`.
    func digits(of token: Token) -> String {
        String(decoding: source.bytes[token.range].filter { $0 != UInt8(ascii: "_") }, as: UTF8.self)
    }

    // MARK: Errors

    /// Longest piece of the text that a message quotes, in scalars.
    static let quotedScalarCountMax = 40

    func error(_ message: String, at token: Token, advice: String? = nil) -> Fault {
        if token.kind == .invalid, let failure = lexer.failure { return Fault(failure) }
        return Fault(source.error(message, at: Int(token.start), advice: advice))
    }

    /// The error that the current token is one more than a named limit allows.
    func tooMany(_ message: String) -> Fault {
        Fault(DukkanError(.limit, message, place: source.place(at: Int(current.start))))
    }

    /// The error that something else was expected in place of the current token.
    ///
    /// A word near one of the keywords in `near` is taken for a misspelled one.
    func unexpected(_ expected: String, near keywords: [Keyword] = [], advice: String? = nil) -> Fault {
        var advice = advice
        if current.kind == .word {
            let candidates = keywords.lazy.map(\.text)
            let near = NearestName.find(text(of: current), among: candidates)
            let isMisspelled = near != nil && near != current.keyword?.text
            advice = isMisspelled ? near.map { "did you mean \($0)?" } : advice ?? unitAdvice
        }
        return error("expected \(expected), found \(description(of: current))", at: current, advice: advice)
    }

    /// The advice for a word behind a number that is near a unit of time.
    private var unitAdvice: String? {
        guard position > 0, [.integer, .decimal].contains(lexer.tokens[position - 1].kind) else { return nil }
        return NearestName.advice(for: text(of: current), among: TimeUnit.names)
    }

    /// The error that a form is known but not built yet.
    func notAvailable(_ form: String, at token: Token, advice: String? = nil) -> Fault {
        error("\(form) is not available in this version", at: token, advice: advice)
    }

    private func description(of token: Token) -> String {
        switch token.kind {
        case .end: return "the end of the text"
        case .string: return "the text " + shortened(token)
        case .quotedName: return "the name " + shortened(token)
        default: return "'" + shortened(token) + "'"
        }
    }

    /// The text of a token for a message: not too long, on one line.
    func shortened(_ token: Token) -> String {
        let scalars = text(of: token).unicodeScalars
        var short = String(String.UnicodeScalarView(scalars.prefix(StatementParser.quotedScalarCountMax)))
        if scalars.count > StatementParser.quotedScalarCountMax { short += "…" }
        return String(short.map { $0.isNewline ? " " : $0 })
    }

    // MARK: Comments

    /// The comment that stands alone on the line above the current token, if no other token stands between.
    ///
    /// To be asked for one token after another: each comment is looked at once.
    func lineCommentAbove() -> String? {
        var nearest: Lexer.LineComment?
        while commentPosition < lexer.lineComments.count, lexer.lineComments[commentPosition].offset < current.start {
            nearest = lexer.lineComments[commentPosition]
            commentPosition += 1
        }
        guard let nearest, nearest.line == current.line - 1, nearest.offset >= endOfPrevious else { return nil }
        return nearest.text
    }
}
