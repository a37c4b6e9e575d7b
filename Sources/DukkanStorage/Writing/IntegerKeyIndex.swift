/// The distinct integer keys of a run, and the last row that carries each.
final class IntegerKeyIndex {
    private let keys: UnsafeMutablePointer<Int64>
    /// Row of the key in the same slot; `UInt32.max` marks a free slot.
    private let rows: UnsafeMutablePointer<UInt32>
    private let mask: Int
    private(set) var minimum = Int64.max
    private(set) var maximum = Int64.min

    /// An index for up to `capacity` keys.
    init(capacity: Int) {
        var slotCount = 64
        while slotCount < capacity * 2 { slotCount *= 2 }
        mask = slotCount - 1
        keys = .allocate(capacity: slotCount)
        rows = .allocate(capacity: slotCount)
        rows.initialize(repeating: .max, count: slotCount)
    }

    deinit {
        keys.deallocate()
        rows.deallocate()
    }

    /// Notes the row of a key; returns the row that carried the key before.
    func insert(_ key: Int64, row: UInt32) -> UInt32? {
        var slot = IntegerKeyIndex.slot(key) & mask
        while rows[slot] != .max {
            if keys[slot] == key {
                let earlier = rows[slot]
                rows[slot] = row
                return earlier
            }
            slot = (slot + 1) & mask
        }
        keys[slot] = key
        rows[slot] = row
        minimum = min(minimum, key)
        maximum = max(maximum, key)
        return nil
    }

    @inline(__always)
    func contains(_ key: Int64) -> Bool {
        if key < minimum || key > maximum { return false }
        var slot = IntegerKeyIndex.slot(key) & mask
        while rows[slot] != .max {
            if keys[slot] == key { return true }
            slot = (slot + 1) & mask
        }
        return false
    }

    @inline(__always)
    private static func slot(_ key: Int64) -> Int {
        Int(truncatingIfNeeded: (UInt64(bitPattern: key) &* 0x9E37_79B9_7F4A_7C15) >> 20)
    }
}
