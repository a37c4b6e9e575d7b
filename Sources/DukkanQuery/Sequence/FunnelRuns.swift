import CDukkanKernels

/// Customers spread out into runs for the scan: one for each value of the breakdown that a customer may stand under, with
/// the rows that count there, or one for all her rows of several tables.
struct FunnelRuns {
    private(set) var rowStarts = GrowableBuffer<UInt32>(capacity: 1 << 12)
    private(set) var times = GrowableBuffer<Int64>(capacity: 1 << 14)
    private(set) var masks = GrowableBuffer<UInt32>(capacity: 1 << 14)
    /// For each run the slot of its value: 0 for null, code + 1.
    private(set) var slots = GrowableBuffer<UInt32>(capacity: 1 << 12)
    private var bytes = GrowableBuffer<UInt8>(capacity: 1 << 14)
    private let usesBytes: Bool
    private let longRowCount: Int
    private var order: [UInt32] = []

    /// - Parameters:
    ///   - stepCount: of the funnel.
    ///   - longRowCount: matching rows from which on a customer may be left to the caller.
    init(stepCount: Int, longRowCount: Int) {
        usesBytes = stepCount <= 8
        self.longRowCount = longRowCount
    }

    func deallocate() {
        bytes.deallocate()
        rowStarts.deallocate()
        times.deallocate()
        masks.deallocate()
        slots.deallocate()
    }

    var count: Int { slots.count }

    /// The rows of all runs.
    var table: SequenceRows {
        SequenceRows(
            rowStarts: UnsafePointer(rowStarts.base), times: UnsafePointer(times.base),
            masks: usesBytes ? .bytes(UnsafePointer(bytes.base)) : .words(UnsafePointer(masks.base)))
    }

    /// Brings the masks into the form in which the scan is fastest.
    private mutating func finish() {
        guard usesBytes else { return }
        bytes.reserve(masks.count)
        let from = masks.base, to = bytes.base
        for row in 0..<masks.count { to[row] = UInt8(truncatingIfNeeded: from[row]) }
    }

    private mutating func removeAll() {
        rowStarts.count = 0
        rowStarts.append(0)
        times.count = 0
        masks.count = 0
        slots.count = 0
    }

    /// Where runs of one entry are counted: by slot and level, as ``FunnelAccumulator`` holds them.
    struct EntryCounts {
        var reached: UnsafeMutablePointer<Int>
        var open: UnsafeMutablePointer<Int>
        /// Entries of each of the two.
        var count: Int
        /// The latest time of an entry whose customer is not open.
        var openAfter: Int64
    }

    /// Gathers the runs of some customers anew, until there are enough rows for a scan; returns the customer to go on with.
    ///
    /// - Parameters:
    ///   - tables: with matching rows only.
    ///   - customers: those to take.
    ///   - stream: memory for the rows of one customer.
    ///   - plan: that of the query.
    ///   - counts: makes room for the counts of so many entries, and returns where they are.
    ///   - takeLong: evaluates a customer of many rows without runs; returns whether it did.
    mutating func gather(
        _ tables: UnsafeBufferPointer<SequenceRows>, _ customers: Range<Int>, _ stream: inout CustomerStream,
        _ plan: FunnelPlan, counts: (Int) -> EntryCounts, takeLong: (CustomerStream) -> Bool
    ) -> Int {
        removeAll()
        let starts = tables[0].rowStarts
        var customer = customers.lowerBound
        while customer < customers.upperBound && times.count < FunnelRuns.gatheredRowCount {
            let end = min(customers.upperBound, customer + FunnelRuns.passedCustomerCount)
            let stopped = passEntries(tables, customer..<end, plan, counts)
            customer = stopped
            guard stopped < end else { continue }
            if starts[stopped] < starts[stopped + 1] {
                stream.load(tables, customer: stopped)
                if stream.count < longRowCount || !takeLong(stream) { append(stream, plan.attribution) }
            }
            customer += 1
        }
        finish()
        return customer
    }

    /// Customers that one call of the kernel may pass.
    private static let passedCustomerCount = 4_096

