/// The rule of a zone for the time after its table: the TZ string at the end of a TZif file, as POSIX defines it, with
/// hours from -167 to 167 as RFC 8536 allows.
struct PosixRule: Sendable, Equatable {
    /// The day of a year on which the clock changes.
    enum Day: Sendable, Equatable {
        /// Day 1 to 365, 29 February never counted.
        case julian(Int64)
        /// Day 0 to 365, 29 February counted.
        case ordinal(Int64)
        /// Week 1 to 5 (5 = last) of a month, weekday 0 = Sunday.
        case weekday(month: Int64, week: Int64, weekday: Int64)
    }

    /// A day and the local second of that day.
    struct Moment: Sendable, Equatable {
        var day: Day
        var second: Int64
    }

    /// Seconds east of UTC in standard time.
    var standardOffset: Int64
    /// Seconds east of UTC in daylight saving time.
    var daylightOffset: Int64
    /// Beginning and end of daylight saving time; nil for a zone without it.
    var daylight: (start: Moment, end: Moment)? {
        guard let start, let end else { return nil }
        return (start, end)
    }
    private var start: Moment?
    private var end: Moment?

    var hasDaylight: Bool { start != nil }

    /// Reads a TZ string; nil if it does not follow the grammar.
    init?(parsing text: some Sequence<UInt8>) {
        var scanner = Scanner(bytes: Array(text))
        guard scanner.skipName(), let west = scanner.offset() else { return nil }
        standardOffset = -west
        daylightOffset = -west + 3_600
        if scanner.isAtEnd { return }
        guard scanner.skipName() else { return nil }
        if !scanner.isAtEnd, scanner.peek != UInt8(ascii: ",") {
            guard let west = scanner.offset() else { return nil }
            daylightOffset = -west
        }
        guard scanner.skip(","), let start = scanner.moment(), scanner.skip(","), let end = scanner.moment(),
            scanner.isAtEnd
        else { return nil }
        self.start = start
        self.end = end
    }

    /// The changes of a year in order of time: seconds UTC, and seconds east from then on.
    func changes(year: Int64) -> [(at: Int64, offset: Int64)] {
        guard let start, let end else { return [] }
        let begins = PosixRule.second(of: start, year: year) - standardOffset
        let ends = PosixRule.second(of: end, year: year) - daylightOffset
        let pair = [(at: begins, offset: daylightOffset), (at: ends, offset: standardOffset)]
        return begins <= ends ? pair : [pair[1], pair[0]]
    }

    /// Seconds of the local clock since 1970-01-01T00:00:00.
    private static func second(of moment: Moment, year: Int64) -> Int64 {
        let newYear = CivilCalendar.days(year: year, month: 1, day: 1)
        let days: Int64
        switch moment.day {
        case .julian(let day):
            days = newYear + day - 1 + (CivilCalendar.isLeap(year: year) && day > 59 ? 1 : 0)
        case .ordinal(let day):
            days = newYear + day
        case .weekday(let month, let week, let weekday):
            let first = CivilCalendar.days(year: year, month: month, day: 1)
            let firstWeekday = (CivilCalendar.weekday(days: first) + 1) % 7
            var day = (weekday - firstWeekday + 7) % 7 + 7 * (week - 1)
            if day >= CivilCalendar.daysInMonth(year: year, month: month) { day -= 7 }
            days = first + day
        }
        return days * 86_400 + moment.second
    }
}

extension PosixRule {
    private struct Scanner {
        let bytes: [UInt8]
        var at = 0

        var isAtEnd: Bool { at >= bytes.count }
        var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

        mutating func skip(_ character: Unicode.Scalar) -> Bool {
            guard peek == UInt8(ascii: character) else { return false }
            at += 1
            return true
        }

        /// Letters, or anything between angle brackets.
        mutating func skipName() -> Bool {
            let start = at
            if skip("<") {
                while let byte = peek, byte != UInt8(ascii: ">") {
                    guard byte > 0x20 else { return false }
                    at += 1
                }
                return skip(">") && at > start + 2
            }
            while let byte = peek, (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) { at += 1 }
            return at > start
        }

        mutating func number(max: Int64) -> Int64? {
            let start = at
            var value: Int64 = 0
            while let byte = peek, byte &- 48 < 10, at - start < 4 {
                value = value * 10 + Int64(byte - 48)
                at += 1
            }
            return at > start && value <= max ? value : nil
        }

        /// `[+-]hh[:mm[:ss]]` in seconds.
        mutating func offset() -> Int64? {
            let negative = skip("-")
            if !negative { _ = skip("+") }
            guard let hours = number(max: 167) else { return nil }
            var seconds = hours * 3_600
            if skip(":") {
                guard let minutes = number(max: 59) else { return nil }
                seconds += minutes * 60
                if skip(":") {
                    guard let last = number(max: 59) else { return nil }
                    seconds += last
                }
            }
            return negative ? -seconds : seconds
        }

        mutating func moment() -> Moment? {
            let day: Day
            if skip("J") {
                guard let number = number(max: 365), number >= 1 else { return nil }
                day = .julian(number)
            } else if skip("M") {
                guard let month = number(max: 12), month >= 1, skip("."), let week = number(max: 5), week >= 1,
                    skip("."), let weekday = number(max: 6)
                else { return nil }
                day = .weekday(month: month, week: week, weekday: weekday)
            } else {
                guard let number = number(max: 365) else { return nil }
                day = .ordinal(number)
            }
            guard skip("/") else { return Moment(day: day, second: 7_200) }
            guard let second = offset() else { return nil }
            return Moment(day: day, second: second)
        }
    }
}
