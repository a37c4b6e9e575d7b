import Dukkan
import Testing

/// What may stand in a segment and what may not, and answers for several segments.
struct SegmentTests {
    private static func shop() throws -> (StoreFolder, Store) {
        let place = StoreFolder()
        return (place, try QueryCaseTests.shop(at: place.path, commits: 3, threads: 2))
    }

    @Test(arguments: [
        ("FUNNEL sessions, orders WITHIN 1 DAY BY channel", "BY has no meaning in a funnel that a segment asks"),
        ("FUNNEL sessions, orders TRENDS BY DAY", "TRENDS has no meaning in a funnel that a segment asks"),
        ("FUNNEL sessions, orders TIME TO CONVERT", "TIME TO CONVERT has no meaning in a funnel that a segment asks"),
        ("FUNNEL sessions, orders CUSTOMERS OPEN AT 1", "CUSTOMERS has no meaning in a funnel that a segment asks"),
        (
            "FUNNEL sessions, orders COUNTING SESSIONS",
            "COUNTING SESSIONS has no meaning in a funnel that a segment asks"
        ),
        ("FUNNEL sessions, orders COUNTING ENTRIES", "COUNTING ENTRIES has no meaning in a funnel that a segment asks"),
        (
            "FUNNEL sessions, orders MEASURING sum(revenue) AT 2",
            "MEASURING has no meaning in a funnel that a segment asks"
        ),
        ("FUNNEL sessions, orders AS OF '2025-04-01'", "AS OF has no meaning in a funnel that a segment asks"),
        ("FUNNEL sessions, orders FOR SEGMENT big", "FOR SEGMENT has no meaning in a funnel that a segment asks"),
        ("FUNNEL sessions, orders BY SEGMENTS big", "BY SEGMENTS has no meaning in a funnel that a segment asks"),
        (
            "FUNNEL sessions, orders TIME ZONE 'Africa/Cairo'",
            "TIME ZONE has no meaning in a funnel that a segment asks"
        ),
    ]) func `a funnel in a segment refuses what shows an answer`(funnel: String, message: String) throws {
        let (_, store) = try SegmentTests.shop()
        let error = #expect(throws: DukkanError.self) {
            try store.query("SELECT count(*) FROM orders WHERE SEGMENT (REACHED 2 OF (\(funnel)))")
        }
        #expect(error?.code == .invalidQuery)
        #expect(error?.message == message)
        if message.hasPrefix("AS OF") { #expect(error?.advice == "write SEGMENT (…) AT time") }
    }

    @Test(arguments: [
        ("REACHED 1 OF (FUNNEL orders)", "where a customer stands in a funnel cannot be asked here"),
        ("first(status) = 'paid'", "an aggregate cannot stand here"),
        ("SEGMENT (sum(orders.status) > 1)", "sum and avg in a segment need a number"),
        ("SEGMENT (median(orders.status) > 1)", "median and quantile in a segment need a number"),
        ("SEGMENT (IN SEGMENT big AT 5)", "AT needs a time, as AT '2025-12-01'"),
        ("SEGMENT (IN SEGMENT bog AT NOW)", "there is no segment 'bog'"),
    ]) func `a condition without meaning is refused`(condition: String, message: String) throws {
        let (_, store) = try SegmentTests.shop()
        let error = #expect(throws: DukkanError.self) {
            try store.query("SELECT order_id FROM orders WHERE \(condition)")
        }
        #expect(error?.code == .invalidQuery)
        #expect(error?.message == message)
    }

    @Test(arguments: [
        "SELECT status, count(*), sum(revenue) FROM orders GROUP BY status ORDER BY status",
        "FUNNEL sessions, orders WITHIN 1 DAY BY channel", "FUNNEL sessions, orders WITHIN 1 DAY TRENDS BY WEEK",
        "FUNNEL sessions, orders WITHIN 1 DAY TIME TO CONVERT", "FUNNEL sessions, orders CUSTOMERS REACHED 2",
        "RETENTION OF sessions BY WEEK FOR 4 PERIODS", "RETENTION OF sessions BY WEEK FOR 4 PERIODS SPLIT BY channel",
        "LIFECYCLE OF sessions BY WEEK", "STICKINESS OF sessions BY WEEK", "PATHS OF events ON event DEPTH 3",
        "DECILES OF customers BY sum(orders.revenue)",
    ]) func `every query by segments is the queries for each segment`(query: String) throws {
        let (_, store) = try SegmentTests.shop()
        // Without it each alone would be as of the latest time in its own segment's tables.
        let asOf = "AS OF '2025-04-14'"
        let sides = try store.query(
            "\(query) FOR SEGMENT (count(sessions) > 2) \(asOf) BY SEGMENTS big, (NOT IN SEGMENT big)")
        let big = try store.query("\(query) FOR SEGMENT (count(sessions) > 2 AND IN SEGMENT big) \(asOf)")
        let rest = try store.query("\(query) FOR SEGMENT (count(sessions) > 2 AND NOT IN SEGMENT big) \(asOf)")
        #expect(!big.rows.isEmpty && !rest.rows.isEmpty)
        #expect(sides.shape == .segments)
        #expect(sides.columns == [.init("segment", .string)] + big.columns)
        #expect(
            sides.rows == big.rows.map { [.string("big")] + $0 }
                + rest.rows.map { [.string("NOT IN SEGMENT big")] + $0 })
    }

    @Test func `segments side by side are as of one time`() throws {
        let (_, store) = try SegmentTests.shop()
        // Sessions end before events do: alone, the second would know of the events and the first would not.
        let sides = try store.query(
            "SELECT count(*) FILTER (WHERE started_at > NOW - 2 DAYS) FROM sessions BY SEGMENTS (count(sessions) > 0), "
                + "(count(sessions) > 0 AND count(events) >= 0)")
        #expect(sides.rows.count == 2)
        #expect(sides.rows[0][1] == sides.rows[1][1])
    }

    @Test func `EXPLAIN tells of one segment`() throws {
        let (_, store) = try SegmentTests.shop()
        let error = #expect(throws: DukkanError.self) {
            try store.query("EXPLAIN SELECT count(*) FROM orders BY SEGMENTS big")
        }
        #expect(error?.message == "EXPLAIN one segment at a time: FOR SEGMENT …")
        let plan = try store.query(
            "EXPLAIN ANALYZE SELECT count(*) FROM orders FOR SEGMENT (DID (sessions THEN orders WITHIN 1 DAY))")
        #expect(plan.explanation?.lines.contains { $0.contains("Segment") } == true)
    }
}
