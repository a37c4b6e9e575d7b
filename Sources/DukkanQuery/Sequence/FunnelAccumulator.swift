import CDukkanKernels

/// What a funnel found so far: one for each worker, merged at the end.
///
/// Counts and exact times only, so the answer does not depend on how customers were spread over workers and calls.
package final class FunnelAccumulator: @unchecked Sendable {  // Sendable: one thread at a time; the answer only reads.
    let plan: FunnelPlan
    /// For value slot v (0: null, or no breakdown; code + 1) and level l from 1: at `v * stepCount + l - 1` customers
    /// who reached just l.
    private(set) var reached = GrowableBuffer<Int>()
    /// Laid out alike: those of them who may still get further.
    private(set) var open = GrowableBuffer<Int>()
    /// For each step from the second: microseconds from the step before, one entry a customer who reached it.
    let gaps: BufferRow<Int64>
    /// The value slot of each entry; empty when there is no breakdown.
    let gapSlots: BufferRow<UInt32>
    /// Accumulators whose counts were added to these; they keep their gaps.
    private(set) var merged: [FunnelAccumulator] = []
    private var scan: FunnelScan
    private var runs: FunnelRuns
    /// One for each table.
    private var matching: [MatchingRows] = []
    private var stream: CustomerStream
    private var tied: CustomerStream
    var machine: FunnelMachine
    /// The customer whose rows come in several pieces.
    var carried = CarriedCustomer()
    /// For customers of many rows, where a step's rows say under which values a customer stands.
    private var valueMachine: ValueMachine?
    /// The value slot of each customer of the morsel who is counted.
    private var customerSlots = GrowableBuffer<UInt32>(capacity: 1 << 12)

    /// Matching rows from which on one pass for all values costs less than a run for each.
    static let longRowCount = 48

    /// - Parameters:
    ///   - plan: that of the query.
    ///   - longRowCount: matching rows from which on a customer counts as one of many rows.
    init(_ plan: FunnelPlan, longRowCount: Int = FunnelAccumulator.longRowCount) {
        self.plan = plan
        scan = FunnelScan(plan)
        runs = FunnelRuns(stepCount: plan.stepCount, longRowCount: longRowCount)
        machine = FunnelMachine(plan)
        if case .step(let step) = plan.attribution { valueMachine = ValueMachine(plan, step: step) }
        stream = CustomerStream(hasValues: plan.attribution != nil)
        tied = CustomerStream(hasValues: false)
        gaps = BufferRow(count: plan.stepCount - 1)
        gapSlots = BufferRow(count: plan.stepCount - 1)
    }

    deinit {
        reached.deallocate()
        open.deallocate()
        gaps.deallocate()
        gapSlots.deallocate()
        scan.deallocate()
        runs.deallocate()
        for rows in matching { rows.deallocate() }
        stream.deallocate()
        tied.deallocate()
        carried.deallocate()
        machine.deallocate()
        valueMachine?.deallocate()
        customerSlots.deallocate()
    }

    /// Takes the customers of one morsel; each customer of the store comes in one call only.
    ///
    /// - Parameter tables: in the order of the query's steps, which is the order of rows at one time.
    package func add(customerCount: Int, tables: [SequenceRows]) {
        guard customerCount > 0, let table = tables.first else { return }
        var needsRuns = tables.count > 1
        switch plan.attribution {
        case .step, .all: needsRuns = true
        default: break
        }
        if !needsRuns {
            scanAndNote(table, customerCount, slots: nil)
            return
        }
        while matching.count < tables.count { matching.append(MatchingRows()) }
        let compact = tables.indices.map { matching[$0].compact(tables[$0], customerCount: customerCount) }
        compact.withUnsafeBufferPointer { tables in
            var customer = 0
            while customer < customerCount {
                let openAfter = scan.openAfter
                customer = runs.gather(tables, customer..<customerCount, &stream, plan) { count in
                    reserveSlots(count)
                    return FunnelRuns.EntryCounts(
                        reached: reached.base, open: open.base, count: reached.count, openAfter: openAfter)
                } takeLong: {
                    noteEachValue($0)
                }
                scanAndNote(runs.table, runs.count, slots: UnsafePointer(runs.slots.base))
            }
        }
    }

    /// Takes over what another worker found; its gaps stay where they are.
    package func merge(_ other: FunnelAccumulator) {
        reserveSlots(other.reached.count)
        for i in 0..<other.reached.count {
            reached.base[i] += other.reached.base[i]
            open.base[i] += other.open.base[i]
        }
        merged.append(other)
    }

    @inline(__always)
    private func reserveSlots(_ count: Int) {
        if count > reached.count { growSlots(count) }
    }

    private func growSlots(_ count: Int) {
        let before = reached.count
        reached.reserve(count)
        open.reserve(count)
        (reached.base + before).update(repeating: 0, count: count - before)
        (open.base + before).update(repeating: 0, count: count - before)
        reached.count = count
        open.count = count
    }
}

