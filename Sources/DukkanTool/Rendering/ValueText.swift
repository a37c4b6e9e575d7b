import Dukkan

/// Values as text: one canonical form, without grouping or locale.
enum ValueText {
    /// The form that CSV and tables show.
    ///
    /// Null is empty.
    static func plain(_ value: Value) -> String {
        switch value {
        case .null: ""
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .decimal(let value): value.description
        case .double(let value): value.description
        case .timestamp(let value): value.description
        case .date(let value): value.description
        case .string(let value): value
        }
    }

    /// The form for a person's terminal: control characters are escaped, so that stored text cannot drive the terminal.
    static func shown(_ value: Value) -> String {
        switch value {
        case .null: return "null"
        case .string(let text): return visible(text)
        case .double(let number): return shown(number)
        default: return plain(value)
        }
    }

    /// A double with at most six digits behind the point where that loses nothing a person reads.
    static func shown(_ number: Double) -> String {
        guard number.isFinite, number.magnitude < 1e15, number == 0 || number.magnitude >= 1e-4 else {
            return number.description
        }
        return fixed(number, digits: 6, trimmed: true)
    }

    /// A number with a fixed count of digits behind the point, rounded half away from zero.
    static func fixed(_ number: Double, digits: Int, trimmed: Bool = false) -> String {
        var power: Int64 = 1
        for _ in 0..<digits { power *= 10 }
        guard number.isFinite, number.magnitude < 9e17 / Double(power) else { return number.description }
        let scaled = Int64((number.magnitude * Double(power)).rounded(.toNearestOrAwayFromZero))
        var text = String(scaled / power)
        if digits > 0 {
            let fraction = String(scaled % power)
            var tail = String(repeating: "0", count: digits - fraction.count) + fraction
            if trimmed { while tail.hasSuffix("0") && tail.count > 1 { tail.removeLast() } }
            text += "." + tail
        }
        return (number < 0 && scaled != 0 ? "-" : "") + text
    }

    /// Digits in groups of three, as `1,234,567`.
    ///
    /// Takes the text of a whole or decimal number.
    static func grouped(_ text: String) -> String {
        let sign = text.hasPrefix("-") ? "-" : ""
        let body = text.dropFirst(sign.count)
        let whole = body.prefix { $0 != "." && $0 != "e" }
        var result = ""
        for (index, digit) in whole.enumerated() {
            if index > 0 && (whole.count - index) % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return sign + result + body.dropFirst(whole.count)
    }

    /// Digits of a whole number in groups of three.
    static func grouped(_ number: Int) -> String { grouped(String(number)) }

    /// A sum or an average for a person: a double with two digits behind the point, others with all.
    static func measure(_ value: Value) -> String {
        if case .double(let number) = value { return grouped(fixed(number, digits: 2)) }
        return grouped(plain(value))
    }

    /// `text` with control characters written as escapes.
    static func visible(_ text: String) -> String {
        guard text.unicodeScalars.contains(where: { isHidden($0) }) else { return text }
        var result = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where isHidden(scalar): result += "\\u{" + String(scalar.value, radix: 16) + "}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// The same for a text of several lines.
    static func visibleLines(_ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { visible(String($0)) }.joined(
            separator: "\n")
    }

    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        let value = scalar.value
        // Besides controls: the overrides and isolates that turn the direction of the text that follows.
        return value < 0x20 || (0x7F...0x9F).contains(value) || (0x202A...0x202E).contains(value)
            || (0x2066...0x2069).contains(value)
    }

    /// A span of time for a person: `850 ms`, `42 s`, `12 min 5 s`, `3 h 20 min`, `2 d 4 h`.
    static func duration(seconds: Double) -> String {
        guard seconds.isFinite else { return "–" }
        if seconds < 1 { return fixed(seconds * 1000, digits: 0) + " ms" }
        if seconds < 60 { return fixed(seconds, digits: seconds < 10 ? 1 : 0, trimmed: false) + " s" }
        let whole = Int(min(seconds, 1e15).rounded())
        if whole < 3600 { return "\(whole / 60) min \(whole % 60) s" }
        if whole < 86_400 { return "\(whole / 3600) h \(whole % 3600 / 60) min" }
        return "\(whole / 86_400) d \(whole % 86_400 / 3600) h"
    }

    /// A count of bytes for a person, in powers of 1,000.
    static func bytes(_ count: Int) -> String {
        let units = ["B", "kB", "MB", "GB", "TB"]
        var value = Double(count), unit = 0
        while value >= 1000 && unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(count) B" : fixed(value, digits: value < 10 ? 2 : 1) + " " + units[unit]
    }

    /// A share as `12.3 %`.
    static func percent(_ share: Double) -> String {
        share.isFinite ? fixed(share * 100, digits: 1) + " %" : "–"
    }

    /// The number in a value, for bars and shares.
    static func number(_ value: Value) -> Double? {
        switch value {
        case .int(let value): Double(value)
        case .decimal(let value): value.double
        case .double(let value): value
        default: nil
        }
    }
}
