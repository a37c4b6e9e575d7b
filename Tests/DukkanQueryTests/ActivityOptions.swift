import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// Random retentions, lifecycles, stickinesses and paths with all of their options, over the tables of a
/// ``ReferenceWorld``.
struct ActivityOptions {
    /// The times of the world.
    let times: [Int64]

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

    private func options(
        asOf: Int, zone: Int, sunday: Int, _ random: inout SeededGenerator
    ) -> QueryOptions {
        QueryOptions(
            asOf: asOf == 0 ? nil : moment(&random), timeZone: ActivityOptions.zones[zone],
            weekStartsOnSunday: sunday == 1)
    }

    private func step(table: Int, filter: Int) -> Step {
        let filters = [nil, ActivityOptions.isKind("a"), ActivityOptions.isKind("a", "b")]
        return Step(in: ["events", "orders"][table], where: filters[filter])
    }

    // MARK: Retention

    /// Period, cohorts, rolling, returns, least returns, brackets, measures, per customer, split, first ever, tables,
    /// filters, where, matured, as of, zone, week start, preset.
    static let retention = OptionFactors([4, 2, 2, 3, 3, 3, 6, 2, 6, 5, 3, 3, 2, 2, 2, 4, 2, 2])

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
            periods: [1, 2, 5, 12, 40][Int.random(in: 0..<5, using: &random)])
        query.cohorts = levels[1] == 0 ? .firstTime : .recurring
        query.isRolling = levels[2] == 1
        query.isOnOrAfter = levels[3] == 1
        query.isRunning = levels[3] == 2
        query.returnCountMin = levels[4] + 1
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
    static let paths = OptionFactors([2, 3, 3, 3, 3, 4, 6, 2])

    func paths(_ levels: [Int], _ random: inout SeededGenerator) -> PathQuery {
        let item = [ActivityOptions.kind, ActivityOptions.group, ActivityOptions.amount][levels[2]]
        func value(_ level: Int, _ others: [String]) -> Expression? {
            if level == 0 { return nil }
            if levels[2] == 2 { return .literal(.int(level == 1 ? 0 : 1)) }
            return .literal(.string(levels[2] == 0 ? others[level - 1] : ["x", "z"][level - 1]))
        }
        let span = (times.max() ?? 0) - (times.min() ?? 0)
        let sessions: [PathQuery.Sessions] = [
            .gap(PathQuery.gapDefault), .gap(0), .gap(span / 3), .column(ActivityOptions.group),
            .column(ActivityOptions.kind), .column(ActivityOptions.amount),
        ]
        return PathQuery(
            of: step(table: levels[0], filter: levels[1]), on: item, from: value(levels[3], ["a", "b"]),
            towards: value(levels[4], ["b", "a"]), depth: [2, 3, 5, 100][levels[5]], sessions: sessions[levels[6]],
            options: options(asOf: levels[7], zone: 0, sunday: 0, &random))
    }
}
