import DukkanFormat
import DukkanTime
import Foundation

@testable import DukkanQuery

/// Collections of cases from other systems' own tests: inputs and expected numbers, kept beside the package.
enum SequenceCases {
    /// Where the collections are: `DUKKAN_CASES`, or `shared/cases` beside the package; nil when neither is there.
    static let directory: String? = {
        let package = URL(fileURLWithPath: #filePath)
            .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        let beside = package.deletingLastPathComponent().appendingPathComponent("shared/cases").path
        let candidates = [ProcessInfo.processInfo.environment["DUKKAN_CASES"], beside].compactMap { $0 }
        return candidates.first { FileManager.default.fileExists(atPath: $0 + "/posthog.json") }
    }()

    static let isAbsent = "skipped: the collections of cases are not there; DUKKAN_CASES names their directory"

    /// The cases of a file, as JSON objects.
    static func load(_ file: String) throws -> [[String: Any]] {
        let data = try Data(contentsOf: URL(fileURLWithPath: (directory ?? "") + "/" + file))
        let object = try JSONSerialization.jsonObject(with: data) as? [String: Any]
        return object?["cases"] as? [[String: Any]] ?? []
    }

    /// Why a funnel case of ClickHouse cannot be asked yet or means something else there; nil when it can.
    static func reasonAgainst(clickHouse funnel: [String: Any]) -> String? {
        let modes = funnel["modes"] as? [String] ?? []
        if funnel["status"] as? String != "stable" { return "its answer depends on the release" }
        if modes.contains("strict_order") { return "ORDER STRICT is not there yet" }
        if modes.contains("allow_reentry") { return "re-entry is not there yet" }
        if modes.contains("strict_deduplication") { return "repeated events do not break a chain here" }
        // Without `strict_once` one row may serve several steps there, here never.
        let conditions = (funnel["conds"] as? [[String: Any]] ?? []).map { "\($0)" }
        if Set(conditions).count < conditions.count, !modes.contains("strict_once"), !modes.contains("strict_increase")
        {
            return "one row serves several steps there"
        }
        return nil
    }

    /// Why a case of PostHog cannot be asked yet; nil when it can.
    static func reasonAgainst(postHog item: [String: Any]) -> String? {
        switch item["kind"] as? String {
        case "funnel_steps":
            let steps = item["steps"] as? [[String: Any]] ?? []
            if item["order"] as? String != "ordered" { return "ORDER STRICT and ORDER ANY are not there yet" }
            if item["exclusions"] != nil { return "EXCLUDING is not there yet" }
            if steps.contains(where: { $0["optional"] as? Bool == true }) { return "optional steps are not there yet" }
            if steps.contains(where: { $0["first_time"] is String }) { return "first-time steps are not there yet" }
            if item["aggregate_by"] as? String != "person" { return "counting units are not there yet" }
            return nil
        case "retention":
            if item["cumulative"] as? Bool == true { return "ON OR AFTER is not there yet" }
            if item["minimum_occurrences"] as? Int != 1 { return "AT LEAST is not there yet" }
            if item["window_mode"] as? String != "calendar" { return "ROLLING is not there yet" }
            return nil
        default:
            return "\(item["kind"] ?? "this") is not there yet"
        }
    }

    // MARK: Worlds

    /// A world of one table, `events`, with the column `event` and the properties as text.
    static func world(_ events: [[String: Any]]) throws -> ReferenceWorld {
        var table = ReferenceWorld.Table()
        for event in events {
            guard let time = ISO8601.parseTime(event["time"] as? String ?? "") else {
                throw ReferenceError("no time in \(event)")
            }
            var row = ReferenceWorld.Row(
                customer: .string(event["person"] as? String ?? ""), time: time.microseconds)
            row.values["event"] = .string(event["event"] as? String ?? "")
            for (name, value) in event["props"] as? [String: Any] ?? [:] { row.values[name] = .string("\(value)") }
            table.rows.append(row)
        }
        return ReferenceWorld(tables: ["events": table])
    }

    /// A step: rows of an event, of any when nil is given, with some properties.
    static func step(_ description: [String: Any]) -> Step {
        var conditions: [DukkanQuery.Expression] = []
        if let event = description["event"] as? String {
            conditions.append(.binary(.equal, .column(ColumnName("event")), .literal(.string(event))))
        }
        for (name, value) in description["props"] as? [String: Any] ?? [:] {
            conditions.append(.binary(.equal, .column(ColumnName(name)), .literal(.string("\(value)"))))
        }
        var filter = conditions.first
        for next in conditions.dropFirst() { filter = filter.map { .binary(.and, $0, next) } }
        return Step(in: "events", where: filter)
    }

    /// `counts` and the like: numbers where something is expected.
    static func numbers(_ list: Any?) -> [Double?] {
        (list as? [Any] ?? []).map { ($0 as? NSNumber)?.doubleValue }
    }
}
