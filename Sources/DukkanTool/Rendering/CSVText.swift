import Dukkan

/// Answers as CSV (RFC 4180, lines end in LF).
///
/// Null is an empty field, an empty text is `""`.
enum CSVText {
    static func write(_ result: QueryResult, to output: Output) throws {
        try output.writeLine(result.columns.map { field($0.name) }.joined(separator: ","))
        for row in result.rows {
            let fields = row.map { value in
                if case .string(let text) = value { field(text) } else { ValueText.plain(value) }
            }
            try output.writeLine(fields.joined(separator: ","))
        }
    }

    /// One field, quoted where it must be.
    static func field(_ text: String) -> String {
        let needsQuotes =
            text.isEmpty
            || text.utf8.contains {
                $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: "\"") || $0 == UInt8(ascii: "\n")
                    || $0 == UInt8(ascii: "\r")
            }
        guard needsQuotes else { return text }
        var result = "\""
        for scalar in text.unicodeScalars {
            if scalar == "\"" { result += "\"\"" } else { result.unicodeScalars.append(scalar) }
        }
        return result + "\""
    }
}
