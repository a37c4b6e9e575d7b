import DukkanTime

/// Moves over the bytes of a time and reads its pieces.
struct TimeScanner {
    let text: UnsafeBufferPointer<UInt8>
    var at = 0

    init(_ text: UnsafeBufferPointer<UInt8>) { self.text = text }

    var isAtEnd: Bool { at >= text.count }
    var peek: UInt8 { at < text.count ? text[at] : 0 }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard peek == UInt8(ascii: character), !isAtEnd else { return false }
        at += 1
        return true
    }

    mutating func skipBlanks() {
        while at < text.count, text[at] == 32 || text[at] == 9 { at += 1 }
    }

    /// A number of `least` to `most` digits.
    mutating func number(_ least: Int, _ most: Int) -> Int64? {
        let start = at
        var value: Int64 = 0
        while at < text.count, at - start < most, text[at] &- 48 < 10 {
            value = value * 10 + Int64(text[at] - 48)
            at += 1
        }
        return at - start >= least ? value : nil
    }

    /// A year of four digits, or of two: 00 to 68 are 2000 to 2068, 69 to 99 are 1969 to 1999, as POSIX has it.
    mutating func year() -> Int64? {
        let start = at
        guard let value = number(2, 4) else { return nil }
        switch at - start {
        case 4: return value
        case 2: return TimeScanner.fullYear(value)
        default: return nil
        }
    }

    static func fullYear(_ short: Int64) -> Int64 { short < 69 ? 2_000 + short : 1_900 + short }

    /// The digits of a fraction in microseconds; those behind the sixth are cut off.
    mutating func fraction() -> Int64? {
        let start = at
        var weight: Int64 = 100_000, micros: Int64 = 0
        while at < text.count, text[at] &- 48 < 10 {
            micros += weight * Int64(text[at] - 48)
            weight /= 10
            at += 1
        }
        return at > start ? micros : nil
    }

    /// Names of months and weekdays, lower case.
    static let months = [
        "january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november",
        "december",
    ].map { Array($0.utf8) }
    static let weekdays = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"].map {
        Array($0.utf8)
    }

    /// The number, from 0, of the English name that stands here, whole or cut to three or more letters.
    mutating func name(of names: [[UInt8]]) -> Int64? {
        var letters: [UInt8] = []
        while at < text.count, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(text[at] | 0x20), letters.count < 10 {
            letters.append(text[at] | 0x20)
            at += 1
        }
        guard letters.count >= 3, let index = names.firstIndex(where: { $0.starts(with: letters) }) else {
            return nil
        }
        return Int64(index)
    }

    /// `AM` or `PM`, with or without points; true for the afternoon.
    mutating func isAfternoon() -> Bool? {
        let first = peek | 0x20
        guard first == UInt8(ascii: "a") || first == UInt8(ascii: "p") else { return nil }
        at += 1
        let dotted = skip(".")
        guard peek | 0x20 == UInt8(ascii: "m") else { return nil }
        at += 1
        if dotted, !skip(".") { return nil }
        return first == UInt8(ascii: "p")
    }

    /// `H:MM`, with seconds, fraction and AM or PM where they are there: microseconds since midnight.
    mutating func clock() -> Int64? {
        guard var hour = number(1, 2), skip(":"), let minute = number(2, 2), minute < 60 else { return nil }
        var second: Int64 = 0, micros: Int64 = 0
        if skip(":") {
            guard let read = number(2, 2), read < 60 else { return nil }
            second = read
            if skip(".") || skip(",") {
                guard let read = fraction() else { return nil }
                micros = read
            }
        }
        let mark = at
        skipBlanks()
        if let afternoon = isAfternoon() {
            guard (1...12).contains(hour) else { return nil }
            hour = hour % 12 + (afternoon ? 12 : 0)
        } else {
            at = mark
        }
        return hour < 24 ? ((hour * 60 + minute) * 60 + second) * 1_000_000 + micros : nil
    }

    /// What follows a date: nothing, or a time of day and perhaps a zone, to the end of the text.
    mutating func rest(ofDay days: Int64) -> ISO8601.ParsedTime? {
        var micros = days * CivilCalendar.microsecondsPerDay
        if isAtEnd { return ISO8601.ParsedTime(microseconds: micros, hasOffset: false, isDateOnly: true) }
        _ = skip(",")
        if !skip("T") { skipBlanks() }
        guard let clock = clock() else { return nil }
        micros += clock
        if isAtEnd { return ISO8601.ParsedTime(microseconds: micros, hasOffset: false, isDateOnly: false) }
        guard let offset = ISO8601.scanZone(text, &at), isAtEnd else { return nil }
        return ISO8601.ParsedTime(microseconds: micros - offset, hasOffset: true, isDateOnly: false)
    }
}
