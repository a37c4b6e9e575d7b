/// The rows of one customer that match a step, of all tables, in the total order (time, table, ingest).
struct CustomerStream {
    private(set) var times = GrowableBuffer<Int64>(capacity: 256)
    private(set) var masks = GrowableBuffer<UInt32>(capacity: 256)
    /// Codes of the breakdown; filled only when asked for.
    private(set) var values = GrowableBuffer<UInt32>(capacity: 256)
    private var mergedTimes = GrowableBuffer<Int64>(capacity: 256)
    private var mergedMasks = GrowableBuffer<UInt32>(capacity: 256)
    private var mergedValues = GrowableBuffer<UInt32>(capacity: 256)
    let hasValues: Bool

    init(hasValues: Bool) {
        self.hasValues = hasValues
    }

    func deallocate() {
        times.deallocate()
        masks.deallocate()
        values.deallocate()
        mergedTimes.deallocate()
        mergedMasks.deallocate()
        mergedValues.deallocate()
    }

    var count: Int { times.count }

    /// Gathers the rows of one customer.
    ///
    /// O(rows), and O(matching rows × tables) where several tables have some.
    mutating func load(_ tables: UnsafeBufferPointer<SequenceRows>, customer: Int) {
        removeAll()
        for table in tables {
            let first = Int(table.rowStarts[customer]), last = Int(table.rowStarts[customer + 1])
            let before = times.count
            let added: Int
            switch table.masks {
            case .bytes(let bytes): added = append(table, bytes, first, last)
            case .words(let words): added = append(table, words, first, last)
            }
            if before > 0 && added > 0 { merge(at: before) }
        }
    }

    mutating func removeAll() {
        times.count = 0
        masks.count = 0
        values.count = 0
    }

    /// Appends rows of one table that lie behind those held.
    mutating func append(_ table: SequenceRows, _ rows: Range<Int>) {
        switch table.masks {
        case .bytes(let bytes): _ = append(table, bytes, rows.lowerBound, rows.upperBound)
        case .words(let words): _ = append(table, words, rows.lowerBound, rows.upperBound)
        }
    }

    /// Appends the rows of one table that match any step; writes each row and keeps it only when it matches, so that
    /// nothing branches on the data.
    @inline(__always)
    private mutating func append<Mask: FixedWidthInteger & UnsignedInteger>(
        _ table: SequenceRows, _ rowMasks: UnsafePointer<Mask>, _ first: Int, _ last: Int
    ) -> Int {
        let before = times.count
        times.reserve(before + (last - first) + 1)
        masks.reserve(before + (last - first) + 1)
        let toTimes = times.base, toMasks = masks.base, fromTimes = table.times
        var count = before
        if hasValues {
            values.reserve(before + (last - first) + 1)
            let toValues = values.base
            if let fromValues = table.values {
                for row in first..<last {
                    toTimes[count] = fromTimes[row]
                    toMasks[count] = UInt32(truncatingIfNeeded: rowMasks[row])
                    toValues[count] = fromValues[row]
                    count &+= rowMasks[row] != 0 ? 1 : 0
                }
            } else {
                for row in first..<last {
                    toTimes[count] = fromTimes[row]
                    toMasks[count] = UInt32(truncatingIfNeeded: rowMasks[row])
                    toValues[count] = SequenceRows.nullCode
                    count &+= rowMasks[row] != 0 ? 1 : 0
                }
            }
            values.count = count
        } else {
            for row in first..<last {
                toTimes[count] = fromTimes[row]
                toMasks[count] = UInt32(truncatingIfNeeded: rowMasks[row])
                count &+= rowMasks[row] != 0 ? 1 : 0
            }
        }
        times.count = count
        masks.count = count
        return count - before
    }

    /// Merges the ordered rows before and from `middle` on; at one time those before come first.
    private mutating func merge(at middle: Int) {
        let count = times.count
        if times.base[middle - 1] <= times.base[middle] { return }
        mergedTimes.reserve(count)
        mergedMasks.reserve(count)
        if hasValues { mergedValues.reserve(count) }
        var left = 0, right = middle
        for at in 0..<count {
            let takesLeft = right == count || (left < middle && times.base[left] <= times.base[right])
            let from = takesLeft ? left : right
            mergedTimes.base[at] = times.base[from]
            mergedMasks.base[at] = masks.base[from]
            if hasValues { mergedValues.base[at] = values.base[from] }
            if takesLeft { left += 1 } else { right += 1 }
        }
        mergedTimes.count = count
        mergedMasks.count = count
        mergedValues.count = hasValues ? count : 0
        swap(&times, &mergedTimes)
        swap(&masks, &mergedMasks)
        swap(&values, &mergedValues)
    }
}
