/// Rows of one customer put together by a key, each key's rows in their order.
///
/// Rows of a key lie together in most data, as a session's do; then nothing is sorted and nothing copied.
struct RowPartition {
    /// The rows of one key: places `from ..< to` in ``order``.
    struct Group {
        var key: Int64
        var from: Int
        var to: Int
    }

    private(set) var order = GrowableBuffer<UInt32>(capacity: 256)
    private(set) var groups = GrowableBuffer<Group>(capacity: 64)
    /// Whether each group's rows, and those without key between them, are neighbours.
    private(set) var isContiguous = true

    func deallocate() {
        order.deallocate()
        groups.deallocate()
    }

    /// Keys up to which all are compared with all.
    private static let comparedCountMax = 8

    /// Puts rows together.
    ///
    /// O(rows), and O(rows log rows) where a key comes back.
    ///
    /// - Parameters:
    ///   - masks: rows whose mask has none of some bits have no key; nil: all have.
    ///   - wanted: those bits.
    mutating func run(
        _ keys: UnsafePointer<Int64>, masks: UnsafePointer<UInt32>?, among wanted: UInt32 = ~0, count: Int
    ) {
        order.count = 0
        groups.count = 0
        isContiguous = true
        order.reserve(count)
        let order = order.base
        var used = 0
        var key: Int64 = 0
        for row in 0..<count {
            if let masks, masks[row] & wanted == 0 { continue }
            if used == 0 || keys[row] != key {
                key = keys[row]
                if groups.count > 0 { groups.base[groups.count - 1].to = used }
                groups.append(Group(key: key, from: used, to: used))
            }
            order[used] = UInt32(truncatingIfNeeded: row)
            used &+= 1
        }
        if groups.count > 0 { groups.base[groups.count - 1].to = used }
        self.order.count = used
        if mayRepeat { sort(keys) }
    }

    private var mayRepeat: Bool {
        if groups.count < 3 { return false }
        if groups.count > RowPartition.comparedCountMax { return true }
        for i in 2..<groups.count {
            for j in 0..<(i - 1) where groups.base[i].key == groups.base[j].key { return true }
        }
        return false
    }

    /// Brings groups of one key together, in the order of their keys.
    private mutating func sort(_ keys: UnsafePointer<Int64>) {
        var all = UnsafeMutableBufferPointer(start: groups.base, count: groups.count)
        all.sort { ($0.key, $0.from) < ($1.key, $1.from) }
        var isRepeated = false
        for i in 1..<groups.count where groups.base[i].key == groups.base[i - 1].key {
            isRepeated = true
            break
        }
        guard isRepeated else { return }
        isContiguous = false
        var sorted = GrowableBuffer<UInt32>(capacity: order.count)
        var distinct = 0
        for i in 0..<groups.count {
            let group = groups.base[i]
            let from = sorted.count
            for place in group.from..<group.to { sorted.append(order.base[place]) }
            if i > 0 && groups.base[distinct - 1].key == group.key {
                groups.base[distinct - 1].to = sorted.count
            } else {
                groups.base[distinct] = Group(key: group.key, from: from, to: sorted.count)
                distinct += 1
            }
        }
        groups.count = distinct
        swap(&order, &sorted)
        sorted.deallocate()
    }
}
