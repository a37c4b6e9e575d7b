import Dukkan
import Foundation
import Testing

/// Numbers at the ends of their types: an exact answer or the error `overflow`, on every way that a sum takes.
struct ExactNumberTests {
    private let folder = StoreFolder()
    private static let most = Int128(Int64.max), least = Int128(Int64.min)

    /// Two customers with the largest and the least numbers of both types; `one` and `two` in two parts.
    private func store() throws -> Store {
        let store = try Store.create(at: folder.path, options: StoreOptions(threads: 2, automaticCompaction: false))
        try store.query(
            "CREATE TABLE e (c INT CUSTOMER, t TIMESTAMP TIME, s STRING, n INT, d DECIMAL(2), m DECIMAL(4))")
        let file = folder.path + ".csv"
        defer { try? FileManager.default.removeItem(atPath: file) }
        for day in 1...2 {
            let rows = [
                "1,2025-01-0\(day),high,9223372036854775807,92233720368547758.07,1.5000",
                "1,2025-01-0\(day),high,9223372036854775807,92233720368547758.07,1.5000",
                "2,2025-01-0\(day),low,-9223372036854775808,-92233720368547758.08,-1.5000",
                "2,2025-01-0\(day),low,-9223372036854775807,-92233720368547758.07,-1.5000",
                "3,2025-01-0\(day),near,15,0.15,15.0000",
            ]
            try ("c,t,s,n,d,m\n" + rows.joined(separator: "\n") + "\n")
                .write(toFile: file, atomically: true, encoding: .utf8)
            try store.importFiles([file], into: "e")
        }
        return store
    }

    private static func decimal(_ unscaled: Int128) -> Value { .decimal(DecimalValue(unscaled: unscaled, scale: 2)) }

    @Test func `sums beyond 64 bits are exact, plain and in groups`() throws {
        let store = try store()
        let most = ExactNumberTests.most, least = ExactNumberTests.least
        let low = 2 * least - 2 * most
        #expect(try store.query("SELECT sum(n) FROM e WHERE c = 1").rows == [[.int(4 * most)]])
        #expect(try store.query("SELECT sum(n), sum(d) FROM e").rows == [[.int(28), ExactNumberTests.decimal(28)]])
        #expect(
            try store.query("SELECT s, sum(n), sum(d) FROM e GROUP BY s ORDER BY s").rows == [
                [.string("high"), .int(4 * most), ExactNumberTests.decimal(4 * most)],
                [.string("low"), .int(low), ExactNumberTests.decimal(low)],
                [.string("near"), .int(30), ExactNumberTests.decimal(30)],
            ])
        #expect(
            try store.query("SELECT c, sum(n) FILTER (WHERE n > 0) FROM e GROUP BY c ORDER BY c LIMIT 1").rows == [
                [.int(1), .int(4 * most)]
            ])
        let doubles = try store.query("SELECT avg(n), avg(d) FROM e WHERE c = 1").rows
        #expect(doubles == [[.double(Double(most)), .double(Double(most) / 100)]])
    }

    @Test func `sums of funnels and retentions are exact`() throws {
        let store = try store()
        let most = ExactNumberTests.most
        let funnel = try store.query(
            "FUNNEL a = e, b = e WITHIN 3 DAYS MEASURING sum(n) AT b FOR SEGMENT min(e.n) > 100")
        let measured =
            funnel.rows.flatMap { $0 }.contains(.int(most)) || funnel.rows.flatMap { $0 }.contains(.int(2 * most))
        #expect(measured, "\(funnel.rows)")
        let kept = try store.query(
            "RETENTION OF e BY DAY FOR 2 PERIODS MEASURING sum(n) FOR SEGMENT min(e.n) > 100 AS OF '2025-02-01'")
        #expect(kept.rows.flatMap { $0 }.contains(.int(2 * most)), "\(kept.rows)")
    }

    @Test(arguments: [
        "SELECT sum(n + 1) FROM e", "SELECT s, sum(n * 2) FROM e GROUP BY s", "SELECT sum(n - 2) FROM e",
        "SELECT -n FROM e", "SELECT n * n FROM e", "SELECT sum(d * 100) FROM e", "SELECT abs(n) FROM e WHERE c = 2",
        "SELECT sum(n) * sum(n) * sum(n) FROM e WHERE c = 1", "SELECT n + d FROM e", "SELECT coalesce(n, d) FROM e",
        "SELECT count(*) FROM e FOR SEGMENT sum(e.n) > 5", "DECILES OF customers BY sum(e.n)",
    ])
    func `a result that does not fit is an error`(_ statement: String) throws {
        let store = try store()
        let error = #expect(throws: DukkanError.self) { try store.query(statement) }
        #expect(error?.code == .overflow, "\(error.debugDescription)")
    }

    /// Whole numbers and decimals compare as numbers, also where one of them has no form with the other's digits.
    @Test(arguments: [
        ("n > d", 6), ("n >= d", 6), ("n < d", 4), ("n = d", 0), ("n <> d", 10), ("NOT (n > d)", 4),
        ("n > 15.5", 4), ("n <> 15.5", 10), ("n <> 15.0", 8), ("n = 15.0", 2), ("n + 0 > 15.5", 4),
        ("n + 0 <> 15.0000", 8), ("n > 0.000000000000000000000000000000000001", 6), ("n < 99999999999999999999.5", 10),
        ("n IN (15.00, 2.5)", 2), ("n BETWEEN 14.5 AND 15.5", 2), ("n BETWEEN d AND 15", 2), ("d < m", 6),
        ("d = m / 100", 2),
        ("d > 99999999999999999999", 0), ("d < n", 6), ("m <> d", 10),
        ("n > 170141183460469231731687303715884105727", 0),
        ("n < -170141183460469231731687303715884105728", 0), ("d >= -170141183460469231731687303715884105728", 10),
        ("d <> 170141183460469231731687303715884105727", 10), ("n < 1701411834604692317316873037158841057.27", 10),
        ("CASE WHEN n > d THEN n ELSE 0 END > 20", 4), ("n = 9223372036854775807.0", 4),
    ])
    func `whole numbers and decimals compare exactly`(_ condition: String, _ count: Int) throws {
        let store = try store()
        #expect(
            try store.query("SELECT count(*) FROM e WHERE \(condition)").rows == [[.int(Int128(count))]], "\(condition)"
        )
        let flags = try store.query("SELECT \(condition) FROM e").rows
        #expect(flags.count { $0 == [.bool(true)] } == count, "as a value: \(condition)")
        // Once for each group, in the evaluator of single values.
        let groups = try store.query("SELECT n, d, m, c, t, count(*) FROM e GROUP BY n, d, m, c, t HAVING \(condition)")
            .rows
        let total = groups.reduce(0) { if case .int(let value)? = $1.last { $0 + Int(value) } else { $0 } }
        #expect(total == count, "in a group: \(condition)")
    }
}
