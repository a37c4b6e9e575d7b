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
        for pointer in starts { pointer.deallocate() }
    }

    /// Tables that the kernel takes.
    private static let laneCountMax = 32

    /// O(customers of all tables × tables).
    func unite(_ tables: [TableAssembly]) {
        let bound = tables.reduce(0) { $0 + $1.keys.count } + 1
        if bound > capacity {
            for pointer in starts { pointer.deallocate() }
            capacity = bound + bound / 2
            starts = tables.map { _ in UnsafeMutablePointer<UInt32>.allocate(capacity: capacity) }
        }
        keys.removeAll()
        if keys.isString || tables.count > CustomerUnion.laneCountMax {
            uniteAny(tables)
        } else {
            keys.reserve(bound)
            uniteIntegers(tables)
        }
    }

    private func uniteIntegers(_ tables: [TableAssembly]) {
        let lanes = tables.enumerated().map { t, table in
            dukkan_key_lane(
                keys: table.keys.integers, starts: table.starts, united: starts[t], count: table.keys.count)
        }
        keys.setCount(dukkan_unite_keys(lanes, lanes.count, keys.integers))
    }

    private func uniteAny(_ tables: [TableAssembly]) {
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
