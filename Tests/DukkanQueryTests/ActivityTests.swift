import DukkanFormat
import DukkanTime
import Testing

@testable import DukkanQuery

/// Answers that can be counted by hand, and refusals, of retention with options, lifecycle, stickiness and paths.
@Suite struct ActivityTests {
    private static let day: Int64 = 86_400_000_000
    /// A Thursday.
    private static let base = 2 * 365 * day

    /// A row of `events`: customer, day and part of it, kind, amount in cents.
    private typealias Row = (Int64, Double, String, Int?)

    private func store(_ rows: [Row]) throws -> EngineStore {
        let made = rows.map { customer, day, kind, amount in
            var row = ReferenceWorld.Row(
                customer: .integer(customer),
                time: ActivityTests.base + Int64((day * Double(ActivityTests.day)).rounded()))
            row.values["kind"] = .string(kind)
            if let amount { row.values["amount"] = .decimal(DecimalValue(unscaled: Int128(amount), scale: 2)) }
            return row
        }
        let store = try EngineStore()
        var random = SeededGenerator(seed: 1)
        try store.fill(
            ReferenceWorld(tables: ["events": .init(rows: made), "orders": .init()]), commits: 2, random: &random)
        return store
    }

    private func at(_ day: Double) -> Expression {
        .literal(
            .timestamp(Timestamp(microseconds: ActivityTests.base + Int64((day * Double(ActivityTests.day)).rounded())))
        )
    }

    private func numbers(_ result: QueryResult, _ column: String) throws -> [Int?] {
        let place = try #require(result.columns.firstIndex { $0.name == column })
        return result.rows.map { if case .int(let number) = $0[place] { Int(number) } else { nil } }
    }

    private let visit = Step(in: "events", where: .binary(.equal, ActivityOptions.kind, .literal(.string("visit"))))
    private let order = Step(in: "events", where: .binary(.equal, ActivityOptions.kind, .literal(.string("order"))))

    // MARK: Retention

    private func retention(days: Int, asOf: Double) -> RetentionQuery {
        RetentionQuery(
            of: visit, returning: order, by: .day, periods: days, options: QueryOptions(asOf: at(asOf)))
    }

    /// Customer 1 visits on day 0 and orders on days 1, 1, 3, 6; customer 2 visits on day 0 and orders on day 3.
    private func twoCustomers() throws -> EngineStore {
        try store([
            (1, 0.5, "visit", nil), (1, 1.2, "order", 100), (1, 1.4, "order", 250), (1, 3.1, "order", 50),
            (1, 6.9, "order", 25), (2, 0.1, "visit", nil), (2, 3.9, "order", 1000),
        ])
    }

    @Test func returnsCountInTheirPeriodOrLater() throws {
        let store = try twoCustomers()
        var query = retention(days: 5, asOf: 8)
        query.isOnOrAfter = true
        #expect(try numbers(store.run(.retention(query), threads: 1), "value") == [2, 2, 2, 2, 1])
        query.returnCountMin = 2
        #expect(try numbers(store.run(.retention(query), threads: 1), "value") == [2, 1, 0, 0, 0])
        query.isOnOrAfter = false
        query.returnCountMin = 1
        query.isRunning = true
        #expect(try numbers(store.run(.retention(query), threads: 1), "value") == [2, 1, 1, 2, 2])
    }

