import DukkanFormat
import DukkanTime

/// The calendar of a query: its time zone and the first day of its weeks.
struct QueryClock: Sendable {
    let zone: TimeZoneRules
    let weekStartsOnSunday: Bool

    init(_ options: QueryOptions) throws {
        weekStartsOnSunday = options.weekStartsOnSunday
        guard let name = options.timeZone else {
            zone = .utc
            return
        }
        do {
            zone = try TimeZoneRules(named: name)
        } catch {
            throw DukkanError(
                .invalidQuery, error.message,
                advice: error.suggestions.isEmpty ? nil : "Did you mean \(error.suggestions.joined(separator: " or "))?"
            )
        }
    }

    /// A time literal: a date alone stays a date, a time without offset is of the query's zone.
    func parse(_ text: String) throws -> BoundExpression {
        guard let parsed = ISO8601.parseTime(text) else {
            throw DukkanError(
                .invalidQuery, "'\(text)' is not a time",
                advice: "A time is written '2025-08-01' or '2025-08-01 13:30:00', with Z or an offset if need be.")
        }
        if parsed.isDateOnly {
            let days = CivilCalendar.floorDays(microseconds: parsed.microseconds)
            return BoundExpression(.constant(.date(CivilDate(days: days))), .date)
        }
        let time = parsed.hasOffset ? parsed.microseconds : zone.utc(fromLocal: parsed.microseconds)
        return BoundExpression(.constant(.timestamp(Timestamp(microseconds: time))), .timestamp)
    }

    /// The instant at which a day begins in the query's zone.
    func midnight(of date: CivilDate) throws -> Timestamp {
        let (local, isOver) = date.days.multipliedReportingOverflow(by: CivilCalendar.microsecondsPerDay)
        if isOver { throw ScalarEvaluator.overflow("a date") }
        return Timestamp(microseconds: zone.utc(fromLocal: local))
    }

    private func localDays(_ time: Timestamp) -> Int64 {
        CivilCalendar.floorDays(microseconds: time.microseconds &+ zone.offset(at: time.microseconds))
    }

    /// The begin of the period that holds a time: a date for days and longer, an instant for hours and minutes.
    func truncate(_ time: Timestamp, _ unit: String) throws -> Value {
        if unit == "hour" || unit == "minute" {
            let width = unit == "hour" ? CivilCalendar.microsecondsPerHour : CivilCalendar.microsecondsPerMinute
            let offset = zone.offset(at: time.microseconds)
            let local = time.microseconds &+ offset
            let remainder = local % width
            return .timestamp(
                Timestamp(microseconds: local &- (remainder < 0 ? remainder + width : remainder) &- offset))
        }
        return .date(CivilDate(days: firstDay(of: unit, holding: localDays(time))))
    }

    /// The first day of the day, week, month, quarter or year that holds a day.
    func firstDay(of unit: String, holding days: Int64) -> Int64 {
        let civil = CivilCalendar.civil(days: days)
        switch unit {
        case "week":
            // 1970-01-01 was a Thursday.
            let fromStart = (days &+ (weekStartsOnSunday ? 4 : 3)) % 7
            return days &- (fromStart < 0 ? fromStart + 7 : fromStart)
        case "month": return CivilCalendar.days(year: civil.year, month: civil.month, day: 1)
        case "quarter":
            return CivilCalendar.days(year: civil.year, month: (civil.month - 1) / 3 * 3 + 1, day: 1)
        case "year": return CivilCalendar.days(year: civil.year, month: 1, day: 1)
        default: return days
        }
    }

    /// A calendar field of a time in the query's zone.
    ///
    /// `weekday` is 1 (Monday) to 7 (Sunday), as in ISO 8601.
    func field(_ function: ScalarFunction, of time: Timestamp) -> Int64 {
        let days = localDays(time)
        let local = time.microseconds &+ zone.offset(at: time.microseconds)
        let inDay = local &- days &* CivilCalendar.microsecondsPerDay
        let civil = CivilCalendar.civil(days: days)
        switch function {
        case .year: return civil.year
        case .quarter: return (civil.month - 1) / 3 + 1
        case .month: return civil.month
        case .day: return civil.day
        case .hour: return inDay / CivilCalendar.microsecondsPerHour
        case .minute: return inDay / CivilCalendar.microsecondsPerMinute % 60
        default:
            let fromMonday = (days &+ 3) % 7
            return (fromMonday < 0 ? fromMonday + 7 : fromMonday) + 1
        }
    }
}
