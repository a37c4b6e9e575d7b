import Dukkan

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// Many small durable commits beside a bare program that makes files of the same size durable in the same way.
struct Commits {
    let store: String
    let commitCount: Int
    let rowCount: Int
    let latePercent: Int

    enum Failure: Error {
        /// Another thread has written for a commit, so that its bytes cannot be told.
        case writtenElsewhere(commit: Int)
        /// Something was written or merged while only questions were asked.
        case notSettled
        /// A compacted copy has several parts.
        case notOnePart
    }

    /// Commits between two turns of the bare program.
    private static let turnCount = 50
    /// The commit, from 0, whose bytes those of the last one are compared with.
    private static let comparedCommit = 9
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
        let start = WrittenBytes.ofProcess
        var bareByteCount = 0
        for commit in 0..<commitCount {
            let rows = try batch(commit, &numbers)
            let before = (thread: WrittenBytes.ofThread, process: WrittenBytes.ofProcess)
            times.append(
                try Embedding.milliseconds {
                    try opened.append(rows)
                    try { try opened.commit() }()
                })
            let ofThread = WrittenBytes.ofThread - before.thread
            // The first commits are too few for a merge beside them: a commit writes on the thread that calls it.
            if commit <= Commits.comparedCommit, ofThread != WrittenBytes.ofProcess - before.process {
                throw Failure.writtenElsewhere(commit: commit)
            }
            bytes.append(ofThread)
            guard commit % Commits.turnCount == Commits.turnCount - 1 else { continue }
            // What a commit writes that merges nothing.
            let plain = bytes.suffix(Commits.turnCount).sorted()[Commits.turnCount / 2]
            let ofBare = WrittenBytes.ofThread
            for _ in 0..<Commits.turnCount {
                bare.append(try Embedding.milliseconds { try program.commit(byteCount: plain) })
            }
            bareByteCount += WrittenBytes.ofThread - ofBare
        }
        let atOnce = try Commits.questions.map { try Commits.ask([opened], $0, runCount: 11)[0] }
        settle()
        let written = WrittenBytes.ofProcess - start - bareByteCount
        let stored = try byteCount(opened)
        let parts = try partCount(opened)
        // One part of the same rows, in a copy, so that both can be asked in turn.
        let beforeCopy = WrittenBytes.ofProcess
        _ = try opened.backup(to: store + ".one")
        let one = try Store.open(at: store + ".one", mode: .readWrite)
        try { _ = try one.compact() }()
        guard try partCount(one) == 1 else { throw Failure.notOnePart }
        let copied = WrittenBytes.ofProcess
        let inTurn = try Commits.questions.map { try Commits.ask([opened, one], $0, runCount: 101) }
        guard try partCount(opened) == parts, WrittenBytes.ofProcess == copied else { throw Failure.notSettled }
        one.close()
        let copyByteCount = WrittenBytes.ofProcess - beforeCopy
        try { _ = try opened.compact() }()
        let writtenInAll = WrittenBytes.ofProcess - start - bareByteCount - copyByteCount
        report(times, bare, bytes)
        print(
            "\"bytes_written\": \(written), \"bytes_stored\": \(stored), \"parts\": \(parts), "
                + "\"bytes_written_in_all\": \(writtenInAll), \"bytes_compacted\": \(try byteCount(opened)), "
                + "\"at_once_ms\": \(atOnce), \"scattered_ms\": \(inTurn.map { $0[0] }), "
                + "\"one_part_ms\": \(inTurn.map { $0[1] })}")
        opened.close()
    }

    private func report(_ times: [Double], _ bare: [Double], _ bytes: [Int]) {
        let seconds = times.reduce(0, +) / 1e3, bareSeconds = bare.reduce(0, +) / 1e3
        print(
            "{\"commits\": \(commitCount), \"rows\": \(rowCount), \"late_percent\": \(latePercent), "
                + "\"median_ms\": \(Embedding.median(times)), \"bare_median_ms\": \(Embedding.median(bare)), "
                + "\"commits_per_second\": \(Double(times.count) / seconds), "
                + "\"bare_per_second\": \(Double(bare.count) / bareSeconds), ")
        let tenth = bytes[min(Commits.comparedCommit, bytes.count - 1)]
        print("\"tenth_bytes\": \(tenth), \"last_bytes\": \(bytes[bytes.count - 1]), ", terminator: "")
    }

    private func byteCount(_ store: Store) throws -> Int { try store.tables().reduce(0) { $0 + $1.byteCount } }

    private func partCount(_ store: Store) throws -> Int { try store.tables().reduce(0) { $0 + $1.partCount } }

    /// Returns when nothing has been written for two seconds: what the last commit has left to do is done.
    private func settle() {
        var before = WrittenBytes.ofProcess, quiet = 0
        while quiet < 20 {
            usleep(100_000)
            quiet = WrittenBytes.ofProcess == before ? quiet + 1 : 0
            before = WrittenBytes.ofProcess
        }
    }

    /// Asks stores in turn; the median of each one's times in milliseconds.
    private static func ask(_ stores: [Store], _ question: String, runCount: Int) throws -> [Double] {
        var times = stores.map { _ in [Double]() }
        for _ in 0..<runCount {
            for (place, store) in stores.enumerated() {
                times[place].append(try Embedding.milliseconds { _ = try store.query(question) })
            }
        }
        return times.map(Embedding.median)
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
