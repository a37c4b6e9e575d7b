import Dukkan
import Foundation
import Testing

/// Funnels of PostHog's collection: their statements, and what must come out.
struct PostHogFunnels {
    static let fields: Set<String> = [
        "steps", "window_seconds", "order", "date_from", "date_to", "exclusions", "aggregate_by", "breakdown",
        "breakdown_attribution", "breakdown_limit", "filters", "from_step", "to_step", "interval", "bin_count",
        "week_start",
    ]
    let item: CollectionCase
    /// Everything but the view.
    let statement: String
    let stepCount: Int

    init(_ item: CollectionCase) throws {
        self.item = item
        try item.checkFields(Self.fields)
        let range = try CollectionStatements.range(item)
        let steps = item.fields["steps"]?.list ?? []
        stepCount = steps.count
        var text = "FUNNEL " + (try steps.map(CollectionStatements.step)).joined(separator: ", ")
        if let window = item.fields["window_seconds"] { text += " WITHIN \(window.text) SECONDS" }
        text += " PRESET POSTHOG"
        // A range of dates, both included, limits every step there.
        let filter = range.conditions + (try CollectionStatements.filters(item.fields["filters"]))
        if let filter = CollectionStatements.all(filter) { text += " WHERE \(filter)" }
        switch item.fields["order"]?.string ?? "ordered" {
        case "ordered": break
        case "strict": text += " ORDER STRICT"
        case "unordered": text += " ORDER ANY"
        case let other: throw CannotBeSaid("there is no order \(other)")
        }
        for exclusion in item.fields["exclusions"]?.list ?? [] {
            text += try Self.exclusion(exclusion, range, stepCount, item.fields["order"]?.string == "unordered")
        }
        text += try Self.unit(item)
        if let breakdown = item.fields["breakdown"] { text += try Self.breakdown(breakdown, item) }
        statement = text
    }

    private static func exclusion(
        _ description: CaseValue, _ range: CollectionStatements.Range, _ stepCount: Int, _ isUnordered: Bool
    ) throws -> String {
        var step = description.members
        step["from_step"] = nil
        step["to_step"] = nil
        var text = " EXCLUDING " + (try CollectionStatements.step(.object(step)))
        // The range of dates limits exclusions as well there, here it limits steps.
        for condition in range.conditions { text += (text.contains(" WHERE ") ? " AND " : " WHERE ") + condition }
        let from = description["from_step"]?.int ?? 0
        let to = description["to_step"]?.int ?? stepCount - 1
        // Over all steps, so that it can be said without an order as well.
        if isUnordered && from == 0 && to == stepCount - 1 { return text }
        return text + " BETWEEN STEP \(from + 1) AND STEP \(to + 1)"
    }

    private static func unit(_ item: CollectionCase) throws -> String {
        let unit = item.fields["aggregate_by"]?.string ?? "person"
        if unit == "person" { return "" }
        let property = unit.hasPrefix("prop:") ? String(unit.dropFirst(5)) : "$session_id"
        guard unit.hasPrefix("prop:") || unit.contains("session") else {
            throw CannotBeSaid("there is no unit \(unit)")
        }
        var owners: [CaseValue: Set<String>] = [:]
        for event in item.fields["events"]?.list ?? [] {
            if let value = event["props"]?[property] { owners[value, default: []].insert(event["person"]?.text ?? "") }
        }
        guard owners.values.allSatisfy({ $0.count == 1 }) else {
            throw CannotBeSaid("a unit that spans customers: units are customers, sessions of one, or entries")
        }
        return " COUNTING SESSIONS BY \(CollectionStatements.name(property))"
    }

    private static func breakdown(_ column: CaseValue, _ item: CollectionCase) throws -> String {
        guard let column = column.string else { throw CannotBeSaid("a breakdown by several columns") }
        var text = " BY \(CollectionStatements.name(column)) ATTRIBUTED "
        switch item.fields["breakdown_attribution"]?.string ?? "first_touch" {
        case "first_touch": text += "FIRST"
        case "last_touch": text += "LAST"
        case "all_events": text += "ALL"
        case let step where step.hasPrefix("step:"): text += "STEP \((Int(step.dropFirst(5)) ?? 0) + 1)"
        case let other: throw CannotBeSaid("there is no attribution \(other)")
        }
        return text + (item.fields["breakdown_limit"].map { " TOP \($0.text)" } ?? "")
    }

    // MARK: Steps

    static func agree(_ found: [Double?], _ wanted: CaseValue?, _ what: String) {
        let wanted = wanted?.list ?? []
        #expect(found.count >= wanted.count, "\(what): \(found.count) numbers instead of \(wanted.count)")
        for (place, (value, number)) in zip(found, wanted).enumerated() {
            guard let number = number.double else { continue }
            #expect(abs((value ?? .infinity) - number) < 1e-6, "\(what), place \(place)")
        }
    }

