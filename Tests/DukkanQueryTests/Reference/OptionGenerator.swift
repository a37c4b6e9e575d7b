import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// Small random worlds and funnels with options over them.
struct OptionGenerator {
    var random: SeededGenerator
    /// From which the world's times are drawn.
    let times: [Int64]

    init(seed: UInt64, times: [Int64]) {
        random = SeededGenerator(seed: seed)
        self.times = times
    }

    mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }
    mutating func pick<T>(_ items: [T]) -> T { items[number(0..<items.count)] }
    mutating func chance(_ percent: Int) -> Bool { number(0..<100) < percent }

    // MARK: Worlds

    /// Two tables, `events` and `orders`, whose rows are in the order of ingest.
    mutating func world(customerCountMax: Int, rowCountMax: Int) -> ReferenceWorld {
        var rows: [String: [ReferenceWorld.Row]] = ["events": [], "orders": []]
        let share = pick([0, 30, 50])
        for customer in 0..<number(1..<customerCountMax + 1) {
            for _ in 0..<number(0..<rowCountMax + 1) {
                var row = ReferenceWorld.Row(customer: .integer(Int64(customer)), time: pick(times))
                if chance(2) { row.customer = nil }
                row.values["kind"] = .string(pick(["a", "b", "c", "d"]))
                if chance(80) { row.values["group"] = .string(pick(["x", "y", "z"])) }
                if chance(80) {
                    row.values["amount"] = .decimal(DecimalValue(unscaled: Int128(number(-50..<200)), scale: 2))
                }
                if chance(85) { row.values["session_id"] = .int(Int128(number(1..<4))) }
                if chance(70) { row.values["tag"] = .string(pick(["p", "q"])) }
                rows[chance(share) ? "orders" : "events", default: []].append(row)
            }
        }
        for name in rows.keys.sorted() { rows[name]?.shuffle(using: &random) }
        return ReferenceWorld(tables: rows.mapValues { ReferenceWorld.Table(rows: $0) })
    }

    // MARK: Pieces

    private mutating func kind(_ kinds: [String]) -> Expression {
        .binary(.equal, .column(ColumnName("kind")), .literal(.string(pick(kinds))))
    }

    mutating func filter() -> Expression? {
        let kind = Expression.column(ColumnName("kind"))
        switch number(0..<10) {
        case 0..<6: return .binary(.equal, kind, .literal(.string(pick(["a", "b", "c"]))))
        case 6..<8:
            return .inList(kind, [.literal(.string("a")), .literal(.string(pick(["b", "c"])))], negated: chance(30))
        case 8:
            return .binary(
                pick([.less, .greaterOrEqual]), .column(ColumnName("amount")),
                .literal(.decimal(DecimalValue(unscaled: 50, scale: 2))))
        default: return nil
        }
    }

    mutating func instant() -> Expression {
        .literal(.timestamp(Timestamp(microseconds: pick(times) + Int64(number(-1..<2)))))
    }

    /// A span up to that of the world, borders included.
    mutating func span() -> Int64 {
        let whole = max((times.max() ?? 1) - (times.min() ?? 0), 1)
        return chance(50) ? abs(pick(times) - pick(times)) : Int64.random(in: 0...whole, using: &random)
    }

    // MARK: Funnels

    mutating func funnel(_ row: OptionRow) -> FunnelQuery {
        let stepCount = row[.optional] > 0 ? number(3..<6) : number(2..<5)
        let tables = row[.tables] == 0 ? [pick(["events", "events", "orders"])] : ["events", "orders"]
        var steps = (0..<stepCount).map { number in
            Step("step \(number)", in: pick(tables), where: filter())
        }
        if row[.tables] > 0 { steps[number(0..<stepCount)].table = "orders" }
        if row[.optional] > 0 {
            for step in 1..<stepCount - 1 where chance(60) || step == 1 { steps[step].isOptional = true }
        }
        if row[.gap] > 0 {
            for step in 1..<stepCount where chance(60) || step == 1 {
                if row[.gap] != 2 { steps[step].gapMin = span() / 2 }
                if row[.gap] != 1 { steps[step].gapMax = (steps[step].gapMin ?? 0) + span() / 2 }
            }
        }
        if row[.firstEver] > 0 {
            let step = number(0..<stepCount)
            steps[step].firstEver = Step.FirstEver(where: row[.firstEver] == 2 ? kind(["a", "b"]) : nil)
        }
        if row[.measure] > 0 && row[.order] == 2 {
            // Which of its rows serves a step is open where a row may serve several.
            for (step, kind) in zip(steps.indices, ["a", "b", "c", "d"]) {
                steps[step].filter = .binary(.equal, .column(ColumnName("kind")), .literal(.string(kind)))
            }
        }
        var query = FunnelQuery(steps)
        query.ties = [.favourable, .recorded, .increasing][row[.ties]]
        switch row[.order] {
        case 1: query.order = .strict
        case 2: query.order = .any
        case 3: query.preset = .clickHouse(Set(FunnelQuery.ClickHouseMode.allCases.filter { _ in chance(30) }))
        default: break
        }
        if row[.window] == 0 { query.window = span() }
        query.exclusions = exclusions(row[.exclusion], stepCount)
        if row[.holding] > 0 { query.holding = .column(ColumnName(pick(["session_id", "tag"]))) }
        if row[.sessionBound] > 0 { query.session = .column(ColumnName("session_id")) }
        if row[.reuse] > 0 { query.reusesRows = true }
        if row[.filter] > 0 { query.filter = .not(kind(["a", "d"])) }
        if row[.entered] > 0 {
            let from = chance(70)
            if from { query.enteredFrom = instant() }
            if !from || chance(50) { query.enteredTo = instant() }
        }
        answer(row, &query)
        return query
    }

    private mutating func exclusions(_ level: Int, _ stepCount: Int) -> [FunnelQuery.Exclusion] {
        func scopes() -> [FunnelQuery.Exclusion.Scope] { [.customer, .attempt] }
        switch level {
        case 1, 2:
            return [FunnelQuery.Exclusion(exclusion(), scope: scopes()[level - 1])]
        case 3:
            return [
                FunnelQuery.Exclusion(exclusion(), scope: .customer),
                FunnelQuery.Exclusion(exclusion(), scope: pick(scopes())),
            ]
        case 4:
            var from = 0, to = 1
            // Over all steps it is the plain form; a funnel of two has no other.
            while stepCount > 2 {
                from = number(0..<stepCount - 1)
                to = number(from + 1..<stepCount)
                if from > 0 || to < stepCount - 1 { break }
            }
            return [FunnelQuery.Exclusion(exclusion(), from: from, to: to, scope: pick(scopes()))]
        default: return []
        }
    }

    private mutating func exclusion() -> Step {
        Step(in: pick(["events", "events", "orders"]), where: kind(["c", "d"]))
    }

    private mutating func answer(_ row: OptionRow, _ query: inout FunnelQuery) {
        let stepCount = query.steps.count
        let step = number(0..<stepCount)
        if row[.unit] == 1 { query.unit = .sessions(chance(50) ? nil : .column(ColumnName("session_id"))) }
        if row[.unit] == 2 { query.unit = .entries }
        if row[.attribution] > 0 {
            query.breakdown = FunnelQuery.Breakdown(
                .column(ColumnName("group")),
                attributed: [.first, .last, .stepFirst(step), .step(step), .all][row[.attribution] - 1],
                top: row[.top] > 0 ? number(1..<3) : nil)
        }
        switch row[.view] {
        case 1:
            let isShort = (times.max() ?? 0) - (times.min() ?? 0) < 2 * 86_400_000_000
            query.view = .trends(isShort ? pick([.hour, .day]) : pick([.day, .week, .month]))
            query.options.timeZone = pick([nil, "Africa/Cairo", "America/New_York"])
            query.options.weekStartsOnSunday = chance(30)
        case 2:
            let from = number(0..<stepCount - 1)
            query.view = .timeToConvert(
                from: chance(50) ? nil : from, to: chance(50) ? nil : number(from + 1..<stepCount),
                bins: chance(50) ? nil : number(1..<5))
        case 3: query.view = .customers(.reached, step: step)
        case 4: query.view = .customers(.dropped, step: step)
        case 5: query.view = .customers(.open, step: step)
        default: break
        }
        if row[.measure] > 0 {
            query.measure = FunnelQuery.StepMeasure(
                row[.measure] == 1 ? .sum : .average, of: .column(ColumnName("amount")), at: step)
        }
        if row[.asOf] > 0 { query.options.asOf = instant() }
        if row[.segment] > 0 { query.options.segment = plainCondition() }
    }

    // MARK: Segments

    /// A condition on a customer that aggregates alone make.
    mutating func plainCondition() -> Expression {
        let table = pick(["events", "orders"])
        let count = Expression.binary(
            pick([.greaterOrEqual, .less]), .aggregate(Aggregate(.count, table: table, filter: kind(["a", "b", "c"]))),
            .literal(.int(Int128(number(0..<3)))))
        switch number(0..<4) {
        case 0:
            let amount = Expression.aggregate(Aggregate(.sum, of: .column(ColumnName("amount", in: table))))
            return .binary(.greater, amount, .literal(.decimal(DecimalValue(unscaled: 120, scale: 2))))
        case 1: return .not(count)
        default: return count
        }
    }

    /// A condition on a customer, of any kind.
    mutating func condition(depth: Int = 0) -> Expression {
        let table = pick(["events", "orders"])
        let amount = Expression.column(ColumnName("amount", in: table))
        func aggregate(_ function: Aggregate.Function, of argument: Expression? = nil) -> Expression {
            .aggregate(Aggregate(function, of: argument, table: table, filter: nil))
        }
        switch number(0..<(depth < 2 ? 12 : 9)) {
        case 0, 1:
            return .binary(
                pick([.greaterOrEqual, .less]),
                .aggregate(Aggregate(.count, table: table, filter: chance(70) ? kind(["a", "b", "c"]) : nil)),
                .literal(.int(Int128(number(0..<4)))))
        case 2:
            return .binary(
                .greater, aggregate(.sum, of: amount), .literal(.decimal(DecimalValue(unscaled: 120, scale: 2))))
        case 3:
            return .binary(
                pick([.less, .greaterOrEqual]), aggregate(.maximum, of: .column(ColumnName("time", in: table))),
                instant())
        case 4:
            return .binary(
                .greaterOrEqual, aggregate(.countDistinct, of: .column(ColumnName("kind", in: table))),
                .literal(.int(Int128(number(1..<4)))))
        case 5:
            return .binary(
                .equal, aggregate(pick([.first, .last]), of: .column(ColumnName("kind", in: table))),
                .literal(.string(pick(["a", "b", "c"]))))
        case 6:
            return .binary(
                .greaterOrEqual, aggregate(.activePeriods(pick([.hour, .day, .week]), last: number(1..<5))),
                .literal(.int(Int128(number(1..<3)))))
        case 7, 8: return .funnel(membership())
        case 9: return .not(condition(depth: depth + 1))
        case 10:
            return .binary(pick([.and, .or]), condition(depth: depth + 1), condition(depth: depth + 1))
        default: return .segmentAt(.segment(condition(depth: depth + 1)), time: instant())
        }
    }

    private mutating func membership() -> FunnelMembership {
        let stepCount = number(1..<4)
        var query = FunnelQuery((0..<stepCount).map { _ in Step(in: pick(["events", "orders"]), where: filter()) })
        if chance(70) { query.window = span() }
        if chance(30) { query.ties = pick([.recorded, .increasing]) }
        if chance(20) { query.order = .strict }
        if stepCount > 1 && chance(30) {
            query.exclusions = [FunnelQuery.Exclusion(exclusion(), scope: pick([.customer, .attempt]))]
        }
        return FunnelMembership(query, pick([.reached, .reached, .dropped, .open]), step: number(0..<stepCount))
    }

    /// What a condition is, for the counts.
    static func name(_ condition: Expression) -> String {
        switch condition {
        case .binary(.and, _, _), .binary(.or, _, _): return "AND, OR"
        case .binary(_, .aggregate(let aggregate), _):
            switch aggregate.function {
            case .activePeriods: return "active"
            default: return "\(aggregate.function)"
            }
        case .funnel(let membership): return "\(membership.standing) in a funnel"
        case .not: return "NOT"
        case .segmentAt: return "AT"
        default: return "other"
        }
    }
}
