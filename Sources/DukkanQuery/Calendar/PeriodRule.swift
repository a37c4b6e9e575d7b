package import DukkanFormat
package import DukkanTime

/// Which calendar periods time is cut into: their length, the zone they are local to, and the day a week starts on.
///
/// A period lasts from its first instant to the first instant of the next, so periods never overlap, whatever the clock
/// does. A day begins at local midnight, or where a change of the clock skips midnight, at that change; where midnight
/// comes twice, at the first. An hour is an hour of the clock: in the hour that a change repeats there are two.
package struct PeriodRule: Sendable {
    /// Length of a period.
    package var period: Period
    /// Whether weeks start on Sunday; otherwise on Monday.
    package var weekStartsOnSunday: Bool
    /// The zone whose clock counts.
    package var zone: TimeZoneRules

    package init(_ period: Period, weekStartsOnSunday: Bool = false, zone: TimeZoneRules = .utc) {
        self.period = period
        self.weekStartsOnSunday = weekStartsOnSunday
        self.zone = zone
    }

    /// The times that have a period: year 1 to year 9999 and a margin for zones.
    package static let timeRange: ClosedRange<Int64> = -62_200_000_000_000_000...253_500_000_000_000_000

    /// No period is shorter, except where a zone drops most of a day; then it joins the one before.
    var shortest: Int64 {
        switch period {
        case .hour: CivilCalendar.microsecondsPerHour / 2
        case .day: 20 * CivilCalendar.microsecondsPerHour
        case .week: 6 * CivilCalendar.microsecondsPerDay
        case .month: 26 * CivilCalendar.microsecondsPerDay
        }
    }

    /// More than the longest period.
    private var margin: Int64 {
        switch period {
        case .hour: 3 * CivilCalendar.microsecondsPerHour
        case .day: 3 * CivilCalendar.microsecondsPerDay
        case .week: 9 * CivilCalendar.microsecondsPerDay
        case .month: 35 * CivilCalendar.microsecondsPerDay
        }
    }

    /// The first instants of the periods from the one that contains `range.lowerBound` to the one after that of
    /// `range.upperBound`, ascending.
    ///
    /// O(periods).
    ///
    /// - Throws: `limit` when there would be more than `countMax`, `invalid_query` for times outside ``timeRange``.
    func starts(covering range: ClosedRange<Int64>, countMax: Int) throws -> [Int64] {
        guard PeriodRule.timeRange.contains(range.lowerBound), PeriodRule.timeRange.contains(range.upperBound) else {
            throw DukkanError(.invalidQuery, "there are no calendar periods before year 1 or after year 9999")
        }
        let length = range.upperBound - range.lowerBound
        guard length / shortest < Int64(countMax) else {
            throw DukkanError(
                .limit, "more than \(countMax) periods (\(period.rawValue)) between the first and the last time",
                advice: "choose longer periods or a shorter range of time")
        }
        let from = range.lowerBound - margin, to = range.upperBound + margin
        let segments = zone.segments(from: from, to: to)
        var starts: [Int64] = []
        var last: Int64?
        for (i, segment) in segments.enumerated() {
            let end = i + 1 < segments.count ? segments[i + 1].utcStart : to
            if period == .hour {
                let before = i == 0 ? segment.offset : segments[i - 1].offset
                appendHours(segment.utcStart, end, segment.offset, before, &starts)
            } else {
                appendDays(segment.utcStart, end, segment.offset, &last, &starts)
            }
        }
        return cut(starts, range)
    }

    /// The first instant of the period that contains `time`.
    ///
    /// O(log changes of the zone): for single values; an axis is far faster for many.
    package func start(containing time: Int64) throws -> Int64 {
        try starts(covering: time...time, countMax: 8)[0]
    }

    /// The day that names a period of a day or more, given its first instant.
    package func date(ofStart start: Int64) -> CivilDate {
        CivilDate(days: CivilCalendar.floorDays(microseconds: start + zone.offset(at: start)))
    }

    /// The period's name in an answer: its first day, or for an hour its first instant.
    package func label(ofStart start: Int64) -> Value {
        period == .hour ? .timestamp(Timestamp(microseconds: start)) : .date(date(ofStart: start))
    }

    private func appendHours(
        _ from: Int64, _ to: Int64, _ offset: Int64, _ offsetBefore: Int64, _ starts: inout [Int64]
    ) {
        let hour = CivilCalendar.microsecondsPerHour
        // At the change itself a new hour begins only when the old one is over.
        let since = ((from + offsetBefore) % hour + hour) % hour
        if since == 0 { append(from, &starts) }
        let local = ((from + offset) % hour + hour) % hour
        var next = from + (local == 0 ? 0 : hour - local)
        while next < to {
            append(next, &starts)
            next += hour
        }
    }

    private func appendDays(
        _ from: Int64, _ to: Int64, _ offset: Int64, _ last: inout Int64?, _ starts: inout [Int64]
    ) {
        let day = CivilCalendar.microsecondsPerDay
        var number = self.number(ofDay: CivilCalendar.floorDays(microseconds: from + offset))
        if let last {
            // A change of the clock can begin a day by skipping its midnight, or lead back into the day before.
            if number > last { append(from, &starts) } else { number = last }
        }
        while true {
            let start = firstDay(ofNumber: number + 1) * day - offset
            guard start < to else { break }
            append(start, &starts)
            number += 1
        }
        last = number
    }

    private func append(_ start: Int64, _ starts: inout [Int64]) {
        if let last = starts.last, start - last < shortest { return }
        starts.append(start)
    }

    private func number(ofDay day: Int64) -> Int64 {
        switch period {
        case .hour, .day:
            return day
        case .week:
            // 1970-01-01 was a Thursday: weeks of Monday began 3 days before, of Sunday 4.
            let shifted = day + (weekStartsOnSunday ? 4 : 3)
            return shifted >= 0 ? shifted / 7 : (shifted - 6) / 7
        case .month:
            let civil = CivilCalendar.civil(days: day)
            return civil.year * 12 + civil.month - 1
        }
    }

    private func firstDay(ofNumber number: Int64) -> Int64 {
        switch period {
        case .hour, .day:
            return number
        case .week:
            return number * 7 - (weekStartsOnSunday ? 4 : 3)
        case .month:
            let year = number >= 0 ? number / 12 : (number - 11) / 12
            return CivilCalendar.days(year: year, month: number - year * 12 + 1, day: 1)
        }
    }

    /// Leaves out what ends before the range begins, and what begins after the first start past its end.
    private func cut(_ starts: [Int64], _ range: ClosedRange<Int64>) -> [Int64] {
        let first = (starts.lastIndex { $0 <= range.lowerBound }) ?? 0
        let end = (starts.firstIndex { $0 > range.upperBound }) ?? (starts.count - 1)
        return Array(starts[first...max(end, first)])
    }
}
