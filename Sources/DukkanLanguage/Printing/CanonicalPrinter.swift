import DukkanFormat
import DukkanQuery

/// Writes canonical text.
///
/// Extensions hold the forms, a file for expressions and one for statements.
struct CanonicalPrinter {
    private(set) var text = ""
    /// Whether a segment's condition is being written.
    var inSegment = false
    /// Names of a funnel's steps, in lower case, while the filter of an exclusion is written.
    var exclusionSteps: Set<String> = []

    init(inSegment: Bool = false) {
        self.inSegment = inSegment
    }

    mutating func write(_ piece: String) {
        text += piece
    }

    /// Writes pieces with commas between them.
    mutating func list<Piece>(_ pieces: [Piece], _ write: (inout CanonicalPrinter, Piece) -> Void) {
        for (index, piece) in pieces.enumerated() {
            if index > 0 { text += ", " }
            write(&self, piece)
        }
    }

    /// Writes what is within a segment's condition, or what is not.
    mutating func inContext(segment: Bool, _ write: (inout CanonicalPrinter) -> Void) {
        let outer = inSegment
        inSegment = segment
        write(&self)
        inSegment = outer
    }

    // MARK: Names and texts

    mutating func print(name: String) {
        if CanonicalPrinter.isPlain(name) { text += name } else { quote(name, with: "\"") }
    }

    mutating func print(_ column: ColumnName) {
        if let table = column.table {
            print(name: table)
            text += "."
        }
        print(name: column.name)
    }

    mutating func print(string: String) {
        quote(string, with: "'")
    }

    mutating func quote(_ piece: String, with quote: Unicode.Scalar) {
        text.unicodeScalars.append(quote)
        for scalar in piece.unicodeScalars {
            text.unicodeScalars.append(scalar)
            if scalar == quote { text.unicodeScalars.append(scalar) }
        }
        text.unicodeScalars.append(quote)
    }

    /// Whether a name is read back without quotes.
    static func isPlain(_ name: String) -> Bool {
        guard let first = name.unicodeScalars.first, NameScalar.starts(first),
            name.unicodeScalars.allSatisfy(NameScalar.continues)
        else { return false }
        // `count(distinct …)` would be read in two ways.
        guard let keyword = Keyword.named(name) else { return true }
        return !keyword.isReserved && keyword != .distinct
    }

    /// Whether the name of a function is read back as such without quotes.
    static func isPlainFunction(_ name: String) -> Bool {
        guard isPlain(name), name == name.lowercased(), AggregateWord(rawValue: name) == nil else { return false }
        let keyword = Keyword.named(name)
        return ![.segment, .cast, .exists, .any, .did].contains(keyword)
    }

    // MARK: Literals

    mutating func print(_ value: Value) {
        switch value {
        case .null: text += "NULL"
        case .bool(let value): text += value ? "TRUE" : "FALSE"
        case .int(let value): text += String(value)
        case .decimal(let value): text += value.description + (value.scale > 0 ? "" : ".")
        case .double(let value): print(value)
        case .timestamp(let value): text += "TIMESTAMP '\(TimeText.text(of: value))'"
        case .date(let value): text += "DATE '\(TimeText.text(of: value))'"
        case .string(let value): print(string: value)
        }
    }

    private mutating func print(_ value: Double) {
        guard value.isFinite else {
            text += value.isNaN ? "DOUBLE 'NaN'" : value > 0 ? "DOUBLE 'Infinity'" : "DOUBLE '-Infinity'"
            return
        }
        // Without an exponent it would be read as a decimal.
        let digits = value.description
        if digits.utf8.contains(UInt8(ascii: "e")) {
            text += digits
        } else {
            text += (digits.hasSuffix(".0") ? String(digits.dropLast(2)) : digits) + "e0"
        }
    }

    /// Writes a span of time in its largest whole unit up to days.
    mutating func print(microseconds: Int64) {
        let units: [TimeUnit] = [.day, .hour, .minute, .second, .millisecond]
        let unit =
            microseconds == 0
            ? .second : units.first { microseconds % $0.microseconds == 0 } ?? .microsecond
        let amount = microseconds / unit.microseconds
        text += "\(amount) " + unit.rawValue.uppercased() + (amount.magnitude == 1 ? "" : "S")
    }

    /// Puts parentheses around what was written from a place on, if it begins with a word of the language that would be
    /// read as something else there.
    mutating func protect(from place: Int, _ isOther: (Keyword) -> Bool) {
        let begin = text.utf8.index(text.startIndex, offsetBy: place)
        let word = text[begin...].unicodeScalars.prefix { NameScalar.continues($0) }
        guard let keyword = Keyword.named(String(word)), isOther(keyword) else { return }
        text.insert("(", at: begin)
        text += ")"
    }

    /// Puts parentheses around what was written from a place on, if it begins like what follows a column.
    mutating func protectOperand(from place: Int) {
        let begin = text.utf8.index(text.startIndex, offsetBy: place)
        guard text[begin...].hasPrefix("-") || text[begin...].hasPrefix("IN ") else { return }
        text.insert("(", at: begin)
        text += ")"
    }
}