// MARK: - What the scan found

extension FunnelAccumulator {
    /// Levels below this are not counted: she stands under a value of a step only if she reaches the step.
    var leastLevel: Int {
        if case .step(let step) = plan.attribution { step + 1 } else { 1 }
    }

    /// Scans customers and counts them.
    ///
    /// - Parameter slots: of the values that the customers stand under; nil: found in the rows.
    func scanAndNote(_ table: SequenceRows, _ count: Int, slots: UnsafePointer<UInt32>?) {
        guard table.rowStarts[count] > table.rowStarts[0] else { return }
        scan.run(table, count: count)
        if plan.attribution == nil && !scan.hasAnyTies {
            countLevels(table, count)
            notePending(table)
            scan.clear()
            return
        }
        scan.findLevels(table, count: count)
        // Copies of what holds only pointers, so that the loops do not go through the object.
        let scan = scan
        for active in 0..<scan.activeCount where scan.hasTies(active) {
            let customer = Int(scan.activeCustomers.base[active])
            scan.levels.base[customer] = 0
            scan.activeLevels.base[active] = 0
            noteTied(table, customer, slots)
        }
        if plan.attribution == nil {
            noteLevels(count)
        } else {
            noteLevelsByValue(table, count, slots)
        }
        notePending(table)
        self.scan.clear()
    }

