import Dukkan
import DukkanFormat
import DukkanLanguage
import DukkanQuery
import DukkanStorage
import Foundation

/// Whole stores that earlier releases wrote, and what they were filled with.
///
/// None of these files may ever change: what was written once is read by every later release. A release with another format
/// adds a store: `DUKKAN_RECORD=1` writes one where a folder is missing.
enum GoldenStores {
    static let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/Stores")
    /// Version of the parts and of the manifest.
    static let names = ["part1-manifest1", "part2-manifest1", "part2-manifest2", "part3-manifest2", "part4-manifest2"]

    /// The plain text that every store was filled from.
    static func text(_ name: String) throws -> [[String]] {
        let text = try String(contentsOf: folder.appending(path: name + ".csv"), encoding: .utf8)
        return text.split(separator: "\n").dropFirst().map {
            $0.split(separator: ",", omittingEmptySubsequences: false)
        }
        .map { $0.map(String.init) }
    }

    static let statements = [
        "SELECT count(*), count(DISTINCT customer), count(value), sum(value), avg(score), min(day), max(at) FROM events",
        "SELECT event, device, count(*), sum(value), min(score), max(score) FROM events GROUP BY event, device ORDER BY 1, 2",
        "SELECT customer, at, event, device, value, score, seen, day, session, campaign FROM events WHERE customer < 100 "
            + "ORDER BY customer, at, session, event LIMIT 1000",
        "SELECT campaign, seen, count(*) FROM events WHERE at >= '2025-03-10' GROUP BY campaign, seen ORDER BY 1, 2",
        "SELECT number, customer, at, revenue, status FROM orders ORDER BY number",
        "SELECT status, count(*), sum(revenue) FROM orders GROUP BY status ORDER BY status",
        "FUNNEL v = events WHERE event = 'view', c = events WHERE event = 'cart', o = orders WITHIN 20 DAYS BY device",
        "RETENTION OF events BY WEEK FOR 3 PERIODS AS OF '2025-04-20'",
        "SELECT count(*) FROM events FOR SEGMENT buyers",
        "PATHS OF events ON event DEPTH 2 AS OF '2025-04-20'",
    ]

    /// Fills a new store as the golden ones were filled.
    static func fill(_ path: String) throws -> Store {
        let store = try Store.create(at: path, options: StoreOptions(threads: 1))
        try store.query(
            "CREATE TABLE events (customer INT CUSTOMER NULL, at TIMESTAMP TIME, event STRING, device STRING, "
                + "value DECIMAL(2), score DOUBLE, seen BOOL, day DATE, session INT)")
        try store.query(
            "CREATE TABLE orders (number STRING UNIQUE, customer INT CUSTOMER, at TIMESTAMP TIME, revenue DECIMAL(2), "
                + "status STRING)")
        var options = ImportOptions()
        options.anonymousRows = .keep
        func add(_ name: String, to table: String) throws {
            if table == "orders" { options.anonymousRows = .refuse }
            try store.importFiles([folder.appending(path: name + ".csv").path()], into: table, options: options)
            options.anonymousRows = .keep
        }
        try add("events-1", to: "events")
        try add("orders-1", to: "orders")
        try store.query("ALTER TABLE events ADD COLUMN campaign STRING")
        try add("events-2", to: "events")
        try add("orders-2", to: "orders")
        try store.query("DEFINE SEGMENT buyers AS count(orders) > 1")
        return store
    }

    /// What a store answers to all statements, one text for each.
    static func answers(_ store: Store) throws -> [String] {
        try statements.map { text in
            let result = try store.query(text)
            return result.columns.map(\.name).joined(separator: "|") + "\n"
                + result.rows.map { $0.map { "\($0)" }.joined(separator: "|") }.joined(separator: "\n")
        }
    }
}

/// A directory that goes away with its owner.
final class ScratchFolder {
    let url = FileManager.default.temporaryDirectory.appending(path: "dukkan-damage-\(UUID().uuidString)")

    init() throws { try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(at: url) }

    var store: String { url.appending(path: "store").path() }
}
