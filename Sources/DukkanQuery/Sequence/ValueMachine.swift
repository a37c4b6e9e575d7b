/// Finds how far one customer comes in a funnel under each of the values that her rows of one step carry, in one pass over
/// her rows.
///
/// Under a value, rows of that step with another value do not count as the step. What ``FunnelMachine`` keeps for each level
/// is kept here for each value from that step on; before it, all values share it. A row of a later step concerns only values
/// whose chain up to the step before has changed since the last such row: they wait in a list, which the row empties. So
/// it takes O(rows × steps) however many values there are, where a run for each value takes rows × values.
struct ValueMachine {
    private let plan: FunnelPlan
    private let stepCount: Int
    /// The step whose rows carry the values.
    private let step: Int
    /// Values held at a time.
    private let placeCountMax: Int
    /// Slots of the customer's values, in order of appearance.
    private var slots = GrowableBuffer<UInt32>()
    /// For each slot the place of its value, 0 for none; all 0 between customers.
    private var places = GrowableBuffer<UInt32>()
    /// At `place * stepCount + level - 1` the start of the chain kept for the level.
    ///
    /// Place 0 holds the levels before the step, which all values share.
    private var starts = GrowableBuffer<Int64>()
    /// Step times of these chains, `stepCount` for each.
    private var chains = GrowableBuffer<Int64>()
    /// For each place the step times of its reported chain.
    private var reported = GrowableBuffer<Int64>()
    private var levels = GrowableBuffer<UInt8>()
    /// For each place a bit for each step in whose list it is.
    private var waits = GrowableBuffer<UInt32>()
    /// For each step the places that wait for a row of it, one list behind the other.
    private var lists = GrowableBuffer<UInt32>()
    private var listCounts = GrowableBuffer<Int>()
    private var listCapacity = 0

    /// - Parameter step: the one whose rows carry the values.
    init(_ plan: FunnelPlan, step: Int) {
        self.plan = plan
        self.step = step
        stepCount = plan.stepCount
        // A start and a chain for each level, and the reported chain.
        placeCountMax = max(1, ValueMachine.stateByteCount / (8 * stepCount * (stepCount + 2)))
    }

    /// Bytes of state held at a time; more values take further passes.
    private static let stateByteCount = 1 << 22

    func deallocate() {
        slots.deallocate()
        places.deallocate()
        starts.deallocate()
        chains.deallocate()
        reported.deallocate()
        levels.deallocate()
        waits.deallocate()
        lists.deallocate()
        listCounts.deallocate()
    }

    /// How far a customer came under one value.
    struct Outcome {
        /// 0 for null, code + 1.
        var slot: UInt32
        /// Steps reached, at least the one that carries the values.
        var level: Int
        /// Of any chain; ``FunnelMachine/none`` where there is none.
        var latestStart: Int64
        /// Step times of the chain that reached the level first.
        var stepTimes: UnsafePointer<Int64>
    }

    /// Evaluates a customer's rows and calls `note` for each value under which she reached the step.
    ///
    /// False, and nothing noted, where rows at one time have to be matched with steps row by row.
    mutating func run(_ stream: CustomerStream, note: (Outcome) -> Void) -> Bool {
        if needsMatching(stream) { return false }
        findSlots(stream)
        var first = 0
        while first < slots.count {
            let count = min(placeCountMax, slots.count - first)
            let held = slots.base + first
            for i in 0..<count { places.base[Int(held[i])] = UInt32(i + 1) }
            pass(stream, placeCount: count + 1)
            for i in 0..<count {
                let place = i + 1, level = Int(levels.base[place])
                places.base[Int(held[i])] = 0
                guard level > step else { continue }
                note(
                    Outcome(
                        slot: held[i], level: level, latestStart: starts.base[step == 0 ? place * stepCount : 0],
                        stepTimes: UnsafePointer(reported.base + place * stepCount)))
            }
            first += count
        }
        return true
    }

    /// Whether some row at the time of another matches several steps, and it matters which one it serves.
    private func needsMatching(_ stream: CustomerStream) -> Bool {
        guard plan.ties == .favourable else { return false }
        let times = stream.times.base, masks = stream.masks.base
        for row in 0..<stream.count where masks[row] & (masks[row] &- 1) != 0 {
            if row > 0 && times[row - 1] == times[row] { return true }
            if row + 1 < stream.count && times[row + 1] == times[row] { return true }
        }
        return false
    }

    private mutating func findSlots(_ stream: CustomerStream) {
        let values = stream.values.base, masks = stream.masks.base, bit: UInt32 = 1 << UInt32(step)
        slots.count = 0
        for row in 0..<stream.count where masks[row] & bit != 0 {
            let slot = Int(values[row] &+ 1)
            if slot >= places.count {
                let before = places.count
                places.reserve(slot + 1)
                places.count = places.capacity
                (places.base + before).update(repeating: 0, count: places.count - before)
            }
            if places.base[slot] != 0 { continue }
            places.base[slot] = 1
            slots.append(UInt32(slot))
        }
        for i in 0..<slots.count { places.base[Int(slots.base[i])] = 0 }
    }

