import Dukkan
import Foundation
import Testing

/// Queries at the borders of numbers, lengths and spellings: an answer or an error, never a trap.
struct QueryLimitTests {
    private let folder = StoreFolder()

    private func store(_ rows: String) throws -> Store {
        var options = StoreOptions()
        options.threads = 4
        let store = try Store.create(at: folder.path, options: options)
        _ = try store.query("CREATE TABLE visits (customer INT CUSTOMER NULL, t TIMESTAMP TIME, name STRING, n INT)")
        _ = try store.query(
            "CREATE TABLE customers (customer_id INT CUSTOMER, updated_at TIMESTAMP TIME, country STRING)")
        let file = folder.path + ".csv"
        try rows.write(toFile: file, atomically: true, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: file) }
        var importing = ImportOptions()
        importing.anonymousRows = .keep
        try store.importFiles([file], into: "visits", options: importing)
        return store
    }

    @Test func `rows without customer have no attributes, whichever thread reads them first`() throws {
        let store = try store("customer,t,name,n\n,2025-01-01,a,1\n,2025-01-02,b,2\n")
        for _ in 0..<20 {
            let answer = try store.query("SELECT customers.country, count(*) FROM visits GROUP BY customers.country")
            #expect(answer.rows == [[.null, .int(2)]])
        }
    }

    @Test func `two spellings of one character are two strings`() throws {
        let store = try store("customer,t,name,n\n1,2025-01-01,\u{E9},1\n1,2025-01-02,e\u{301},2\n")
        let counts = try store.query("SELECT count(DISTINCT name), count(DISTINCT name || '') FROM visits")
        #expect(counts.rows == [[.int(2), .int(2)]])
        #expect(try store.query("SELECT lower(name), count(*) FROM visits GROUP BY 1").rows.count == 2)
        #expect(Value.string("\u{E9}") != Value.string("e\u{301}"))
    }

    @Test(arguments: [
        "SELECT n FROM visits LIMIT 2 OFFSET 9223372036854775806",
        "SELECT n, count(*) FROM visits GROUP BY n LIMIT 9223372036854775807 OFFSET 1",
        "SELECT substring('abc', 170141183460469231731687303715884105727, 99) FROM visits",
    ])
    func `far limits and places give no rows or no text`(statement: String) throws {
        let store = try store("customer,t,name,n\n1,2025-01-01,a,1\n")
        let answer = try store.query(statement)
        #expect(answer.rows.isEmpty || answer.rows == [[.string("")]])
    }

    @Test(arguments: [
        "abs(-170141183460469231731687303715884105728)", "-(-170141183460469231731687303715884105728)",
        "bin(-170141183460469231731687303715884105727, 1000)",
    ])
    func `numbers beyond 128 bits are an error`(expression: String) throws {
        let store = try store("customer,t,name,n\n1,2025-01-01,a,1\n")
        #expect(throws: DukkanError.self) { try store.query("SELECT \(expression) FROM visits") }
    }

    @Test func `a member of a segment that nobody has is unknown, not outside`() throws {
        let store = try store("customer,t,name,n\n1,2025-01-01,a,1\n,2025-01-02,b,2\n")
        let answer = try store.query("SELECT count(*) FROM visits WHERE NOT SEGMENT (count(visits) > 5)")
        #expect(answer.rows == [[.int(1)]])
    }

    @Test func `segments that refer to segments are looked at once`() throws {
        let store = try store("customer,t,name,n\n1,2025-01-01,a,1\n")
        _ = try store.query("DEFINE SEGMENT s0 AS count(visits) > 0")
        for k in 1..<28 {
            _ = try store.query("DEFINE SEGMENT s\(k) AS IN SEGMENT s\(k - 1) AND NOT (NOT IN SEGMENT s\(k - 1))")
        }
        let answer = try store.query("SELECT count(*) FROM visits FOR SEGMENT s27")
        #expect(answer.rows == [[.int(1)]])
    }

    @Test func `many computed members of IN are a clear error`() throws {
        let store = try store("customer,t,name,n\n1,2025-01-01,a,1\n")
        let members = (0..<5_000).map { "n + \($0)" }.joined(separator: ", ")
        #expect(throws: DukkanError.self) { try store.query("SELECT count(*) FROM visits WHERE n IN (\(members))") }
        let few = (0..<900).map { "n + \($0)" }.joined(separator: ", ")
        #expect(try store.query("SELECT count(*) FROM visits WHERE n IN (\(few))").rows == [[.int(1)]])
    }
}
