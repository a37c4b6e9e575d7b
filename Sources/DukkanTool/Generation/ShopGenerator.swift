import Dispatch

/// Writes a shop's data in order of time, some days at once, in memory that does not grow with the data.
struct ShopGenerator {
    let shop: Shop
    /// Tables wanted, each with the function that takes its bytes.
    let sinks: [ShopRows.Table: ([UInt8]) throws -> Void]
    /// Called with the number of sessions written and of all.
    var progress: ((Int, Int) -> Void)?

    private static let daysAtOnce = 8

    /// Rows written, by table.
    typealias Counts = [ShopRows.Table: Int]

    func run() throws -> Counts {
        let shop = shop
        var counts: Counts = [:]
        for table in ShopRows.Table.allCases { try sinks[table]?(Array(ShopRows.header(table).utf8)) }
        let rows = ShopRows(shop: shop)
        if let sink = sinks[.customers] {
            for day in 0..<Shop.dayCount { try sink(rows.customers(day: day)) }
            counts[.customers] = shop.customerCount
        }
        guard sinks.keys.contains(where: { $0 != .customers }) else { return counts }
        var late: [ShopDay.Event] = []
        var nextOrder = 1
        var day = 0
        while day < Shop.dayCount || !late.isEmpty {
            let wave = day..<max(day + 1, min(day + ShopGenerator.daysAtOnce, Shop.dayCount))
            var days = inParallel(wave.count) { ShopDay(shop, day: wave.lowerBound + $0) }
            var firstOrders: [Int] = []
            for index in days.indices {
                let moved = days[index].removeLateEvents()
                days[index].events.append(contentsOf: late)
                late = moved
                late.append(contentsOf: days[index].removeLateEvents())
                firstOrders.append(nextOrder)
                nextOrder += days[index].purchaseCount
            }
            let made = days, orders = firstOrders
            let wanted = Set(sinks.keys)
            let bytes = inParallel(made.count) { index in
                var day = made[index]
                day.sortEvents()
                return DayBytes(rows, day, firstOrder: orders[index], wanted: wanted)
            }
            for (index, written) in bytes.enumerated() {
                try sinks[.sessions]?(written.sessions)
                try sinks[.events]?(written.events)
                try sinks[.orders]?(written.orders)
                counts[.sessions, default: 0] += made[index].sessions.count
                counts[.events, default: 0] += made[index].events.count
            }
            progress?(counts[.sessions] ?? 0, shop.sessionCount)
            day = wave.upperBound
        }
        counts[.orders] = nextOrder - 1
        return counts.filter { sinks[$0.key] != nil }
    }

    private struct DayBytes: Sendable {
        var sessions: [UInt8] = [], events: [UInt8] = [], orders: [UInt8] = []

        init(_ rows: ShopRows, _ day: ShopDay, firstOrder: Int, wanted: Set<ShopRows.Table>) {
            if wanted.contains(.sessions) { sessions = rows.sessions(day) }
            if wanted.contains(.events) { events = rows.events(day) }
            if wanted.contains(.orders) { orders = rows.orders(day, first: firstOrder) }
        }
    }

    /// Calls `make` for 0 ..< count on all cores and returns the results in order.
    private func inParallel<T: Sendable>(_ count: Int, _ make: @Sendable (Int) -> T) -> [T] {
        [T](unsafeUninitializedCapacity: count) { buffer, initializedCount in
            // Each call writes an element of its own.
            nonisolated(unsafe) let slots = buffer
            DispatchQueue.concurrentPerform(iterations: count) { index in
                (slots.baseAddress! + index).initialize(to: make(index))
            }
            initializedCount = count
        }
    }
}
