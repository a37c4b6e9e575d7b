import DukkanFormat
import DukkanTime
import Foundation
import Testing

@testable import DukkanQuery

/// Funnels and retention against the cases of other systems that need nothing beyond what is there.
@Suite(.enabled(if: SequenceCases.directory != nil, Comment(rawValue: SequenceCases.isAbsent)))
struct SequenceCasesTests {
    // MARK: ClickHouse

    @Test func levelsAreThoseOfClickHouse() throws {
        var asked = 0
        for funnel in try SequenceCases.load("clickhouse_window_funnel.json")
        where SequenceCases.reasonAgainst(clickHouse: funnel) == nil {
            let conditions = funnel["conds"] as? [[String: Any]] ?? []
            let rows = try (funnel["events"] as? [[String: Any]] ?? []).map { event in
                let time = try #require(event["t"] as? NSNumber).int64Value
                var mask: UInt32 = 0
                for (step, condition) in conditions.enumerated() where matches(event["e"], condition) {
                    mask |= 1 << UInt32(step)
                }
                return SequenceMorsel.Row(time: time, mask: mask)
            }
            let isIncreasing = (funnel["modes"] as? [String])?.contains("strict_increase") == true
            let plan = try FunnelPlan(
                stepCount: conditions.count, window: (funnel["window"] as? NSNumber)?.int64Value,
                ties: isIncreasing ? .increasing : .favourable, asOf: 1_000_000)
            let result = SequenceMorsel(tables: [[rows]]).funnel(plan).result(names: [])
            let level = result.rows.filter { $0[3] == .int(1) }.count
            #expect(level == funnel["expected_level"] as? Int, "case \(funnel["id"] ?? "") \(funnel["name"] ?? "")")
            asked += 1
        }
        #expect(asked >= 10)
    }

    private func matches(_ value: Any?, _ condition: [String: Any]) -> Bool {
        if condition["op"] as? String == "range" {
            guard let value = value as? Int else { return false }
            return value >= condition["lo"] as? Int ?? .min && value <= condition["hi"] as? Int ?? .max
        }
        return (condition["v"] as? [Any] ?? []).contains { "\($0)" == value.map { "\($0)" } }
    }

    // MARK: PostHog

    @Test func funnelsAreThoseOfPostHog() throws {
        var asked = 0
        for item in try SequenceCases.load("posthog.json")
        where item["kind"] as? String == "funnel_steps" && SequenceCases.reasonAgainst(postHog: item) == nil {
            let world = try SequenceCases.world(item["events"] as? [[String: Any]] ?? [])
            let query = try funnel(item)
            for result in [try SequenceBinding(world: world).run(query), try ReferenceFunnel(query, world).result()] {
                check(result, item, stepCount: query.steps.count)
            }
            asked += 1
        }
        #expect(asked >= 15)
    }

    private func funnel(_ item: [String: Any]) throws -> FunnelQuery {
        var query = FunnelQuery((item["steps"] as? [[String: Any]] ?? []).map(SequenceCases.step))
        query.window = (item["window_seconds"] as? NSNumber).map { $0.int64Value * 1_000_000 }
        query.options.timeZone = item["timezone"] as? String
        // A range of dates limits every step, both days included.
        let time = DukkanQuery.Expression.column(ColumnName("time"))
        if let from = item["date_from"] as? String, let last = CivilDate(item["date_to"] as? String ?? "") {
            query.filter = .binary(
                .and, .binary(.greaterOrEqual, time, .literal(.string(from))),
                .binary(.less, time, .literal(.date(CivilDate(days: last.days + 1)))))
        }
        if let column = item["breakdown"] as? String {
            let attribution: FunnelQuery.Attribution
            switch item["breakdown_attribution"] as? String {
            case "first_touch": attribution = .first
            case "last_touch": attribution = .last
            case "all_events": attribution = .all
            case let text?: attribution = .step(Int(text.dropFirst("step:".count)) ?? 0)
            case nil: throw ReferenceError("no attribution")
            }
            query.breakdown = FunnelQuery.Breakdown(
                .column(ColumnName(column)), attributed: attribution, top: item["breakdown_limit"] as? Int)
        }
        return query
    }

