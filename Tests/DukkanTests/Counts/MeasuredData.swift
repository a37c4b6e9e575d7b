import Dukkan

/// A seeded stream of numbers (SplitMix64), so that every run measures the same data.
struct Numbers {
    private var state: UInt64

    init(seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    mutating func below(_ count: Int) -> Int { Int(next() % UInt64(count)) }
}

/// A column of one shape, beside customers of ten rows each: what an encoding is measured on.
struct MeasuredColumn: Sendable {
    /// Rows of the column.
    static let rowCount = 200_000

    /// What the column is made of, from the row's number.
    enum Content: Sendable {
        case integers(@Sendable (Int, inout Numbers) -> Int)
        case doubles(@Sendable (Int, inout Numbers) -> Double)
        case strings(@Sendable (Int, inout Numbers) -> String)
    }

    var name: String
    var content: Content

    static let all: [MeasuredColumn] = [
        MeasuredColumn(name: "constant", content: .integers { _, _ in 42 }),
        MeasuredColumn(name: "runs", content: .integers { row, _ in row / 1000 }),
        MeasuredColumn(name: "ascending", content: .integers { row, _ in row * 3 }),
        MeasuredColumn(
            name: "ascending with gaps", content: .integers { row, numbers in row * 50 + numbers.below(40) }),
        MeasuredColumn(name: "small", content: .integers { _, numbers in numbers.below(4096) }),
        MeasuredColumn(
            name: "small with outliers",
            content: .integers { row, numbers in row % 997 == 0 ? numbers.below(1 << 40) : numbers.below(4096) }),
        MeasuredColumn(name: "few values", content: .integers { _, numbers in numbers.below(16) * 1_000_003 }),
        MeasuredColumn(name: "skewed", content: .integers { _, numbers in numbers.below(numbers.below(1000) + 1) }),
        MeasuredColumn(name: "mostly zero", content: .integers { _, numbers in max(0, numbers.below(100) - 90) }),
        MeasuredColumn(name: "wide", content: .integers { _, numbers in numbers.below(1 << 60) }),
        MeasuredColumn(name: "prices", content: .doubles { _, numbers in Double(numbers.below(20_000)) / 100 }),
        MeasuredColumn(
            name: "fractions", content: .doubles { _, numbers in Double(numbers.next() >> 11) / Double(1 << 53) }),
        MeasuredColumn(name: "few words", content: .strings { _, numbers in "word \(numbers.below(40))" }),
        MeasuredColumn(name: "many words", content: .strings { _, numbers in "campaign-\(numbers.below(20_000))" }),
        MeasuredColumn(
            name: "different words", content: .strings { row, numbers in "\(row)-\(numbers.below(1 << 40))" }),
    ]

    var schema: TableSchema {
        let type: ColumnType =
            switch content {
            case .integers: .int
            case .doubles: .double
            case .strings: .string
            }
        return TableSchema(
            "rows",
            columns: [
                ColumnDefinition("customer_id", .int, role: .customer), ColumnDefinition("ts", .timestamp, role: .time),
                ColumnDefinition("value", type),
            ])
    }

    /// A query that decodes the whole column and does little else.
    var statement: String {
        switch content {
        case .integers, .doubles: "SELECT sum(value + 0) FROM rows"
        case .strings: "SELECT count(value) FROM rows WHERE value <> ''"
        }
    }

    func batch() throws -> RowBatchBuilder {
        var numbers = Numbers(seed: 7)
        let rows = RowBatchBuilder(schema)
        let count = MeasuredColumn.rowCount
        try rows.append((0..<count).map { $0 / 10 }, to: "customer_id")
        try rows.append((0..<count).map { Timestamp(microseconds: Int64($0) * 1_000_000) }, to: "ts")
        switch content {
        case .integers(let value): try rows.append((0..<count).map { value($0, &numbers) }, to: "value")
        case .doubles(let value): try rows.append((0..<count).map { value($0, &numbers) }, to: "value")
        case .strings(let value): try rows.append((0..<count).map { value($0, &numbers) }, to: "value")
        }
        return rows
    }
}

/// A year of a small shop, as columns: rows in order of time, customers of uneven activity.
struct MeasuredShop {
    static let rowCount = 200_000
    static let names = ["page_view", "view_item", "add_to_cart", "begin_checkout", "purchase"]
    static let countries = ["EG", "SA", "AE", "US", "DE", "FR", "GB", "JO"]
    private static let start: Int64 = 1_735_689_600_000_000

    var customers: [Int] = []
    var times: [Timestamp] = []
    var events: [String] = []
    var countries: [String] = []
    var cents: [Int64] = []

    init(seed: UInt64) {
        var numbers = Numbers(seed: seed)
        for row in 0..<MeasuredShop.rowCount {
            let rank = numbers.below(20_000)
            customers.append(rank * rank / 20_000)
            times.append(
                Timestamp(microseconds: MeasuredShop.start + Int64(row) * 157_000_000 + Int64(numbers.below(1_000_000)))
            )
            let depth = numbers.below(100)
            events.append(MeasuredShop.names[depth < 50 ? 0 : depth < 80 ? 1 : depth < 92 ? 2 : depth < 97 ? 3 : 4])
            countries.append(MeasuredShop.countries[customers[row] % MeasuredShop.countries.count])
            cents.append(Int64(numbers.below(20_000)))
        }
    }

    static let schema = TableSchema(
        "events",
        columns: [
            ColumnDefinition("customer_id", .int, role: .customer),
            ColumnDefinition("ts", .timestamp, role: .time),
            ColumnDefinition("event", .string),
            ColumnDefinition("country", .string),
            ColumnDefinition("value", .decimal(scale: 2)),
        ])

    /// The rows of a range, the whole year by default.
    func batch(_ range: Range<Int> = 0..<rowCount) throws -> RowBatchBuilder {
        let rows = RowBatchBuilder(MeasuredShop.schema)
        try rows.append(Array(customers[range]), to: "customer_id")
        try rows.append(Array(times[range]), to: "ts")
        try rows.append(Array(events[range]), to: "event")
        try rows.append(Array(countries[range]), to: "country")
        try rows.append(unscaled: Array(cents[range]), to: "value")
        return rows
    }

    /// The kinds of questions.
    static let statements: [(name: String, text: String)] = [
        (
            "funnel",
            "FUNNEL a = events WHERE event = 'view_item', b = events WHERE event = 'add_to_cart', "
                + "c = events WHERE event = 'purchase' WITHIN 7 DAYS"
        ),
        ("retention", "RETENTION OF events RETURNING events BY WEEK FOR 12 PERIODS FIRST TIME"),
        (
            "daily customers",
            "SELECT date_trunc('day', ts), count(DISTINCT customer) FROM events GROUP BY date_trunc('day', ts)"
        ),
        ("two dimensions", "SELECT country, event, count(*), avg(value) FROM events GROUP BY country, event"),
        ("filter", "SELECT count(*), sum(value) FROM events WHERE event = 'purchase' AND country = 'EG'"),
        ("month", "SELECT count(*) FROM events WHERE ts >= '2025-06-01' AND ts < '2025-07-01' AND event <> 'purchase'"),
        (
            "segment",
            "SELECT country, count(DISTINCT customer) FROM events WHERE SEGMENT (count(events) >= 10) GROUP BY country"
        ),
        ("deciles", "DECILES OF customers BY sum(events.value)"),
        ("one customer", "SELECT count(*), min(ts) FROM events WHERE customer = 4711"),
        ("whole table", "SELECT count(*), sum(value), min(ts) FROM events"),
    ]
}
