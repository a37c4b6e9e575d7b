package import DukkanFormat

extension DukkanError {
    /// The error for a person who wrote a text: the message, the line of the text with a caret under the place, and the
    /// advice.
    ///
    /// ```
    /// line 2: expected a table after FROM, found ','
    ///   SELECT a FROM , b
    ///                 ^
    /// ```
    /// An error without a place in the text is given by its description.
    package func rendered(in text: String) -> String {
        guard place.file == nil, let offset = place.offset, place.block == nil else { return description }
        let excerpt = SourceExcerpt(SourceText(text), at: offset)
        var rendered = "line \(excerpt.line): \(message)"
        if let cause { rendered += ": \(cause)" }
        rendered += "\n  \(excerpt.text)\n  \(excerpt.caret)"
        if let advice { rendered += "\n  \(advice)" }
        return rendered
    }
}

/// One line of a text and a caret under a place of it.
struct SourceExcerpt {
    /// Most characters shown on each side of the place.
    static let sideCountMax = 60

    /// Number of the line, from 1.
    let line: Int
    /// The line, cut where it is long.
    let text: String
    /// Blanks and a caret that stands under the place.
    let caret: String

    init(_ source: SourceText, at place: Int) {
        let offset = max(0, min(place, source.bytes.count))
        var start = offset
        while start > 0, source.bytes[start - 1] != 0x0A { start -= 1 }
        var end = offset
        while end < source.bytes.count, source.bytes[end] != 0x0A { end += 1 }
        line = source.line(at: offset)

        let before = SourceExcerpt.visible(source.text(start..<offset))
        let after = SourceExcerpt.visible(source.text(offset..<end))
        let side = SourceExcerpt.sideCountMax
        let isLong = before.count + after.count > 2 * side
        let isCutBefore = isLong && before.count > side
        let isCutAfter = isLong && after.count > side
        let shownBefore = isCutBefore ? "…" + String(before.suffix(side)) : before
        let shownAfter = isCutAfter ? String(after.prefix(side)) + "…" : after
        text = shownBefore + shownAfter
        caret = String(repeating: " ", count: SourceExcerpt.columns(of: shownBefore)) + "^"
    }

    /// Without tabs and other control characters, which would move the caret or the terminal.
    private static func visible(_ piece: String) -> String {
        String(
            piece.map { $0.unicodeScalars.contains { $0.value < 0x20 || (0x7F..<0xA0).contains($0.value) } ? " " : $0 })
    }

    /// Columns of a terminal that a text takes: two for wide characters of East Asia and for emoji.
    private static func columns(of text: String) -> Int {
        text.reduce(0) { sum, character in
            guard let scalar = character.unicodeScalars.first else { return sum }
            switch scalar.value {
            case 0x1100...0x115F, 0x2E80...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60,
                0x1F300...0x1FAFF, 0x20000...0x3FFFD:
                return sum + 2
            default: return sum + 1
            }
        }
    }
}

extension ParsedStatement {
    /// The byte offset in ``source`` at which a name first stands in the statement, nil if it does not.
    ///
    /// Names compare without regard to case; words within texts and comments are not names.
    package func offset(of name: String) -> Int? {
        let wanted = name.lowercased()
        let lexer = Lexer(SourceText(source))
        for token in lexer.tokens where token.range.lowerBound >= range.lowerBound {
            if token.range.upperBound > range.upperBound { return nil }
            var written = lexer.source.text(token.range)
            switch token.kind {
            case .word: break
            case .quotedName: written = String(written.dropFirst().dropLast()).replacing("\"\"", with: "\"")
            default: continue
            }
            if written.lowercased() == wanted { return token.range.lowerBound }
        }
        return nil
    }

    /// The error with the line and the offset of the name that it is about, if the statement has that name.
    ///
    /// The name is the error's `place.column` or else the first word in quotes, `'x'` or `"x"`, of its message that stands
    /// in the statement. An error with a place in a file or a text is given back as it is.
    package func placed(_ error: DukkanError) -> DukkanError {
        guard error.place.file == nil, error.place.offset == nil else { return error }
        var names = error.place.column.map { [$0] } ?? []
        for quote: Character in ["'", "\""] {
            let pieces = error.message.split(separator: quote, omittingEmptySubsequences: false)
            for index in stride(from: 1, to: pieces.count - 1, by: 2) { names.append(String(pieces[index])) }
        }
        for name in names {
            // `table.column` stands as two names.
            let last = name.split(separator: ".").last.map(String.init) ?? name
            guard let offset = offset(of: name) ?? offset(of: last) else { continue }
            var copy = error
            copy.place.line = SourceText(source).line(at: offset)
            copy.place.offset = offset
            return copy
        }
        return error
    }
}
