import DukkanFormat
import DukkanQuery

/// A recursive-descent parser over the tokens of one text.
///
/// Extensions hold the grammar, a file for each family.
struct StatementParser {
    let source: SourceText
    private let lexer: Lexer
    private var position = 0
    /// Expressions that contain the one being read.
    var nestingDepth = 0
    /// Whether a segment's condition is being read, in which aggregates name a table.
    var inSegment = false

    init(_ text: String) throws(DukkanError) {
        let byteCount = text.utf8.count
        if byteCount > Parser.textByteCountMax {
            let message = "the text has \(byteCount) bytes, at most \(Parser.textByteCountMax) are allowed"
            throw DukkanError(.limit, message)
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
    mutating func advance() -> Token {
        let token = current
        if position < lexer.tokens.count - 1 { position += 1 }
        return token
    }

    func text(of token: Token) -> String { source.text(token.range) }

    /// Whether the statement is over.
    var isAtEnd: Bool { current.kind == .end || current.kind == .semicolon }

    /// Where the last token that was read ended.
    var endOfPrevious: Int { position > 0 ? Int(lexer.tokens[position - 1].end) : 0 }

    mutating func accept(_ kind: Token.Kind) -> Bool {
        guard current.kind == kind else { return false }
        advance()
        return true
    }

    func isAt(_ keywords: Keyword...) -> Bool {
        for (index, keyword) in keywords.enumerated() where ahead(index).keyword != keyword { return false }
        return true
    }

    /// Reads a run of keywords if all of them follow.
    mutating func accept(_ first: Keyword, _ second: Keyword? = nil) -> Bool {
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
    mutating func expect(_ keyword: Keyword, after: String? = nil) throws(DukkanError) {
        if accept(keyword) { return }
        throw unexpected(keyword.text + (after.map { " after \($0)" } ?? ""), near: [keyword])
    }

    mutating func expect(_ kind: Token.Kind, _ what: String? = nil) throws(DukkanError) {
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
    mutating func name(_ what: String) throws(DukkanError) -> String {
        guard isAtName else {
            if let keyword = current.keyword, keyword.isReserved {
                throw unexpected(
                    what, advice: "a name that is also a word of the language is quoted: \"\(text(of: current))\"")
            }
            throw unexpected(what)
        }
        let start = current
        let name = name(of: advance())
        if name.isEmpty { throw error("a name is empty", at: start) }
        return name
    }

    /// The text between the quotes, doubled quotes made single.
    func unquoted(_ token: Token, quote: Character) -> String {
        let inner = source.text((token.range.lowerBound + 1)..<(token.range.upperBound - 1))
        guard inner.contains(quote) else { return inner }
        var text = ""
        var isSecond = false
        for scalar in inner.unicodeScalars {
            if scalar == quote.unicodeScalars.first, !isSecond {
                isSecond = true
            } else {
                isSecond = false
                text.unicodeScalars.append(scalar)
                continue
            }
            text.unicodeScalars.append(scalar)
        }
        return text
    }

    /// Reads a text in single quotes.
    mutating func string(_ what: String) throws(DukkanError) -> String {
        guard current.kind == .string else {
            if current.kind == .quotedName {
                throw unexpected(what, advice: "a text is in single quotes, double quotes are for names")
            }
            throw unexpected(what)
        }
        return unquoted(advance(), quote: "'")
    }

    /// Reads a whole number from 0 to a maximum.
    mutating func count(_ what: String, minimum: Int = 0, max: Int = .max) throws(DukkanError) -> Int {
        guard current.kind == .integer else { throw unexpected(what) }
        let token = current
        guard let value = Int(digits(of: token)), value >= minimum, value <= max else {
            let limits = max == .max ? "at least \(minimum)" : "\(minimum) to \(max)"
            throw error("\(what) is \(limits), not \(text(of: token))", at: token)
        }
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

    func error(_ message: String, at token: Token, advice: String? = nil) -> DukkanError {
        if token.kind == .invalid, let failure = lexer.failure { return failure }
        return source.error(message, at: Int(token.start), advice: advice)
    }

    /// The error that something else was expected in place of the current token.
    ///
    /// A word near one of the keywords in `near` is taken for a misspelled one.
    func unexpected(_ expected: String, near keywords: [Keyword] = [], advice: String? = nil) -> DukkanError {
        var advice = advice
        if current.kind == .word {
            let candidates = keywords.lazy.map(\.text)
            advice = NearestName.advice(for: text(of: current), among: candidates) ?? advice
        }
        return error("expected \(expected), found \(description(of: current))", at: current, advice: advice)
    }

    /// The error that a form is known but not built yet.
    func notAvailable(_ form: String, at token: Token, advice: String? = nil) -> DukkanError {
        error("\(form) is not available in this version", at: token, advice: advice)
    }

    private func description(of token: Token) -> String {
        switch token.kind {
        case .end: return "the end of the text"
        case .string: return "the text " + shortened(text(of: token))
        case .quotedName: return "the name " + shortened(text(of: token))
        default: return "'" + shortened(text(of: token)) + "'"
        }
    }

    private func shortened(_ text: String) -> String {
        let scalars = text.unicodeScalars
        var short = String(String.UnicodeScalarView(scalars.prefix(StatementParser.quotedScalarCountMax)))
        if scalars.count > StatementParser.quotedScalarCountMax { short += "…" }
        return String(short.map { $0.isNewline ? " " : $0 })
    }

    // MARK: Comments

    /// The comment that stands alone on the line above a token.
    func lineComment(above token: Token) -> String? {
        let line = source.line(at: Int(token.start))
        return lexer.lineComments.last { $0.line == line - 1 }?.text
    }
}
