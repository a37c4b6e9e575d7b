import DukkanFormat

/// Cuts a text into tokens.
///
/// Never throws: what it cannot read becomes a last token `invalid`, with the error in ``failure``, so that a fault
/// earlier in the text is reported first.
struct Lexer {
    /// A `--` comment that stands alone on its line.
    struct LineComment {
        /// Line of the comment, from 1.
        var line: Int
        /// Byte offset of the dashes.
        var offset: Int
        /// The text behind the dashes, without blanks at its ends.
        var text: String
    }

    let source: SourceText
    private(set) var tokens: [Token] = []
    private(set) var lineComments: [LineComment] = []
    private(set) var failure: DukkanError?

    private var offset = 0
    private var line = 1
    private var lineStart = 0

    init(_ source: SourceText) {
        self.source = source
        while failure == nil, skipBlanks(), failure == nil {
            scanToken()
        }
        if let failure {
            offset = failure.place.offset ?? source.bytes.count
            append(.invalid, from: offset)
        } else {
            append(.end, from: offset)
        }
    }

    // MARK: Bytes and scalars

    private func byte(at place: Int) -> UInt8? {
        place < source.bytes.count ? source.bytes[place] : nil
    }

    /// The scalar at a place and the number of its bytes.
    ///
    /// The source is valid UTF-8, since it was a `String`.
    private func scalar(at place: Int) -> (scalar: Unicode.Scalar, byteCount: Int)? {
        guard let first = byte(at: place) else { return nil }
        if first < 0x80 { return (Unicode.Scalar(first), 1) }
        let byteCount = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        var value = UInt32(first) & (0x7F >> UInt32(byteCount))
        for following in 1..<byteCount {
            guard let next = byte(at: place + following) else { return nil }
            value = value << 6 | UInt32(next & 0x3F)
        }
        return Unicode.Scalar(value).map { ($0, byteCount) }
    }

    private mutating func append(_ kind: Token.Kind, from start: Int, keyword: Keyword? = nil) {
        let token = Token(
            kind: kind, keyword: keyword, line: Int32(line), start: Int32(start), end: Int32(offset))
        tokens.append(token)
    }

    private mutating func fail(_ message: String, at place: Int, advice: String? = nil) {
        failure = source.error(message, at: place, advice: advice)
    }

    // MARK: Blanks and comments

    /// Skips blanks and comments; false at the end of the text.
    private mutating func skipBlanks() -> Bool {
        while let (scalar, byteCount) = scalar(at: offset) {
            switch scalar {
            case "\n":
                offset += 1
                line += 1
                lineStart = offset
            case " ", "\t", "\r", "\u{B}", "\u{C}", "\u{A0}", "\u{FEFF}", "\u{2028}", "\u{2029}", "\u{3000}":
                offset += byteCount
            case "-" where byte(at: offset + 1) == UInt8(ascii: "-"):
                skipLineComment()
            case "/" where byte(at: offset + 1) == UInt8(ascii: "*"):
                skipBlockComment()
                if failure != nil { return false }
            default:
                return true
            }
        }
        return false
    }

    private mutating func skipLineComment() {
        let start = offset
        while let next = byte(at: offset), next != 0x0A { offset += 1 }
        let standsAlone = source.bytes[lineStart..<start].allSatisfy { $0 == 0x20 || $0 == 0x09 }
        guard standsAlone else { return }
        var text = source.bytes[(start + 2)..<offset]
        while let last = text.last, last <= 0x20 { text.removeLast() }
        while let first = text.first, first <= 0x20 { text.removeFirst() }
        lineComments.append(LineComment(line: line, offset: start, text: String(decoding: text, as: UTF8.self)))
    }

    /// Block comments nest, as in SQL.
    private mutating func skipBlockComment() {
        let start = offset
        var depth = 0
        repeat {
            guard let first = byte(at: offset) else {
                return fail("a comment /* is not closed by */", at: start)
            }
            let second = byte(at: offset + 1)
            if first == UInt8(ascii: "/"), second == UInt8(ascii: "*") {
                depth += 1
                offset += 2
            } else if first == UInt8(ascii: "*"), second == UInt8(ascii: "/") {
                depth -= 1
                offset += 2
            } else {
                offset += 1
                if first == 0x0A {
                    line += 1
                    lineStart = offset
                }
            }
        } while depth > 0
    }

    // MARK: Tokens

    private mutating func scanToken() {
        guard let (scalar, _) = scalar(at: offset) else { return }
        switch scalar {
        case "'": scanQuoted(.string, quote: UInt8(ascii: "'"), what: "text")
        case "\"": scanQuoted(.quotedName, quote: UInt8(ascii: "\""), what: "name")
        case "0"..."9": scanNumber()
        case "." where startsFraction: scanNumber()
        case _ where NameScalar.starts(scalar): scanWord()
        default: scanSign(scalar)
        }
    }

    /// Whether the point begins a number such as `.5`, rather than standing behind a table's name.
    private var startsFraction: Bool {
        guard let next = byte(at: offset + 1), (0x30...0x39).contains(next) else { return false }
        guard let last = tokens.last, last.end == offset else { return true }
        return last.kind != .word && last.kind != .quotedName
    }

