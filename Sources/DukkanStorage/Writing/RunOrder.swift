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

    /// Row numbers in order; the caller deallocates them.
    func sorted() -> UnsafeMutableBufferPointer<UInt32> {
        let count = run.rowCount
        let nullCount = run.pieces[run.schema.customerColumn].reduce(0) { $0 + ValidRows($1).nullCount($1.count) }
        guard count > 0 else { return .allocate(capacity: 0) }
        let keys = CustomerRanks(run)
        let order: UnsafeMutableBufferPointer<UInt32>
        if let keyMaximum = UInt32(exactly: keys.range) {
            let words = RadixSort.buffer(count, of: UInt64.self)
            keys.fill(words.baseAddress!, asWords: true)
            order = RadixSort.order(words: words, keyMaximum: keyMaximum)
        } else {
            let wide = UnsafeMutableBufferPointer<UInt64>.allocate(capacity: count)
            defer { wide.deallocate() }
            keys.fill(wide.baseAddress!, asWords: false)
            order = RadixSort.order(keys: UnsafeBufferPointer(wide))
        }
        let ordered = nullCount == 0 ? order : movingNullsLast(order, nullCount)
        if !isInTimeOrder() { sortTimes(ordered, withCustomer: count - nullCount) }
        return ordered
    }

    private func movingNullsLast(
        _ order: UnsafeMutableBufferPointer<UInt32>, _ nullCount: Int
    ) -> UnsafeMutableBufferPointer<UInt32> {
        let moved = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: order.count)
        let column = run.pieces[run.schema.customerColumn].map { ValidRows($0) }
        var present = 0, absent = order.count - nullCount
        for i in 0..<order.count {
            let row = order[i]
            if column[Int(row) >> RunBuffer.pieceShift][Int(row) & (RunBuffer.pieceRowCount - 1)] {
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
    private func sortTimes(_ order: UnsafeMutableBufferPointer<UInt32>, withCustomer count: Int) {
        let customers = CustomerLookup(run)
        var borders = [0]
        while borders[borders.count - 1] < count {
            var end = min(count, borders[borders.count - 1] + RunOrder.rangeRowCount)
            while end < count && customers.isSame(order[end], order[end - 1]) { end += 1 }
            borders.append(end)
        }
        if count < order.count { borders.append(order.count) }
        let ranges = Array(zip(borders, borders.dropFirst()))
        // Ranges are disjoint and hold whole customers, so threads never touch the same rows.
        nonisolated(unsafe) let shared = order
        nonisolated(unsafe) let same = customers
        nonisolated(unsafe) let times = TimeLookup(run)
        Parallel.run(ranges.count, threads: threads) { index in
            let (start, end) = ranges[index]
            var from = start
            while from < end {
                var to = from + 1
                if start >= count {
                    to = end
                } else {
                    while to < end && same.isSame(shared[to], shared[from]) { to += 1 }
                }
                RunOrder.sortByTime(UnsafeMutableBufferPointer(rebasing: shared[from..<to]), times)
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

/// Numbers that order as the customers of a run do, from 0.
private struct CustomerRanks {
    private let pieces: [ColumnVector]
    /// Rank of each string; empty for integers, whose rank is the distance from the least.
    private var ranks: [UInt64] = []
    private var minimum: Int64 = 0
    /// The largest rank.
    ///
    /// Rows without a customer have rank 0; they are moved to the end after the sort.
    private(set) var range: UInt64 = 0

    init(_ run: RunBuffer) {
        pieces = run.pieces[run.schema.customerColumn]
        if let interner = run.interners[run.schema.customerColumn] {
            ranks = Array(repeating: 0, count: max(1, interner.count))
            for (rank, code) in interner.sortedCodes().enumerated() { ranks[Int(code)] = UInt64(rank) }
            range = UInt64(max(0, interner.count - 1))
            return
        }
        var least = Int64.max, greatest = Int64.min
        for piece in pieces {
            let values = piece.integers, valid = ValidRows(piece)
            for row in 0..<piece.count where valid[row] {
                least = min(least, values[row])
                greatest = max(greatest, values[row])
            }
        }
        guard least <= greatest else { return }
        minimum = least
        range = UInt64(bitPattern: greatest &- least)
    }

    /// Writes the ranks of all rows; as words with the row in the low half.
    func fill(_ output: UnsafeMutablePointer<UInt64>, asWords: Bool) {
        let shift: UInt64 = asWords ? 32 : 0
        for (number, piece) in pieces.enumerated() {
            let base = number << RunBuffer.pieceShift
            let valid = ValidRows(piece)
            if piece.kind == .codes {
                let codes = piece.codes
                ranks.withUnsafeBufferPointer { ranks in
                    for row in 0..<piece.count { output[base + row] = ranks[Int(codes[row])] << shift }
                }
            } else {
                let values = piece.integers
                for row in 0..<piece.count {
                    output[base + row] = UInt64(bitPattern: values[row] &- minimum) << shift
                }
            }
            if piece.hasNulls { for row in 0..<piece.count where !valid[row] { output[base + row] = 0 } }
            if asWords { for row in 0..<piece.count { output[base + row] |= UInt64(base + row) } }
        }
    }
}

/// Whether rows of a run have the same customer, by row number; for rows with a customer.
private final class CustomerLookup {
    private let isInteger: Bool
    private let integers: UnsafeMutablePointer<UnsafePointer<Int64>>
    private let codes: UnsafeMutablePointer<UnsafePointer<UInt32>>

    init(_ run: RunBuffer) {
        let column = run.pieces[run.schema.customerColumn]
        isInteger = run.interners[run.schema.customerColumn] == nil
        integers = .allocate(capacity: max(1, column.count))
        codes = .allocate(capacity: max(1, column.count))
        for (number, piece) in column.enumerated() {
            if isInteger {
                (integers + number).initialize(to: UnsafePointer(piece.integers))
            } else {
                (codes + number).initialize(to: UnsafePointer(piece.codes))
            }
        }
    }

    deinit {
        integers.deallocate()
        codes.deallocate()
    }

    @inline(__always)
    func isSame(_ a: UInt32, _ b: UInt32) -> Bool {
        let mask = RunBuffer.pieceRowCount - 1
        if isInteger {
            return integers[Int(a) >> RunBuffer.pieceShift][Int(a) & mask]
                == integers[Int(b) >> RunBuffer.pieceShift][Int(b) & mask]
        }
        return codes[Int(a) >> RunBuffer.pieceShift][Int(a) & mask]
            == codes[Int(b) >> RunBuffer.pieceShift][Int(b) & mask]
    }
}
