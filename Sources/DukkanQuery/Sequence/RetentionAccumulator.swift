import CDukkanKernels
import DukkanFormat

/// What a retention found so far: one for each worker, merged at the end.
///
/// Times of one customer ascend and so do the numbers of their periods, so "in how many periods" is "how often does the
/// number change".
package final class RetentionAccumulator: @unchecked Sendable {  // Sendable: one thread at a time.
    package let plan: RetentionPlan
    let cellsPerCohort: Int
    let cohortCount: Int
    /// Customers of each cohort.
    let sizes: UnsafeMutablePointer<Int>
    /// Cell of cohort i and period k: at `i * cellsPerCohort + k`.
    ///
    /// Customers, or values that were not null. One more cell behind the others means nothing.
    let counts: UnsafeMutablePointer<Int64>
    /// Exact sums of whole numbers; nil for other measures.
    let sums: UnsafeMutablePointer<Int128>?
    /// Sums of doubles; nil for other measures.
    var doubleSums: OrderedDoubleSums?
    private var startNumbers = GrowableBuffer<UInt32>(capacity: 1 << 14)
    private var returnNumbers = GrowableBuffer<UInt32>(capacity: 1 << 14)
    private var startPeriods: [Entry] = []
    private var firstRows = FirstRowBits()

    /// A period in which a customer started, with the time of the first start row there.
    struct Entry {
        var period: Int
        var time: Int64
    }

    package init(_ plan: RetentionPlan) {
        self.plan = plan
        cohortCount = plan.axis.count
        cellsPerCohort = plan.cellsPerCohort
        let cellCount = cohortCount * cellsPerCohort
        sizes = .allocate(capacity: cohortCount)
        sizes.initialize(repeating: 0, count: cohortCount)
        counts = .allocate(capacity: cellCount + 1)
        counts.initialize(repeating: 0, count: cellCount + 1)
        switch plan.measure {
        case .customers:
            sums = nil
        case .sum(.double), .average(.double):
            sums = nil
            doubleSums = OrderedDoubleSums(count: cellCount)
        case .sum, .average:
            let cells = UnsafeMutablePointer<Int128>.allocate(capacity: cellCount)
            cells.initialize(repeating: 0, count: cellCount)
            sums = cells
        }
    }

    deinit {
        sizes.deallocate()
        counts.deallocate()
        sums?.deallocate()
        doubleSums?.deallocate()
        startNumbers.deallocate()
        returnNumbers.deallocate()
        firstRows.deallocate()
    }

    /// Takes the customers of one morsel; each customer of the store comes in one call only.
    ///
    /// - Parameters:
    ///   - morsel: a number of the morsel that does not depend on threads: sums of doubles are added up in its order.
    ///   - start: the table of the start rows.
    ///   - returning: the table of the return rows; nil: the same.
    package func add(customerCount: Int, morsel: Int, start: RetentionRows, returning: RetentionRows? = nil) {
        guard customerCount > 0 else { return }
        let startNumbers = number(start, customerCount, &self.startNumbers)
        let returnNumbers = returning.map { number($0, customerCount, &self.returnNumbers) } ?? startNumbers
        let rows = returning ?? start
        switch plan.measure {
        case .customers:
            if plan.cohorts == .firstTime {
                countFirstTime(customerCount, start, startNumbers, rows, returnNumbers, isOneTable: returning == nil)
            } else {
                countRecurring(customerCount, start, startNumbers, rows, returnNumbers)
            }
        case .sum, .average:
            sum(customerCount, start, startNumbers, rows, returnNumbers)
            doubleSums?.endMorsel(morsel)
        }
    }

    /// Takes over what another worker found; the other is left as it was.
    package func merge(_ other: RetentionAccumulator) {
        for cohort in 0..<cohortCount { sizes[cohort] += other.sizes[cohort] }
        for cell in 0..<cohortCount * cellsPerCohort { counts[cell] += other.counts[cell] }
        if let sums, let others = other.sums {
            for cell in 0..<cohortCount * cellsPerCohort { sums[cell] += others[cell] }
        }
        if let others = other.doubleSums { doubleSums?.merge(others) }
    }

    /// Numbers the periods of a table's rows; the pointer is moved so that row numbers of the table index it.
    private func number(
        _ rows: RetentionRows, _ customerCount: Int, _ buffer: inout GrowableBuffer<UInt32>
    ) -> UnsafePointer<UInt32> {
        let first = Int(rows.rowStarts[0]), count = Int(rows.rowStarts[customerCount]) - first
        buffer.reserve(count + 1)
        plan.axis.numbers(of: rows.times + first, count: count, into: buffer.base)
        return UnsafePointer(buffer.base) - first
    }
}

// MARK: - Counting customers

