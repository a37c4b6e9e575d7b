import DukkanFormat
import DukkanLanguage
import DukkanQuery
import DukkanStorage

/// Reads statements, prints them, reads them again, and plans or answers them over a small store.
enum LanguageTarget {
    static func run(_ input: FuzzInput, isAnswered: Bool) throws {
        let text = String(decoding: input.rest, as: UTF8.self)
        let parsed: [ParsedStatement]
        do {
            parsed = try Parser.parse(text)
        } catch {
            try check(error, text)
            return
        }
        for statement in parsed {
            try checkCanonicalText(statement.statement)
            try FuzzFailure.require(
                statement.range.lowerBound >= 0 && statement.range.upperBound <= text.utf8.count,
                "a statement outside its text")
            try FuzzStore.shared.get().ask(statement, isAnswered: isAnswered)
        }
    }

    private static func checkCanonicalText(_ statement: Statement) throws {
        let canonical = statement.canonicalText
        let again: [ParsedStatement]
        do {
            again = try Parser.parse(canonical)
        } catch {
            throw FuzzFailure("canonical text that is no statement: \(canonical): \(error)")
        }
        try FuzzFailure.require(again.count == 1, "canonical text of \(again.count) statements: \(canonical)")
        let second = again[0].statement.canonicalText
        try FuzzFailure.require(second == canonical, "canonical text changes: \(canonical) to \(second)")
        // A number that is none does not equal itself.
        try FuzzFailure.require(
            again[0].statement == statement || canonical.contains("'NaN'"), "another statement is read: \(canonical)")
    }

    private static func check(_ error: DukkanError, _ text: String) throws {
        try FuzzFailure.require(error.code == .syntax || error.code == .limit, "code \(error.code)")
        guard let offset = error.place.offset, let line = error.place.line else {
            throw FuzzFailure("no place: \(error)")
        }
        try FuzzFailure.require(offset >= 0 && offset <= text.utf8.count && line >= 1, "a place outside: \(error)")
        try FuzzFailure.require(!error.message.isEmpty && !error.rendered(in: text).isEmpty, "no message")
    }
}