    private func countLevels(_ table: SequenceRows, _ count: Int) {
        let stepCount = plan.stepCount
        reserveSlots(stepCount)
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * FunnelQuery.stepCountMax) { counts in
            counts.initialize(repeating: 0)
            guard let reached = counts.baseAddress else { return }
            let open = reached + stepCount
            scan.countLevels(table, count: count, reached: reached, open: open)
            for level in 0..<stepCount {
                self.reached.base[level] += Int(reached[level])
                self.open.base[level] += Int(open[level])
            }
        }
    }

    private func noteLevels(_ count: Int) {
        let stepCount = plan.stepCount
        reserveSlots(stepCount)
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * FunnelQuery.stepCountMax) { counts in
            counts.initialize(repeating: 0)
            guard let closed = counts.baseAddress else { return }
            let open = closed + stepCount
            dukkan_count_bytes(scan.levels.base, count, 1, stepCount, closed)
            dukkan_count_bytes(scan.levels.base, count, FunnelScan.openBit + 1, stepCount, open)
            for level in 0..<stepCount {
                reached.base[level] += Int(closed[level] + open[level])
                self.open.base[level] += Int(open[level])
            }
        }
    }

    private func noteLevelsByValue(_ table: SequenceRows, _ count: Int, _ slots: UnsafePointer<UInt32>?) {
        let levels = scan.levels.base, leastLevel = leastLevel, stepCount = plan.stepCount
        customerSlots.reserve(count)
        let customerSlots = customerSlots.base
        var reached = reached, open = open
        for customer in 0..<count {
            let level = Int(levels[customer] & ~FunnelScan.openBit)
            guard level >= leastLevel else { continue }
            let slot = slots?[customer] ?? self.slot(table, customer)
            customerSlots[customer] = slot
            let end = (Int(slot) + 1) * stepCount
            if end > reached.count {
                reserveSlots(end)
                (reached, open) = (self.reached, self.open)
            }
            let at = Int(slot) &* stepCount &+ level &- 1
            reached.base[at] &+= 1
            open.base[at] &+= Int(levels[customer] &>> 7)
        }
    }

    /// Appends the gaps of the reported chains of those who reached the second step.
    private func notePending(_ table: SequenceRows) {
        let gapCount = plan.stepCount - 1
        guard gapCount > 0 else { return }
        for step in 0..<gapCount {
            gaps.base[step].reserve(gaps.base[step].count + scan.activeCount + 1)
            if plan.attribution != nil { gapSlots.base[step].reserve(gapSlots.base[step].count + scan.activeCount + 1) }
        }
        withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<Int64>?.self, capacity: gapCount) { outputs in
            withUnsafeTemporaryAllocation(of: UnsafeMutablePointer<UInt32>?.self, capacity: gapCount) { slots in
                withUnsafeTemporaryAllocation(of: Int.self, capacity: gapCount) { counts in
                    for step in 0..<gapCount {
                        outputs.initializeElement(at: step, to: gaps.base[step].base)
                        slots.initializeElement(at: step, to: gapSlots.base[step].base)
                        counts.initializeElement(at: step, to: gaps.base[step].count)
                    }
                    scan.appendGaps(
                        table, leastLevel: max(leastLevel, 2),
                        customerSlots: plan.attribution == nil ? nil : UnsafePointer(customerSlots.base),
                        outputs, slots, counts)
                    for step in 0..<gapCount {
                        gaps.base[step].count = counts[step]
                        if plan.attribution != nil { gapSlots.base[step].count = counts[step] }
                    }
                }
            }
        }
    }

    @inline(__always)
    private func noteGaps(_ stepTimes: UnsafePointer<Int64>, _ level: Int, slot: UInt32) {
        for step in 1..<level { gaps.base[step - 1].append(stepTimes[step] &- stepTimes[step - 1]) }
        if plan.attribution != nil {
            for step in 1..<level { gapSlots.base[step - 1].append(slot) }
        }
    }

    /// A customer with several matching rows at one time, evaluated exactly.
    private func noteTied(_ table: SequenceRows, _ customer: Int, _ slots: UnsafePointer<UInt32>?) {
        withUnsafePointer(to: table) {
            tied.load(UnsafeBufferPointer(start: $0, count: 1), customer: customer)
        }
        machine.run(tied.times.base, tied.masks.base, count: tied.count)
        let level = machine.level
        guard level >= leastLevel else { return }
        let slot = plan.attribution == nil ? 0 : slots?[customer] ?? self.slot(table, customer)
        note(slot, level, latestStart: machine.latestStart, machine.reported)
    }

    /// Counts one customer under one value.
    func note(_ slot: UInt32, _ level: Int, latestStart: Int64, _ stepTimes: UnsafePointer<Int64>) {
        let at = Int(slot) * plan.stepCount + level - 1
        reserveSlots((Int(slot) + 1) * plan.stepCount)
        reached.base[at] += 1
        if plan.isOpen(start: latestStart) { open.base[at] += 1 }
        if level > 1 { noteGaps(stepTimes, level, slot: slot) }
    }

    /// A customer of many rows, under all values that rows of a step carry; false where the machine cannot tell.
    private func noteEachValue(_ stream: CustomerStream) -> Bool {
        valueMachine?.run(stream) { note($0.slot, $0.level, latestStart: $0.latestStart, $0.stepTimes) } ?? false
    }

    /// The slot of the one value that a customer stands under, from her rows in the only table.
    private func slot(_ table: SequenceRows, _ customer: Int) -> UInt32 {
        guard let values = table.values else { return 0 }
        let rows = Int(table.rowStarts[customer])..<Int(table.rowStarts[customer + 1])
        switch table.masks {
        case .bytes(let masks): return slot(rows, masks, values, rowsBase: table.rowStarts[0])
        case .words(let masks): return slot(rows, masks, values, rowsBase: table.rowStarts[0])
        }
    }

    @inline(__always)
    private func slot<Mask: FixedWidthInteger & UnsignedInteger>(
        _ rows: Range<Int>, _ masks: UnsafePointer<Mask>, _ values: UnsafePointer<UInt32>, rowsBase: UInt32
    ) -> UInt32 {
        switch plan.attribution {
        case .first:
            for row in rows where masks[row] != 0 && values[row] != SequenceRows.nullCode { return values[row] &+ 1 }
        case .last:
            for row in rows.reversed() where masks[row] != 0 && values[row] != SequenceRows.nullCode {
                return values[row] &+ 1
            }
        case .stepFirst(0):
            let base = Int(rowsBase)
            return values[scan.firstEntry(from: rows.lowerBound - base) + base] &+ 1
        case .stepFirst(let step):
            for row in rows where masks[row] & (1 &<< Mask(truncatingIfNeeded: step)) != 0 { return values[row] &+ 1 }
        default:
            break
        }
        return 0
    }
}
