import DukkanFormat
import DukkanStorage
import DukkanTime

/// A group key that cuts the time column into periods of one length: `date_trunc` to minutes, hours, days or weeks in UTC.
///
/// A division gives a row's period at once, no calendar is asked.
struct EqualPeriods: Sendable {
    /// The time column.
    let source: BoundExpression
    /// Begin of the first period, µs UTC.
    let first: Int64
    /// µs.
    let length: Int64
    /// From the begin of the first period to the latest time of the column.
    let span: Int64
    /// The key's value in the first period, and what it grows by from one to the next.
    let firstValue: Int64
    let step: Int64

    var count: Int { Int(span / length) + 1 }

    /// Periods at most, which the kernel can number.
    private static let countMax = 1 << 21

    /// Nil for any other key.
    init?(_ key: BoundExpression, _ plan: ScanPlan, _ bounds: IntegerBounds) {
        let request = plan.scan.requests[0]
        guard case .call(.dateTrunc, let arguments) = key.node, plan.clock.zone.isUTC, arguments.count == 2,
            case .string(let unit)? = arguments[0].constant, case .column(let slot) = arguments[1].node,
            request.columns[slot] == request.table.schema.timeColumn, let range = bounds.of(arguments[1]),
            let begin = try? plan.clock.truncate(Timestamp(microseconds: range.lowerBound), unit)
        else { return nil }
        switch (unit, begin) {
        case ("minute", .timestamp(let time)), ("hour", .timestamp(let time)):
            length = unit == "hour" ? CivilCalendar.microsecondsPerHour : CivilCalendar.microsecondsPerMinute
            first = time.microseconds
            firstValue = first
            step = length
        case ("day", .date(let date)), ("week", .date(let date)):
            step = unit == "week" ? 7 : 1
            length = step * CivilCalendar.microsecondsPerDay
            let (microseconds, isOver) = date.days.multipliedReportingOverflow(by: CivilCalendar.microsecondsPerDay)
            if isOver { return nil }
            first = microseconds
            firstValue = date.days
        default: return nil
        }
        let (span, isOver) = range.upperBound.subtractingReportingOverflow(first)
        guard !isOver, span >= 0, span < 1 << 60, span / length < EqualPeriods.countMax else { return nil }
        self.span = span
        source = arguments[1]
    }
}