    func checkSteps() throws {
        let store = try CollectionStore(events: item.fields["events"]?.list ?? [])
        let text = statement + CollectionStatements.timeZone(item)
        let answer = try store.ask(text)
        let groups = answer.groups("value").map { group in
            (key: group.key == "other" ? "Other" : group.key, rows: group.rows)
        }
        func column(_ name: String, _ rows: [[Value]]) -> [Double?] { rows.map { answer.number(name, $0) } }
        func under(_ value: String) -> [[Value]] { groups.first { $0.key == value }?.rows ?? [] }
        for (name, wanted) in item.expected.members where wanted != .null {
            switch name {
            case "counts": Self.agree(column("reached", answer.rows), wanted, "\(text): \(name)")
            case "average_conversion_time": Self.agree(column("mean_s", answer.rows), wanted, "\(text): \(name)")
            case "median_conversion_time": Self.agree(column("median_s", answer.rows), wanted, "\(text): \(name)")
            case "breakdown_values":
                #expect(Set(groups.map(\.key)) == Set(wanted.list.map(\.text)), "\(text): \(name)")
            case "breakdown":
                #expect(Set(groups.map(\.key)) == Set(wanted.members.keys), "\(text): \(name)")
                for (value, counts) in wanted.members {
                    Self.agree(column("reached", under(value)), counts, "\(text): \(name) \(value)")
                }
            case "breakdown_average_conversion_time":
                for (value, times) in wanted.members {
                    Self.agree(column("mean_s", under(value)), times, "\(text): \(name) \(value)")
                }
            case "persons_at_step":
                for (step, persons) in wanted.members {
                    let list = try store.ask(
                        statement + " CUSTOMERS REACHED STEP \(step)" + CollectionStatements.timeZone(item))
                    let found = Set(list.rows.map { list.text("customer", $0) })
                    #expect(found == Set(persons.list.map(\.text)), "\(text): reached step \(step)")
                }
            default: Issue.record("nothing checks \(name) of \(item.testDescription)")
            }
        }
    }

    // MARK: Other views

    func checkTrends() throws {
        let store = try CollectionStore(events: item.fields["events"]?.list ?? [])
        let range = try CollectionStatements.range(item)
        let entered =
            (range.from.map { " FROM \($0)" } ?? "") + (range.to.map { " TO \($0)" } ?? "")
        let text =
            statement + (entered.isEmpty ? "" : " ENTERED" + entered)
            + " TRENDS BY \((item.fields["interval"]?.string ?? "day").uppercased())"
            // The range there is over when it is asked.
            + (range.to.map { " AS OF \($0)" } ?? "")
            + CollectionStatements.timeZone(item) + CollectionStatements.weekStart(item)
        let answer = try store.ask(text)
        let periods = answer.groups("period").map(\.rows)
        func reached(_ field: String, _ otherwise: Int) -> [Double?] {
            let step = item.fields[field]?.int ?? otherwise
            return periods.map { rows in
                rows.first { answer.number("step", $0) == Double(step + 1) }.flatMap { answer.number("reached", $0) }
            }
        }
        let from = reached("from_step", 0)
        let to = reached("to_step", stepCount - 1)
        for (name, wanted) in item.expected.members where wanted != .null {
            #expect(periods.count == wanted.list.count, "\(text): \(name)")
            switch name {
            case "reached_from_step": Self.agree(from, wanted, "\(text): \(name)")
            case "reached_to_step": Self.agree(to, wanted, "\(text): \(name)")
            case "conversion_rate":
                // Two places are kept there.
                for (place, rate) in wanted.list.enumerated() where place < from.count {
                    let (whole, part) = (from[place] ?? 0, to[place] ?? 0)
                    let found = whole == 0 ? 0 : part / whole * 100
                    #expect(abs(found - (rate.double ?? found)) < 0.006, "\(text): \(name) \(place)")
                }
            default: Issue.record("nothing checks \(name) of \(item.testDescription)")
            }
        }
    }

    func checkTimeToConvert() throws {
        let store = try CollectionStore(events: item.fields["events"]?.list ?? [])
        var view = " TIME TO CONVERT"
        if let from = item.fields["from_step"]?.int { view += " FROM STEP \(from + 1)" }
        if let to = item.fields["to_step"]?.int { view += " TO STEP \(to + 1)" }
        if let bins = item.fields["bin_count"]?.int { view += " IN \(bins) BINS" }
        let text = statement + view + CollectionStatements.timeZone(item)
        let answer = try store.ask(text)
        let counts = answer.rows.map { answer.number("customers", $0) ?? 0 }
        for (name, wanted) in item.expected.members where wanted != .null {
            switch name {
            case "bins":
                #expect(answer.rows.count == wanted.list.count, "\(text): \(name)")
                for (row, bin) in zip(answer.rows, wanted.list) {
                    Self.agree(
                        [answer.number("from_s", row), answer.number("customers", row)], bin, "\(text): \(name)")
                }
            case "average_conversion_time":
                let means = answer.rows.map { answer.number("mean_s", $0) ?? 0 }
                let total = zip(counts, means).reduce(0) { $0 + $1.0 * $1.1 }
                Self.agree([total / counts.reduce(0, +)], .array([wanted]), "\(text): \(name)")
            default: Issue.record("nothing checks \(name) of \(item.testDescription)")
            }
        }
    }
}
