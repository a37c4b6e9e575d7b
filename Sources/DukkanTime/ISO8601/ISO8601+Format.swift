extension ISO8601 {
    /// Appends `2025-01-02T03:04:05Z`, with `.123` or `.123456` only where the fraction needs it.
    package static func append(time microseconds: Int64, to text: inout [UInt8]) {
        appendLocal(time: microseconds, to: &text)
        text.append(UInt8(ascii: "Z"))
    }

    /// Appends the time without a zone.
    package static func appendLocal(time microseconds: Int64, to text: inout [UInt8]) {
        let days = CivilCalendar.floorDays(microseconds: microseconds)
        // Wraps for the earliest day of Int64, whose start lies below the smallest value; the difference is right.
        let ofDay = microseconds &- days &* CivilCalendar.microsecondsPerDay
        append(date: days, to: &text)
        text.append(UInt8(ascii: "T"))
        let second = ofDay / CivilCalendar.microsecondsPerSecond
        append(second / 3_600, digits: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        append(second / 60 % 60, digits: 2, to: &text)
        text.append(UInt8(ascii: ":"))
        append(second % 60, digits: 2, to: &text)
        let fraction = ofDay % CivilCalendar.microsecondsPerSecond
        guard fraction != 0 else { return }
        text.append(UInt8(ascii: "."))
        if fraction % 1_000 == 0 {
            append(fraction / 1_000, digits: 3, to: &text)
        } else {
            append(fraction, digits: 6, to: &text)
        }
    }

    /// Appends `2025-01-02`; years outside 0000 to 9999 with a sign and at least six digits.
    package static func append(date days: Int64, to text: inout [UInt8]) {
        // Beyond this no year fits the arithmetic; such days cannot be parsed, only be made by hand.
        let limit: Int64 = 4_000_000_000_000
        let (year, month, day) = CivilCalendar.civil(days: min(max(days, -limit), limit))
        if (0...9_999).contains(year) {
            append(year, digits: 4, to: &text)
        } else {
            text.append(UInt8(ascii: year < 0 ? "-" : "+"))
            append(abs(year), digits: 6, to: &text)
        }
        text.append(UInt8(ascii: "-"))
        append(month, digits: 2, to: &text)
        text.append(UInt8(ascii: "-"))
        append(day, digits: 2, to: &text)
    }

    private static func append(_ value: Int64, digits: Int, to text: inout [UInt8]) {
        var power: Int64 = 1
        for _ in 1..<digits { power *= 10 }
        while value / power >= 10 { power *= 10 }
        while power > 0 {
            text.append(UInt8(48 + value / power % 10))
            power /= 10
        }
    }
}

extension Timestamp: LosslessStringConvertible {
    /// ISO 8601 in UTC, as `2025-01-02T03:04:05Z`, with three or six digits of fraction where needed.
    public var description: String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(32)
        ISO8601.append(time: microseconds, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads ISO 8601 text: a date, or a date and time after `T` or a blank.
    ///
    /// A time without an offset is taken as UTC. Nil for any other text.
    public init?(_ description: String) {
        guard let parsed = ISO8601.parseTime(description) else { return nil }
        self.init(microseconds: parsed.microseconds)
    }
}

extension CivilDate: LosslessStringConvertible {
    /// ISO 8601, as `2025-01-02`.
    public var description: String {
        var bytes: [UInt8] = []
        ISO8601.append(date: days, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Reads `YYYY-MM-DD`.
    ///
    /// Nil for any other text.
    public init?(_ description: String) {
        var text = description
        guard let days = text.withUTF8({ ISO8601.parseDate($0) }) else { return nil }
        self.init(days: days)
    }

    /// Makes a date from year, month and day; nil when there is no such day.
    public init?(year: Int, month: Int, day: Int) {
        let year = Int64(year)
        guard (-ISO8601.yearMax...ISO8601.yearMax).contains(year),
            let days = CivilCalendar.validDays(year: year, month: Int64(month), day: Int64(day))
        else { return nil }
        self.init(days: days)
    }
}
