import Dispatch
import DukkanFormat

/// Finds the order in which the rows of a run are written: by customer, time and arrival; rows without a customer last.
struct RunOrder {
    let run: RunBuffer
    let threads: Int

    /// Runs of a customer shorter than this are sorted by insertion.
    private static let insertionLengthMax = 24
    /// Ranges of rows that threads take, in rows.
    private static let rangeRowCount = 1 << 18

    /// Row numbers in order.
    ///
    /// The caller deallocates.
    func sorted() -> UnsafeMutableBufferPointer<UInt32> {
        let count = run.rowCount
        let keys = UnsafeMutablePointer<UInt64>.allocate(capacity: max(1, count))
        defer { keys.deallocate() }
        let nullCount = fillKeys(keys)
        let order = RadixSort.order(count: count, keys: keys)
        let ordered = nullCount == 0 ? order : movingNullsLast(order, nullCount)
        sortTimes(ordered, keys, withCustomer: count - nullCount)
        return ordered
    }

    /// Keys that order as the customers do; returns how many rows have none.
    private func fillKeys(_ keys: UnsafeMutablePointer<UInt64>) -> Int {
        let column = run.schema.customerColumn
        var nullCount = 0
        var ranks: [UInt64] = []
        if let interner = run.interners[column] {
            ranks = Array(repeating: 0, count: max(1, interner.count))
            for (rank, code) in interner.sortedCodes().enumerated() { ranks[Int(code)] = UInt64(rank) }
        }
        for (number, piece) in run.pieces[column].enumerated() {
            let output = keys + number << RunBuffer.pieceShift
            if piece.kind == .codes {
                let codes = piece.codes
                ranks.withUnsafeBufferPointer { ranks in
                    for row in 0..<piece.count { output[row] = ranks[Int(codes[row])] }
                }
            } else {
                let values = piece.integers
                // Flipping the sign bit makes the unsigned order that of the signed values.
                for row in 0..<piece.count { output[row] = UInt64(bitPattern: values[row]) ^ (1 << 63) }
            }
            if piece.hasNulls {
                for row in 0..<piece.count where !piece.isValid(row) { nullCount += 1 }
            }
        }
        // Rows without a customer sort with some key that exists, so that they do not widen the range.
        if nullCount > 0 { setKeysOfNulls(keys) }
        return nullCount
    }

    private func setKeysOfNulls(_ keys: UnsafeMutablePointer<UInt64>) {
        let column = run.pieces[run.schema.customerColumn]
        var maximum: UInt64 = 0
        for (number, piece) in column.enumerated() {
            for row in 0..<piece.count where piece.isValid(row) {
                maximum = max(maximum, keys[number << RunBuffer.pieceShift + row])
            }
        }
        for (number, piece) in column.enumerated() {
            for row in 0..<piece.count where !piece.isValid(row) {
                keys[number << RunBuffer.pieceShift + row] = maximum
            }
        }
    }

    private func movingNullsLast(
        _ order: UnsafeMutableBufferPointer<UInt32>, _ nullCount: Int
    ) -> UnsafeMutableBufferPointer<UInt32> {
        let moved = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: order.count)
        let column = run.pieces[run.schema.customerColumn]
        var present = 0, absent = order.count - nullCount
        for i in 0..<order.count {
            let row = order[i]
            let piece = column[Int(row) >> RunBuffer.pieceShift]
            if piece.isValid(Int(row) & (RunBuffer.pieceRowCount - 1)) {
                moved[present] = row
                present += 1
            } else {
                moved[absent] = row
                absent += 1
            }
        }
        order.deallocate()
        return moved
    }

    /// Sorts the rows of each customer by time where they are not in that order already.
    private func sortTimes(
        _ order: UnsafeMutableBufferPointer<UInt32>, _ keys: UnsafeMutablePointer<UInt64>, withCustomer count: Int
    ) {
        if isInTimeOrder() { return }
        var borders = [0]
        while borders[borders.count - 1] < count {
            var end = min(count, borders[borders.count - 1] + RunOrder.rangeRowCount)
            while end < count && keys[Int(order[end])] == keys[Int(order[end - 1])] { end += 1 }
            borders.append(end)
        }
        if count < order.count { borders.append(order.count) }
        let ranges = Array(zip(borders, borders.dropFirst()))
        // Ranges are disjoint and hold whole customers, so threads never touch the same rows.
        nonisolated(unsafe) let sharedOrder = order
        nonisolated(unsafe) let sharedKeys = UnsafePointer(keys)
        nonisolated(unsafe) let times = TimeLookup(run)
        Parallel.run(ranges.count, threads: threads) { index in
            let (start, end) = ranges[index]
            var from = start
            while from < end {
                var to = from + 1
                if start >= count {
                    to = end
                } else {
                    let key = sharedKeys[Int(sharedOrder[from])]
                    while to < end && sharedKeys[Int(sharedOrder[to])] == key { to += 1 }
                }
                RunOrder.sortByTime(UnsafeMutableBufferPointer(rebasing: sharedOrder[from..<to]), times)
                from = to
            }
        }
    }

    private func isInTimeOrder() -> Bool {
        var last = Int64.min
        for piece in run.pieces[run.schema.timeColumn] {
            let times = piece.integers
            var ordered = true
            for row in 0..<piece.count {
                if times[row] < last { ordered = false }
                last = times[row]
            }
            if !ordered { return false }
        }
        return true
    }

    /// Sorts rows, which stand in order of arrival, by (time, arrival).
    private static func sortByTime(_ rows: UnsafeMutableBufferPointer<UInt32>, _ times: TimeLookup) {
        guard rows.count > 1 else { return }
        if rows.count > insertionLengthMax {
            var sorted = true
            for i in 1..<rows.count where times[rows[i]] < times[rows[i - 1]] {
                sorted = false
                break
            }
            if sorted { return }
            var entries = rows.map { (time: times[$0], row: $0) }
            entries.sort { $0.time != $1.time ? $0.time < $1.time : $0.row < $1.row }
            for i in 0..<rows.count { rows[i] = entries[i].row }
            return
        }
        for i in 1..<rows.count {
            let row = rows[i]
            let time = times[row]
            var at = i
            while at > 0 && times[rows[at - 1]] > time {
                rows[at] = rows[at - 1]
                at -= 1
            }
            rows[at] = row
        }
    }
}

/// The times of a run by row number.
private final class TimeLookup {
    private let pieces: UnsafeMutablePointer<UnsafeMutablePointer<Int64>>

    init(_ run: RunBuffer) {
        let column = run.pieces[run.schema.timeColumn]
        pieces = .allocate(capacity: max(1, column.count))
        for (number, piece) in column.enumerated() { (pieces + number).initialize(to: piece.integers) }
    }

    deinit {
        pieces.deallocate()
    }

    @inline(__always)
    subscript(row: UInt32) -> Int64 {
        pieces[Int(row) >> RunBuffer.pieceShift][Int(row) & (RunBuffer.pieceRowCount - 1)]
    }
}
