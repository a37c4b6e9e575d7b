/// One word, number, text or sign of a statement, as a range of the source.
struct Token {
    /// What a token is.
    enum Kind: UInt8 {
        /// A word: a keyword or a name.
        case word
        /// A name in double quotes.
        case quotedName
        /// A text in single quotes.
        case string
        /// Digits without a point.
        case integer
        /// Digits with a point.
        case decimal
        /// Digits with an exponent.
        case double
        case leftParenthesis, rightParenthesis, comma, semicolon, point
        case equal, notEqual, less, lessOrEqual, greater, greaterOrEqual
        case plus, minus, star, slash, percent, concatenate
        /// The end of the text.
        case end
        /// What the lexer could not read; it has the error.
        case invalid
    }

    var kind: Kind
    /// The keyword that a word is.
    var keyword: Keyword?
    /// Line of the first byte, from 1.
    var line: Int32
    /// Byte offset of the first byte.
    var start: Int32
    /// Byte offset behind the last byte.
    var end: Int32

    /// The bytes of the token in the source.
    var range: Range<Int> { Int(start)..<Int(end) }
}

extension Token.Kind {
    /// The sign, for messages; empty for kinds without one.
    var sign: String {
        switch self {
        case .leftParenthesis: "("
        case .rightParenthesis: ")"
        case .comma: ","
        case .semicolon: ";"
        case .point: "."
        case .equal: "="
        case .notEqual: "<>"
        case .less: "<"
        case .lessOrEqual: "<="
        case .greater: ">"
        case .greaterOrEqual: ">="
        case .plus: "+"
        case .minus: "-"
        case .star: "*"
        case .slash: "/"
        case .percent: "%"
        case .concatenate: "||"
        case .word, .quotedName, .string, .integer, .decimal, .double, .end, .invalid: ""
        }
    }
}
