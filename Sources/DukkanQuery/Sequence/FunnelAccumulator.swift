/// What a funnel found so far: one for each worker, merged at the end.
///
/// Counts and exact times only, so the answer does not depend on how customers were spread over workers and calls.
package final class FunnelAccumulator: @unchecked Sendable {  // Sendable: one thread at a time.
    let plan: FunnelPlan
    /// For value slot v (0: null, or no breakdown; code + 1) and level l from 1: at `v * stepCount + l - 1` customers
    /// who reached just l.
    private(set) var reached = GrowableBuffer<Int>()
    /// Laid out alike: those of them who may still get further.
    private(set) var open = GrowableBuffer<Int>()
    /// For each step from the second: microseconds from the step before, one entry a customer who reached it.
    private(set) var gaps: [GrowableBuffer<Int64>]
    /// The value slot of each entry; empty when there is no breakdown.
    private(set) var gapSlots: [GrowableBuffer<UInt32>]
    private var machine: FunnelMachine
    private var stream: CustomerStream
    private var valueMasks = GrowableBuffer<UInt32>(capacity: 256)
    private var valueTimes = GrowableBuffer<Int64>(capacity: 256)
    private var distinctValues: [UInt32] = []
    private var order: [UInt32] = []

    package init(_ plan: FunnelPlan) {
        self.plan = plan
        machine = FunnelMachine(plan)
        stream = CustomerStream(hasValues: plan.attribution != nil)
        gaps = (1..<max(plan.stepCount, 1)).map { _ in GrowableBuffer(capacity: 1024) }
        gapSlots = (1..<max(plan.stepCount, 1)).map { _ in GrowableBuffer(capacity: 16) }
    }

    deinit {
        reached.deallocate()
        open.deallocate()
        for buffer in gaps { buffer.deallocate() }
        for buffer in gapSlots { buffer.deallocate() }
        machine.deallocate()
        stream.deallocate()
        valueMasks.deallocate()
        valueTimes.deallocate()
    }

    /// Takes the customers of one morsel; each customer of the store comes in one call only.
    ///
    /// - Parameter tables: in the order of the query's steps, which is the order of rows at one time.
    package func add(customerCount: Int, tables: [SequenceRows]) {
        tables.withUnsafeBufferPointer { tables in
            for customer in 0..<customerCount {
                stream.load(tables, customer: customer)
                if stream.count > 0 { evaluateStream() }
            }
        }
    }

    /// Takes over what another worker found; the other is left as it was.
    package func merge(_ other: FunnelAccumulator) {
        reserveSlots(other.reached.count)
        for i in 0..<other.reached.count {
            reached.base[i] += other.reached.base[i]
            open.base[i] += other.open.base[i]
        }
        for step in 0..<gaps.count {
            gaps[step].append(other.gaps[step])
            gapSlots[step].append(other.gapSlots[step])
        }
    }

    private func evaluateStream() {
        let count = stream.count
        switch plan.attribution {
        case nil:
            record(SequenceRows.nullCode)
        case .first:
            var row = 0
            while row < count - 1 && stream.values.base[row] == SequenceRows.nullCode { row += 1 }
            record(stream.values.base[row])
        case .last:
            var row = count - 1
            while row > 0 && stream.values.base[row] == SequenceRows.nullCode { row -= 1 }
            record(stream.values.base[row])
        case .stepFirst(let step):
            let bit: UInt32 = 1 << UInt32(step)
            let row = (0..<count).first { stream.masks.base[$0] & bit != 0 }
            record(row.map { stream.values.base[$0] } ?? SequenceRows.nullCode)
        case .step(let step):
            recordEachValue(ofStep: step)
        case .all:
            recordEachValueAlone()
        }
    }

    private func record(_ value: UInt32) {
        machine.run(stream.times.base, stream.masks.base, count: stream.count)
        note(value, fromLevel: 1)
    }

    /// Once for each value that rows of a step carry: rows of other values do not count as that step.
    private func recordEachValue(ofStep step: Int) {
        let bit: UInt32 = 1 << UInt32(step)
        let count = stream.count
        distinctValues.removeAll(keepingCapacity: true)
        for row in 0..<count where stream.masks.base[row] & bit != 0 { distinctValues.append(stream.values.base[row]) }
        if distinctValues.count > 1 { removeDuplicates() }
        valueMasks.reserve(count)
        valueTimes.reserve(count)
        for value in distinctValues {
            var kept = 0
            for row in 0..<count {
                let mask = stream.values.base[row] == value ? stream.masks.base[row] : stream.masks.base[row] & ~bit
                valueMasks.base[kept] = mask
                valueTimes.base[kept] = stream.times.base[row]
                kept &+= mask != 0 ? 1 : 0
            }
            machine.run(valueTimes.base, valueMasks.base, count: kept)
            note(value, fromLevel: step + 1)
        }
    }

    /// Once for each value, over the rows that carry it.
    ///
    /// O(rows log rows), however many values.
    private func recordEachValueAlone() {
        let count = stream.count
        let values = stream.values.base
        order.removeAll(keepingCapacity: true)
        for row in 0..<count { order.append(UInt32(row)) }
        order.sort { (values[Int($0)], $0) < (values[Int($1)], $1) }
        valueMasks.reserve(count)
        valueTimes.reserve(count)
        for (at, row) in order.enumerated() {
            valueMasks.base[at] = stream.masks.base[Int(row)]
            valueTimes.base[at] = stream.times.base[Int(row)]
        }
        var first = 0
        while first < count {
            let value = values[Int(order[first])]
            var end = first + 1
            while end < count && values[Int(order[end])] == value { end += 1 }
            machine.run(valueTimes.base + first, valueMasks.base + first, count: end - first)
            note(value, fromLevel: 1)
            first = end
        }
    }

    private func removeDuplicates() {
        distinctValues.sort()
        var kept = 1
        for i in 1..<distinctValues.count where distinctValues[i] != distinctValues[kept - 1] {
            distinctValues[kept] = distinctValues[i]
            kept += 1
        }
        distinctValues.removeLast(distinctValues.count - kept)
    }

    /// Counts the customer whom the machine has just seen under a value, if she got as far as `fromLevel`.
    @inline(__always)
    private func note(_ value: UInt32, fromLevel: Int) {
        let level = machine.level
        guard level >= fromLevel else { return }
        let slot = Int(value &+ 1)
        let at = slot * plan.stepCount + level - 1
        reserveSlots((slot + 1) * plan.stepCount)
        reached.base[at] += 1
        if level < plan.stepCount && plan.isOpen(start: machine.latestStart) { open.base[at] += 1 }
        guard level > 1 else { return }
        for step in 1..<level {
            gaps[step - 1].append(machine.reported[step] - machine.reported[step - 1])
            if plan.attribution != nil { gapSlots[step - 1].append(UInt32(slot)) }
        }
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
