/// Reading and writing of times and days as ISO 8601 text, on bytes and without allocation.
package enum ISO8601 {
    /// Years outside 0000 to 9999 are written with a sign and six digits; this is the largest that is read.
    package static let yearMax: Int64 = 290_000

    /// What a text said: a local time, or a point in time if it named an offset.
    package struct ParsedTime: Sendable, Equatable {
        /// Microseconds since 1970-01-01T00:00:00, of the local clock if `hasOffset` is false, of UTC otherwise.
        package var microseconds: Int64
        /// Whether the text carried `Z`, `UTC` or an offset.
        package var hasOffset: Bool
        /// Whether the text was a date without a time of day.
        package var isDateOnly: Bool

        package init(microseconds: Int64, hasOffset: Bool, isDateOnly: Bool) {
            self.microseconds = microseconds
            self.hasOffset = hasOffset
            self.isDateOnly = isDateOnly
        }
    }

    /// Reads a date, or a date and a time of day after `T` or a blank, with optional seconds, fraction and zone (`Z`,
    /// `UTC`, `GMT`, `+02:00`, `+0200`, `+02`, after an optional blank).
    ///
    /// Digits past the microsecond are cut off. Nil when the whole text is not of that form or names no real day or
    /// time.
    package static func parseTime(_ text: UnsafeBufferPointer<UInt8>) -> ParsedTime? {
        var at = 0
        guard let days = scanDate(text, &at) else { return nil }
        var micros = days * CivilCalendar.microsecondsPerDay
        if at == text.count { return ParsedTime(microseconds: micros, hasOffset: false, isDateOnly: true) }
        guard text[at] == UInt8(ascii: "T") || text[at] == UInt8(ascii: " ") || text[at] == UInt8(ascii: "t") else {
            return nil
        }
        at += 1
        guard let clock = scanClock(text, &at) else { return nil }
        micros += clock
        if at == text.count { return ParsedTime(microseconds: micros, hasOffset: false, isDateOnly: false) }
        guard let offset = scanZone(text, &at), at == text.count else { return nil }
        return ParsedTime(microseconds: micros - offset, hasOffset: true, isDateOnly: false)
    }

    /// Reads `YYYY-MM-DD`, or `±YYYYYY-MM-DD`, and nothing more: days since 1970-01-01.
    package static func parseDate(_ text: UnsafeBufferPointer<UInt8>) -> Int64? {
        var at = 0
        guard let days = scanDate(text, &at), at == text.count else { return nil }
        return days
    }

    /// As ``parseTime(_:)-(UnsafeBufferPointer<UInt8>)``, of a string.
    package static func parseTime(_ text: String) -> ParsedTime? {
        var text = text
        return text.withUTF8 { parseTime($0) }
    }

    /// Reads the date at `at` and moves `at` behind it.
    package static func scanDate(_ text: UnsafeBufferPointer<UInt8>, _ at: inout Int) -> Int64? {
        var year: Int64
        if at < text.count, text[at] == UInt8(ascii: "+") || text[at] == UInt8(ascii: "-") {
            let negative = text[at] == UInt8(ascii: "-")
            guard let digits = digits(text, at + 1, 6), digits <= yearMax, !negative || digits > 0 else { return nil }
            year = negative ? -digits : digits
            at += 7
        } else {
            guard let digits = digits(text, at, 4) else { return nil }
            year = digits
            at += 4
        }
        guard at + 6 <= text.count, text[at] == UInt8(ascii: "-"), text[at + 3] == UInt8(ascii: "-"),
            let month = digits(text, at + 1, 2), let day = digits(text, at + 4, 2)
        else { return nil }
        at += 6
        return CivilCalendar.validDays(year: year, month: month, day: day)
    }

    /// Reads `HH:MM`, `HH:MM:SS` or `HH:MM:SS.f…` at `at`: microseconds since midnight.
    package static func scanClock(_ text: UnsafeBufferPointer<UInt8>, _ at: inout Int) -> Int64? {
        guard at + 5 <= text.count, text[at + 2] == UInt8(ascii: ":"),
            let hour = digits(text, at, 2), hour < 24, let minute = digits(text, at + 3, 2), minute < 60
        else { return nil }
        at += 5
        var micros = hour * CivilCalendar.microsecondsPerHour + minute * CivilCalendar.microsecondsPerMinute
        guard at < text.count, text[at] == UInt8(ascii: ":") else { return micros }
        guard let second = digits(text, at + 1, 2), second < 60 else { return nil }
        at += 3
        micros += second * CivilCalendar.microsecondsPerSecond
        guard at < text.count, text[at] == UInt8(ascii: ".") || text[at] == UInt8(ascii: ",") else { return micros }
        at += 1
        var weight: Int64 = 100_000
        let first = at
        while at < text.count, text[at] &- 48 < 10 {
            micros += weight * Int64(text[at] &- 48)
            weight /= 10
            at += 1
        }
        return at > first ? micros : nil
    }

    /// Reads a zone at `at`: microseconds east of UTC.
    package static func scanZone(_ text: UnsafeBufferPointer<UInt8>, _ at: inout Int) -> Int64? {
        if at < text.count, text[at] == UInt8(ascii: " ") { at += 1 }
        guard at < text.count else { return nil }
        let sign = text[at]
        if sign | 0x20 == UInt8(ascii: "z") {
            at += 1
            return 0
        }
        if at + 3 <= text.count, sign != UInt8(ascii: "+"), sign != UInt8(ascii: "-") {
            let word = (text[at] | 0x20, text[at + 1] | 0x20, text[at + 2] | 0x20)
            let u = UInt8(ascii: "u"), t = UInt8(ascii: "t"), c = UInt8(ascii: "c")
            let g = UInt8(ascii: "g"), m = UInt8(ascii: "m")
            guard word == (u, t, c) || word == (g, m, t) else { return nil }
            at += 3
            return 0
        }
        guard sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-"), let hour = digits(text, at + 1, 2), hour < 24
        else { return nil }
        at += 3
        var minute: Int64 = 0
        if at < text.count {
            if text[at] == UInt8(ascii: ":") { at += 1 }
            guard let read = digits(text, at, 2), read < 60 else { return nil }
            minute = read
            at += 2
        }
        let east = hour * CivilCalendar.microsecondsPerHour + minute * CivilCalendar.microsecondsPerMinute
        return sign == UInt8(ascii: "-") ? -east : east
    }

    /// The number of exactly `count` digits at `at`, nil if there are fewer.
    @inline(__always)
    package static func digits(_ text: UnsafeBufferPointer<UInt8>, _ at: Int, _ count: Int) -> Int64? {
        guard at + count <= text.count else { return nil }
        var value: Int64 = 0
        for i in at..<at + count {
            let digit = text[i] &- 48
            if digit > 9 { return nil }
            value = value * 10 + Int64(digit)
        }
        return value
    }
}