    /// Takes the customers who cannot get past the first step; returns the first who may.
    private mutating func passEntries(
        _ tables: UnsafeBufferPointer<SequenceRows>, _ customers: Range<Int>, _ plan: FunnelPlan,
        _ counts: (Int) -> EntryCounts
    ) -> Int {
        let form: Int
        switch plan.attribution {
        case nil: form = DUKKAN_ENTRIES_WHOLE
        case .step(0): form = DUKKAN_ENTRIES_BY_VALUE
        // Who does not reach the step does not stand under its value.
        case .step: form = DUKKAN_ENTRIES_DROPPED
        default: return customers.lowerBound
        }
        let starts = tables[0].rowStarts
        let entryCount = Int(starts[customers.upperBound] - starts[customers.lowerBound])
        // Room for the rows of other tables that stand once under each value; without it the kernel stops earlier.
        let capacity = times.count + 2 * entryCount + 1_024
        times.reserve(capacity + 1)
        masks.reserve(capacity + 1)
        rowStarts.reserve(capacity + 2)
        slots.reserve(capacity + 1)
        return withUnsafeTemporaryAllocation(of: dukkan_funnel_table.self, capacity: tables.count) { inputs in
            for (t, table) in tables.enumerated() {
                guard case .bytes(let masks) = table.masks else { return customers.lowerBound }
                inputs.initializeElement(
                    at: t,
                    to: dukkan_funnel_table(
                        row_starts: table.rowStarts, times: table.times, masks: masks, values: table.values))
            }
            var runs = dukkan_funnel_runs()
            runs.row_starts = rowStarts.base
            runs.times = times.base
            runs.masks = masks.base
            runs.slots = slots.base
            runs.row_count = times.count
            runs.run_count = slots.count
            runs.row_capacity = capacity
            runs.step_count = plan.stepCount
            var stopped = customers.lowerBound
            var needed = plan.stepCount
            repeat {
                let room = counts(needed)
                runs.reached = UnsafeMutableRawPointer(room.reached).assumingMemoryBound(to: Int64.self)
                runs.open = UnsafeMutableRawPointer(room.open).assumingMemoryBound(to: Int64.self)
                runs.slot_count = room.count / plan.stepCount
                runs.slots_needed = 0
                runs.open_after = room.openAfter
                stopped = dukkan_funnel_entries(
                    inputs.baseAddress, inputs.count, stopped, customers.upperBound, Int32(form),
                    plan.window == nil ? 0 : 1, plan.window ?? 0, SequenceRows.nullCode, &runs)
                needed = runs.slots_needed * plan.stepCount
            } while needed > 0
            times.count = runs.row_count
            masks.count = runs.row_count
            slots.count = runs.run_count
            rowStarts.count = runs.run_count + 1
            return stopped
        }
    }

    /// Rows after which the runs gathered so far are scanned.
    private static let gatheredRowCount = 1 << 15

    /// Adds a customer under whatever values the attribution says.
    private mutating func append(_ stream: CustomerStream, _ attribution: FunnelQuery.Attribution?) {
        switch attribution {
        case .step(let step): appendEachValue(stream, ofStep: step)
        case .all: appendEachValueAlone(stream)
        default: appendWhole(stream, FunnelRuns.value(of: stream, attribution))
        }
    }

    /// The one value that a customer stands under.
    private static func value(of stream: CustomerStream, _ attribution: FunnelQuery.Attribution?) -> UInt32 {
        let masks = stream.masks.base, values = stream.values.base, null = SequenceRows.nullCode
        let row: Int?
        switch attribution {
        case .first: row = (0..<stream.count).first { values[$0] != null }
        case .last: row = (0..<stream.count).last { values[$0] != null }
        case .stepFirst(let step): row = (0..<stream.count).first { masks[$0] & 1 << UInt32(step) != 0 }
        default: row = nil
        }
        return row.map { values[$0] } ?? null
    }

    private mutating func appendWhole(_ stream: CustomerStream, _ value: UInt32) {
        let at = times.count
        times.reserve(at + stream.count)
        masks.reserve(at + stream.count)
        (times.base + at).update(from: stream.times.base, count: stream.count)
        (masks.base + at).update(from: stream.masks.base, count: stream.count)
        times.count = at + stream.count
        end(value)
    }

    /// Once for each value that rows of a step carry: rows of other values do not count as that step.
    ///
    /// O(rows²), for customers of few rows and those whose rows at one time have to be matched with steps.
    private mutating func appendEachValue(_ stream: CustomerStream, ofStep step: Int) {
        let bit: UInt32 = 1 << UInt32(step)
        let count = stream.count, values = stream.values.base, masks = stream.masks.base
        for row in 0..<count where masks[row] & bit != 0 {
            var earlier = 0
            while earlier < row && (masks[earlier] & bit == 0 || values[earlier] != values[row]) { earlier += 1 }
            if earlier == row { append(stream, values[row], bit) }
        }
    }

    @inline(__always)
    private mutating func append(_ stream: CustomerStream, _ value: UInt32, _ bit: UInt32) {
        let count = stream.count, values = stream.values.base, masks = stream.masks.base, times = stream.times.base
        var at = self.times.count
        self.times.reserve(at + count)
        self.masks.reserve(at + count)
        let toTimes = self.times.base, toMasks = self.masks.base
        for row in 0..<count {
            let mask = values[row] == value ? masks[row] : masks[row] & ~bit
            toTimes[at] = times[row]
            toMasks[at] = mask
            at &+= mask != 0 ? 1 : 0
        }
        self.times.count = at
        end(value)
    }

    /// Once for each value, over the rows that carry it.
    ///
    /// O(rows log rows), however many values.
    private mutating func appendEachValueAlone(_ stream: CustomerStream) {
        let count = stream.count, values = stream.values.base
        order.removeAll(keepingCapacity: true)
        for row in 0..<count { order.append(UInt32(row)) }
        order.sort { (values[Int($0)], $0) < (values[Int($1)], $1) }
        let at = times.count
        times.reserve(at + count)
        masks.reserve(at + count)
        for (i, row) in order.enumerated() {
            times.base[at + i] = stream.times.base[Int(row)]
            masks.base[at + i] = stream.masks.base[Int(row)]
        }
        for (i, row) in order.enumerated() where i + 1 == count || values[Int(order[i + 1])] != values[Int(row)] {
            times.count = at + i + 1
            end(values[Int(row)])
        }
    }

    private mutating func end(_ value: UInt32) {
        masks.count = times.count
        rowStarts.append(UInt32(truncatingIfNeeded: times.count))
        slots.append(value &+ 1)
    }
}
