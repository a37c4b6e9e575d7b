package import DukkanFormat

/// Finds customers who are named in the text of a segment.
package enum CustomerMention {
    /// Bytes that a key needs for being looked for within longer texts.
    private static let partByteCountMin = 4

    /// Whether a text may name one of some customers.
    ///
    /// Errs on the safe side: a string key is found in every text literal that is it or has it in it, an integer key in every
    /// such number of a text that speaks of the customer column at all. O(bytes × keys).
    ///
    /// - Parameters:
    ///   - text: the condition of a segment.
    ///   - keys: the customers.
    ///   - columns: names of the customer columns of the store's tables.
    package static func isFound(in text: String, keys: [CustomerKey], columns: [String]) -> Bool {
        let source = SourceText(text)
        let lexer = Lexer(source)
        let names = Set((columns + ["customer"]).map { $0.lowercased() })
        let speaksOfCustomers = lexer.tokens.contains { token in
            switch token.kind {
            case .word: names.contains(source.text(token.range).lowercased())
            case .quotedName: names.contains(unquoted(source.text(token.range), "\"").lowercased())
            default: false
            }
        }
        for token in lexer.tokens {
            let word = source.text(token.range)
            switch token.kind {
            case .string: if keys.contains(where: { matches(unquoted(word, "'"), $0) }) { return true }
            case .integer: if speaksOfCustomers, keys.contains(where: { matches(number: word, $0) }) { return true }
            case .invalid: if keys.contains(where: { matches(text, $0) }) { return true }
            default: continue
            }
        }
        return false
    }

    private static func unquoted(_ text: String, _ quote: Character) -> String {
        var result = ""
        var isEscaped = false
        for character in text.dropFirst().dropLast() {
            if character == quote && !isEscaped {
                isEscaped = true
                continue
            }
            isEscaped = false
            result.append(character)
        }
        return result
    }

    private static func matches(_ text: String, _ key: CustomerKey) -> Bool {
        guard case .string(let key) = key else { return false }
        let bytes = Array(text.utf8), wanted = Array(key.utf8)
        if bytes == wanted { return true }
        guard wanted.count >= partByteCountMin, bytes.count > wanted.count else { return false }
        return (0...(bytes.count - wanted.count)).contains { bytes[$0..<($0 + wanted.count)].elementsEqual(wanted) }
    }

    private static func matches(number: String, _ key: CustomerKey) -> Bool {
        guard case .integer(let key) = key else { return false }
        return UInt64(number) == key.magnitude
    }
}
