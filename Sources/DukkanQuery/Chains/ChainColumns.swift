/// Rows of one customer as they are put together for her runs; pointers are borrowed.
struct ChainColumns {
    var times: UnsafePointer<Int64>
    var masks: UnsafePointer<UInt32>
    var count: Int
    /// Numbers of the breakdown's values.
    var values: UnsafePointer<UInt32>?
    /// What all rows of a chain have in common.
    var keys: UnsafePointer<Int64>?
    /// What tells units apart.
    var units: UnsafePointer<Int64>?
    /// Rows of the table that is measured.
    var sources: UnsafePointer<UInt32>?
    /// Places in the customer's order; nil: one after the other from ``base`` on.
    var places: UnsafePointer<UInt32>?
    var base = 0

    init(times: UnsafePointer<Int64>, masks: UnsafePointer<UInt32>, count: Int) {
        self.times = times
        self.masks = masks
        self.count = count
    }

    /// A row's place in the customer's order.
    @inline(__always)
    func place(_ row: Int) -> Int { places.map { Int($0[row]) } ?? base &+ row }

    /// Neighbouring rows.
    @inline(__always)
    func slice(_ from: Int, _ to: Int) -> ChainColumns {
        var slice = ChainColumns(times: times + from, masks: masks + from, count: to - from)
        slice.values = values.map { $0 + from }
        slice.keys = keys.map { $0 + from }
        slice.units = units.map { $0 + from }
        slice.sources = sources.map { $0 + from }
        slice.places = places.map { $0 + from }
        slice.base = base + from
        return slice
    }
}

/// Memory for rows that had to be copied.
struct ChainArena {
    private var times = GrowableBuffer<Int64>(capacity: 256)
    private var masks = GrowableBuffer<UInt32>(capacity: 256)
    private var values = GrowableBuffer<UInt32>(capacity: 16)
    private var keys = GrowableBuffer<Int64>(capacity: 16)
    private var units = GrowableBuffer<Int64>(capacity: 16)
    private var sources = GrowableBuffer<UInt32>(capacity: 16)
    private var places = GrowableBuffer<UInt32>(capacity: 256)

    func deallocate() {
        times.deallocate()
        masks.deallocate()
        values.deallocate()
        keys.deallocate()
        units.deallocate()
        sources.deallocate()
        places.deallocate()
    }

    /// Copies rows in an order; they are valid until the next call.
    mutating func gather(_ columns: ChainColumns, _ order: UnsafePointer<UInt32>, _ count: Int) -> ChainColumns {
        times.reserve(count)
        masks.reserve(count)
        places.reserve(count)
        for i in 0..<count {
            let row = Int(order[i])
            times.base[i] = columns.times[row]
            masks.base[i] = columns.masks[row]
            places.base[i] = UInt32(truncatingIfNeeded: columns.place(row))
        }
        var copy = ChainColumns(times: UnsafePointer(times.base), masks: UnsafePointer(masks.base), count: count)
        copy.places = UnsafePointer(places.base)
        if let from = columns.values { copy.values = ChainArena.pick(from, order, count, &values) }
        if let from = columns.sources { copy.sources = ChainArena.pick(from, order, count, &sources) }
        if let from = columns.keys { copy.keys = ChainArena.pick(from, order, count, &keys) }
        if let from = columns.units { copy.units = ChainArena.pick(from, order, count, &units) }
        return copy
    }

    private static func pick<Element: BitwiseCopyable>(
        _ from: UnsafePointer<Element>, _ order: UnsafePointer<UInt32>, _ count: Int,
        _ to: inout GrowableBuffer<Element>
    ) -> UnsafePointer<Element> {
        to.reserve(count)
        let base = to.base
        for i in 0..<count { base[i] = from[Int(order[i])] }
        return UnsafePointer(base)
    }
}
