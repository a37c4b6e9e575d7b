import DukkanFormat
import DukkanQuery
import DukkanTime

/// A small generator of random numbers that gives the same ones for the same seed (SplitMix64).
struct SeededGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}

/// Makes up statements that the language can say.
struct RandomStatements {
    var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    static let names = [
        "orders", "events", "customer", "time", "value", "step", "day", "date", "timestamp", "interval", "segment",
        "distinct", "filter", "first", "count", "sum", "select", "order", "Group", "now", "END", "a", "B", "_x", "x1",
        "1x", "two words", "quo\"te", "\"", "point.ed", "prénom", "دكان", "名前", "-- no", "within", "customers", "for",
        "week", "start", "as", "of", "time zone", "cast", "exists", "not", "all", "step", "to", "top", "ties", "where",
        "segments", "least", "session", "reached", "open", "at", "optional", "gap", "any", "did", "more", "union",
        "depth", "ever", "bins", "per", "rows",
    ]
    static let scalars: [Unicode.Scalar] = [
        "a", "Z", "0", " ", "'", "\"", "\\", "%", "_", "\n", "\r", "\t", "\0", ";", "-", "/", "*", "é", "\u{301}", "دك",
        "店", "😀", "\u{200B}", "\u{FEFF}",
    ].map { $0.unicodeScalars.first ?? "a" }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &random) < percent }
    mutating func pick<Element>(_ elements: [Element]) -> Element { elements[index(elements.count)] }
    mutating func index(_ count: Int) -> Int { Int.random(in: 0..<count, using: &random) }
    mutating func maybe<Made>(_ percent: Int, _ make: (inout RandomStatements) -> Made) -> Made? {
        chance(percent) ? make(&self) : nil
    }
    mutating func many<Made>(_ counts: ClosedRange<Int>, _ make: (inout RandomStatements) -> Made) -> [Made] {
        (0..<Int.random(in: counts, using: &random)).map { _ in make(&self) }
    }

    mutating func name() -> String { pick(RandomStatements.names) }
    mutating func text() -> String {
        var text = ""
        for scalar in many(0...6, { $0.pick(RandomStatements.scalars) }) { text.unicodeScalars.append(scalar) }
        return text
    }
    mutating func column() -> ColumnName { ColumnName(name(), in: maybe(30) { $0.name() }) }

    mutating func integer() -> Int64 {
        let bits = Int64(bitPattern: random.next())
        return bits >> Int64(index(64))
    }
    mutating func wide() -> Int128 {
        Int128(integer()) << Int128(chance(20) ? index(64) : 0)
    }

    mutating func value() -> Value {
        switch index(10) {
        case 0: return .null
        case 1: return .bool(chance(50))
        case 2: return .int(chance(5) ? .min : chance(5) ? .max : wide())
        case 3: return .decimal(DecimalValue(unscaled: chance(5) ? .min : wide(), scale: index(37)))
        case 4:
            let double = Double(bitPattern: random.next())
            return .double(double.isNaN ? .infinity : chance(50) ? double : (double.isFinite ? 1 / 3 : -.infinity))
        case 5: return .double(Double(integer()))
        case 6: return .timestamp(Timestamp(microseconds: integer()))
        case 7: return .date(CivilDate(days: integer()))
        default: return .string(text())
        }
    }

    // MARK: Expressions

    mutating func expression(_ depth: Int = 4, inSegment: Bool = false) -> Expression {
        if depth == 0 || chance(20) { return leaf(inSegment: inSegment) }
        func inner(_ generator: inout RandomStatements) -> Expression {
            generator.expression(depth - 1, inSegment: inSegment)
        }
        switch index(12) {
        case 0: return .not(inner(&self))
        case 1: return .negate(inner(&self))
        case 2: return .between(inner(&self), low: inner(&self), high: inner(&self), negated: chance(50))
        case 3: return .inList(inner(&self), many(1...3, inner), negated: chance(50))
        case 4: return .like(inner(&self), pattern: text(), caseInsensitive: chance(50), negated: chance(50))
        case 5: return .isNull(inner(&self), negated: chance(50))
        case 6:
            let branches = many(1...2) { WhenBranch(inner(&$0), then: inner(&$0)) }
            return .when(branches, otherwise: maybe(50, inner))
        case 7:
            let names = [
                "date_trunc", "coalesce", "lower", "Odd Name", "sum", "segment", "in", "date", "a\"b", "now", "any",
                "did",
            ]
            return .call(pick(names), many(0...2, inner))
        case 8: return .aggregate(aggregate(depth - 1, inSegment: inSegment))
        case 9: return .segment(expression(depth - 1, inSegment: true))
        case 10 where chance(30):
            let segment = chance(50) ? Expression.inSegment(name()) : .segment(expression(depth - 1, inSegment: true))
            return .segmentAt(segment, time: inner(&self))
        case 10 where depth > 1 && chance(30):
            let query = funnel(depth: depth - 2)
            return .funnel(
                FunnelMembership(query, pick([.reached, .dropped, .open]), step: index(query.steps.count)))
        default: return .binary(pick(BinaryOperator.allCases), inner(&self), inner(&self))
        }
    }

    private mutating func leaf(inSegment: Bool) -> Expression {
        switch index(8) {
        case 0: return .now
        case 1: return .interval(microseconds: chance(50) ? integer() : integer() % 10_000 &* 3_600_000_000)
        case 2: return .inSegment(name())
        case 3: return .aggregate(aggregate(0, inSegment: inSegment))
        case 4, 5: return .column(column())
        default: return .literal(value())
        }
    }

    mutating func aggregate(_ depth: Int, inSegment: Bool) -> Aggregate {
        var aggregate = Aggregate(.count)
        aggregate.table = maybe(inSegment ? 100 : 5) { $0.name() }
        let fraction = [0.5, 0.9, 0, 1, 1e-9, 0.123456789][index(6)]
        aggregate.function = pick([
            .count, .countDistinct, .sum, .average, .minimum, .maximum, .quantile(fraction), .first, .last,
        ])
        aggregate.argument = chance(50) ? .column(column()) : expression(depth)
        if aggregate.function == .count, chance(50) { aggregate.argument = nil }
        if chance(10) {
            aggregate.function = .activePeriods(pick(Period.allCases), last: 1 + index(1_000))
            aggregate.argument = nil
        }
        aggregate.filter = maybe(30) { $0.expression(depth) }
        return aggregate
    }

    // MARK: Statements

    mutating func options() -> QueryOptions {
        var options = QueryOptions()
        options.asOf = maybe(20) { $0.expression(2) }
        options.timeZone = maybe(20) { $0.pick(["Africa/Cairo", "UTC", "it's"]) }
        options.weekStartsOnSunday = chance(20)
        options.segment = maybe(20) { $0.chance(50) ? .inSegment($0.name()) : $0.expression(3, inSegment: true) }
        if chance(10) {
            options.segments = many(1...3) { $0.chance(50) ? .inSegment($0.name()) : $0.expression(2, inSegment: true) }
        }
        return options
    }

    mutating func span() -> Int64 { max(0, integer()) }

    mutating func step(_ depth: Int = 2) -> Step {
        var step = Step(maybe(60) { $0.name() }, in: name(), where: maybe(50) { $0.expression(depth) })
        if chance(10) { step.firstEver = Step.FirstEver(where: maybe(50) { $0.expression(depth) }) }
        step.isOptional = chance(10)
        step.gapMin = maybe(10) { $0.span() }
        step.gapMax = maybe(10) { $0.span() }
        return step
    }

    mutating func slice() -> SliceQuery {
        SliceQuery(
            many(0...3) { SliceQuery.Item($0.expression(), as: $0.maybe(40) { $0.name() }) }, from: name(),
            where: maybe(50) { $0.expression() }, groupBy: many(0...2) { $0.expression(2) },
            having: maybe(20) { $0.expression(2) },
            orderBy: many(0...2) { .init($0.expression(2), descending: $0.chance(50), nullsFirst: $0.chance(50)) },
            limit: maybe(30) { $0.chance(10) ? .max : $0.index(1_000) }, offset: chance(20) ? 1 + index(9) : 0,
            options: options())
    }

    mutating func funnel(depth: Int = 2) -> FunnelQuery {
        let steps = many(1...4) { $0.step(depth) }
        var query = FunnelQuery(steps, options: options())
        query.window = maybe(60) { $0.span() }
        query.ties = pick([.favourable, .recorded, .increasing])
        query.filter = maybe(40) { $0.expression(depth) }
        query.enteredFrom = maybe(30) { $0.expression(1) }
        query.enteredTo = maybe(30) { $0.expression(1) }
        let place = index(steps.count)
        if chance(50) {
            query.breakdown = .init(
                expression(depth), attributed: pick([.first, .last, .all, .step(place), .stepFirst(place)]),
                top: maybe(30) { 1 + $0.index(9) })
        }
        if chance(20) { query.session = chance(50) ? .column(ColumnName("session_id")) : expression(1) }
        query.order = chance(80) ? .sequence : pick([.strict, .any])
        query.reusesRows = chance(10)
        if chance(20) { query.exclusions = many(1...2) { $0.exclusion(of: steps) } }
        query.holding = maybe(20) { $0.expression(depth) }
        query.unit = chance(70) ? .customers : pick([.entries, .sessions(nil), .sessions(expression(1))])
        if chance(10) { query.measure = .init(pick([.sum, .average]), of: expression(depth), at: place) }
        if chance(30) { query.view = view(place, index(steps.count)) }
        if chance(20) {
            let modes = many(0...3) { $0.pick(FunnelQuery.ClickHouseMode.allCases) }
            query.preset = chance(50) ? .postHog : .clickHouse(Set(modes))
        }
        return query
    }

    private mutating func exclusion(of steps: [Step]) -> FunnelQuery.Exclusion {
        var step = step()
        step.name = maybe(10) { $0.name() }
        if chance(30) {
            // As if the columns were called as the steps.
            let names = steps.compactMap(\.name) + ["x"]
            let range = Expression.between(
                .column(column()), low: .column(ColumnName(pick(names))), high: .column(ColumnName(pick(names))),
                negated: chance(30))
            step.filter = chance(50) ? range : .not(.binary(.and, range, range))
        }
        var exclusion = FunnelQuery.Exclusion(step, scope: pick([.customer, .attempt]))
        if chance(50) { (exclusion.from, exclusion.to) = (index(steps.count), index(steps.count)) }
        return exclusion
    }

    private mutating func view(_ place: Int, _ other: Int) -> FunnelQuery.View {
        switch index(3) {
        case 0: .trends(pick(Period.allCases))
        case 1:
            .timeToConvert(
                from: maybe(50) { _ in place }, to: maybe(50) { _ in other }, bins: maybe(50) { 1 + $0.index(9) })
        default: .customers(pick([.reached, .dropped, .open]), step: place)
        }
    }

    mutating func retention() -> RetentionQuery {
        var query = RetentionQuery(
            of: step(), returning: step(), by: pick(Period.allCases), periods: 1 + index(1_000), options: options())
        query.cohorts = pick([.firstTime, .recurring])
        query.measures = many(1...(chance(70) ? 1 : 3)) {
            $0.pick([.customers, .sum($0.expression(2)), .average($0.expression(2))])
        }
        query.filter = maybe(40) { $0.expression(2) }
        query.maturedOnly = chance(30)
        if chance(20) {
            query.brackets = many(1...4) { 1 + $0.index(9) }
            query.periodCount = query.brackets.count + 1
        }
        query.isRolling = chance(20)
        query.isOnOrAfter = chance(20)
        query.returnCountMin = chance(80) ? 1 : 1 + index(9)
        query.isPerCustomer = chance(20)
        query.isRunning = chance(20)
        if chance(20) { query.split = .init(expression(2), top: maybe(50) { 1 + $0.index(9) }) }
        query.isPostHog = chance(20)
        return query
    }

    mutating func lifecycle() -> LifecycleQuery {
        LifecycleQuery(
            of: step(), by: pick(Period.allCases), from: maybe(40) { $0.expression(2) },
            to: maybe(40) { $0.expression(2) }, options: options())
    }

    mutating func stickiness() -> StickinessQuery {
        var query = StickinessQuery(
            of: step(), by: pick(Period.allCases), from: maybe(40) { $0.expression(2) },
            to: maybe(40) { $0.expression(2) }, atLeast: 1 + index(2), orMore: chance(50), options: options())
        if chance(30) { query.periodSpan = 1 + index(1_000) }
        return query
    }

    mutating func paths() -> PathQuery {
        let sessions: PathQuery.Sessions
        switch index(3) {
        case 0: sessions = .gap(chance(50) ? PathQuery.gapDefault : span())
        case 1: sessions = .column(nil)
        default: sessions = .column(expression(2))
        }
        return PathQuery(
            of: step(), on: expression(2), from: maybe(40) { $0.expression(2) },
            towards: maybe(40) { $0.expression(2) },
            depth: 1 + index(PathQuery.depthMax), sessions: sessions, options: options())
    }

    mutating func schema() -> TableSchema {
        let types: [ColumnType] = [.bool, .int, .decimal(scale: index(19)), .double, .timestamp, .date, .string]
        var columns = [
            ColumnDefinition(name() + " 0", pick([.int, .string]), role: .customer),
            ColumnDefinition(name() + "_1", .timestamp, role: .time),
        ]
        if chance(50) { columns.append(ColumnDefinition(name() + "2", pick([.int, .string]), role: .unique)) }
        for number in 3..<(3 + index(4)) { columns.append(ColumnDefinition(name() + "\(number)", pick(types))) }
        columns.shuffle(using: &random)
        return TableSchema(name(), columns: columns, allowsNullCustomer: chance(50))
    }

    mutating func statement() -> Statement {
        switch index(20) {
        case 0: return .defineSegment(name: name(), condition: expression(4, inSegment: true))
        case 1: return .dropSegment(name: name())
        case 2: return .createTable(schema())
        case 3: return .dropTable(name: name())
        case 4: return .addColumn(table: name(), column: ColumnDefinition(name(), pick([.int, .date, .string])))
        case 5: return pick([.showTables, .showSegments, .describe(table: name())])
        case 6: return .explain(analyze: chance(50), query())
        default: return query()
        }
    }

    private mutating func query() -> Statement {
        switch index(9) {
        case 0, 1: return .funnel(funnel())
        case 2: return .retention(retention())
        case 3: return .lifecycle(lifecycle())
        case 4: return .stickiness(stickiness())
        case 5: return .paths(paths())
        case 6:
            return .deciles(DecileQuery(by: aggregate(2, inSegment: true), options: options()))
        default: return .select(slice())
        }
    }
}
