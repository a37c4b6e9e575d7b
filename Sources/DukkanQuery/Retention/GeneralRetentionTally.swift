import DukkanFormat

/// What a retention with options found so far: one for each worker, merged at the end.
///
/// A customer's return rows ascend, and so do the cells that they fall into: a walk over runs of one cell knows how
/// many rows each period has.
struct GeneralRetentionTally {
    let plan: GeneralRetentionPlan
    /// Measures that add up values: their places among the plan's.
    let valueMeasures: [Int]
    /// Place of each cohort under a value of the split; the key is ``key(split:cohort:)``.
    private(set) var places = [UInt64: Int]()
    /// The same without a split, by cohort; -1: none yet.
    private var placeOfCohort: [Int]
    /// Customers of each place.
    private(set) var sizes = GrowableBuffer<Int64>(capacity: 256)
    /// Customers of cell c of place p: at `p * stride + c`.
    private(set) var customers = GrowableBuffer<Int64>(capacity: 256)
    /// Values of measure v, of ``valueMeasures``: at `(p * valueMeasures.count + v) * stride + c`.
    private(set) var counts = GrowableBuffer<Int64>(capacity: 256)
    /// Their exact sums; empty where there are none.
    private(set) var sums = GrowableBuffer<Int128>(capacity: 16)
    /// Their sums of doubles; nil where there are none.
    private(set) var doubleSums: OrderedDoubleSums?
    private let hasExactSums: Bool
    private var entries = GrowableBuffer<Entry>(capacity: 256)
    private var returns = GrowableBuffer<UInt32>(capacity: 1 << 10)

    /// A cohort that a customer belongs to.
    private struct Entry: BitwiseCopyable {
        var cohort: Int
        /// The row that put her there: time, and number of the split's value.
        var time: Int64
        var split: UInt32
    }

    /// The rows of a morsel's customers.
    struct Morsel {
        var customerCount: Int
        /// Start rows, with the numbers of their periods; both by row of the start's table.
        var start: RetentionRows
        var startNumbers: UnsafePointer<UInt32>
        /// Numbers of the split's values; nil: no split.
        var splits: UnsafePointer<UInt32>?
        var returning: RetentionRows
        var returnNumbers: UnsafePointer<UInt32>
        /// One for each of ``GeneralRetentionTally/valueMeasures``.
        var values: [RetentionRows.Values]
    }

    init(_ plan: GeneralRetentionPlan) {
        self.plan = plan
        valueMeasures = plan.measures.indices.filter { if case .values = plan.measures[$0] { true } else { false } }
        placeOfCohort = Array(repeating: -1, count: plan.axis.count)
        hasExactSums = plan.measures.contains(where: \.isExact)
        if plan.measures.contains(where: \.isDouble) { doubleSums = OrderedDoubleSums(count: 0) }
    }

    func deallocate() {
        sizes.deallocate()
        customers.deallocate()
        counts.deallocate()
        sums.deallocate()
        doubleSums?.deallocate()
        entries.deallocate()
        returns.deallocate()
    }

    /// Values of the split by number, 0: null, or no split.
    static func key(split: UInt32, cohort: Int) -> UInt64 { UInt64(split &+ 1) << 32 | UInt64(cohort) }

    /// Takes the customers of one morsel; each customer comes in one call only.
    ///
    /// - Parameter morsel: its number, which does not depend on threads: sums of doubles are added up in its order.
    /// - Throws: `limit`.
    mutating func add(_ rows: Morsel, morsel: Int) throws {
        for customer in 0..<rows.customerCount {
            loadEntries(rows, customer)
            if entries.count == 0 { continue }
            loadReturns(rows, customer)
            var first = 0
            for e in 0..<entries.count {
                let entry = entries.base[e]
                let place = try place(entry)
                sizes.base[place] += 1
                while first < returns.count && rows.returning.times[Int(returns.base[first])] < entry.time {
                    first += 1
                }
                walk(rows, entry, place, from: first)
            }
        }
        doubleSums?.endMorsel(morsel)
    }

    private mutating func loadEntries(_ rows: Morsel, _ customer: Int) {
        entries.count = 0
        let cohortCount = UInt32(plan.axis.count), isFirstTime = plan.cohorts == .firstTime
        var last = UInt32.max
        for row in Int(rows.start.rowStarts[customer])..<Int(rows.start.rowStarts[customer + 1]) {
            if let masks = rows.start.masks, masks[row] & RetentionRows.startBit == 0 { continue }
            let number = rows.startNumbers[row]
            guard number < cohortCount, number != last else { continue }
            last = number
            entries.append(
                Entry(
                    cohort: Int(number), time: rows.start.times[row],
                    split: rows.splits.map { $0[row] } ?? SequenceRows.nullCode))
            if isFirstTime { return }
        }
    }

    private mutating func loadReturns(_ rows: Morsel, _ customer: Int) {
        let from = Int(rows.returning.rowStarts[customer]), to = Int(rows.returning.rowStarts[customer + 1])
        returns.count = 0
        returns.reserve(to - from + 1)
        let output = returns.base
        var count = 0
        if let masks = rows.returning.masks {
            for row in from..<to {
                output[count] = UInt32(truncatingIfNeeded: row)
                count &+= masks[row] & RetentionRows.returnBit == 0 ? 0 : 1
            }
        } else {
            for row in from..<to {
                output[count] = UInt32(truncatingIfNeeded: row)
                count &+= 1
            }
        }
        returns.count = count
    }

