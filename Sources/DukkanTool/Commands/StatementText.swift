import ArgumentParser
import Dukkan

/// A failure that belongs to a place in the text of statements.
struct StatementFailure: Error {
    var error: DukkanError
    var source: String
}

/// Statements as a person gives them: in an argument, in a file, on standard input.
enum StatementText {
    /// The text, from the first place that gives one.
    static func read(statements: String?, file: String?) throws -> String {
        if let statements { return statements }
        if let file { return try TextFile.read(file) }
        if Terminal.isTerminal(Terminal.standardInput) {
            throw ValidationError("no statement: give one as an argument, with --file, or on standard input")
        }
        return try TextFile.read("-")
    }

    /// The statements of a text; at least one.
    static func parse(_ text: String) throws -> [ParsedStatement] {
        do {
            let parsed = try Parser.parse(text)
            if parsed.isEmpty { throw DukkanError(.syntax, "there is no statement in the text") }
            return parsed
        } catch let error as DukkanError {
            throw StatementFailure(error: error, source: text)
        }
    }

    /// Runs `body`; an error that names a place in the statement is shown with the text.
    static func locating<T>(_ parsed: ParsedStatement, _ body: () throws -> T) throws -> T {
        do {
            return try body()
        } catch let error as DukkanError
            where error.place.file == nil && error.place.offset != nil && error.place.block == nil
        {
            throw StatementFailure(error: error, source: parsed.source)
        }
    }
}
