import Dukkan
import Foundation
import Testing

/// Lifecycle, stickiness and paths of PostHog's collection.
struct PostHogActivity {
    let item: CollectionCase
    let statement: String
    private let labels: [String]

    private static let fields: [String: Set<String>] = [
        "lifecycle": ["event", "props", "interval", "date_from", "date_to", "person_created_at", "week_start"],
        "stickiness": [
            "event", "props", "interval", "interval_count", "computed_as", "week_start", "date_from", "date_to",
            "minimum_occurrences",
        ],
        "paths": [
            "step_limit", "session_gap_seconds", "start_point", "end_point", "start", "end", "date_from", "date_to",
        ],
    ]

    init(_ item: CollectionCase) throws {
        self.item = item
        try item.checkFields(Self.fields[item.kind] ?? [])
        if item.kind == "paths" {
            statement = try Self.paths(item)
            labels = []
            return
        }
        let fields = item.fields
        let interval = fields["interval"]?.string ?? "day"
        let calendar = try CaseCalendar(item, period: interval)
        guard let from = fields["date_from"]?.string, let to = fields["date_to"]?.string else {
            throw CannotBeSaid("no dates")
        }
        var description: [String: CaseValue] = [:]
        description["event"] = fields["event"]
        description["props"] = fields["props"]
        let step = try CollectionStatements.step(.object(description))
        let last = calendar.start(of: try calendar.date(to))
        let end = calendar.start(of: last, plus: 1)
        var starts = [calendar.start(of: try calendar.date(from))]
        while let newest = starts.last, newest < last, starts.count < 10_000 {
            starts.append(calendar.start(of: newest, plus: 1))
        }
        labels = starts.map(calendar.label)
        let period = interval.uppercased()
        let range = try CollectionStatements.range(item)
        let limits = " FROM \(range.from ?? "") TO \(range.to ?? "")"
        let options =
            " AS OF \(CaseCalendar.literal(end))" + CollectionStatements.timeZone(item)
            + CollectionStatements.weekStart(item)
        if item.kind == "lifecycle" {
            try Self.checkCreation(item, calendar)
            statement = "LIFECYCLE OF \(step) BY \(period)" + limits + options
            return
        }
        var text = "STICKINESS OF \(step) BY "
        if let count = fields["interval_count"]?.int, count > 1 {
            text += "\(count) \(period)S"
        } else {
            text += period
        }
        text += limits
        if let least = fields["minimum_occurrences"]?.int, least > 1 { text += " AT LEAST \(least)" }
        switch fields["computed_as"]?.string ?? "non_cumulative" {
        case "non_cumulative": break
        case "cumulative": text += " OR MORE"
        case let other: throw CannotBeSaid("there is no \(other) stickiness")
        }
        statement = text + options
    }

    /// Who is new is told there by when a person was made, here by her first activity.
    private static func checkCreation(_ item: CollectionCase, _ calendar: CaseCalendar) throws {
        for (person, made) in item.fields["person_created_at"]?.members ?? [:] {
            let times = try (item.fields["events"]?.list ?? []).filter {
                $0["person"]?.text == person && $0["event"] == item.fields["event"]
            }.map { try calendar.date($0["time"]?.text ?? "") }
            guard let first = times.min() else { continue }
            guard calendar.start(of: first) == calendar.start(of: try calendar.date(made.text)) else {
                throw CannotBeSaid("a person who was made in another period than that of her first activity")
            }
        }
    }

    private static func paths(_ item: CollectionCase) throws -> String {
        let range = try CollectionStatements.range(item)
        var text = "PATHS OF events"
        if let filter = CollectionStatements.all(range.conditions) { text += " WHERE \(filter)" }
        text += " ON event"
        if let from = item.fields["start_point"] ?? item.fields["start"] {
            text += " FROM \(CollectionStatements.quoted(from.text))"
        }
        if let end = item.fields["end_point"] ?? item.fields["end"] {
            text += " TOWARDS \(CollectionStatements.quoted(end.text))"
        }
        text += " DEPTH \(item.fields["step_limit"]?.int ?? 5)"
        if let gap = item.fields["session_gap_seconds"] { text += " SPLIT AT \(gap.text) SECONDS" }
        return text + CollectionStatements.timeZone(item)
    }

    func check() throws {
        let store = try CollectionStore(events: item.fields["events"]?.list ?? [])
        let answer = try store.ask(statement)
        for (name, wanted) in item.expected.members where wanted != .null {
            switch (item.kind, name) {
            case ("lifecycle", "new"), ("lifecycle", "returning"), ("lifecycle", "resurrecting"),
                ("lifecycle", "dormant"):
                let found = labels.map { label in
                    answer.rows.first { answer.text("period", $0) == label }.flatMap { answer.number(name, $0) } ?? 0
                }
                PostHogFunnels.agree(found, wanted, "\(statement): \(name)")
            case ("stickiness", "data"):
                let found = wanted.list.indices.map { place in
                    answer.rows.first { answer.number("periods", $0) == Double(place + 1) }.flatMap {
                        answer.number("customers", $0)
                    }
                }
                PostHogFunnels.agree(found, wanted, "\(statement): \(name)")
                #expect(answer.rows.count == wanted.list.count, "\(statement)")
            case ("paths", "links"): checkLinks(answer, wanted)
            default: Issue.record("nothing checks \(name) of \(item.testDescription)")
            }
        }
    }

    private func checkLinks(_ answer: CollectionAnswer, _ wanted: CaseValue) {
        var found: [String: (Double, Double)] = [:]
        for row in answer.rows {
            let step = Int(answer.number("step", row) ?? 0)
            let link = "\(step)_\(answer.text("from", row)) > \(step + 1)_\(answer.text("to", row))"
            found[link] = (answer.number("count", row) ?? 0, (answer.number("mean_s", row) ?? 0) * 1_000)
        }
        #expect(found.count == wanted.list.count, "\(statement)")
        for link in wanted.list {
            let name = "\(link["source"]?.text ?? "") > \(link["target"]?.text ?? "")"
            PostHogFunnels.agree(
                [found[name]?.0, found[name]?.1], .array([link["value"] ?? .null, link["average_ms"] ?? .null]),
                "\(statement): \(name)")
        }
    }
}
