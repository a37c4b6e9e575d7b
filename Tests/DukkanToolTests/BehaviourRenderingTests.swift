import Dukkan
import Testing

@testable import DukkanTool

/// How the answers to questions of behaviour look to a person.
struct BehaviourRenderingTests {
    private func lines(_ result: QueryResult, _ text: String) throws -> [String] {
        ResultView(palette: Palette(isColoured: false), width: nil).lines(result, statement: try Statement(text))
    }

    /// A day of January to March 2025.
    private func day(_ text: String) throws -> Value {
        let parts = text.split(separator: "-").compactMap { Int64($0) }
        let months: [Int64] = [0, 31, 59]
        return .date(CivilDate(days: 20_089 + months[Int(parts[1]) - 1] + parts[2] - 1))
    }

    private func blocks(_ count: Int) -> String { String(repeating: "█", count: count) }

    @Test func `a lifecycle has a bar of the active customers and marks the period that is not over`() throws {
        let columns: [QueryResult.Column] =
            [.init("period", .date)]
            + ["new", "returning", "resurrecting", "dormant", "open"].map { .init($0, .int) }
            + [.init("complete", .bool)]
        func row(_ month: String, _ counts: [Int128], _ isComplete: Bool) throws -> [Value] {
            [try day(month)] + counts.map { .int($0) } + [.bool(isComplete)]
        }
        let result = QueryResult(
            columns: columns,
            rows: [
                try row("2025-01-01", [1_200, 0, 0, 0, 0], true),
                try row("2025-02-01", [100, 400, 100, -800, 0], true),
                try row("2025-03-01", [0, 300, 0, 0, 300], false),
            ], shape: .lifecycle)
        let shown = try lines(result, "LIFECYCLE OF orders BY MONTH")
        #expect(shown.count == 6)
        #expect(shown[0] == "period      new  returning  resurrecting  dormant  open  active")
        #expect(shown[2] == "2025-01   1,200          0             0        0     0   1,200  " + blocks(30))
        #expect(shown[3] == "2025-02     100        400           100     -800     0     600  " + blocks(15))
        #expect(shown[4].hasPrefix("2025-03*") && shown[4].hasSuffix("300     300  " + blocks(7) + "▌"))
        #expect(shown[5].hasPrefix("* "))
    }