    private func check(_ result: QueryResult, _ item: [String: Any], stepCount: Int) {
        let expected = item["expected"] as? [String: Any] ?? [:]
        let name = "case \(item["id"] ?? "") \(item["name"] ?? "")"
        func column(_ number: Int, _ rows: [[Value]]) -> [Double?] {
            rows.map { row in
                switch row[number] {
                case .int(let count): Double(count)
                case .double(let number): number
                default: nil
                }
            }
        }
        func agree(_ found: [Double?], _ wanted: Any?) {
            for (step, (value, number)) in zip(found, SequenceCases.numbers(wanted)).enumerated() {
                guard let number else { continue }
                #expect(abs((value ?? .infinity) - number) < 1e-6, "\(name), step \(step + 1)")
            }
        }
        if item["breakdown"] == nil {
            agree(column(3, result.rows), expected["counts"])
            agree(column(9, result.rows), expected["average_conversion_time"])
            agree(column(8, result.rows), expected["median_conversion_time"])
            return
        }
        // No value is an empty text there.
        var groups: [String: [[Value]]] = [:]
        for row in result.rows {
            let value = if case .string(let text) = row[0] { text == "other" ? "Other" : text } else { "" }
            groups[value, default: []].append(row)
        }
        if let values = expected["breakdown_values"] as? [String] {
            #expect(Set(groups.keys) == Set(values), "\(name)")
        }
        if let counts = expected["breakdown"] as? [String: Any] {
            #expect(Set(groups.keys) == Set(counts.keys), "\(name)")
            for (value, wanted) in counts { agree(column(3, groups[value] ?? []), wanted) }
        }
        for (value, wanted) in expected["breakdown_average_conversion_time"] as? [String: Any] ?? [:] {
            agree(column(9, groups[value] ?? []), wanted)
        }
    }

    @Test func retentionIsThatOfPostHog() throws {
        var asked = 0
        for item in try SequenceCases.load("posthog.json")
        where item["kind"] as? String == "retention" && SequenceCases.reasonAgainst(postHog: item) == nil {
            let world = try SequenceCases.world(item["events"] as? [[String: Any]] ?? [])
            let periodName = (item["period"] as? String ?? "").uppercased()
            var query = RetentionQuery(
                of: SequenceCases.step(item["target"] as? [String: Any] ?? [:]),
                returning: SequenceCases.step(item["returning"] as? [String: Any] ?? [:]),
                by: try #require(Period(rawValue: periodName)), periods: item["total_intervals"] as? Int ?? 1,
                cohorts: item["retention_type"] as? String == "recurring" ? .recurring : .firstTime)
            query.options.weekStartsOnSunday = item["week_start"] as? String == "Sunday"
            query.options.timeZone = item["timezone"] as? String
            if let filter = item["filters"] as? [String: Any] {
                query.filter = .binary(
                    .equal, .column(ColumnName(filter["prop"] as? String ?? "")),
                    .literal(.string(filter["value"] as? String ?? "")))
            }
            // The last date there is rounded to the end of its period.
            let calendar = try ReferenceRetention(query, world)
            let last = try #require(ISO8601.parseTime(item["date_to"] as? String ?? "")).microseconds
            let lastPeriod = calendar.period(last)
            let end = calendar.start(ofPeriod: lastPeriod + 1) - 1
            query.options.asOf = .literal(.timestamp(Timestamp(microseconds: end)))
            for result in [try SequenceBinding(world: world).run(query), try ReferenceRetention(query, world).result()]
            {
                let first = lastPeriod - Int64(query.periodCount) + 1
                let matrix = (item["expected"] as? [String: Any])?["matrix"] as? [Any] ?? []
                for (row, cells) in matrix.enumerated() {
                    for (k, wanted) in SequenceCases.numbers(cells).enumerated() {
                        guard let wanted else { continue }
                        let label = calendar.label(first + Int64(row))
                        let found = result.rows.first { $0[0] == label && $0[1] == .int(Int128(k)) }
                        let value = if case .int(let count)? = found?[3] { Double(count) } else { 0.0 }
                        #expect(value == wanted, "case \(item["id"] ?? "") \(item["name"] ?? ""), \(label) + \(k)")
                    }
                }
            }
            asked += 1
        }
        #expect(asked >= 8)
    }

    /// Says which cases were left out and why, so that none is forgotten when the options come.
    @Test func casesThatDoNotApplyHaveAReason() throws {
        var reasons: [String: [String]] = [:]
        for funnel in try SequenceCases.load("clickhouse_window_funnel.json") {
            guard let reason = SequenceCases.reasonAgainst(clickHouse: funnel) else { continue }
            reasons[reason, default: []].append("clickhouse \(funnel["id"] ?? "")")
        }
        for item in try SequenceCases.load("posthog.json") {
            guard let reason = SequenceCases.reasonAgainst(postHog: item) else { continue }
            reasons[reason, default: []].append("posthog \(item["id"] ?? "")")
        }
        for (reason, cases) in reasons.sorted(by: { $0.key < $1.key }) {
            print("not asked, \(reason): \(cases.joined(separator: ", "))")
        }
        #expect(!reasons.isEmpty)
    }
}
