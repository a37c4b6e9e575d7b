import Dukkan

/// Many small durable commits beside a bare program that makes files of the same size durable in the same way.
struct Commits {
    let store: String
    let commitCount: Int
    let rowCount: Int
    let latePercent: Int

    /// Commits between two turns of the bare program.
    private static let turnCount = 50
    private static let names = ["page_view", "view_item", "add_to_cart", "begin_checkout", "purchase"]
    private static let countries = ["EG", "SA", "AE", "US", "DE", "FR", "GB", "JO"]
    private static let start: Int64 = 1_735_689_600_000_000
    /// Questions asked at the end: one pass over the customers, and one slice.
    private static let questions = [
        "FUNNEL a = events WHERE event = 'view_item', b = events WHERE event = 'add_to_cart' WITHIN 7 DAYS",
        "SELECT event, country, count(*), sum(value), count(DISTINCT customer) FROM events GROUP BY event, country",
    ]

    private static let schema = TableSchema(
        "events",
        columns: [
            ColumnDefinition("customer_id", .int, role: .customer),
            ColumnDefinition("ts", .timestamp, role: .time),
            ColumnDefinition("event", .string),
            ColumnDefinition("session_id", .int),
            ColumnDefinition("product_id", .int),
            ColumnDefinition("country", .string),
            ColumnDefinition("value", .decimal(scale: 2)),
        ])

    func run() throws {
        let opened = try Store.create(at: store)
        try opened.createTables([Commits.schema])
        var numbers = Numbers(state: 1)
        var times: [Double] = [], bare: [Double] = [], bytes: [Int] = []
        let program = try BareProgram(directory: store + ".bare")
        for commit in 0..<commitCount {
            let rows = try batch(commit, &numbers)
            let before = WrittenBytes.count
            times.append(
                try Embedding.milliseconds {
                    try opened.append(rows)
                    try { try opened.commit() }()
                })
            bytes.append(WrittenBytes.count - before)
            guard commit % Commits.turnCount == Commits.turnCount - 1 else { continue }
            // What a commit writes that merges nothing.
            let plain = bytes.suffix(Commits.turnCount).sorted()[Commits.turnCount / 2]
            for _ in 0..<Commits.turnCount {
                bare.append(try Embedding.milliseconds { try program.commit(byteCount: plain) })
            }
        }
        let written = bytes.reduce(0, +)
        let stored = try byteCount(opened)
        let parts = try opened.tables().reduce(0) { $0 + $1.partCount }
        let scattered = try ask(opened)
        let before = WrittenBytes.count
        try { _ = try opened.compact() }()
        let compacting = WrittenBytes.count - before
        let whole = try ask(opened)
        report(times, bare, bytes)
        print(
            "\"bytes_written\": \(written), \"bytes_stored\": \(stored), \"parts\": \(parts), "
                + "\"bytes_compacting\": \(compacting), \"bytes_compacted\": \(try byteCount(opened)), "
                + "\"scattered_ms\": \(scattered), \"one_part_ms\": \(whole)}")
        opened.close()
    }

    private func report(_ times: [Double], _ bare: [Double], _ bytes: [Int]) {
        let seconds = times.reduce(0, +) / 1e3, bareSeconds = bare.reduce(0, +) / 1e3
        print(
            "{\"commits\": \(commitCount), \"rows\": \(rowCount), \"late_percent\": \(latePercent), "
                + "\"median_ms\": \(Embedding.median(times)), \"bare_median_ms\": \(Embedding.median(bare)), "
                + "\"commits_per_second\": \(Double(times.count) / seconds), "
                + "\"bare_per_second\": \(Double(bare.count) / bareSeconds), ")
        let tenth = bytes[min(9, bytes.count - 1)]
        print("\"tenth_bytes\": \(tenth), \"last_bytes\": \(bytes[bytes.count - 1]), ", terminator: "")
    }

    private func byteCount(_ store: Store) throws -> Int { try store.tables().reduce(0) { $0 + $1.byteCount } }

    private func ask(_ store: Store) throws -> [Double] {
        try Commits.questions.map { question in
            var times: [Double] = []
            for _ in 0..<11 { times.append(try Embedding.milliseconds { _ = try store.query(question) }) }
            return Embedding.median(times)
        }
    }

    /// A year passes over the commits; late rows are up to 30 days old.
    private func batch(_ commit: Int, _ numbers: inout Numbers) throws -> RowBatchBuilder {
        let rows = RowBatchBuilder(Commits.schema)
        let step = Int64(365 * 86_400_000_000) / Int64(commitCount * rowCount)
        var customers: [Int] = [], times: [Timestamp] = [], events: [String] = [], sessions: [Int] = []
        var products: [Int] = [], countries: [String] = [], cents: [Int64] = []
        for row in 0..<rowCount {
            let place = commit * rowCount + row
            let rank = numbers.below(20_000)
            customers.append(rank * rank / 20_000)
            let isLate = numbers.below(100) < latePercent
            let delay = isLate ? Int64(numbers.below(30 * 86_400)) * 1_000_000 : 0
            times.append(Timestamp(microseconds: Commits.start + Int64(place) * step - delay))
            let depth = numbers.below(100)
            events.append(Commits.names[depth < 50 ? 0 : depth < 80 ? 1 : depth < 92 ? 2 : depth < 97 ? 3 : 4])
            sessions.append(place / 4)
            products.append(numbers.below(5_000))
            countries.append(Commits.countries[customers[row] % Commits.countries.count])
            cents.append(Int64(numbers.below(20_000)))
        }
        try rows.append(customers, to: "customer_id")
        try rows.append(times, to: "ts")
        try rows.append(events, to: "event")
        try rows.append(sessions, to: "session_id")
        try rows.append(products, to: "product_id")
        try rows.append(countries, to: "country")
        try rows.append(unscaled: cents, to: "value")
        return rows
    }
}

/// Numbers that look random and are the same in each run.
struct Numbers {
    var state: UInt64

    mutating func below(_ bound: Int) -> Int {
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Int((state >> 33) % UInt64(bound))
    }
}
