import DukkanFormat

/// Numbers, spans and keys as an explanation writes them.
enum ExplanationText {
    /// Digits in groups of three, as `1,234,567`.
    static func grouped(_ number: Int) -> String {
        let digits = String(number.magnitude)
        var result = number < 0 ? "-" : ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index) % 3 == 0 { result.append(",") }
            result.append(digit)
        }
        return result
    }

    /// A number with a fixed count of digits behind the point.
    static func fixed(_ number: Double, _ digits: Int) -> String {
        var power = 1
        for _ in 0..<digits { power *= 10 }
        guard number.isFinite, number.magnitude < 1e12 else { return number.description }
        let scaled = Int((number.magnitude * Double(power)).rounded())
        let fraction = String(scaled % power)
        let zeros = String(repeating: "0", count: max(0, digits - fraction.count))
        return (number < 0 ? "-" : "") + grouped(scaled / power) + (digits > 0 ? "." + zeros + fraction : "")
    }

    /// Bytes in powers of 1,000.
    static func bytes(_ count: Int) -> String {
        if count < 1_000 { return "\(count) B" }
        var value = Double(count) / 1_000
        for unit in ["kB", "MB", "GB"] {
            if value < 1_000 { return fixed(value, value < 10 ? 2 : 1) + " " + unit }
            value /= 1_000
        }
        return fixed(value, 1) + " TB"
    }

    /// Milliseconds, without the unit.
    static func milliseconds(_ duration: Duration) -> String {
        let value = duration.milliseconds
        return fixed(value, value < 1 ? 3 : (value < 100 ? 2 : 1))
    }

    /// Microseconds in the largest unit that divides them, as `7 days`.
    static func span(_ microseconds: Int64) -> String {
        let units: [(name: String, length: Int64)] = [
            ("day", 86_400_000_000), ("hour", 3_600_000_000), ("minute", 60_000_000), ("second", 1_000_000),
        ]
        for unit in units where microseconds % unit.length == 0 && microseconds != 0 {
            let count = microseconds / unit.length
            return "\(count) \(unit.name)" + (count == 1 ? "" : "s")
        }
        return "\(microseconds) microseconds"
    }

    static func key(_ key: CustomerKey) -> String {
        switch key {
        case .integer(let number): String(number)
        case .string(let text): "'\(text)'"
        }
    }
}

extension Duration {
    var milliseconds: Double {
        let (seconds, attoseconds) = components
        return Double(seconds) * 1e3 + Double(attoseconds) / 1e15
    }
}
