import Dukkan
import Testing

@testable import DukkanTool

/// How answers look to a person and to a program.
struct RenderingTests {
    @Test(arguments: [
        ("", 0), ("shop", 4), ("دكّان", 4), ("東京", 4), ("café", 4), ("cafe\u{301}", 4), ("👩‍👩‍👧", 2), ("🇪🇬x", 3), ("…", 1),
    ])
    func `a text takes as many cells as a terminal shows`(text: String, width: Int) {
        #expect(DisplayWidth.of(text) == width)
    }

    @Test func `a text that is too wide is cut before the edge`() {
        #expect(DisplayWidth.fitted("abcdef", to: 4) == "abc…")
        #expect(DisplayWidth.fitted("東京都", to: 4) == "東…")
        #expect(DisplayWidth.fitted("abcd", to: 4) == "abcd")
    }

    @Test(arguments: [
        ("plain", "plain"), ("", "\"\""), ("a,b", "\"a,b\""), ("say \"hi\"", "\"say \"\"hi\"\"\""),
        ("two\nlines", "\"two\nlines\""),
        ("blank at end ", "blank at end "),
    ])
    func `a CSV field is quoted where RFC 4180 asks for it`(text: String, field: String) {
        #expect(CSVText.field(text) == field)
    }

    @Test func `JSON keeps every digit and has no word for what is not a number`() {
        #expect(JSONText.text(.decimal(DecimalValue(unscaled: 97_477_479_34, scale: 2))) == "97477479.34")
        #expect(JSONText.text(.int(Int128(Int64.max) * 10)) == "92233720368547758070")
        #expect(JSONText.text(.double(.nan)) == "null")
        #expect(JSONText.text(.double(-.infinity)) == "null")
        #expect(JSONText.text(.double(0.1)) == "0.1")
        #expect(JSONText.text(.string("a\"b\\c\u{1}\n")) == "\"a\\\"b\\\\c\\u0001\\n\"")
        #expect(
            JSONText.text(.timestamp(Timestamp(microseconds: 1_735_787_045_678_000))) == "\"2025-01-02T03:04:05.678Z\"")
    }

    @Test func `stored text cannot drive the terminal`() {
        #expect(ValueText.visible("\u{1B}[2Jx\u{7}") == "\\u{1b}[2Jx\\u{7}")
        #expect(ValueText.visible("a\u{202E}b") == "a\\u{202e}b")
        #expect(ValueText.visible("عربي ok") == "عربي ok")
    }

    @Test(arguments: [
        (0.0, "0 ms"), (0.85, "850 ms"), (9.94, "9.9 s"), (59.4, "59 s"), (725.0, "12 min 5 s"),
        (12_000.0, "3 h 20 min"),
        (187_200.0, "2 d 4 h"),
    ])
    func `a span of time is told in two units at most`(seconds: Double, text: String) {
        #expect(ValueText.duration(seconds: seconds) == text)
    }

    @Test func `numbers round half away from zero and group in threes`() {
        #expect(ValueText.fixed(2.5, digits: 0) == "3")
        #expect(ValueText.fixed(-0.04, digits: 1) == "0.0")
        #expect(ValueText.fixed(-1.25, digits: 1) == "-1.3")
        #expect(ValueText.shown(0.1 + 0.2) == "0.3")
        #expect(ValueText.shown(1e300) == "1e+300")
        #expect(ValueText.grouped("-1234567.891") == "-1,234,567.891")
        #expect(ValueText.grouped("999") == "999")
    }

    private func lines(_ result: QueryResult, _ statement: Statement? = nil, colour: Bool = false) -> [String] {
        ResultView(palette: Palette(isColoured: colour), width: nil).lines(result, statement: statement)
    }

    @Test func `a table aligns numbers right and text left`() {
        let result = QueryResult(
            columns: [.init("country", .string), .init("orders", .int)],
            rows: [[.string("EG"), .int(1200)], [.null, .int(7)]])
        #expect(
            lines(result) == [
                "country  orders",
                "───────  ──────",
                "EG         1200",
                "null          7",
            ])
    }

    @Test func `a funnel shows shares of the first and of the previous step`() {
        let columns: [QueryResult.Column] = [
            .init("value", .string), .init("step", .int), .init("name", .string), .init("reached", .int),
            .init("dropped", .int), .init("open", .int), .init("from_start", .double), .init("from_previous", .double),
            .init("median_s", .double), .init("mean_s", .double),
        ]
        let result = QueryResult(
            columns: columns,
            rows: [
                [
                    .null, .int(1), .string("viewed"), .int(2000), .int(1500), .int(0), .double(1), .double(1), .null,
                    .null,
                ],
                [
                    .null, .int(2), .string("bought"), .int(500), .int(0), .int(0), .double(0.25), .double(0.25),
                    .double(90), .double(91),
                ],
            ], shape: .funnel)
        let shown = lines(result)
        #expect(shown.count == 4)
        #expect(shown[2].contains("2,000") && shown[2].contains(String(repeating: "█", count: 40)))
        #expect(shown[3].contains("25.0 %") && shown[3].contains("1 min 30 s"))
        #expect(!shown[3].contains(String(repeating: "█", count: 11)))
    }

    @Test func `a retention grid has a line for each cohort and marks open periods`() {
        let columns: [QueryResult.Column] = [
            .init("cohort", .timestamp), .init("period", .int), .init("size", .int), .init("value", .int),
            .init("complete", .bool),
        ]
        let january = Value.timestamp(Timestamp(microseconds: 1_735_689_600_000_000))
        let february = Value.timestamp(Timestamp(microseconds: 1_738_368_000_000_000))
        let result = QueryResult(
            columns: columns,
            rows: [
                [january, .int(0), .int(40), .int(40), .bool(true)],
                [january, .int(1), .int(40), .int(10), .bool(true)],
                [february, .int(0), .int(20), .int(20), .bool(false)],
            ], shape: .retention)
        let statement = Statement.retention(
            RetentionQuery(of: Step(in: "orders"), returning: Step(in: "orders"), by: .month, periods: 2))
        let shown = lines(result, statement)
        #expect(shown[0] == "cohort         size       m0      m1")
        #expect(shown[2] == "2025-01          40  100.0%   25.0%")
        #expect(shown[3].hasPrefix("2025-02          20  100.0%*"))
        #expect(shown[4].contains("all, weighted"))
        #expect(shown[5].hasPrefix("* "))
        #expect(lines(result, statement, colour: true)[2].contains("\u{1B}[48;5;"))
    }
}
