import Dukkan

/// Names of calendar periods as a person writes them: the month, the day, or the hour in the query's time zone.
struct PeriodLabel {
    /// Nil where the statement is not known.
    var period: Period?
    var rules: TimeZoneRules

    init(_ period: Period?, options: QueryOptions?) {
        self.period = period
        rules = options?.timeZone.flatMap { try? TimeZoneRules(named: $0) } ?? .utc
    }

    /// - Parameter start: the first day or instant of the period.
    func text(_ start: Value) -> String {
        if case .date = start, period == .month { return String(ValueText.shown(start).prefix(7)) }
        guard case .timestamp(let time) = start else { return ValueText.shown(start) }
        let local = time.microseconds.addingReportingOverflow(rules.offset(at: time.microseconds)).partialValue
        let text = Timestamp(microseconds: local).description
        switch period {
        case .month: return String(text.prefix(7))
        case .hour: return String(text.prefix(13)).replacing("T", with: " ") + "h"
        case .day, .week: return String(text.prefix(10))
        case nil: return ValueText.plain(start)
        }
    }

    /// The letter that numbers of periods are written with.
    var letter: String {
        switch period {
        case .hour: "h"
        case .day: "d"
        case .week: "w"
        case .month: "m"
        case nil: ""
        }
    }
}
