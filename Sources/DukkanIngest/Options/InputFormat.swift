/// The form of a text file.
public enum InputFormat: Sendable, Hashable {
    /// Told from the first rows: JSON lines when they begin with `{`; separated values when a separator gives all rows the
    /// same number of fields; blank-separated words otherwise.
    case automatic
    /// Values between separators, as RFC 4180 has it: fields may be quoted, quoted fields may hold newlines.
    case separated
    /// One JSON object on each line.
    case jsonLines
    /// Words between runs of blanks; blanks at the start of a line mean nothing.
    case blankSeparated
    /// Fields at fixed places: for each field its bytes within the line, from 0. Blanks around values are dropped.
    case fixedWidth([Range<Int>])
}
