import CDukkanKernels
import DukkanFormat

/// Gives the tables of a morsel the same customers: the union of theirs, with empty runs where a table has none of a
/// customer's rows.
final class CustomerUnion {
    let keys: CustomerKeyList
    /// For each table the first row of each customer, one more entry than customers.
    private(set) var starts: [UnsafeMutablePointer<UInt32>] = []
    private var capacity = 0

    init(isString: Bool) {
        keys = CustomerKeyList(isString: isString)
    }

    deinit {
        for pointer in starts { KeptMemory.release(pointer, capacity) }
    }

    /// Tables that the kernel takes.
    private static let laneCountMax = 32

    /// O(customers of all tables × tables).
    func unite(_ tables: [TableAssembly]) {
        let bound = tables.reduce(0) { $0 + $1.keys.count } + 1
        if bound + 8 > capacity {
            for pointer in starts { KeptMemory.release(pointer, capacity) }
            capacity = bound + bound / 2 + 8
            starts = tables.map { _ in KeptMemory.allocate(capacity) }
        }
        keys.removeAll()
        // The kernel writes eight keys at once.
        keys.reserve(bound + 8)
        if keys.isString || tables.count > CustomerUnion.laneCountMax {
            uniteAny(tables)
        } else {
            uniteIntegers(tables)
        }
    }

    /// One table's ascending keys and where the merge stands in them.
    private struct Lane {
        let keys: UnsafePointer<Int64>
        let starts: UnsafePointer<UInt32>
        let united: UnsafeMutablePointer<UInt32>
        let count: Int
        var at = 0
        /// The search for the least key that last found the lane's key to be it.
        var found = 0
    }

    private func uniteIntegers(_ tables: [TableAssembly]) {
        let lanes = tables.enumerated().map { t, table in
            dukkan_key_lane(
                keys: table.keys.integers, starts: table.starts, united: starts[t], count: table.keys.count)
        }
        keys.setCount(dukkan_unite_keys(lanes, lanes.count, keys.integers))
    }

    private func uniteAny(_ tables: [TableAssembly]) {
        let keys = keys
        let lists = tables.map(\.keys.keys)
        withUnsafeTemporaryAllocation(of: Lane.self, capacity: tables.count) { lanes in
            for (t, table) in tables.enumerated() {
                lanes.initializeElement(
                    at: t,
                    to: Lane(
                        keys: lists[t].integers, starts: UnsafePointer(table.starts), united: starts[t],
                        count: table.keys.count))
            }
            lists.withUnsafeBufferPointer { lists in
                var customer = 0, search = 0
                while let least = CustomerUnion.least(lanes, lists, &search) {
                    keys.append(lists[least], lanes[least].at)
                    for t in 0..<lanes.count {
                        let at = lanes[t].at
                        lanes[t].united[customer] = lanes[t].starts[at]
                        lanes[t].at = at &+ (lanes[t].found == search ? 1 : 0)
                    }
                    customer &+= 1
                }
                for t in 0..<lanes.count { lanes[t].united[customer] = lanes[t].starts[lanes[t].count] }
            }
        }
    }

    /// The first of the lanes that stand at the least key, each of which `search` marks; nil at the end of all.
    @inline(__always)
    private static func least(
        _ lanes: UnsafeMutableBufferPointer<Lane>, _ lists: UnsafeBufferPointer<CustomerKeys>, _ search: inout Int
    ) -> Int? {
        var least = -1
        for t in 0..<lanes.count where lanes[t].at < lanes[t].count {
            let order = least < 0 ? -1 : lists[t].compare(lanes[t].at, lists[least], lanes[least].at)
            if order < 0 {
                search &+= 1
                least = t
            }
            if order <= 0 { lanes[t].found = search }
        }
        return least < 0 ? nil : least
    }
}