    private mutating func scanWord() {
        let start = offset
        while let (scalar, byteCount) = scalar(at: offset), NameScalar.continues(scalar) { offset += byteCount }
        // No keyword is longer than this: a long name is not made lower-case to look it up.
        let keyword = offset - start <= 16 ? Keyword.named(source.text(start..<offset)) : nil
        append(.word, from: start, keyword: keyword)
    }

    private mutating func scanQuoted(_ kind: Token.Kind, quote: UInt8, what: String) {
        let start = offset
        let startLine = line
        offset += 1
        while let next = byte(at: offset) {
            offset += 1
            if next == 0x0A {
                line += 1
                lineStart = offset
            } else if next == quote {
                if byte(at: offset) != quote {
                    append(kind, from: start)
                    tokens[tokens.count - 1].line = Int32(startLine)
                    return
                }
                offset += 1
            }
        }
        let sign = String(Unicode.Scalar(quote))
        fail("a \(what) in quotes is not closed", at: start, advice: "a \(sign) within it is written \(sign)\(sign)")
    }

    private mutating func scanSign(_ scalar: Unicode.Scalar) {
        let start = offset
        let next = byte(at: start + 1).map { Unicode.Scalar($0) }
        let found: (kind: Token.Kind, byteCount: Int)? =
            switch (scalar, next) {
            case ("<", ">"), ("!", "="): (.notEqual, 2)
            case ("<", "="): (.lessOrEqual, 2)
            case (">", "="): (.greaterOrEqual, 2)
            case ("|", "|"): (.concatenate, 2)
            case ("=", "="), ("!", _), ("&", _), ("|", _), (":", _): nil
            case ("(", _): (.leftParenthesis, 1)
            case (")", _): (.rightParenthesis, 1)
            case (",", _): (.comma, 1)
            case (";", _): (.semicolon, 1)
            case (".", _): (.point, 1)
            case ("=", _): (.equal, 1)
            case ("<", _): (.less, 1)
            case (">", _): (.greater, 1)
            case ("+", _): (.plus, 1)
            case ("-", _): (.minus, 1)
            case ("*", _): (.star, 1)
            case ("/", _): (.slash, 1)
            case ("%", _): (.percent, 1)
            default: nil
            }
        guard let found else { return failAtSign(scalar, next: next) }
        offset += found.byteCount
        append(found.kind, from: start)
    }

    private mutating func failAtSign(_ scalar: Unicode.Scalar, next: Unicode.Scalar?) {
        switch (scalar, next) {
        case ("=", _): fail("'==' is not an operator", at: offset, advice: "did you mean =?")
        case ("&", _): fail("'&' is not an operator", at: offset, advice: "did you mean AND?")
        case ("!", _): fail("'!' is not an operator", at: offset, advice: "did you mean NOT, or <> for not equal?")
        case ("|", _): fail("'|' is not an operator", at: offset, advice: "did you mean OR, or || to join texts?")
        case (":", ":"): fail("'::' is not available in this version", at: offset)
        case ("`", _), ("[", _):
            fail("unexpected '\(scalar)'", at: offset, advice: "names are quoted with double quotes: \"a name\"")
        case ("\u{2018}", _), ("\u{2019}", _), ("\u{201C}", _), ("\u{201D}", _):
            fail("unexpected '\(scalar)'", at: offset, advice: "quotes are straight: 'a text' and \"a name\"")
        default:
            fail("unexpected \(Lexer.description(of: scalar))", at: offset)
        }
    }

    /// A scalar for a message; by number if it might not be seen.
    private static func description(of scalar: Unicode.Scalar) -> String {
        let properties = scalar.properties
        let isVisible = scalar.isASCII ? scalar.value > 0x20 && scalar.value < 0x7F : properties.isGraphemeBase
        return isVisible && !properties.isWhitespace
            ? "'\(scalar)'" : "the character U+\(String(scalar.value, radix: 16, uppercase: true))"
    }
}

// MARK: Numbers

extension Lexer {
    /// Digits with `_` between them; false if a `_` has no digit on both sides.
    private mutating func scanDigits() -> Bool {
        var last: UInt8 = UInt8(ascii: "_")
        while let next = byte(at: offset), (0x30...0x39).contains(next) || next == UInt8(ascii: "_") {
            if next == UInt8(ascii: "_"), last == next { return false }
            last = next
            offset += 1
        }
        return last != UInt8(ascii: "_")
    }

    private mutating func scanNumber() {
        let start = offset
        var kind = Token.Kind.integer
        var isValid = true
        if byte(at: offset) != UInt8(ascii: ".") { isValid = scanDigits() }
        if byte(at: offset) == UInt8(ascii: ".") {
            kind = .decimal
            offset += 1
            if let next = byte(at: offset), (0x30...0x39).contains(next) { isValid = scanDigits() && isValid }
        }
        if let letter = byte(at: offset), letter | 0x20 == UInt8(ascii: "e") {
            var digits = offset + 1
            if let sign = byte(at: digits), sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { digits += 1 }
            if let next = byte(at: digits), (0x30...0x39).contains(next) {
                kind = .double
                offset = digits
                isValid = scanDigits() && isValid
            }
        }
        if !isValid { return fail("a '_' in a number stands between digits", at: start) }
        if let (scalar, _) = scalar(at: offset), NameScalar.starts(scalar) {
            let advice = "put a space between a number and a word, or quote a name that begins with a digit"
            return fail("a number ends in letters", at: start, advice: advice)
        }
        append(kind, from: start)
    }
}
