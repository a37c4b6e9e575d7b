import Dukkan
import Foundation
import Testing

/// Retention of PostHog's collection: the statement, and the matrix that must come out.
struct PostHogRetention {
    static let fields: Set<String> = [
        "period", "total_intervals", "date_to", "retention_type", "cumulative", "minimum_occurrences", "week_start",
        "window_mode", "target", "returning", "filters",
    ]
    let item: CollectionCase
    let statement: String
    /// The first instants of the cohorts, in the order of the matrix.
    let cohorts: [String]

    init(_ item: CollectionCase) throws {
        self.item = item
        try item.checkFields(Self.fields)
        let fields = item.fields
        let period = fields["period"]?.string ?? "Day"
        let count = fields["total_intervals"]?.int ?? 7
        let calendar = try CaseCalendar(item, period: period)
        // The last date is rounded to the end of its period there.
        guard let last = fields["date_to"]?.string else { throw CannotBeSaid("no last date") }
        let end = calendar.start(of: try calendar.date(last), plus: 1)
        cohorts = (0..<count).map { calendar.label(calendar.start(of: end - 1, plus: $0 + 1 - count)) }

        let target = fields["target"] ?? .null
        var start = try CollectionStatements.step(target)
        var kind = "FIRST TIME"
        switch fields["retention_type"]?.string ?? "recurring" {
        case "recurring": kind = "RECURRING"
        case "first_time": break
        case let other where other.contains("ever"):
            var first = target.members
            first["first_time"] = .text("ever")
            start = try CollectionStatements.step(.object(first))
        case let other: throw CannotBeSaid("there is no retention \(other)")
        }
        var text = "RETENTION OF \(start) RETURNING \(try CollectionStatements.step(fields["returning"] ?? .null))"
        text += " BY \(period.uppercased()) FOR \(count) PERIODS \(kind)"
        if fields["cumulative"]?.isTrue == true { text += " ON OR AFTER" }
        if let least = fields["minimum_occurrences"]?.int, least > 1 { text += " AT LEAST \(least)" }
        switch fields["window_mode"]?.string ?? "calendar" {
        case "calendar": break
        case "24_hour_windows":
            guard period != "Month" else { throw CannotBeSaid("rolling months differ in length") }
            text += " ROLLING"
        case let other: throw CannotBeSaid("there is no window \(other)")
        }
        if let filter = CollectionStatements.all(try CollectionStatements.filters(fields["filters"])) {
            text += " WHERE \(filter)"
        }
        // Nothing after the last period is known there.
        text += " AS OF \(CaseCalendar.literal(end - 1))"
        statement = text + CollectionStatements.timeZone(item) + CollectionStatements.weekStart(item)
    }

    func check() throws {
        let store = try CollectionStore(events: item.fields["events"]?.list ?? [])
        let answer = try store.ask(statement)
        for (name, wanted) in item.expected.members where wanted != .null {
            switch name {
            case "matrix":
                for (cohort, cells) in zip(cohorts, wanted.list) {
                    let found = (0..<cells.list.count).map { k in
                        answer.rows.first { row in
                            answer.text("cohort", row) == cohort && answer.number("period", row) == Double(k)
                        }.flatMap { answer.number("value", $0) } ?? 0
                    }
                    PostHogFunnels.agree(found, cells, "\(statement): cohort \(cohort)")
                }
                #expect(wanted.list.count <= cohorts.count)
            case "first_cohort_date":
                #expect(cohorts.first.map { wanted.text.hasPrefix($0.prefix(10)) } == true, "\(statement): \(name)")
            default: Issue.record("nothing checks \(name) of \(item.testDescription)")
            }
        }
    }
}
