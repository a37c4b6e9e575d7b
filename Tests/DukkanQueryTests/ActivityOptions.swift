import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// Random retentions, lifecycles, stickinesses and paths with all of their options, over the tables of a
/// ``ReferenceWorld``.
struct ActivityOptions {
    /// The times of the world.
    let times: [Int64]

    /// Few instants, so that many rows tie: at steps of an hour, a day, a week or a month, or of all of them, some a
    /// moment before or after.
    static func times(seed: UInt64, _ random: inout SeededGenerator, from base: Int64) -> [Int64] {
        let hour = CivilCalendar.microsecondsPerHour
        let steps = [hour, 24 * hour, 7 * 24 * hour, 30 * 24 * hour]
        return (0..<[4, 9, 20][Int(seed / 5 % 3)]).map { number in
            let moments: [Int64] = [0, 0, 1, -1, hour / 3, -hour / 3]
            let moment = moments.randomElement(using: &random) ?? 0
            if seed % 5 < 4 { return base + Int64(number) * steps[Int(seed % 5)] + moment }
            var time = base + moment
            for step in steps { time += step * Int64.random(in: 0...2, using: &random) }
            return time
        }
    }

    /// Customers with some rows in both tables of a ``ReferenceWorld``.
    static func world(times: [Int64], _ random: inout SeededGenerator) -> ReferenceWorld {
        func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
        var rows: [String: [ReferenceWorld.Row]] = ["events": [], "orders": []]
        for customer in 0..<Int.random(in: 2...7, using: &random) {
            for _ in 0..<Int.random(in: 0...24, using: &random) {
                var row = ReferenceWorld.Row(
                    customer: .integer(Int64(customer)), time: times[Int.random(in: 0..<times.count, using: &random)])
                if chance(2) { row.customer = nil }
                row.values["kind"] = .string(["a", "a", "a", "b", "b", "c"].randomElement(using: &random) ?? "a")
                if chance(85) { row.values["group"] = .string(["x", "y", "z"].randomElement(using: &random) ?? "x") }
                if chance(85) {
                    let cents = [0, 100, Int.random(in: -50..<200, using: &random)].randomElement(using: &random) ?? 0
                    row.values["amount"] = .decimal(DecimalValue(unscaled: Int128(cents), scale: 2))
                }
                if chance(85) { row.values["session_id"] = .int([1, 2, 7].randomElement(using: &random) ?? 1) }
                rows[chance(40) ? "orders" : "events", default: []].append(row)
            }
        }
        for table in ["events", "orders"] { rows[table]?.shuffle(using: &random) }
        return ReferenceWorld(tables: rows.mapValues { ReferenceWorld.Table(rows: $0) })
    }

    static let zones = [nil, "Africa/Cairo", "America/New_York", "Asia/Kolkata"]

    static let amount = Expression.column(ColumnName("amount"))
    static let group = Expression.column(ColumnName("group"))
    static let kind = Expression.column(ColumnName("kind"))

    static func isKind(_ kinds: String...) -> Expression {
        .inList(kind, kinds.map { .literal(.string($0)) }, negated: false)
    }

    private func moment(_ random: inout SeededGenerator) -> Expression {
        let time = times[Int.random(in: 0..<times.count, using: &random)] + Int64.random(in: -1...1, using: &random)
        return .literal(.timestamp(Timestamp(microseconds: time)))
    }

    /// A time with most rows before it.
    private func late(_ random: inout SeededGenerator) -> Expression {
        let time = (0..<3).map { _ in times[Int.random(in: 0..<times.count, using: &random)] }.max() ?? 0
        let moments: [Int64] = [0, 1, -1, CivilCalendar.microsecondsPerDay]
        let moment = moments.randomElement(using: &random) ?? 0
        return .literal(.timestamp(Timestamp(microseconds: time + moment)))
    }

    private func options(
        asOf: Int, zone: Int, sunday: Int, _ random: inout SeededGenerator
    ) -> QueryOptions {
        QueryOptions(
            asOf: asOf == 0 ? nil : late(&random), timeZone: ActivityOptions.zones[zone],
            weekStartsOnSunday: sunday == 1)
    }

    private func step(table: Int, filter: Int) -> Step {
        let filters = [nil, ActivityOptions.isKind("a"), ActivityOptions.isKind("a", "b")]
        return Step(in: ["events", "orders"][table], where: filters[filter])
    }

    // MARK: Retention

    /// Period, cohorts, rolling, returns, least returns, brackets, measures, per customer, split, first ever, tables,
    /// filters, where, matured, as of, zone, week start, preset.
    static let retention = OptionFactors([4, 2, 2, 3, 4, 3, 6, 2, 6, 5, 3, 3, 2, 2, 2, 4, 2, 2])

    /// Whether the options have a meaning together.
    static func isRetention(_ levels: [Int]) -> Bool {
        let isMonthly = levels[0] == 3, isRecurring = levels[1] == 1, isRolling = levels[2] == 1
        let hasSum = [1, 3, 4, 5].contains(levels[6])
        if isRolling && isMonthly { return false }
        if levels[7] == 1 && !hasSum { return false }
        return !(isRecurring && [1, 2, 4].contains(levels[9]))
    }