    private mutating func begin(placeCount: Int) {
        starts.reserve(placeCount * stepCount)
        starts.base.update(repeating: FunnelMachine.none, count: placeCount * stepCount)
        chains.reserve(placeCount * stepCount * stepCount)
        reported.reserve(placeCount * stepCount)
        levels.reserve(placeCount)
        levels.base.update(repeating: 0, count: placeCount)
        waits.reserve(placeCount)
        waits.base.update(repeating: 0, count: placeCount)
        lists.reserve(placeCount * stepCount)
        listCapacity = placeCount
        listCounts.reserve(stepCount)
        listCounts.base.update(repeating: 0, count: stepCount)
    }

    /// One pass over the rows for the values that have places.
    private mutating func pass(_ stream: CustomerStream, placeCount: Int) {
        begin(placeCount: placeCount)
        let times = stream.times.base, masks = stream.masks.base
        var row = 0
        while row < stream.count {
            let time = times[row]
            let moment = Moment(time: time, limit: plan.earliestStart(at: time))
            var end = row + 1
            while end < stream.count && times[end] == time { end += 1 }
            if end == row + 1 || plan.ties == .recorded {
                for row in row..<end { takeLastFirst(stream, row..<row + 1, masks[row], moment) }
            } else {
                var union: UInt32 = 0
                for row in row..<end { union |= masks[row] }
                if plan.ties == .increasing {
                    takeLastFirst(stream, row..<end, union, moment)
                } else {
                    takeFirstFirst(stream, row..<end, union, moment)
                }
            }
            row = end
        }
    }

    /// A time of rows, and the earliest start whose chains may take them.
    private struct Moment {
        var time: Int64
        var limit: Int64
    }

    /// Rows of which a chain may use one.
    @inline(__always)
    private func takeLastFirst(_ stream: CustomerStream, _ rows: Range<Int>, _ mask: UInt32, _ moment: Moment) {
        var bits = mask
        while bits != 0 {
            let k = 31 &- bits.leadingZeroBitCount
            bits ^= 1 &<< UInt32(truncatingIfNeeded: k)
            take(stream, rows, k, moment)
        }
    }

    /// Rows at one time that can serve all steps of `mask` in one chain.
    private func takeFirstFirst(_ stream: CustomerStream, _ rows: Range<Int>, _ mask: UInt32, _ moment: Moment) {
        var bits = mask
        while bits != 0 {
            let k = bits.trailingZeroBitCount
            bits &= bits &- 1
            take(stream, rows, k, moment)
        }
    }

    /// Lets rows at one time serve step `k`.
    @inline(__always)
    private func take(_ stream: CustomerStream, _ rows: Range<Int>, _ k: Int, _ moment: Moment) {
        if k > step {
            takeWaiting(k, moment)
        } else if k < step {
            _ = extend(0, from: 0, k, moment)
        } else {
            takeValues(stream, rows, moment)
        }
    }

    /// Extends the chains of the values that rows carry.
    @inline(__always)
    private func takeValues(_ stream: CustomerStream, _ rows: Range<Int>, _ moment: Moment) {
        let values = stream.values.base, masks = stream.masks.base, places = places.base, levels = levels.base
        for row in rows where masks[row] &>> UInt32(truncatingIfNeeded: step) & 1 != 0 {
            let place = Int(places[Int(values[row] &+ 1)])
            // The value has its turn in another pass, or is done.
            if place == 0 || Int(levels[place]) == stepCount { continue }
            if extend(place, from: 0, step, moment) { rise(place, step) }
        }
    }

    /// Extends the chains that wait for step `k`; each then waits no more, until its start has changed.
    private func takeWaiting(_ k: Int, _ moment: Moment) {
        let count = listCounts.base[k]
        if count == 0 { return }
        listCounts.base[k] = 0
        let list = lists.base + k * listCapacity
        for i in 0..<count {
            let place = Int(list[i])
            waits.base[place] &= ~(1 &<< UInt32(truncatingIfNeeded: k))
            if Int(levels.base[place]) == stepCount { continue }
            if extend(place, from: place, k, moment) { rise(place, k) }
        }
    }

    /// Extends the chain that `source` keeps up to the step before `k`, for `place`; false where that is nothing new.
    @inline(__always)
    private func extend(_ place: Int, from source: Int, _ k: Int, _ moment: Moment) -> Bool {
        let at = place &* stepCount &+ k
        let chain = chains.base + at &* stepCount
        if k == 0 {
            guard moment.time > starts.base[at] else { return false }
            starts.base[at] = moment.time
        } else {
            let before = source &* stepCount &+ k &- 1
            let start = starts.base[before]
            guard start >= moment.limit, start > starts.base[at] else { return false }
            starts.base[at] = start
            chain.update(from: chains.base + before &* stepCount, count: k)
        }
        chain[k] = moment.time
        return true
    }

    /// Notes that a value has a new chain up to step `k`: a level perhaps, and something that a row of the next step may extend.
    @inline(__always)
    private func rise(_ place: Int, _ k: Int) {
        if k >= Int(levels.base[place]) {
            levels.base[place] = UInt8(truncatingIfNeeded: k + 1)
            (reported.base + place * stepCount).update(
                from: chains.base + (place * stepCount + k) * stepCount, count: k + 1)
        }
        let next = k + 1, bit: UInt32 = 1 &<< UInt32(truncatingIfNeeded: next)
        guard next < stepCount, waits.base[place] & bit == 0 else { return }
        waits.base[place] |= bit
        lists.base[next * listCapacity + listCounts.base[next]] = UInt32(truncatingIfNeeded: place)
        listCounts.base[next] += 1
    }
}
