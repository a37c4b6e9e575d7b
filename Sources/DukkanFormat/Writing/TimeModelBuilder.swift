/// Finds columns that follow the time of the row, and the function of time that predicts them.
struct TimeModelBuilder {
    let times: UnsafePointer<Int64>
    let values: UnsafePointer<Int64>
    let rowCount: Int

    /// Rows that tell whether a column follows the time.
    private static let sampleCount = 512
    /// Knots of a model that a whole part shares.
    private static let knotCountMax = 1 << 15
    /// Fewer rows are not worth a model.
    static let rowCountMin = 4_096

    /// Whether, in a sample of the rows in order of time, the values almost always rise, or almost always fall.
    func followsTime() -> Bool {
        guard rowCount >= TimeModelBuilder.rowCountMin else { return false }
        let count = TimeModelBuilder.sampleCount
        let sample = (0..<count).map { i in
            let row = i * rowCount / count
            return (time: times[row], value: values[row])
        }.sorted { $0.time < $1.time }
        var rises = 0, falls = 0
        for i in 1..<count {
            rises += sample[i].value > sample[i - 1].value ? 1 : 0
            falls += sample[i].value < sample[i - 1].value ? 1 : 0
        }
        return max(rises, falls) >= count * 9 / 10
    }

    /// The model of rows that are a sample of the part's; nil where their times are all the same.
    ///
    /// Only rows whose value is not that of the row before count: where an identifier stands in a run of rows, the first
    /// one tells when it was given out. A knot is interpolated between the last such row before it and the first behind
    /// it. O(rows + knots).
    func build() -> TimeModel? {
        var first = times[0], last = times[0]
        for row in 1..<rowCount {
            first = min(first, times[row])
            last = max(last, times[row])
        }
        let span = UInt64(bitPattern: last &- first)
        let cellCountMax = UInt64(min(TimeModelBuilder.knotCountMax, rowCount / 8))
        guard span > 0, span < 1 << TimeModel.shiftMax else { return nil }
        var shift: UInt64 = 0
        while span >> shift >= cellCountMax { shift += 1 }
        let cellCount = Int(span >> shift) + 1
        let knots = knots(origin: first, shift: shift, cellCount: cellCount)
        return TimeModel(origin: first, shift: shift, knots: knots)
    }

    /// First and last row of a cell, by time; the time is `Int64.max` in cells without rows.
    private struct Cell {
        var firstTime = Int64.max
        var firstValue: Int64 = 0
        var lastTime = Int64.min
        var lastValue: Int64 = 0
    }

    private func knots(origin: Int64, shift: UInt64, cellCount: Int) -> [Int64] {
        var cells = [Cell](repeating: Cell(), count: cellCount)
        cells.withUnsafeMutableBufferPointer { cells in
            for row in 0..<rowCount where row == 0 || values[row] != values[row - 1] {
                let time = times[row], value = values[row]
                let cell = Int(UInt64(bitPattern: time &- origin) >> shift)
                if time < cells[cell].firstTime {
                    cells[cell].firstTime = time
                    cells[cell].firstValue = value
                }
                if time >= cells[cell].lastTime {
                    cells[cell].lastTime = time
                    cells[cell].lastValue = value
                }
            }
        }
        var knots = [Int64](repeating: 0, count: cellCount + 1)
        // From behind: the next row at or behind each knot.
        var nextTime = Int64.max, nextValue: Int64 = 0
        var next: [(time: Int64, value: Int64)] = []
        next.reserveCapacity(cellCount + 1)
        next.append((.max, 0))
        for cell in cells.reversed() {
            if cell.firstTime != .max { (nextTime, nextValue) = (cell.firstTime, cell.firstValue) }
            next.append((nextTime, nextValue))
        }
        var previous: (time: Int64, value: Int64)?
        for knot in 0...cellCount {
            let time = origin &+ Int64(bitPattern: UInt64(knot) << shift)
            let following = next[cellCount - knot]
            knots[knot] = TimeModelBuilder.interpolate(
                time, previous, following.time == .max ? nil : (following.time, following.value))
            if knot < cellCount, cells[knot].firstTime != .max {
                previous = (cells[knot].lastTime, cells[knot].lastValue)
            }
        }
        return knots
    }

    private static func interpolate(
        _ time: Int64, _ previous: (time: Int64, value: Int64)?, _ next: (time: Int64, value: Int64)?
    ) -> Int64 {
        guard let previous else { return next?.value ?? 0 }
        guard let next, next.time > previous.time else { return previous.value }
        let share = Double(time &- previous.time) / Double(next.time &- previous.time)
        let rise = Double(next.value &- previous.value) * share
        guard rise.magnitude < 9e18 else { return previous.value }
        return previous.value &+ Int64(rise.rounded())
    }
}
