import DukkanFormat
import DukkanQuery
import DukkanTime

/// Units of absolute time, in microseconds.
enum TimeUnit: String, CaseIterable {
    case microsecond, millisecond, second, minute, hour, day, week

    var microseconds: Int64 {
        switch self {
        case .microsecond: 1
        case .millisecond: 1_000
        case .second: 1_000_000
        case .minute: 60_000_000
        case .hour: 3_600_000_000
        case .day: 86_400_000_000
        case .week: 604_800_000_000
        }
    }

    /// The unit of a word in the singular or the plural, in any case.
    static func named(_ word: String) -> TimeUnit? {
        let lower = word.lowercased()
        return TimeUnit(rawValue: lower) ?? (lower.hasSuffix("s") ? TimeUnit(rawValue: String(lower.dropLast())) : nil)
    }
}

extension StatementParser {
    /// Most digits behind the point of a decimal literal.
    static let decimalScaleMax = 36

    // MARK: Numbers and intervals

    /// Reads a number, or an interval such as `90 DAYS`; a minus before it has been read.
    func number(negative: Bool) throws(Fault) -> Node {
        let start = current
        if ahead().kind == .word, let unit = try unitAhead() {
            advance()
            advance()
            return leaf(
                .interval(microseconds: try microseconds(digits(of: start), unit, negative: negative, at: start)))
        }
        advance()
        switch start.kind {
        case .integer:
            guard let value = Int128((negative ? "-" : "") + digits(of: start)) else { throw tooLarge(start) }
            return leaf(.literal(.int(value)))
        case .decimal:
            return leaf(.literal(.decimal(try decimal(of: start, negative: negative))))
        default:
            guard let value = double(of: start) else { throw tooLarge(start) }
            return leaf(.literal(.double(negative ? -value : value)))
        }
    }

    private func tooLarge(_ token: Token) -> Fault {
        error("the number \(shortened(token)) is too large", at: token)
    }

    /// The value of a number token, nil if it is too large.
    func double(of token: Token) -> Double? {
        Double(digits(of: token)).flatMap { $0.isFinite ? $0 : nil }
    }

    /// The unit behind the current number.
    ///
    /// `5 WEEK START …` is the number 5 and a clause.
    private func unitAhead() throws(Fault) -> TimeUnit? {
        let word = ahead()
        if word.keyword == .week, ahead(2).keyword == .start { return nil }
        guard word.end - word.start <= 16 else { return nil }
        let text = text(of: word)
        if let unit = TimeUnit.named(text) { return unit }
        if ["month", "months", "quarter", "quarters", "year", "years"].contains(text.lowercased()) {
            let advice = "write it in DAYS, or compare date_trunc('month', …)"
            throw error("an interval of \(text.uppercased()) has no fixed length", at: word, advice: advice)
        }
        return nil
    }

    private func decimal(of token: Token, negative: Bool) throws(Fault) -> DecimalValue {
        var text = digits(of: token)
        guard let point = text.firstIndex(of: ".") else { throw tooLarge(token) }
        let scale = text.utf8.distance(from: point, to: text.endIndex) - 1
        text.remove(at: point)
        if scale > StatementParser.decimalScaleMax {
            let message = "a decimal has at most \(StatementParser.decimalScaleMax) digits behind the point"
            throw error(message, at: token, advice: "an exponent, as in 1.5e0, makes a double")
        }
        guard let unscaled = Int128((negative ? "-" : "") + text) else { throw tooLarge(token) }
        return DecimalValue(unscaled: unscaled, scale: scale)
    }

