import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// Small random worlds and queries over them, full of ties, nulls and borders.
struct ReferenceGenerator {
    private var random: SeededGenerator

    init(seed: UInt64) {
        random = SeededGenerator(seed: seed)
    }

    private mutating func number(_ range: Range<Int>) -> Int { Int.random(in: range, using: &random) }
    /// A seed for a generator of its own.
    mutating func slipSeed() -> UInt64 { random.next() >> 1 }
    private mutating func pick<T>(_ items: [T]) -> T { items[number(0..<items.count)] }
    private mutating func chance(_ percent: Int) -> Bool { number(0..<100) < percent }

    /// Two tables, `events` and `orders`, with `kind` (text), `group` (text or null) and `amount` (decimal or null).
    ///
    /// - Parameters:
    ///   - rowCountMax: of one customer, in both tables.
    ///   - times: from which times are drawn; few make many ties.
    mutating func world(customerCountMax: Int, rowCountMax: Int, times: [Int64]) -> ReferenceWorld {
        var rows: [String: [ReferenceWorld.Row]] = ["events": [], "orders": []]
        let share = pick([0, 30, 50])
        for customer in 0..<number(1..<customerCountMax + 1) {
            for _ in 0..<number(0..<rowCountMax + 1) {
                var row = ReferenceWorld.Row(customer: .integer(Int64(customer)), time: pick(times))
                if chance(2) { row.customer = nil }
                row.values["kind"] = .string(pick(["a", "b", "c"]))
                if chance(80) { row.values["group"] = .string(pick(["x", "y", "z"])) }
                if chance(80) {
                    row.values["amount"] = .decimal(DecimalValue(unscaled: Int128(number(-50..<200)), scale: 2))
                }
                rows[chance(share) ? "orders" : "events", default: []].append(row)
            }
        }
        return ReferenceWorld(tables: rows.mapValues { ReferenceWorld.Table(rows: $0) })
    }

    mutating func filter() -> Expression? {
        let kind = Expression.column(ColumnName("kind"))
        switch number(0..<10) {
        case 0..<5: return .binary(.equal, kind, .literal(.string(pick(["a", "b", "c"]))))
        case 5..<7:
            return .inList(kind, [.literal(.string("a")), .literal(.string(pick(["b", "c"])))], negated: chance(30))
        case 7:
            return .binary(
                pick([.less, .greaterOrEqual]), .column(ColumnName("amount")),
                .literal(.decimal(DecimalValue(unscaled: 50, scale: 2))))
        default: return nil
        }
    }

    mutating func options(times: [Int64]) -> QueryOptions {
        var options = QueryOptions()
        if chance(40) {
            options.asOf = .literal(.timestamp(Timestamp(microseconds: pick(times) + Int64(number(-1..<2)))))
        }
        return options
    }

    mutating func funnel(times: [Int64]) -> FunnelQuery {
        let stepCount = number(1..<6)
        let steps = (0..<stepCount).map { number in
            Step("step \(number)", in: chance(70) ? "events" : "orders", where: filter())
        }
        let span = (times.max() ?? 1) - (times.min() ?? 0)
        var query = FunnelQuery(steps)
        query.ties = pick([.favourable, .favourable, .recorded, .increasing])
        if chance(80) { query.window = Int64.random(in: 0...max(span, 1), using: &random) }
        if chance(20) { query.filter = filter() }
        if chance(20) { query.enteredFrom = .literal(.timestamp(Timestamp(microseconds: pick(times)))) }
        if chance(20) { query.enteredTo = .literal(.timestamp(Timestamp(microseconds: pick(times)))) }
        if chance(60) {
            let step = number(0..<stepCount)
            query.breakdown = FunnelQuery.Breakdown(
                .column(ColumnName("group")), attributed: pick([.first, .last, .stepFirst(step), .step(step), .all]),
                top: chance(30) ? number(1..<4) : nil)
        }
        query.options = options(times: times)
        return query
    }

    mutating func retention(times: [Int64], period: Period, zone: String?) -> RetentionQuery {
        let start = Step(in: chance(60) ? "events" : "orders", where: chance(50) ? filter() : nil)
        let returning =
            chance(40) ? start : Step(in: chance(60) ? "events" : "orders", where: chance(50) ? filter() : nil)
        let amount = Expression.column(ColumnName("amount"))
        var query = RetentionQuery(
            of: start, returning: returning, by: period, periods: pick([1, 2, 5, 12, 70]),
            cohorts: chance(60) ? .firstTime : .recurring,
            measuring: chance(50) ? .customers : chance(50) ? .sum(amount) : .average(amount),
            where: chance(15) ? filter() : nil, maturedOnly: chance(25))
        query.options = options(times: times)
        query.options.timeZone = zone
        query.options.weekStartsOnSunday = chance(30)
        return query
    }
}

extension ReferenceWorld {
    /// Leaves out rows one by one while the case still fails.
    func shrunken(while fails: (ReferenceWorld) -> Bool) -> ReferenceWorld {
        var world = self
        var hasShrunk = true
        while hasShrunk {
            hasShrunk = false
            for name in world.tables.keys.sorted() {
                var row = 0
                while row < world.tables[name]?.rows.count ?? 0 {
                    var smaller = world
                    smaller.tables[name]?.rows.remove(at: row)
                    if fails(smaller) {
                        world = smaller
                        hasShrunk = true
                    } else {
                        row += 1
                    }
                }
            }
        }
        return world
    }
}

extension ReferenceWorld: CustomStringConvertible {
    /// One line a row.
    var description: String {
        var text = ""
        for (name, table) in tables.sorted(by: { $0.key < $1.key }) {
            for row in table.rows {
                let values = row.values.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
                let customer = row.customer.map { "\($0)" } ?? "null"
                text += "  \(name): \(customer) at \(row.time) \(values.joined(separator: " "))\n"
            }
        }
        return text
    }
}
