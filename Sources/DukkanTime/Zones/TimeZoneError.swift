/// A time zone could not be had: there is none of that name, or the zone database is missing or damaged.
public struct TimeZoneError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, one sentence.
    public var message: String
    /// Existing names that are near to the one asked for, the nearest first.
    public var suggestions: [String]

    /// Makes an error.
    public init(_ message: String, suggestions: [String]) {
        self.message = message
        self.suggestions = suggestions
    }

    /// The message, and the nearest names if there are any.
    public var description: String {
        suggestions.isEmpty ? message : message + "; did you mean " + suggestions.joined(separator: " or ") + "?"
    }
}
