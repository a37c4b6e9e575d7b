import Dukkan
import Foundation

/// Stores that benchmarks read, made once, outside of what is measured, and removed with the process's folder.
enum ScratchStore {
    static let folder: URL = {
        let url = FileManager.default.temporaryDirectory.appending(path: "dukkan-benchmarks-\(getpid())")
        try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(at: ScratchStore.folder) }
        return url
    }()

    static func path(_ name: String) -> String { folder.appending(path: name).path() }

    /// A new store; one of that name is removed first.
    static func make(_ name: String, tables: [TableSchema]) throws -> Store {
        try? FileManager.default.removeItem(atPath: path(name))
        let store = try Store.create(at: path(name))
        try store.createTables(tables)
        return store
    }

    static func byteCount(_ store: Store) throws -> Int {
        try store.tables().reduce(0) { $0 + $1.byteCount }
    }
}

/// A year of a small shop, as columns: rows in order of time, customers of uneven activity.
struct ShopColumns {
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
        for row in 0..<ShopColumns.rowCount {
            let rank = numbers.below(20_000)
            customers.append(rank * rank / 20_000)
            times.append(
                Timestamp(microseconds: ShopColumns.start + Int64(row) * 157_000_000 + Int64(numbers.below(1_000_000))))
            let depth = numbers.below(100)
            events.append(ShopColumns.names[depth < 50 ? 0 : depth < 80 ? 1 : depth < 92 ? 2 : depth < 97 ? 3 : 4])
            countries.append(ShopColumns.countries[customers[row] % ShopColumns.countries.count])
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

    func batch() throws -> RowBatchBuilder {
        let rows = RowBatchBuilder(ShopColumns.schema)
        try rows.append(customers, to: "customer_id")
        try rows.append(times, to: "ts")
        try rows.append(events, to: "event")
        try rows.append(countries, to: "country")
        try rows.append(unscaled: cents, to: "value")
        return rows
    }
}
