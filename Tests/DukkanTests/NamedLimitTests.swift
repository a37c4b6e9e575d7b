import Dukkan
import Foundation
import Testing

/// What is too deep, too long or too many meets a limit that the error names; what is just within it is answered.
struct NamedLimitTests {
    private let folder = StoreFolder()

    private func store() throws -> Store {
        let store = try Store.create(at: folder.path, options: StoreOptions(memoryBudgetBytes: 64 << 20, threads: 2))
        try store.query("CREATE TABLE e (c INT CUSTOMER, t TIMESTAMP TIME, s STRING, n INT, d DECIMAL(2))")
        let file = folder.path + ".csv"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try "c,t,s,n,d\n1,2025-01-01,\(String(repeating: "a", count: 5_000)),1,1.5\n2,2025-01-02,b,2,2.5\n"
            .write(toFile: file, atomically: true, encoding: .utf8)
        try store.importFiles([file], into: "e")
        return store
    }

    private static func list(_ count: Int, _ separator: String = ", ", _ item: (Int) -> String) -> String {
        (0..<count).map(item).joined(separator: separator)
    }

    /// A statement of so many things, the limit, and what else the error says.
    private static let limits: [(name: String, most: Int, text: @Sendable (Int) -> String)] = [
        ("columns of an answer", 1_000, { "SELECT \(list($0) { _ in "n" }) FROM e" }),
        ("keys of GROUP BY", 63, { "SELECT count(*) FROM e GROUP BY \(list($0) { "n + \($0)" })" }),
        ("keys of ORDER BY", 64, { "SELECT n FROM e ORDER BY \(list($0) { "n + \($0)" })" }),
        (
            "operators upon each other", 248,
            { "SELECT n FROM e WHERE n > 0" + String(repeating: " AND n > 0", count: $0) }
        ),
        (
            "parentheses within each other", 49,
            {
                "SELECT " + String(repeating: "(", count: $0) + "n" + String(repeating: ")", count: $0) + " FROM e"
            }
        ),
        ("steps of a funnel", 32, { "FUNNEL \(list($0) { "s\($0) = e" })" }),
        ("exclusions and steps", 30, { "FUNNEL a = e, b = e" + list($0, "") { " EXCLUDING x\($0) = e" } }),
        ("bins", 1_000, { "FUNNEL a = e, b = e TIME TO CONVERT IN \($0) BINS" }),
        ("periods of a retention", 1_000, { "RETENTION OF e BY DAY FOR \($0) PERIODS" }),
        ("brackets of a retention", 999, { "RETENTION OF e BY DAY BRACKETS \(list($0) { "\($0 + 1)" })" }),
        (
            "measures of a retention", 16,
            { "RETENTION OF e BY DAY FOR 2 PERIODS MEASURING \(list($0) { _ in "sum(n)" })" }
        ),
        ("items of a path", 100, { "PATHS OF e ON s DEPTH \($0)" }),
        ("segments beside each other", 64, { "SELECT count(*) FROM e BY SEGMENTS \(list($0) { "s\($0 % 4)" })" }),
        ("digits of a literal", 36, { "SELECT n FROM e WHERE d > 0.\(String(repeating: "1", count: $0))" }),
        ("computed members of IN", 1_000, { "SELECT n FROM e WHERE n IN (\(list($0) { "n + \($0 + 1)" }))" }),
        (
            "columns of a table", 1_000,
            { "CREATE TABLE t\($0) (c INT CUSTOMER, t TIMESTAMP TIME, \(list($0 - 2) { "x\($0) INT" }))" }
        ),
    ]

    @Test(arguments: limits.indices) func `one more than a limit is an error that names it`(_ place: Int) throws {
        let (name, most, text) = NamedLimitTests.limits[place]
        let store = try store()
        for number in 0..<4 { try store.query("DEFINE SEGMENT s\(number) AS count(e) > \(number)") }
        #expect(throws: Never.self, "\(name)") { try store.query(text(most)) }
        let error = #expect(throws: DukkanError.self, "\(name)") { try store.query(text(most + 1)) }
        let isNamed =
            [.limit, .invalidQuery, .syntax].contains(error?.code) && error?.message.contains { $0.isNumber } == true
        #expect(isNamed, "\(name): \(error.debugDescription)")
    }

    @Test func `patterns take time by their length, not by the ways to match`() throws {
        let store = try store()
        let pattern = String(repeating: "%a", count: 500) + "%b"
        let start = ContinuousClock.now
        let answer = try store.query("SELECT count(*) FROM e WHERE s LIKE '\(pattern)' OR s ILIKE '\(pattern)_'")
        #expect(answer.rows == [[.int(0)]])
        #expect(ContinuousClock.now - start < .seconds(10))
    }

    @Test func `segments that refer to each other deeper than 32 are refused`() throws {
        let store = try store()
        try store.query("DEFINE SEGMENT g0 AS count(e) > 0")
        for level in 1...33 { try store.query("DEFINE SEGMENT g\(level) AS IN SEGMENT g\(level - 1)") }
        #expect(try store.query("SELECT count(*) FROM e FOR SEGMENT g30").rows == [[.int(2)]])
        let error = #expect(throws: DukkanError.self) { try store.query("SELECT count(*) FROM e FOR SEGMENT g33") }
        #expect(error?.code == .limit && error?.message.contains("32") == true)
    }

    @Test func `more groups than the memory holds are an error of the budget`() throws {
        let folder = StoreFolder()
        let store = try Store.create(at: folder.path, options: StoreOptions(memoryBudgetBytes: 16 << 20, threads: 2))
        try store.query("CREATE TABLE e (c INT CUSTOMER, t TIMESTAMP TIME, s STRING)")
        let file = folder.path + ".csv"
        defer { try? FileManager.default.removeItem(atPath: file) }
        try ("c,t,s\n" + NamedLimitTests.list(300_000, "") { "\($0),2025-01-01,a text of some length \($0)\n" })
            .write(toFile: file, atomically: true, encoding: .utf8)
        try store.importFiles([file], into: "e")
        let error = #expect(throws: DukkanError.self) {
            try store.query("SELECT s || 'x', c, count(DISTINCT c) FROM e GROUP BY s || 'x', c")
        }
        #expect(error?.code == .memoryBudget, "\(error.debugDescription)")
    }

    @Test func `lists of many constants are answered`() throws {
        let store = try store()
        let members = NamedLimitTests.list(50_000) { "\($0 + 2)" }
        #expect(try store.query("SELECT count(*) FROM e WHERE n IN (\(members))").rows == [[.int(1)]])
    }
}
