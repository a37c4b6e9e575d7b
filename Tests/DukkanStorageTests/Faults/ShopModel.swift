import DukkanFormat
import DukkanStorage

/// What the tables of a store hold, as a snapshot shows it.
struct ShopState: Hashable, Sendable, CustomStringConvertible {
    struct Table: Hashable, Sendable {
        var columnCount: Int
        /// In the store's total order.
        var rows: [Row]
    }

    var tables: [String: Table] = [:]

    init() {}

    init(_ snapshot: Snapshot) throws {
        for table in snapshot.tables {
            guard let shop = ShopModel.shops.first(where: { $0.name == table.schema.name }) else {
                throw FaultComplaint("a table \(table.schema.name) that nobody made")
            }
            tables[shop.name] = Table(columnCount: table.schema.columns.count, rows: try shop.rows(snapshot))
        }
    }

    var description: String {
        let texts = tables.sorted { $0.key < $1.key }.map { name, table in
            "\(table.rows.count) rows of \(name) with \(table.columnCount) columns"
        }
        return texts.isEmpty ? "no tables" : texts.joined(separator: ", ")
    }
}

/// The tables as plain lists, with the rules of the store in their plainest form.
struct ShopModel: Sendable {
    /// The tables that the lives know: one with a unique key, one without.
    static let shops = [Shop(isUnique: true), Shop(name: "visits")]

    private struct Table: Sendable {
        var isWide: Bool
        var model: Model
    }

    private var tables: [String: Table] = [:]

    func has(_ shop: Shop) -> Bool { tables[shop.name] != nil }
    func isWide(_ shop: Shop) -> Bool { tables[shop.name]?.isWide == true }
    func rowCount(_ shop: Shop) -> Int { tables[shop.name]?.model.rows.count ?? 0 }
    var customers: Set<String> { Set(tables.values.flatMap { $0.model.rows.compactMap(\.customer) }) }

    /// The schema with or without the last column.
    static func schema(_ shop: Shop, isWide: Bool) -> TableSchema {
        var schema = shop.schema
        if !isWide { schema.columns.removeLast() }
        return schema
    }

    /// Rows as a batch of the table's columns.
    func batch(_ rows: [Row], _ shop: Shop) -> RowBatch {
        var batch = shop.batch(rows)
        if !isWide(shop) { batch.columns.removeLast() }
        return batch
    }

    mutating func make(_ shop: Shop, isWide: Bool) {
        tables[shop.name] = Table(isWide: isWide, model: Model(shop: shop))
    }

    mutating func drop(_ shop: Shop) { tables[shop.name] = nil }
    mutating func widen(_ shop: Shop) { tables[shop.name]?.isWide = true }

    mutating func append(_ rows: [Row], _ shop: Shop) {
        let isWide = isWide(shop)
        tables[shop.name]?.model.append(
            rows.map { row in
                var row = row
                if !isWide { row.value = nil }
                return row
            })
    }

    mutating func erase(_ customers: Set<String>) {
        for name in tables.keys {
            tables[name]?.model.rows.removeAll { $0.customer.map(customers.contains) == true }
        }
    }

    var state: ShopState {
        var state = ShopState()
        for (name, table) in tables {
            state.tables[name] = ShopState.Table(columnCount: table.isWide ? 6 : 5, rows: table.model.sorted)
        }
        return state
    }
}

/// Something that must not be, found in a life under faults.
struct FaultComplaint: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}
