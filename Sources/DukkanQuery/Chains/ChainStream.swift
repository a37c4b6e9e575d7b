/// Rows that exclude, of one customer or one of her units; pointers are borrowed.
struct ChainExclusions {
    var times: UnsafePointer<Int64>
    var masks: UnsafePointer<UInt32>
    var count: Int
}

/// One customer's rows, copied where they come from several tables or some of them exclude.
struct ChainStream {
    private var allTimes = GrowableBuffer<Int64>(capacity: 256)
    private var allMasks = GrowableBuffer<UInt32>(capacity: 256)
    private var values = GrowableBuffer<UInt32>(capacity: 256)
    private var keys = GrowableBuffer<Int64>(capacity: 256)
    private var units = GrowableBuffer<Int64>(capacity: 256)
    private var sources = GrowableBuffer<UInt32>(capacity: 256)
    private var order = GrowableBuffer<UInt32>(capacity: 256)
    private var arena = ChainArena()
    private var stepMasks = GrowableBuffer<UInt32>(capacity: 256)
    private var exclusionTimes = GrowableBuffer<Int64>(capacity: 64)
    private var exclusionMasks = GrowableBuffer<UInt32>(capacity: 64)
    private var exclusionUnits = GrowableBuffer<Int64>(capacity: 64)

    func deallocate() {
        for buffer in [allTimes, keys, units, exclusionTimes, exclusionUnits] { buffer.deallocate() }
        for buffer in [allMasks, values, sources, order, stepMasks, exclusionMasks] { buffer.deallocate() }
        arena.deallocate()
    }

    var times: UnsafePointer<Int64> { UnsafePointer(allTimes.base) }
    var masks: UnsafePointer<UInt32> { UnsafePointer(allMasks.base) }

    // MARK: Merging

    mutating func removeAll() {
        allTimes.count = 0
        allMasks.count = 0
        values.count = 0
        keys.count = 0
        units.count = 0
        sources.count = 0
    }

    @inline(__always)
    mutating func append(_ columns: ChainColumns, _ row: Int) {
        allTimes.append(columns.times[row])
        allMasks.append(columns.masks[row])
        if let from = columns.values { values.append(from[row]) }
        if let from = columns.keys { keys.append(from[row]) }
        if let from = columns.units { units.append(from[row]) }
        if let from = columns.sources { sources.append(from[row]) }
    }

    /// The rows appended, with the columns that others have.
    func columns(like other: ChainColumns) -> ChainColumns {
        var columns = ChainColumns(times: times, masks: masks, count: allTimes.count)
        if other.values != nil { columns.values = UnsafePointer(values.base) }
        if other.keys != nil { columns.keys = UnsafePointer(keys.base) }
        if other.units != nil { columns.units = UnsafePointer(units.base) }
        if other.sources != nil { columns.sources = UnsafePointer(sources.base) }
        return columns
    }

    // MARK: Separating

    var exclusionCount: Int { exclusionTimes.count }

    /// Puts rows that exclude aside and returns the others, with no bits but those of steps.
    mutating func separate(
        _ columns: ChainColumns, steps: UInt32, presence: UInt32, excluding: UInt32
    ) -> ChainColumns {
        let count = columns.count
        order.reserve(count)
        exclusionTimes.count = 0
        exclusionMasks.count = 0
        exclusionUnits.count = 0
        let wanted = steps | presence
        var kept = 0
        let order = order.base
        for row in 0..<count {
            let mask = columns.masks[row]
            if mask & excluding != 0 {
                exclusionTimes.append(columns.times[row])
                exclusionMasks.append(mask & excluding)
                exclusionUnits.append(columns.units.map { $0[row] } ?? 0)
            }
            order[kept] = UInt32(truncatingIfNeeded: row)
            kept &+= mask & wanted != 0 ? 1 : 0
        }
        var own = arena.gather(columns, order, kept)
        // Rows left out have no place of their own.
        own.places = nil
        stepMasks.reserve(kept)
        for row in 0..<kept { stepMasks.base[row] = own.masks[row] & steps }
        own.masks = UnsafePointer(stepMasks.base)
        return own
    }

    /// The rows put aside.
    func exclusions(_ count: Int) -> ChainExclusions {
        ChainExclusions(times: exclusionTimes.base, masks: exclusionMasks.base, count: count)
    }

    /// Those of another stream's that belong to a unit.
    mutating func exclusions(of stream: ChainStream, _ count: Int, _ unit: Int64) -> ChainExclusions {
        exclusionTimes.count = 0
        exclusionMasks.count = 0
        for row in 0..<count where stream.exclusionUnits.base[row] == unit {
            exclusionTimes.append(stream.exclusionTimes.base[row])
            exclusionMasks.append(stream.exclusionMasks.base[row])
        }
        return exclusions(exclusionTimes.count)
    }

    /// Those of others that do not have the time of a row that matches a step.
    mutating func keep(_ exclusions: ChainExclusions, apartFrom columns: ChainColumns) -> ChainExclusions {
        exclusionTimes.count = 0
        exclusionMasks.count = 0
        var row = 0
        for i in 0..<exclusions.count {
            let time = exclusions.times[i]
            while row < columns.count && (columns.times[row] < time || columns.masks[row] == 0) { row += 1 }
            if row < columns.count && columns.times[row] == time { continue }
            exclusionTimes.append(time)
            exclusionMasks.append(exclusions.masks[i])
        }
        return self.exclusions(exclusionTimes.count)
    }
}
