/// How the bytes of a text file stand for characters.
public enum TextEncoding: Sendable, Hashable {
    /// UTF-8, with or without a byte order mark. Anything else in a text column is a bad row.
    case utf8
    /// ISO 8859-1: one byte a character.
    case latin1
}
