import DukkanFormat
import DukkanTime

/// The text within `DATE '…'`, `TIMESTAMP '…'` and `DOUBLE '…'`.
///
/// What ISO 8601 cannot say (years past 290,000) is written as `@` and the number of days or microseconds since 1970.
enum TimeText {
    /// What the text of a timestamp says.
    enum Moment {
        /// A point in time.
        case absolute(Timestamp)
        /// A time on a local clock.
        case local
    }

    static func date(_ text: String) -> CivilDate? {
        if text.hasPrefix("@") { return Int64(text.dropFirst()).map { CivilDate(days: $0) } }
        return CivilDate(text)
    }

    static func timestamp(_ text: String) -> Moment? {
        if text.hasPrefix("@") { return Int64(text.dropFirst()).map { .absolute(Timestamp(microseconds: $0)) } }
        guard let parsed = ISO8601.parseTime(text) else { return nil }
        return parsed.hasOffset ? .absolute(Timestamp(microseconds: parsed.microseconds)) : .local
    }

    static func double(_ text: String) -> Double? {
        switch text.lowercased() {
        case "nan": .nan
        case "infinity": .infinity
        case "-infinity": -.infinity
        default: nil
        }
    }

    static func text(of date: CivilDate) -> String {
        let text = date.description
        return CivilDate(text) == date ? text : "@\(date.days)"
    }

    static func text(of timestamp: Timestamp) -> String {
        let text = timestamp.description
        return Timestamp(text) == timestamp ? text : "@\(timestamp.microseconds)"
    }
}
