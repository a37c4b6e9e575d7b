import DukkanTime

/// Reads times in the forms that ``TimeFormat`` names.
enum TimeForms {
    /// The time of a text without blanks around it, nil if it has not the form.
    static func read(_ text: UnsafeBufferPointer<UInt8>, _ format: TimeFormat, pattern: TimePattern?)
        -> ISO8601.ParsedTime?
    {
        switch format {
        case .automatic: automatic(text)
        case .iso8601: ISO8601.parseTime(text)
        case .yearMonthDay: yearMonthDay(text)
        case .compact: compact(text)
        case .epochSeconds: epoch(text, scale: 6)
        case .epochMilliseconds: epoch(text, scale: 3)
        case .epochMicroseconds: epoch(text, scale: 0)
        case .dayMonthYear: slashed(text, monthFirst: false)
        case .monthDayYear: slashed(text, monthFirst: true)
        case .dayMonthName: dayMonthName(text)
        case .pattern: pattern?.read(text)
        }
    }

    /// The form that the shape of a text suggests; nil for no time at all.
    static func guess(_ text: UnsafeBufferPointer<UInt8>) -> TimeFormat? {
        var digits = 0
        while digits < text.count, text[digits] &- 48 < 10 { digits += 1 }
        if digits == text.count || (digits >= 9 && text[digits] == UInt8(ascii: ".")) {
            switch digits {
            case 8, 14: return .compact
            case 9...11: return .epochSeconds
            case 12...13: return .epochMilliseconds
            case 15...17: return .epochMicroseconds
            default: return nil
            }
        }
        let next = text[digits]
        switch digits {
        case 0: return next == UInt8(ascii: "+") || next == UInt8(ascii: "-") ? .iso8601 : nil
        case 4: return next == UInt8(ascii: "-") ? .iso8601 : .yearMonthDay
        case 8: return .compact
        case 1, 2:
            let after = digits + 1 < text.count ? text[digits + 1] : 0
            return (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(after | 0x20) ? .dayMonthName : .dayMonthYear
        default: return nil
        }
    }

    private static func automatic(_ text: UnsafeBufferPointer<UInt8>) -> ISO8601.ParsedTime? {
        guard let format = guess(text) else { return nil }
        return read(text, format, pattern: nil)
    }

    private static func isDateSeparator(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: "/") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "-")
    }

    private static func yearMonthDay(_ text: UnsafeBufferPointer<UInt8>) -> ISO8601.ParsedTime? {
        var scanner = TimeScanner(text)
        guard let year = scanner.number(4, 4) else { return nil }
        let separator = scanner.peek
        guard isDateSeparator(separator) else { return nil }
        scanner.at += 1
        guard let month = scanner.number(1, 2), scanner.peek == separator else { return nil }
        scanner.at += 1
        guard let day = scanner.number(1, 2),
            let days = CivilCalendar.validDays(year: year, month: month, day: day)
        else { return nil }
        return scanner.rest(ofDay: days)
    }

    private static func slashed(_ text: UnsafeBufferPointer<UInt8>, monthFirst: Bool) -> ISO8601.ParsedTime? {
        var scanner = TimeScanner(text)
        guard let first = scanner.number(1, 2) else { return nil }
        let separator = scanner.peek
        guard isDateSeparator(separator) else { return nil }
        scanner.at += 1
        guard let second = scanner.number(1, 2), scanner.peek == separator else { return nil }
        scanner.at += 1
        guard let year = scanner.year(),
            let days = CivilCalendar.validDays(
                year: year, month: monthFirst ? first : second, day: monthFirst ? second : first)
        else { return nil }
        return scanner.rest(ofDay: days)
    }

    private static func dayMonthName(_ text: UnsafeBufferPointer<UInt8>) -> ISO8601.ParsedTime? {
        var scanner = TimeScanner(text)
        func skipSeparator() {
            if isDateSeparator(scanner.peek) { scanner.at += 1 } else { scanner.skipBlanks() }
        }
        guard let day = scanner.number(1, 2) else { return nil }
        skipSeparator()
        guard let month = scanner.name(of: TimeScanner.months) else { return nil }
        _ = scanner.skip(",")
        skipSeparator()
        guard let year = scanner.year(),
            let days = CivilCalendar.validDays(year: year, month: month + 1, day: day)
        else { return nil }
        return scanner.rest(ofDay: days)
    }

    private static func compact(_ text: UnsafeBufferPointer<UInt8>) -> ISO8601.ParsedTime? {
        var scanner = TimeScanner(text)
        guard let year = scanner.number(4, 4), let month = scanner.number(2, 2), let day = scanner.number(2, 2),
            let days = CivilCalendar.validDays(year: year, month: month, day: day)
        else { return nil }
        let mark = scanner
        if let time = scanner.rest(ofDay: days) { return time }
        // The time of day may be compact as well.
        scanner = mark
        if !scanner.skip("T") { scanner.skipBlanks() }
        guard let hour = scanner.number(2, 2), hour < 24, let minute = scanner.number(2, 2), minute < 60 else {
            return nil
        }
        var micros: Int64 = 0
        if scanner.peek &- 48 < 10 {
            guard let second = scanner.number(2, 2), second < 60 else { return nil }
            micros = second * CivilCalendar.microsecondsPerSecond
            if scanner.skip(".") {
                guard let fraction = scanner.fraction() else { return nil }
                micros += fraction
            }
        }
        micros += days * CivilCalendar.microsecondsPerDay + (hour * 60 + minute) * CivilCalendar.microsecondsPerMinute
        if scanner.isAtEnd { return ISO8601.ParsedTime(microseconds: micros, hasOffset: false, isDateOnly: false) }
        guard let offset = ISO8601.scanZone(text, &scanner.at), scanner.isAtEnd else { return nil }
        return ISO8601.ParsedTime(microseconds: micros - offset, hasOffset: true, isDateOnly: false)
    }

    /// `scale`: decimal places from the unit of the text to the microsecond.
    private static func epoch(_ text: UnsafeBufferPointer<UInt8>, scale: Int) -> ISO8601.ParsedTime? {
        guard let number = NumberReader.written(text, point: UInt8(ascii: ".")),
            let micros = try? NumberReader.scaled(number, scale: scale)
        else { return nil }
        return ISO8601.ParsedTime(microseconds: micros, hasOffset: true, isDateOnly: false)
    }
}
