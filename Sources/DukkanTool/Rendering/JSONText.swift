import Dukkan

/// Answers as JSON.
///
/// Numbers keep all their digits; what JSON cannot say (not a number, infinity) is null.
enum JSONText {
    /// `"text"` with escapes.
    static func quoted(_ text: String) -> String {
        var result = "\""
        result.reserveCapacity(text.utf8.count + 2)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"": result += "\\\""
            case "\\": result += "\\\\"
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result + "\""
    }

    /// One value.
    static func text(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int, .decimal: ValueText.plain(value)
        case .double(let number): text(number)
        case .timestamp, .date: "\"" + ValueText.plain(value) + "\""
        case .string(let text): quoted(text)
        }
    }

    /// A double; null where JSON has no such number.
    static func text(_ number: Double) -> String {
        number.isFinite ? number.description : "null"
    }

    /// `{"columns": […], "rows": […], "elapsed_ms": …}`, in one line; `{"plan": {…}, "elapsed_ms": …}` of an `EXPLAIN`.
    static func write(_ result: QueryResult, elapsedMilliseconds: Double, to output: Output) throws {
        if let explanation = result.explanation {
            let elapsed = ValueText.fixed(elapsedMilliseconds, digits: 3)
            return try output.writeLine("{\"plan\": \(text(explanation)), \"elapsed_ms\": \(elapsed)}")
        }
        let columns = result.columns.map {
            "{\"name\": \(quoted($0.name)), \"type\": \(quoted($0.type.description))}"
        }
        try output.write("{\"columns\": [\(columns.joined(separator: ", "))], \"rows\": [")
        for (index, row) in result.rows.enumerated() {
            try output.write((index > 0 ? ", [" : "[") + row.map(text).joined(separator: ", ") + "]")
        }
        let elapsed = ValueText.fixed(elapsedMilliseconds, digits: 3)
        try output.writeLine("], \"elapsed_ms\": \(elapsed)}")
    }

    /// One object for each row, one line each.
    static func writeLines(_ result: QueryResult, to output: Output) throws {
        let names = result.columns.map { quoted($0.name) + ": " }
        for row in result.rows {
            let members = zip(names, row).map { $0 + text($1) }
            try output.writeLine("{" + members.joined(separator: ", ") + "}")
        }
    }
}