    @Test func bracketsAreSpansOfPeriods() throws {
        let store = try twoCustomers()
        var query = retention(days: 4, asOf: 8)
        query.brackets = [1, 2, 100]
        query.measures = [.customers, .sum(ActivityOptions.amount)]
        let result = try store.run(.retention(query), threads: 2)
        #expect(result.columns.map(\.name) == ["cohort", "period", "size", "measure", "value", "complete"])
        #expect(try numbers(result, "period") == [0, 0, 1, 1, 2, 2, 3, 3])
        #expect(try numbers(result, "value") == [2, nil, 1, nil, 2, nil, 1, nil])
        #expect(
            result.rows.compactMap { if case .decimal(let sum) = $0[4] { Int(sum.unscaled) } else { nil } }
                == [0, 350, 1050, 25])
        #expect(result.rows.map { $0[5] } == [true, true, true, true, true, true, false, false].map { .bool($0) })
    }

    @Test func rollingPeriodsBeginWithTheCustomersOwnStart() throws {
        let store = try twoCustomers()
        var query = retention(days: 4, asOf: 5)
        query.isRolling = true
        // Days of 24 hours: 1.2 and 1.4 are on the day of 0.5; 3.1 is its third, 3.9 the fourth of 0.1.
        let result = try store.run(.retention(query), threads: 1)
        #expect(try numbers(result, "value") == [2, 0, 1, 1])
        #expect(result.rows.map { $0[4] } == [true, true, true, true].map { .bool($0) })
        query.options.asOf = at(3)
        let earlier = try store.run(.retention(query), threads: 1)
        #expect(earlier.rows.map { $0[4] } == [true, true, false, false].map { .bool($0) })
    }

    @Test func sumsAreDividedByTheCohort() throws {
        let store = try twoCustomers()
        var query = retention(days: 4, asOf: 8)
        query.measures = [.sum(ActivityOptions.amount)]
        query.isPerCustomer = true
        query.isRunning = true
        let result = try store.run(.retention(query), threads: 1)
        #expect(result.rows.map { $0[3] } == [0, 1.75, 1.75, 7].map { .double($0) })
    }

    @Test func cohortsAreSplitByTheStartRow() throws {
        let store = try store([
            (1, 0.1, "visit", 1), (1, 1.1, "order", 9), (2, 0.2, "visit", 1), (3, 0.3, "visit", 2),
            (4, 0.4, "visit", nil), (5, 0.5, "visit", 3),
        ])
        var query = retention(days: 1, asOf: 2)
        query.split = .init(ActivityOptions.amount)
        let result = try store.run(.retention(query), threads: 2)
        func cents(_ amount: Int128) -> Value { .decimal(DecimalValue(unscaled: amount, scale: 2)) }
        #expect(result.rows.map { $0[0] } == [cents(1), cents(2), cents(3), .null])
        #expect(try numbers(result, "size") == [2, 1, 1, 1])
        query.split?.top = 2
        let top = try store.run(.retention(query), threads: 1)
        #expect(top.rows.map { $0[0] } == [cents(1), cents(2), .string("other")])
        #expect(try numbers(top, "size") == [2, 1, 2])
    }

    @Test func sumsOfDoublesGrowWithTheCohorts() throws {
        let halved = Expression.binary(.divide, ActivityOptions.amount, .literal(.int(2)))
        var rows: [ActivityTests.Row] = []
        for customer in 0..<300 {
            rows.append((Int64(customer), Double(customer), "visit", nil))
            rows.append((Int64(customer), Double(customer), "order", 100 * customer))
        }
        var query = retention(days: 2, asOf: 400)
        query.measures = [.sum(halved), .average(halved)]
        let result = try store(rows).run(.retention(query), threads: 2)
        #expect(result.rows.count == 300 * 4)
        for customer in 0..<300 {
            #expect(result.rows[customer * 4][4] == .double(Double(customer) / 2))
            #expect(result.rows[customer * 4 + 1][4] == .double(Double(customer) / 2))
            #expect(result.rows[customer * 4 + 2][4] == .double(0))
            #expect(result.rows[customer * 4 + 3][4] == .null)
        }
    }

    @Test func combinationsWithoutMeaningAreRefusedByName() throws {
        let store = try twoCustomers()
        func refusal(_ change: (inout RetentionQuery) -> Void) -> String {
            var query = retention(days: 3, asOf: 5)
            change(&query)
            do {
                _ = try store.run(.retention(query), threads: 1)
                return "not refused"
            } catch {
                return (error as? DukkanError)?.message ?? "\(error)"
            }
        }
        #expect(
            refusal {
                $0.isRolling = true
                $0.period = .month
            } == "ROLLING has no meaning BY MONTH: months differ in length")
        #expect(
            refusal {
                $0.isRunning = true
                $0.isOnOrAfter = true
            } == "RUNNING has no meaning with ON OR AFTER: one adds up from the left, the other from the right")
        #expect(refusal { $0.isPerCustomer = true } == "PER CUSTOMER is for sum(…)")
        #expect(
            refusal {
                $0.start.firstEver = .init()
                $0.cohorts = .recurring
            } == "FIRST EVER has no meaning with RECURRING: it is one row of a customer")
        #expect(refusal { $0.brackets = [1] } == "BRACKETS stand instead of FOR n PERIODS")
        #expect(refusal { $0.brackets = [.max, 1] } == "BRACKETS are of 1 to 1000000 periods each, not \(Int.max)")
        #expect(refusal { $0.start.isOptional = true } == "OPTIONAL is for the steps of a funnel")
        #expect(refusal { $0.returning.gapMax = 5 } == "GAP is for the steps of a funnel")
        #expect(refusal { $0.returnCountMin = 0 } == "AT LEAST needs a number from 1 on")
        #expect(refusal { $0.measures = [] } == "MEASURING is for 1 to 16 measures, not 0")
        #expect(refusal { $0.split = .init(ActivityOptions.kind, top: 0) } == "TOP needs a number from 1 on")
        #expect(
            refusal { $0.measures = [.sum(ActivityOptions.kind), .customers] }
                == "MEASURING needs a number, not a value of type STRING")
        #expect(
            refusal {
                $0.isOnOrAfter = true
                $0.options.asOf = .literal(.timestamp(Timestamp(microseconds: 1 << 62)))
            } == "there are no calendar periods before year 1 or after year 9999")
    }

    // MARK: Lifecycle

    @Test func customersAreNewReturnResurrectAndGo() throws {
        // The example of PostHog's own tests.
        let store = try store([
            (1, 2.5, "visit", nil), (1, 3.5, "visit", nil), (1, 4.5, "visit", nil), (1, 6.5, "visit", nil),
            (1, 8.5, "visit", nil), (1, 10.5, "visit", nil), (2, 0.5, "visit", nil), (2, 3.5, "visit", nil),
            (3, 3.5, "visit", nil), (4, 6.5, "visit", nil), (1, 9.5, "order", nil),
        ])
        let query = LifecycleQuery(of: visit, by: .day, options: QueryOptions(asOf: at(11)))
        let result = try store.run(.lifecycle(query), threads: 2)
        #expect(try numbers(result, "new") == [1, 0, 1, 1, 0, 0, 1, 0, 0, 0, 0, 0])
        #expect(try numbers(result, "returning") == [0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0, 0])
        #expect(try numbers(result, "resurrecting") == [0, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0])
        #expect(try numbers(result, "dormant") == [0, -1, 0, 0, -2, -1, 0, -2, 0, -1, 0, 0])
        // Who was active on the day before the last one may still come.
        #expect(try numbers(result, "open") == Array(repeating: 0, count: 11) + [1])
        #expect(result.rows.last?.last == .bool(false))
        var later = query
        later.from = at(3)
        later.to = at(4.5)
        #expect(try numbers(store.run(.lifecycle(later), threads: 1), "returning") == [1, 1])
        later.from = at(12)
        #expect(try store.run(.lifecycle(later), threads: 1).rows.isEmpty)
    }

    // MARK: Stickiness

    @Test func activePeriodsAreCountedInTheRange() throws {
        var rows: [ActivityTests.Row] = []
        for day in 0..<9 { rows.append((1, Double(day) + 0.5, "visit", nil)) }
        for day in 0..<5 { rows.append((2, Double(day * 2) + 0.5, "visit", nil)) }
        let store = try store(rows)
        var query = StickinessQuery(of: visit, by: .day, from: at(0), options: QueryOptions(asOf: at(9.5)))
        #expect(try numbers(store.run(.stickiness(query), threads: 2), "customers") == [0, 0, 0, 0, 1, 0, 0, 0, 1, 0])
        query.isCumulative = true
        #expect(try numbers(store.run(.stickiness(query), threads: 1), "customers") == [2, 2, 2, 2, 2, 1, 1, 1, 1, 0])
        query.periodSpan = 2
        query.isCumulative = false
        #expect(try numbers(store.run(.stickiness(query), threads: 1), "customers") == [0, 0, 0, 0, 2])
        query.rowCountMin = 2
        #expect(try numbers(store.run(.stickiness(query), threads: 1), "customers") == [0, 0, 0, 1, 0])
        query.to = at(3)
        #expect(try numbers(store.run(.stickiness(query), threads: 1), "customers") == [1, 0])
    }

    // MARK: Paths

    @Test func pathsLeadFromItemToItem() throws {
        let minute = 1.0 / 24 / 60
        let store = try store([
            (1, 0, "a", nil), (1, minute, "a", nil), (1, 2 * minute, "b", nil), (1, 4 * minute, "c", nil),
            (1, 40 * minute, "a", nil), (2, 0, "a", nil), (2, 4 * minute, "b", nil),
        ])
        func edges(_ change: (inout PathQuery) -> Void = { _ in }) throws -> [[Value]] {
            var query = PathQuery(of: Step(in: "events"), on: ActivityOptions.kind, depth: 5)
            change(&query)
            return try store.run(.paths(query), threads: 2).rows
        }
        func edge(_ step: Int128, _ from: String, _ to: String, _ count: Int128, _ seconds: Double) -> [Value] {
            [.int(step), .string(from), .string(to), .int(count), .double(seconds)]
        }
        // Repeats are one item, at the first one's time; 36 minutes part two paths.
        #expect(try edges() == [edge(1, "a", "b", 2, 180), edge(2, "b", "c", 1, 120)])
        #expect(try edges { $0.depth = 2 } == [edge(1, "a", "b", 2, 180)])
        #expect(try edges { $0.from = .literal(.string("b")) } == [edge(1, "b", "c", 1, 120)])
        #expect(
            try edges {
                $0.towards = .literal(.string("c"))
                $0.depth = 2
            } == [edge(1, "b", "c", 1, 120)])
        #expect(
            try edges {
                $0.from = .literal(.string("a"))
                $0.towards = .literal(.string("a"))
                $0.sessions = .gap(ActivityTests.day)
            } == [edge(1, "a", "b", 1, 120), edge(2, "b", "c", 1, 120), edge(3, "c", "a", 1, 2160)])
        #expect(throws: DukkanError.self) { try edges { $0.depth = 1 } }
        #expect(throws: DukkanError.self) { try edges { $0.depth = .max } }
        #expect(throws: DukkanError.self) { try edges { $0.sessions = .gap(-1) } }
        #expect(throws: DukkanError.self) {
            // This store's rows have no session_id.
            let path = PathQuery(
                of: Step(in: "events"), on: ActivityOptions.kind, depth: 5, sessions: .column(nil))
            return try ExplainStore(customers: 1).explain(.paths(path), analyze: true)
        }
        #expect(throws: DukkanError.self) { try edges { $0.from = ActivityOptions.group } }
        #expect(throws: DukkanError.self) { try edges { $0.step.firstEver = .init() } }
    }
}
