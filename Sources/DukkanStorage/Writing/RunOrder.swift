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
        guard count > 0 else { return .allocate(capacity: 0) }
        let customers = RunColumn(run, column: run.schema.customerColumn)
        let keys = CustomerRanks(run, customers, threads: threads)
        let order: UnsafeMutableBufferPointer<UInt32>
        if let keyMaximum = UInt32(exactly: keys.range) {
            keys.makeWords()
            order = RadixSort.order(words: keys.ranks, keyMaximum: keyMaximum, threads: threads)
        } else {
            defer { keys.ranks.deallocate() }
            order = RadixSort.order(keys: UnsafeBufferPointer(keys.ranks), threads: threads)
        }
        let ordered = keys.nullCount == 0 ? order : movingNullsLast(order, customers, keys.nullCount)
        if !run.isInTimeOrder { sortTimes(ordered, customers, withCustomer: count - keys.nullCount) }
        return ordered
    }

    private func movingNullsLast(
        _ order: UnsafeMutableBufferPointer<UInt32>, _ customers: RunColumn, _ nullCount: Int
    ) -> UnsafeMutableBufferPointer<UInt32> {
        let moved = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: order.count)
        var present = 0, absent = order.count - nullCount
        for i in 0..<order.count {
            let row = order[i]
            if customers.isValid(row) {
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
        _ order: UnsafeMutableBufferPointer<UInt32>, _ customers: RunColumn, withCustomer count: Int
    ) {
        var borders = [0]
        while borders[borders.count - 1] < count {
            var end = min(count, borders[borders.count - 1] + RunOrder.rangeRowCount)
            while end < count && customers[order[end]] == customers[order[end - 1]] { end += 1 }
            borders.append(end)
        }
        if count < order.count { borders.append(order.count) }
        let ranges = Array(zip(borders, borders.dropFirst()))
        // Ranges are disjoint and hold whole customers, so threads never touch the same rows.
        nonisolated(unsafe) let shared = order
        nonisolated(unsafe) let same = customers
        nonisolated(unsafe) let times = RunColumn(run, column: run.schema.timeColumn)
        Parallel.run(ranges.count, threads: threads) { index in
            let (start, end) = ranges[index]
            var from = start
            while from < end {
                var to = from + 1
                if start >= count {
                    to = end
                } else {
                    let customer = same[shared[from]]
                    while to < end && same[shared[to]] == customer { to += 1 }
                }
                RunOrder.sortByTime(UnsafeMutableBufferPointer(rebasing: shared[from..<to]), times)
                from = to
            }
        }
    }

    /// Sorts rows, which stand in order of arrival, by (time, arrival).
    private static func sortByTime(_ rows: UnsafeMutableBufferPointer<UInt32>, _ times: RunColumn) {
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

/// Numbers that order as the customers of a run do, from 0, by row.
private struct CustomerRanks {
    /// The caller deallocates them.
    let ranks: UnsafeMutableBufferPointer<UInt64>
    /// The largest rank.
    ///
    /// Rows without a customer have rank 0; they are moved to the end after the sort.
    private(set) var range: UInt64 = 0
    private(set) var nullCount = 0
    private let threads: Int

    private struct Bounds {
        var least = Int64.max
        var greatest = Int64.min
        var nullCount = 0
    }

    init(_ run: RunBuffer, _ customers: RunColumn, threads: Int) {
        self.threads = threads
        ranks = RadixSort.buffer(run.rowCount, of: UInt64.self)
        var rankByCode: [UInt64] = []
        if let interner = run.interners[run.schema.customerColumn] {
            rankByCode = Array(repeating: 0, count: max(1, interner.count))
            for (rank, code) in interner.sortedCodes().enumerated() { rankByCode[Int(code)] = UInt64(rank) }
        }
        let bounds = fill(customers, rankByCode)
        nullCount = bounds.nullCount
        if !rankByCode.isEmpty {
            range = UInt64(rankByCode.count - 1)
        } else if bounds.least <= bounds.greatest {
            range = UInt64(bitPattern: bounds.greatest &- bounds.least)
            subtract(bounds.least, customers)
        }
    }

    /// Writes the ranks of strings, and integers as they are; 0 where there is no customer.
    private func fill(_ customers: RunColumn, _ rankByCode: [UInt64]) -> Bounds {
        let blockCount = RadixSort.blockCount(ranks.count)
        var bounds = Array(repeating: Bounds(), count: blockCount)
        nonisolated(unsafe) let output = ranks, customers = customers
        rankByCode.withUnsafeBufferPointer { rankByCode in
            bounds.withUnsafeMutableBufferPointer { bounds in
                nonisolated(unsafe) let bounds = bounds, rankByCode = rankByCode
                Parallel.run(blockCount, threads: threads) { block in
                    var found = Bounds()
                    for row in RadixSort.block(block, of: output.count) {
                        let value = customers[UInt32(truncatingIfNeeded: row)]
                        guard customers.isValid(UInt32(truncatingIfNeeded: row)) else {
                            found.nullCount += 1
                            output[row] = 0
                            continue
                        }
                        found.least = min(found.least, value)
                        found.greatest = max(found.greatest, value)
                        output[row] = rankByCode.isEmpty ? UInt64(bitPattern: value) : rankByCode[Int(value)]
                    }
                    bounds[block] = found
                }
            }
        }
        return bounds.reduce(into: Bounds()) {
            $0.least = min($0.least, $1.least)
            $0.greatest = max($0.greatest, $1.greatest)
            $0.nullCount += $1.nullCount
        }
    }

    private func subtract(_ least: Int64, _ customers: RunColumn) {
        nonisolated(unsafe) let output = ranks, customers = customers
        let mayBeNull = nullCount > 0
        Parallel.run(RadixSort.blockCount(output.count), threads: threads) { block in
            for row in RadixSort.block(block, of: output.count) {
                if mayBeNull, !customers.isValid(UInt32(truncatingIfNeeded: row)) { continue }
                output[row] = output[row] &- UInt64(bitPattern: least)
            }
        }
    }

    /// Puts each rank, of 32 bits, into the high half of its word and the row into the low half.
    func makeWords() {
        nonisolated(unsafe) let output = ranks
        Parallel.run(RadixSort.blockCount(output.count), threads: threads) { block in
            for row in RadixSort.block(block, of: output.count) { output[row] = output[row] << 32 | UInt64(row) }
        }
    }
}