    @Test func `trends go by period, with a column for each step and a group for each value`() throws {
        let columns: [QueryResult.Column] = [
            .init("period", .date), .init("value", .string), .init("step", .int), .init("name", .string),
            .init("reached", .int), .init("from_start", .double),
        ]
        func row(_ start: String, _ value: String, _ step: Int128, _ reached: Int128, _ share: Value) throws -> [Value]
        {
            [
                try day(start), .string(value), .int(step), .string(step == 1 ? "viewed" : "bought"), .int(reached),
                share,
            ]
        }
        let result = QueryResult(
            columns: columns,
            rows: [
                try row("2025-01-06", "phone", 1, 2_000, .double(1)),
                try row("2025-01-06", "phone", 2, 500, .double(0.25)),
                try row("2025-01-06", "desk", 1, 10, .double(1)), try row("2025-01-06", "desk", 2, 5, .double(0.5)),
                try row("2025-01-13", "phone", 1, 0, .null), try row("2025-01-13", "phone", 2, 0, .null),
                try row("2025-01-13", "desk", 1, 0, .null), try row("2025-01-13", "desk", 2, 0, .null),
            ], shape: .trends)
        let shown = try lines(result, "FUNNEL viewed = events, bought = orders BY device TRENDS BY WEEK")
        #expect(
            shown == [
                "value  period      viewed  bought  of first",
                "─────  ──────────  ──────  ──────  ────────  ──────────────────────────────",
                "phone  2025-01-06   2,000     500    25.0 %  " + blocks(15),
                "       2025-01-13       0       0",
                "",
                "desk   2025-01-06      10       5    50.0 %  " + blocks(30),
                "       2025-01-13       0       0",
            ])
    }

    @Test func `times to convert are bars between their borders`() throws {
        let names = ["bin", "from_s", "to_s", "customers"]
        let columns: [QueryResult.Column] =
            [.init("value", .string)] + names.map { .init($0, .int) } + [.init("mean_s", .double)]
        let result = QueryResult(
            columns: columns,
            rows: [
                [.null, .int(1), .int(0), .int(3_600), .int(40), .double(1_800)],
                [.null, .int(2), .int(3_600), .int(7_200), .int(10), .double(4_000)],
            ], shape: .histogram)
        let shown = try lines(result, "FUNNEL a = events, b = orders TIME TO CONVERT")
        #expect(shown[2] == "      0 s – 1 h 0 min         40  " + blocks(40))
        #expect(shown[3] == "1 h 0 min – 2 h 0 min         10  " + blocks(10))
    }

    @Test func `stickiness says of how many periods a line tells`() throws {
        let result = QueryResult(
            columns: [.init("periods", .int), .init("customers", .int)],
            rows: [[.int(1), .int(20)], [.int(2), .int(0)]], shape: .stickiness)
        #expect(try lines(result, "STICKINESS OF orders BY DAY")[2] == "      1         20  " + blocks(40))
        #expect(try lines(result, "STICKINESS OF orders BY DAY OR MORE")[3] == "2 or more          0")
    }

    @Test func `paths stand in groups by their place`() throws {
        let columns: [QueryResult.Column] = [
            .init("step", .int), .init("from", .string), .init("to", .string), .init("count", .int),
            .init("mean_s", .double),
        ]
        let result = QueryResult(
            columns: columns,
            rows: [
                [.int(1), .string("view"), .string("cart"), .int(30), .double(90)],
                [.int(2), .string("cart"), .string("share\n"), .int(15), .double(5)],
            ], shape: .paths)
        let shown = try lines(result, "PATHS OF events ON event")
        #expect(shown[2] == "   1  view  →  cart        30  " + blocks(30) + "  1 min 30 s")
        #expect(shown[3].isEmpty)
        #expect(shown[4].hasPrefix("   2  cart  →  share\\n     15  " + blocks(15) + " "))
    }

    @Test func `a retention of several values and measures is several grids`() throws {
        let columns: [QueryResult.Column] = [
            .init("split", .string), .init("cohort", .date), .init("period", .int), .init("size", .int),
            .init("measure", .string), .init("value", .double), .init("complete", .bool),
        ]
        func row(_ split: String, _ measure: String, _ period: Int128, _ value: Double) throws -> [Value] {
            [
                .string(split), try day("2025-01-01"), .int(period), .int(10), .string(measure), .double(value),
                .bool(true),
            ]
        }
        let result = QueryResult(
            columns: columns,
            rows: [
                try row("EG", "customers", 0, 10), try row("EG", "customers", 1, 4),
                try row("EG", "sum(revenue)", 0, 12.5), try row("EG", "sum(revenue)", 1, 7),
                try row("SA", "customers", 0, 10), try row("SA", "customers", 1, 1),
            ], shape: .retention)
        let text = "RETENTION OF orders BY MONTH BRACKETS 3 SPLIT BY country MEASURING customers, sum(revenue)"
        let shown = try lines(result, text)
        #expect(shown[0] == "EG · customers")
        #expect(shown[1] == "cohort   size       m0    m1–3")
        #expect(shown[3] == "2025-01    10  100.0%   40.0%")
        #expect(shown[5] == "EG · sum(revenue)")
        #expect(shown[8] == "2025-01    10  12.50   7.00")
        #expect(shown[10] == "SA · customers")
    }

    @Test func `segments side by side are shown as each alone, rows of a slice in one table`() throws {
        let deciles = QueryResult(
            columns: [
                .init("segment", .string), .init("decile", .int), .init("customers", .int), .init("total", .int),
            ],
            rows: [
                [.string("big"), .int(1), .int(4), .int(100)], [.string("small"), .int(1), .int(4), .int(10)],
            ], shape: .segments)
        let shown = try lines(deciles, "DECILES OF customers BY count(orders) BY SEGMENTS big, small")
        #expect(shown[0] == "big" && shown[4].isEmpty && shown[5] == "small")
        #expect(shown[3].contains("100.0 %") && shown[8].contains("100.0 %"))
        let slice = QueryResult(
            columns: [.init("segment", .string), .init("count(*)", .int)],
            rows: [[.string("big"), .int(4)], [.string("small"), .int(5)]], shape: .segments)
        #expect(try lines(slice, "SELECT count(*) FROM orders BY SEGMENTS big, small").count == 4)
    }
}