    /// The cell of a return row; past ``GeneralRetentionPlan/cellCount`` each period has its own number.
    @inline(__always)
    private func cell(_ rows: Morsel, _ entry: Entry, _ row: Int) -> Int {
        let period: Int
        if let length = plan.rollingLength {
            period = Int((rows.returning.times[row] &- entry.time) / length)
        } else {
            period = Int(rows.returnNumbers[row]) &- entry.cohort
        }
        guard let cells = plan.cellOfPeriod else { return period }
        return period < cells.count ? Int(cells[period]) : plan.cellCount &+ period &- cells.count
    }

    /// Counts the returns of one customer to one of her cohorts; the rows from `first` on are not before her start.
    private mutating func walk(_ rows: Morsel, _ entry: Entry, _ place: Int, from first: Int) {
        let cellCount = plan.cellCount, isOnOrAfter = plan.isOnOrAfter, isRunning = plan.isRunning
        let end = returns.count, least = plan.returnCountMin
        let cells = customers.base + place * plan.stride
        var earliest = 0, latest = 0
        var at = first
        while at < end {
            let own = cell(rows, entry, Int(returns.base[at]))
            if own >= cellCount && !isOnOrAfter { break }
            var next = at + 1
            while next < end && cell(rows, entry, Int(returns.base[next])) == own { next += 1 }
            if own == 0 || next - at >= least {
                let cell = min(own, cellCount)
                for v in 0..<valueMeasures.count { add(rows.values[v], v, at..<next, place, cell) }
                if cell > 0 {
                    if earliest == 0 { earliest = cell }
                    latest = cell
                    if !isOnOrAfter && !isRunning { cells[cell] += 1 }
                }
            }
            at = next
        }
        // The others follow from these when the answer is made.
        if isOnOrAfter { cells[latest] += 1 }
        if isRunning { cells[earliest] += 1 }
    }

    private mutating func add(
        _ values: RetentionRows.Values, _ v: Int, _ range: Range<Int>, _ place: Int, _ cell: Int
    ) {
        let at = (place * valueMeasures.count + v) * plan.stride + cell
        switch values {
        case .integers(let values, let validity):
            var sum = Int128(0), count = Int64(0)
            for i in range {
                let row = Int(returns.base[i])
                if let validity, validity[row >> 6] & (1 << UInt64(row & 63)) == 0 { continue }
                sum += Int128(values[row])
                count += 1
            }
            sums.base[at] += sum
            counts.base[at] += count
        case .doubles(let values, let validity):
            for i in range {
                let row = Int(returns.base[i])
                if let validity, validity[row >> 6] & (1 << UInt64(row & 63)) == 0 { continue }
                doubleSums?.add(values[row], at)
                counts.base[at] += 1
            }
        }
    }

    // MARK: Places

    private mutating func place(_ entry: Entry) throws -> Int {
        if entry.split == SequenceRows.nullCode, placeOfCohort[entry.cohort] >= 0 {
            return placeOfCohort[entry.cohort]
        }
        return try place(key: GeneralRetentionTally.key(split: entry.split, cohort: entry.cohort))
    }

    private mutating func place(key: UInt64) throws -> Int {
        if let known = places[key] { return known }
        let place = sizes.count, stride = plan.stride
        guard (place + 1) * stride * plan.measures.count <= GeneralRetentionPlan.cellCountMax else {
            throw DukkanError(
                .limit, "a retention has more than \(GeneralRetentionPlan.cellCountMax) cells",
                advice:
                    "Choose longer or fewer periods, a shorter range of time, or SPLIT BY something with fewer values.")
        }
        places[key] = place
        if key >> 32 == 0 { placeOfCohort[Int(key & 0xFFFF_FFFF)] = place }
        sizes.append(0)
        customers.append(zeros: stride)
        counts.append(zeros: stride * valueMeasures.count)
        if hasExactSums { sums.append(zeros: stride * valueMeasures.count) }
        doubleSums?.reserve((place + 1) * stride * valueMeasures.count)
        return place
    }

    /// Takes over what another worker found; the other is left as it was.
    ///
    /// - Throws: `limit`.
    mutating func merge(_ other: GeneralRetentionTally) throws {
        let stride = plan.stride, perPlace = stride * valueMeasures.count
        var ownPlaces = [Int](repeating: 0, count: other.sizes.count)
        for (key, theirs) in other.places {
            let own = try place(key: key)
            ownPlaces[theirs] = own
            sizes.base[own] += other.sizes.base[theirs]
            for cell in 0..<stride {
                customers.base[own * stride + cell] += other.customers.base[theirs * stride + cell]
            }
            for cell in 0..<perPlace {
                counts.base[own * perPlace + cell] += other.counts.base[theirs * perPlace + cell]
            }
            guard hasExactSums else { continue }
            for cell in 0..<perPlace { sums.base[own * perPlace + cell] += other.sums.base[theirs * perPlace + cell] }
        }
        if let others = other.doubleSums {
            doubleSums?.merge(others) { ownPlaces[$0 / perPlace] * perPlace + $0 % perPlace }
        }
    }
}

extension GrowableBuffer where Element: FixedWidthInteger {
    /// Appends zeros.
    fileprivate mutating func append(zeros added: Int) {
        reserve(count + added)
        (base + count).update(repeating: 0, count: added)
        count += added
    }
}
