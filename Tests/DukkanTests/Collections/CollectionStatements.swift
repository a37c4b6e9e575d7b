import Dukkan
import Foundation

/// Pieces of statements from the fields of a case.
enum CollectionStatements {
    static func quoted(_ text: String) -> String {
        "'" + text.replacingOccurrences(of: "'", with: "''") + "'"
    }

    static func name(_ name: String) -> String {
        "\"" + name.replacingOccurrences(of: "\"", with: "\"\"") + "\""
    }

    /// `"browser" = 'x'`, or `IN` for several values.
    static func condition(_ property: String, _ value: CaseValue) -> String {
        if case .array(let items) = value {
            return "\(name(property)) IN (\(items.map { quoted($0.text) }.joined(separator: ", ")))"
        }
        return "\(name(property)) = \(quoted(value.text))"
    }

    /// Conditions joined; nil for none.
    static func all(_ conditions: [String]) -> String? {
        conditions.isEmpty ? nil : conditions.joined(separator: " AND ")
    }

    private static func event(_ description: CaseValue) -> [String] {
        description["event"].map { [condition("event", $0)] } ?? []
    }

    private static func properties(_ description: CaseValue) -> [String] {
        (description["props"]?.members ?? [:]).sorted { $0.key < $1.key }.map { condition($0.key, $0.value) }
    }

    /// A step: rows of an event, of any when there is none, with some properties; the first ever, or optional.
    static func step(_ description: CaseValue) throws -> String {
        let known: Set = ["event", "props", "optional", "first_time"]
        let unknown = Set(description.members.filter { $0.value != .null }.keys).subtracting(known)
        guard unknown.isEmpty else { throw CannotBeSaid("a step's \(unknown.sorted()) has no meaning here") }
        func `where`(_ conditions: [String]) -> String { all(conditions).map { " WHERE " + $0 } ?? "" }
        var text = "events"
        if let firstTime = description["first_time"], firstTime != .bool(false) {
            // "ever": the event decides what is first; otherwise its properties do as well.
            if firstTime.string == "ever" {
                text += `where`(event(description)) + " FIRST EVER" + `where`(properties(description))
            } else if firstTime.string?.contains("filter") == true {
                text += `where`(event(description) + properties(description)) + " FIRST EVER"
            } else {
                throw CannotBeSaid("first_time \(firstTime.text) has no meaning here")
            }
        } else {
            text += `where`(event(description) + properties(description))
        }
        if description["optional"]?.isTrue == true { text += " OPTIONAL" }
        return text
    }

    /// A filter over all rows: `{"prop": …, "op": …, "value": …, "scope": "event"}`, one or a list.
    static func filters(_ description: CaseValue?) throws -> [String] {
        guard let description else { return [] }
        if case .array(let items) = description { return try items.flatMap { try filters($0) } }
        guard description["scope"]?.string ?? "event" == "event" else {
            throw CannotBeSaid("a filter by \(description["scope"]?.text ?? "") needs attributes that the case lacks")
        }
        let property = description["prop"]?.text ?? ""
        let value = description["value"] ?? .text("")
        switch description["op"]?.string ?? "exact" {
        case "exact": return [condition(property, value)]
        // A row without the property is not that value there.
        case "is_not": return ["(NOT \(condition(property, value)) OR \(name(property)) IS NULL)"]
        case "icontains": return ["\(name(property)) ILIKE \(quoted("%\(value.text)%"))"]
        case "is_set": return ["\(name(property)) IS NOT NULL"]
        case "is_not_set": return ["\(name(property)) IS NULL"]
        case let other: throw CannotBeSaid("a filter by \(other) is not known")
        }
    }

    // MARK: Dates

    /// The range of dates of a case: the first instant and the one after the last, as literals.
    struct Range {
        var from: String?
        var to: String?

        /// Conditions on every row.
        var conditions: [String] {
            [from.map { "time >= \($0)" }, to.map { "time < \($0)" }].compactMap { $0 }
        }
    }

    /// A last date counts with all of its day; a last time counts with itself.
    static func range(_ item: CollectionCase) throws -> Range {
        var range = Range()
        if let from = item.fields["date_from"]?.string { range.from = quoted(from) }
        if let to = item.fields["date_to"]?.string { range.to = quoted(try instant(after: to)) }
        return range
    }

    private static func instant(after text: String) throws -> String {
        if text.count > 10 {
            guard let time = try? Date(text, strategy: .iso8601) else { throw CannotBeSaid("the date \(text)") }
            return (time + 1).formatted(.iso8601)
        }
        let format = Date.ISO8601FormatStyle().year().month().day()
        guard let date = try? Date(text, strategy: format) else { throw CannotBeSaid("the date \(text)") }
        return (date + 86_400).formatted(format)
    }

    static func timeZone(_ item: CollectionCase) -> String {
        item.fields["timezone"]?.string.map { " TIME ZONE \(quoted($0))" } ?? ""
    }

    static func weekStart(_ item: CollectionCase) -> String {
        item.fields["week_start"]?.string.map { " WEEK START \($0.uppercased())" } ?? ""
    }
}

/// The calendar of a case, to tell which periods it speaks of.
struct CaseCalendar {
    private let calendar: Calendar
    private let unit: Calendar.Component

    init(_ item: CollectionCase, period: String) throws {
        var calendar = Calendar(identifier: .gregorian)
        guard let zone = TimeZone(identifier: item.fields["timezone"]?.string ?? "UTC") else {
            throw CannotBeSaid("there is no time zone \(item.fields["timezone"]?.text ?? "")")
        }
        calendar.timeZone = zone
        calendar.firstWeekday = item.fields["week_start"]?.string == "Monday" ? 2 : 1
        self.calendar = calendar
        switch period.lowercased() {
        case "hour": unit = .hour
        case "day": unit = .day
        case "week": unit = .weekOfYear
        case "month": unit = .month
        case let other: throw CannotBeSaid("there are no periods of a \(other)")
        }
    }

    func date(_ text: String) throws -> Date {
        if let time = try? Date(text, strategy: .iso8601) { return time }
        var format = Date.ISO8601FormatStyle(timeZone: calendar.timeZone).year().month().day()
        format.timeZone = calendar.timeZone
        guard let date = try? Date(text, strategy: format) else { throw CannotBeSaid("the date \(text)") }
        return date
    }

    /// The first instant of the period so many after the one that holds a time.
    func start(of date: Date, plus count: Int = 0) -> Date {
        let first = calendar.dateInterval(of: unit, for: date)?.start ?? date
        return calendar.date(byAdding: unit, value: count, to: first) ?? first
    }

    /// What the answer calls the period that begins at an instant.
    func label(_ start: Date) -> String {
        if unit == .hour { return "\(Timestamp(microseconds: Int64(start.timeIntervalSince1970) * 1_000_000))" }
        let parts = calendar.dateComponents([.year, .month, .day], from: start)
        return String(format: "%04d-%02d-%02d", parts.year ?? 0, parts.month ?? 0, parts.day ?? 0)
    }

    /// A literal of an instant.
    static func literal(_ date: Date) -> String {
        CollectionStatements.quoted(date.formatted(.iso8601))
    }
}