extension RetentionAccumulator {
    private func countFirstTime(
        _ customerCount: Int, _ start: RetentionRows, _ startNumbers: UnsafePointer<UInt32>, _ returning: RetentionRows,
        _ returnNumbers: UnsafePointer<UInt32>, isOneTable: Bool
    ) {
        if isOneTable && start.masks == nil {
            // Every row starts and returns; cells of k = 0 count the cohort here.
            firstRows.mark(start.rowStarts, customerCount)
            let first = Int(start.rowStarts[0])
            dukkan_retention_first_time(
                startNumbers + first, firstRows.words.base, Int(start.rowStarts[customerCount]) - first,
                UInt32(cohortCount), UInt32(cellsPerCohort), counts)
            return
        }
        for customer in 0..<customerCount {
            guard let entry = firstStart(start, customer), startNumbers[entry] < UInt32(cohortCount) else { continue }
            let cohort = Int(startNumbers[entry])
            sizes[cohort] += 1
            let cells = counts + cohort * cellsPerCohort
            var last = cohort
            for row in Int(returning.rowStarts[customer])..<Int(returning.rowStarts[customer + 1]) {
                if let masks = returning.masks, masks[row] & RetentionRows.returnBit == 0 { continue }
                let period = Int(returnNumbers[row])
                guard period > last else { continue }
                guard period - cohort < cellsPerCohort, period < cohortCount else { break }
                cells[period - cohort] += 1
                last = period
            }
        }
    }

    private func countRecurring(
        _ customerCount: Int, _ start: RetentionRows, _ startNumbers: UnsafePointer<UInt32>, _ returning: RetentionRows,
        _ returnNumbers: UnsafePointer<UInt32>
    ) {
        for customer in 0..<customerCount {
            loadStarts(start, startNumbers, customer)
            var first = Int(returning.rowStarts[customer])
            let end = Int(returning.rowStarts[customer + 1])
            for entry in startPeriods {
                sizes[entry.period] += 1
                let cells = counts + entry.period * cellsPerCohort
                var last = entry.period
                while first < end && returnNumbers[first] <= UInt32(last) { first += 1 }
                for row in first..<end {
                    if let masks = returning.masks, masks[row] & RetentionRows.returnBit == 0 { continue }
                    let period = Int(returnNumbers[row])
                    guard period > last else { continue }
                    guard period - entry.period < cellsPerCohort, period < cohortCount else { break }
                    cells[period - entry.period] += 1
                    last = period
                }
            }
        }
    }

    private func firstStart(_ start: RetentionRows, _ customer: Int) -> Int? {
        let first = Int(start.rowStarts[customer]), end = Int(start.rowStarts[customer + 1])
        guard let masks = start.masks else { return first < end ? first : nil }
        for row in first..<end where masks[row] & RetentionRows.startBit != 0 { return row }
        return nil
    }

    /// The periods in which the customer started; only the first of them when she belongs to one cohort.
    private func loadStarts(_ start: RetentionRows, _ numbers: UnsafePointer<UInt32>, _ customer: Int) {
        startPeriods.removeAll(keepingCapacity: true)
        for row in Int(start.rowStarts[customer])..<Int(start.rowStarts[customer + 1]) {
            if let masks = start.masks, masks[row] & RetentionRows.startBit == 0 { continue }
            let period = Int(numbers[row])
            guard period < cohortCount else { continue }
            if let last = startPeriods.last, last.period == period { continue }
            startPeriods.append(Entry(period: period, time: start.times[row]))
            if plan.cohorts == .firstTime { return }
        }
    }
}

// MARK: - Sums

extension RetentionAccumulator {
    private func sum(
        _ customerCount: Int, _ start: RetentionRows, _ startNumbers: UnsafePointer<UInt32>, _ returning: RetentionRows,
        _ returnNumbers: UnsafePointer<UInt32>
    ) {
        for customer in 0..<customerCount {
            loadStarts(start, startNumbers, customer)
            var first = Int(returning.rowStarts[customer])
            let end = Int(returning.rowStarts[customer + 1])
            for entry in startPeriods {
                sizes[entry.period] += 1
                while first < end && returning.times[first] < entry.time { first += 1 }
                for row in first..<end {
                    if let masks = returning.masks, masks[row] & RetentionRows.returnBit == 0 { continue }
                    let period = Int(returnNumbers[row])
                    guard period - entry.period < cellsPerCohort, period < cohortCount else { break }
                    add(returning.values, row, entry.period * cellsPerCohort + period - entry.period)
                }
            }
        }
    }

    @inline(__always)
    private func add(_ values: RetentionRows.Values?, _ row: Int, _ cell: Int) {
        switch values {
        case .integers(let values, let validity):
            if let validity, validity[row >> 6] & (1 << UInt64(row & 63)) == 0 { return }
            counts[cell] += 1
            sums?[cell] += Int128(values[row])
        case .doubles(let values, let validity):
            if let validity, validity[row >> 6] & (1 << UInt64(row & 63)) == 0 { return }
            counts[cell] += 1
            doubleSums?.add(values[row], cell)
        case nil:
            return
        }
    }
}
