import Dukkan
import Foundation
import Testing

/// Slices, segments and deciles over a small shop, against answers that another engine gave.
///
/// The cases are text, `Queries/*.txt`; the shop is `Queries/*.csv`.
struct QueryCaseTests {
    private struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var statement: String
        var rows: [[String]]
        var testDescription: String { name }
    }

    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Queries")

    private static func read(_ file: String) throws -> [Case] {
        let text = try String(contentsOf: folder.appending(path: file), encoding: .utf8)
        return text.components(separatedBy: "\n## ").dropFirst().map { block in
            let parts = block.components(separatedBy: "\n----\n")
            let head = parts[0].split(separator: "\n", maxSplits: 1).map(String.init)
            let rows = parts[1].split(separator: "\n").map { line in
                line.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
            }
            return Case(name: head[0], statement: head[1], rows: rows)
        }
    }

    private static let schema = """
        CREATE TABLE customers (customer_id INT CUSTOMER, updated_at TIMESTAMP TIME, country STRING, consent BOOL);
        CREATE TABLE sessions (session_id STRING, customer_id INT CUSTOMER, started_at TIMESTAMP TIME, channel STRING,
            duration_s INT);
        CREATE TABLE events (customer_id INT CUSTOMER NULL, ts TIMESTAMP TIME, event STRING, session_id STRING,
            value DECIMAL(2));
        CREATE TABLE orders (order_id INT UNIQUE, customer_id INT CUSTOMER, ordered_at TIMESTAMP TIME,
            revenue DECIMAL(2), status STRING, weight DOUBLE);
        DEFINE SEGMENT big AS sum(orders.revenue) > 150;
        """

    /// The shop in as many commits as asked: the rows of each file are dealt out in order.
    static func shop(at path: String, commits: Int, threads: Int) throws -> Store {
        var options = StoreOptions()
        options.threads = threads
        options.automaticCompaction = false
        let store = try Store.create(at: path, options: options)
        for statement in schema.components(separatedBy: ";") where !statement.allSatisfy(\.isWhitespace) {
            _ = try store.query(statement)
        }
        for table in ["customers", "sessions", "events", "orders"] {
            let text = try String(contentsOf: folder.appending(path: "\(table).csv"), encoding: .utf8)
            let lines = text.split(separator: "\n")
            let size = (lines.count - 1 + commits - 1) / commits
            for commit in 0..<commits {
                let share = lines.dropFirst(1 + commit * size).prefix(size)
                if share.isEmpty { continue }
                let file = path + ".csv"
                try ([lines[0]] + share).joined(separator: "\n").appending("\n")
                    .write(toFile: file, atomically: true, encoding: .utf8)
                defer { try? FileManager.default.removeItem(atPath: file) }
                var importing = ImportOptions()
                if table == "events" { importing.anonymousRows = .keep }
                try store.importFiles([file], into: table, options: importing)
            }
        }
        return store
    }

    private static func isEqual(_ value: Value, _ expected: String) -> Bool {
        switch value {
        case .null: return expected.isEmpty
        case .double(let number):
            guard let other = Double(expected) else { return false }
            return number == other || abs(number - other) <= 1e-9 * max(abs(number), abs(other))
        case .bool(let truth): return expected == "\(truth)"
        case .int(let number): return Double(expected) == Double(number)
        case .decimal(let number):
            guard let other = Double(expected) else { return false }
            return abs(number.double - other) < 1e-9
        case .timestamp(let time): return "\(time)" == expected
        case .date(let date): return "\(date)" == expected
        case .string(let text): return text == expected
        }
    }

    @Test(arguments: [(1, 1), (1, 2), (7, 2), (7, 8)])
    func `answers are those of another engine`(commits: Int, threads: Int) throws {
        let place = StoreFolder()
        let store = try QueryCaseTests.shop(at: place.path, commits: commits, threads: threads)
        let cases = try QueryCaseTests.read("slices.txt") + QueryCaseTests.read("segments.txt")
        #expect(cases.count >= 54)
        for round in ["as loaded", "compacted"] {
            for item in cases {
                let answer = try store.query(item.statement).rows
                let isSame =
                    answer.count == item.rows.count
                    && zip(answer, item.rows).allSatisfy { row, expected in
                        row.count == expected.count && zip(row, expected).allSatisfy(QueryCaseTests.isEqual)
                    }
                #expect(isSame, "\(item.name), \(round): \(item.statement)\n\(answer)\ninstead of\n\(item.rows)")
            }
            _ = try store.compact()
        }
        #expect(try store.verify().isEmpty)
    }
}
