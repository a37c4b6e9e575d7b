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
        for pointer in starts { pointer.deallocate() }
    }

    /// O(customers of all tables).
    func unite(_ tables: [TableAssembly]) {
        let bound = tables.reduce(0) { $0 + $1.keys.count } + 1
        if bound > capacity {
            for pointer in starts { pointer.deallocate() }
            capacity = bound + bound / 2
            starts = tables.map { _ in UnsafeMutablePointer<UInt32>.allocate(capacity: capacity) }
        }
        keys.removeAll()
        if keys.isString {
            uniteStrings(tables)
        } else {
            keys.reserve(bound)
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
    }

    private func uniteIntegers(_ tables: [TableAssembly]) {
        let output = keys.integers
        var customer = 0
        withUnsafeTemporaryAllocation(of: Lane.self, capacity: tables.count) { lanes in
            for (t, table) in tables.enumerated() {
                lanes.initializeElement(
                    at: t,
                    to: Lane(
                        keys: UnsafePointer(table.keys.integers), starts: UnsafePointer(table.starts),
                        united: starts[t], count: table.keys.count))
            }
            while true {
                var least = Int64.max
                var hasOne = false
                for t in 0..<lanes.count where lanes[t].at < lanes[t].count {
                    least = min(least, lanes[t].keys[lanes[t].at])
                    hasOne = true
                }
                if !hasOne { break }
                output[customer] = least
                for t in 0..<lanes.count {
                    let at = lanes[t].at
                    lanes[t].united[customer] = lanes[t].starts[at]
                    lanes[t].at = at &+ (at < lanes[t].count && lanes[t].keys[at] == least ? 1 : 0)
                }
                customer &+= 1
            }
            for t in 0..<lanes.count { lanes[t].united[customer] = lanes[t].starts[lanes[t].count] }
        }
        keys.setCount(customer)
    }

    private func uniteStrings(_ tables: [TableAssembly]) {
        var positions = tables.map { _ in 0 }
        var customer = 0
        let lists = tables.map(\.keys)
        while true {
            var least = -1
            for t in lists.indices where positions[t] < lists[t].count {
                if least < 0 || lists[t].compare(positions[t], lists[least], positions[least]) < 0 { least = t }
            }
            if least < 0 { break }
            keys.append(lists[least], positions[least])
            for t in lists.indices {
                let at = positions[t]
                starts[t][customer] = tables[t].starts[at]
                if at < lists[t].count, lists[t].compare(at, keys, customer) == 0 { positions[t] = at + 1 }
            }
            customer += 1
        }
        for t in lists.indices { starts[t][customer] = tables[t].starts[lists[t].count] }
    }
}