    func retention(_ levels: [Int], _ random: inout SeededGenerator) -> RetentionQuery {
        let start = step(table: levels[10] == 2 ? 1 : 0, filter: levels[11])
        let returning =
            levels[10] == 0 ? step(table: 0, filter: (levels[11] + 1) % 3) : step(table: 1, filter: levels[11])
        var query = RetentionQuery(
            of: start, returning: returning, by: Period.allCases[levels[0]],
            periods: [1, 3, 6, 6, 12, 40].randomElement(using: &random) ?? 6)
        query.cohorts = levels[1] == 0 ? .firstTime : .recurring
        query.isRolling = levels[2] == 1
        query.isOnOrAfter = levels[3] == 1
        query.isRunning = levels[3] == 2
        query.returnCountMin = [1, 1, 2, 3][levels[4]]
        if levels[5] > 0 {
            query.brackets = levels[5] == 1 ? [1, 2] : [2, 1, 30, 1_000_000]
            query.periodCount = query.brackets.count + 1
        }
        let halved = Expression.binary(.divide, ActivityOptions.amount, .literal(.int(4)))
        let amount = ActivityOptions.amount
        query.measures =
            [
                [.customers], [.sum(amount)], [.average(amount)], [.sum(halved)], [.customers, .sum(amount)],
                [.sum(amount), .average(halved), .customers, .sum(halved)],
            ][levels[6]]
        query.isPerCustomer = levels[7] == 1
        query.split =
            [
                nil, .init(ActivityOptions.group), .init(ActivityOptions.group, top: 1),
                .init(ActivityOptions.kind, top: 2), .init(amount), .init(ActivityOptions.group, top: 5),
            ][levels[8]]
        let first = Step.FirstEver(), filtered = Step.FirstEver(where: ActivityOptions.isKind("a", "c"))
        query.start.firstEver = [nil, first, filtered, nil, first][levels[9]]
        query.returning.firstEver = [nil, nil, nil, first, filtered][levels[9]]
        query.filter = levels[12] == 0 ? nil : ActivityOptions.isKind("b", "a")
        query.maturedOnly = levels[13] == 1
        query.options = options(asOf: levels[14], zone: levels[15], sunday: levels[16], &random)
        query.isPostHog = levels[17] == 1
        return query
    }

    // MARK: Lifecycle, stickiness, paths

    /// Table, filter, period, from, to, as of, zone, week start.
    static let lifecycle = OptionFactors([2, 3, 4, 3, 2, 2, 4, 2])

    func lifecycle(_ levels: [Int], _ random: inout SeededGenerator) -> LifecycleQuery {
        LifecycleQuery(
            of: step(table: levels[0], filter: levels[1]), by: Period.allCases[levels[2]],
            from: from(levels[3], &random), to: levels[4] == 0 ? nil : moment(&random),
            options: options(asOf: levels[5], zone: levels[6], sunday: levels[7], &random))
    }

    private func from(_ level: Int, _ random: inout SeededGenerator) -> Expression? {
        // A day before everything.
        let before = (times.min() ?? 0) - CivilCalendar.microsecondsPerDay
        return [nil, moment(&random), .literal(.timestamp(Timestamp(microseconds: before)))][level]
    }

    /// Table, filter, period, from, to, as of, zone, week start, span, least rows, or more.
    static let stickiness = OptionFactors([2, 3, 4, 3, 2, 2, 4, 2, 3, 3, 2])

    func stickiness(_ levels: [Int], _ random: inout SeededGenerator) -> StickinessQuery {
        var query = StickinessQuery(
            of: step(table: levels[0], filter: levels[1]), by: Period.allCases[levels[2]],
            from: from(levels[3], &random), to: levels[4] == 0 ? nil : moment(&random), atLeast: levels[9] + 1,
            orMore: levels[10] == 1,
            options: options(asOf: levels[5], zone: levels[6], sunday: levels[7], &random))
        query.periodSpan = [1, 2, 5][levels[8]]
        return query
    }

    /// Table, filter, item, from, towards, depth, sessions, as of.
    ///
    /// Most paths have no start and no end: else little is left of them.
    static let paths = OptionFactors([2, 3, 3, 5, 5, 4, 6, 2])

    func paths(_ levels: [Int], _ random: inout SeededGenerator) -> PathQuery {
        let item = [ActivityOptions.kind, ActivityOptions.group, ActivityOptions.amount][levels[2]]
        func value(_ level: Int, _ others: [String]) -> Expression? {
            if level < 3 { return nil }
            if levels[2] == 2 { return .literal(.int(level == 3 ? 0 : 1)) }
            return .literal(.string(levels[2] == 0 ? others[level - 3] : ["x", "z"][level - 3]))
        }
        let span = (times.max() ?? 0) - (times.min() ?? 0)
        let sessions: [PathQuery.Sessions] = [
            .gap(PathQuery.gapDefault), .gap(0), .gap(span / 3), .column(ActivityOptions.group),
            .column(levels[2] == 0 ? ActivityOptions.group : ActivityOptions.kind), .column(nil),
        ]
        return PathQuery(
            of: step(table: levels[0], filter: levels[1]), on: item, from: value(levels[3], ["a", "b"]),
            towards: value(levels[4], ["b", "a"]), depth: [2, 3, 5, 100][levels[5]], sessions: sessions[levels[6]],
            options: options(asOf: levels[7], zone: 0, sunday: 0, &random))
    }
}
