/// The proleptic Gregorian calendar: days since 1970-01-01 to year, month and day, and back.
///
/// The arithmetic counts days in eras of 400 years that begin on 1 March, so that the leap day ends a year.
package enum CivilCalendar {
    package static let microsecondsPerSecond: Int64 = 1_000_000
    package static let microsecondsPerMinute: Int64 = 60_000_000
    package static let microsecondsPerHour: Int64 = 3_600_000_000
    package static let microsecondsPerDay: Int64 = 86_400_000_000

    /// Days since 1970-01-01 of a calendar day.
    ///
    /// The month is 1 to 12; the day may lie outside the month and then counts on.
    @inlinable
    package static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let monthFromMarch = month > 2 ? month - 3 : month + 9
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    /// Year, month (1 to 12) and day (1 to 31) of days since 1970-01-01.
    @inlinable
    package static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        // Days may come from a file, where they can be any number.
        let shifted = days &+ 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    /// Whether February has 29 days.
    @inlinable
    package static func isLeap(year: Int64) -> Bool {
        year & 3 == 0 && (year % 100 != 0 || year % 400 == 0)
    }

    /// Length of a month (1 to 12) in days; 0 for another number.
    @inlinable
    package static func daysInMonth(year: Int64, month: Int64) -> Int64 {
        switch month {
        case 1, 3, 5, 7, 8, 10, 12: 31
        case 4, 6, 9, 11: 30
        case 2: isLeap(year: year) ? 29 : 28
        default: 0
        }
    }

    /// Day of the week, 0 = Monday to 6 = Sunday, as ISO 8601 orders them.
    @inlinable
    package static func weekday(days: Int64) -> Int64 {
        let remainder = (days &+ 3) % 7
        return remainder < 0 ? remainder + 7 : remainder
    }

    /// The whole days in a count of microseconds, rounded down, also before 1970.
    @inlinable
    package static func floorDays(microseconds: Int64) -> Int64 {
        let quotient = microseconds / microsecondsPerDay
        return microseconds % microsecondsPerDay < 0 ? quotient - 1 : quotient
    }

    /// Days since 1970-01-01, nil when there is no such day.
    ///
    /// Years -9999 to 99999 and the like are all fine.
    @inlinable
    package static func validDays(year: Int64, month: Int64, day: Int64) -> Int64? {
        guard day >= 1, day <= daysInMonth(year: year, month: month) else { return nil }
        return days(year: year, month: month, day: day)
    }
}
