import Dukkan
import Foundation

/// A place for a store, removed with its last user.
final class StoreFolder {
    let path: String

    init() {
        path = FileManager.default.temporaryDirectory.appending(path: "dukkan-\(UUID().uuidString)").path()
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// An order as an application might have it.
struct Order: Codable, Equatable {
    var orderID: Int
    var customerID: Int
    var orderedAt: Timestamp
    var country: String?
    var revenue: Double

    static let schema = TableSchema(
        "orders",
        columns: [
            ColumnDefinition("order_id", .int, role: .unique),
            ColumnDefinition("customer_id", .int, role: .customer),
            ColumnDefinition("ordered_at", .timestamp, role: .time),
            ColumnDefinition("country", .string),
            ColumnDefinition("revenue", .decimal(scale: 2)),
        ])

    /// `count` orders of ten customers, an hour apart, 1.25 each, numbered from `first`.
    static func series(_ count: Int, from first: Int = 1) -> [Order] {
        (first..<(first + count)).map { number in
            Order(
                orderID: number, customerID: number % 10,
                orderedAt: Timestamp(microseconds: 1_735_689_600_000_000 + Int64(number) * 3_600_000_000),
                country: number % 3 == 0 ? nil : "EG", revenue: 1.25)
        }
    }
}