    /// A number of units in microseconds, exactly.
    ///
    /// `text` has digits and at most one point.
    private func microseconds(
        _ text: String, _ unit: TimeUnit, negative: Bool, at token: Token
    ) throws(Fault) -> Int64 {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        let fraction = parts.count > 1 ? parts[1] : ""
        if parts.count > 2 || fraction.utf8.count > 18 || text.contains("e") || text.contains("E") {
            throw error("an interval is a whole or a decimal number of units", at: token)
        }
        guard let unscaled = Int128((negative ? "-" : "") + parts[0] + fraction) else { throw tooLarge(token) }
        var power: Int128 = 1
        for _ in 0..<fraction.utf8.count { power *= 10 }
        let (product, overflow) = unscaled.multipliedReportingOverflow(by: Int128(unit.microseconds))
        if overflow { throw tooLarge(token) }
        if product % power != 0 { throw error("an interval is a whole number of microseconds", at: token) }
        guard let microseconds = Int64(exactly: product / power) else { throw tooLarge(token) }
        return microseconds
    }

    /// Reads `INTERVAL '90' DAY`, `INTERVAL '90 days'` or `INTERVAL 90 DAYS`.
    func intervalLiteral() throws(Fault) -> Node {
        advance()
        let start = current
        if start.kind == .integer { return try number(negative: false) }
        let words = unquoted(advance(), quote: "'").split(separator: " ").map(String.init)
        guard var amount = words.first, words.count <= 2 else {
            throw error("an interval is a number and a unit, as in INTERVAL '90' DAY", at: start)
        }
        let negative = amount.hasPrefix("-")
        if negative { amount.removeFirst() }
        let isNumber = !amount.isEmpty && amount.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == 0x2E }
        var unit = words.count == 2 ? TimeUnit.named(words[1]) : nil
        if words.count == 1, current.kind == .word {
            unit = TimeUnit.named(text(of: current))
            if unit != nil { advance() }
        }
        guard isNumber, let unit else {
            throw error("an interval is a number and a unit, as in INTERVAL '90' DAY", at: start)
        }
        return leaf(.interval(microseconds: try microseconds(amount, unit, negative: negative, at: start)))
    }

    /// Reads a span of time for a clause, as `7 DAYS`, in microseconds.
    func span(_ what: String) throws(Fault) -> Int64 {
        let start = current
        let isInterval = isAt(.interval) && (ahead().kind == .string || ahead().kind == .integer)
        guard isInterval || current.kind == .integer || current.kind == .decimal else {
            throw unexpected("\(what), as 7 DAYS")
        }
        let read = isInterval ? try intervalLiteral() : try number(negative: false)
        guard case .interval(let microseconds) = read.expression else {
            throw unexpected("a unit of time after \(shortened(start)), as DAYS")
        }
        if microseconds < 0 { throw error("\(what) is not negative", at: start) }
        return microseconds
    }

    // MARK: Times

    /// Reads `DATE '…'`, `TIMESTAMP '…'` or `DOUBLE '…'`.
    func typedLiteral() throws(Fault) -> Node {
        let type = advance()
        let start = current
        let text = unquoted(advance(), quote: "'")
        switch type.keyword {
        case .date:
            guard let date = TimeText.date(text) else {
                throw error("\(shortened(start)) is not a date", at: start, advice: "a date is written '2025-08-31'")
            }
            return leaf(.literal(.date(date)))
        case .timestamp:
            switch TimeText.timestamp(text) {
            case .absolute(let timestamp)?: return leaf(.literal(.timestamp(timestamp)))
            // Without an offset the time is in the query's zone, which is known when it is bound.
            case .local?: return leaf(.literal(.string(text)))
            case nil:
                let advice = "a time is written '2025-08-31T09:30:00Z', or without Z in the query's time zone"
                throw error("\(shortened(start)) is not a time", at: start, advice: advice)
            }
        default:
            guard let value = TimeText.double(text) else {
                throw error("\(shortened(start)) is not a number", at: start)
            }
            return leaf(.literal(.double(value)))
        }
    }
}

extension TimeUnit {
    /// The units as messages name them.
    static var names: [String] { allCases.map { $0.rawValue.uppercased() + "S" } }
}
