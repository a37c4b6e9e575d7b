/// Finds how far one customer comes in a funnel: the exact evaluation over her matching rows in order.
///
/// For each level it keeps the chain with the latest start among those that reached the level so far, and of those the
/// one that got there first. A later start never closes the window sooner, so nothing is lost by forgetting the others;
/// O(steps) a row. A row that matches several steps is offered to the last first, so that it never serves twice in one
/// chain. Rows at one time are a tie group and treated as `FunnelQuery.Ties` says.
struct FunnelMachine {
    /// The start of a chain that does not exist.
    ///
    /// No row has this time.
    static let none = Int64.min

    let plan: FunnelPlan
    private let stepCount: Int
    /// Start of the chain kept for each level, ``none`` when no chain reached it.
    let starts: UnsafeMutablePointer<Int64>
    /// Its step times, `stepCount` slots a level.
    let chains: UnsafeMutablePointer<Int64>
    /// Step times of the reported chain: the first to reach ``level``, with the latest start that makes it.
    let reported: UnsafeMutablePointer<Int64>
    private var matching = TieMatching()
    /// Steps reached; 0: not even the first.
    private(set) var level = 0
    /// Levels that the last rows taken brought a chain to, bit k for k + 1 steps.
    private(set) var raised: UInt32 = 0

    init(_ plan: FunnelPlan) {
        self.plan = plan
        stepCount = plan.stepCount
        starts = .allocate(capacity: stepCount)
        chains = .allocate(capacity: stepCount * stepCount)
        reported = .allocate(capacity: stepCount)
    }

    func deallocate() {
        starts.deallocate()
        chains.deallocate()
        reported.deallocate()
        matching.deallocate()
    }

    /// The latest start of any chain; meaningful when ``level`` is not 0.
    var latestStart: Int64 { starts[0] }

    /// Evaluates a customer's rows.
    ///
    /// Times ascend, masks are not 0. Stops at the row that completes the funnel.
    mutating func run(_ times: UnsafePointer<Int64>, _ masks: UnsafePointer<UInt32>, count: Int) {
        begin()
        var row = 0
        while row < count {
            let time = times[row]
            var end = row + 1
            while end < count && times[end] == time { end += 1 }
            if end == row + 1 {
                take(masks[row], at: time)
            } else {
                take(masks + row, end - row, at: time)
            }
            if level == stepCount { return }
            row = end
        }
    }

    /// Forgets all chains.
    @inline(__always)
    mutating func begin() {
        level = 0
        for level in 0..<stepCount { starts[level] = FunnelMachine.none }
    }

    /// Takes the next row, the only one at its time.
    @inline(__always)
    mutating func take(_ mask: UInt32, at time: Int64) {
        raised = 0
        takeLastFirst(mask, time, plan.earliestStart(at: time))
        noteLevel()
    }

    /// Takes the next rows, all at one time.
    mutating func take(_ masks: UnsafePointer<UInt32>, _ count: Int, at time: Int64) {
        raised = 0
        takeTies(masks, count, time, plan.earliestStart(at: time))
        noteLevel()
    }

    /// Ends the chains that stand at some levels.
    @inline(__always)
    mutating func end(_ levels: UInt32) {
        var bits = levels
        while bits != 0 {
            starts[bits.trailingZeroBitCount] = FunnelMachine.none
            bits &= bits &- 1
        }
    }

    private mutating func takeTies(_ masks: UnsafePointer<UInt32>, _ count: Int, _ time: Int64, _ limit: Int64) {
        if plan.ties == .recorded {
            for row in 0..<count {
                takeLastFirst(masks[row], time, limit)
                noteLevel()
                if level == stepCount { return }
            }
            return
        }
        var union: UInt32 = 0
        var serveOneStepEach = true
        for row in 0..<count {
            union |= masks[row]
            serveOneStepEach = serveOneStepEach && masks[row] & (masks[row] &- 1) == 0
        }
        if plan.ties == .increasing {
            // One step of a chain at most falls on this time, whichever row it is.
            takeLastFirst(union, time, limit)
        } else if serveOneStepEach {
            // No two steps want the same row, so all steps of the group can follow each other.
            takeFirstFirst(union, time, limit)
        } else {
            takeMatched(masks, count, union, time, limit)
        }
    }

    /// One row, or rows of which a chain may use one.
    @inline(__always)
    private mutating func takeLastFirst(_ mask: UInt32, _ time: Int64, _ limit: Int64) {
        var bits = mask
        while bits != 0 {
            let step = 31 &- bits.leadingZeroBitCount
            bits ^= 1 &<< UInt32(truncatingIfNeeded: step)
            extend(step, time, limit)
        }
    }

    /// Rows at one time that can serve all steps of `mask` in one chain.
    @inline(__always)
    private mutating func takeFirstFirst(_ mask: UInt32, _ time: Int64, _ limit: Int64) {
        var bits = mask
        while bits != 0 {
            let step = bits.trailingZeroBitCount
            bits &= bits &- 1
            extend(step, time, limit)
        }
    }

    @inline(__always)
    private mutating func extend(_ step: Int, _ time: Int64, _ limit: Int64) {
        if step == 0 {
            guard time > starts[0] else { return }
            starts[0] = time
            chains[0] = time
        } else {
            let start = starts[step - 1]
            guard start >= limit, start > starts[step] else { return }
            starts[step] = start
            let chain = chains + step &* stepCount
            FunnelMachine.copy(chain - stepCount, step, to: chain)
            chain[step] = time
        }
        raised |= 1 &<< UInt32(truncatingIfNeeded: step)
    }

    /// Rows at one time of which some could serve several steps: from each level that stood before the group, as many
    /// further steps as distinct rows can be found for.
    ///
    /// Levels are taken from the highest down, so that none is read after the group changed it, and a chain that got
    /// further before the group wins over one of the same start.
    private mutating func takeMatched(
        _ masks: UnsafePointer<UInt32>, _ count: Int, _ union: UInt32, _ time: Int64, _ limit: Int64
    ) {
        matching.load(masks, count, stepCount: stepCount)
        var done = stepCount - 1
        while done >= 0 {
            defer { done -= 1 }
            let start = done == 0 ? time : starts[done - 1]
            guard start >= limit, union & (1 << UInt32(done)) != 0 else { continue }
            matching.begin()
            var step = done
            while step < stepCount, matching.assign(step) {
                if start > starts[step] {
                    starts[step] = start
                    let chain = chains + step * stepCount
                    if done > 0 { chain.update(from: chains + (done - 1) * stepCount, count: done) }
                    (chain + done).update(repeating: time, count: step - done + 1)
                    raised |= 1 << UInt32(step)
                }
                step += 1
            }
        }
    }

    @inline(__always)
    private mutating func noteLevel() {
        guard raised &>> UInt32(truncatingIfNeeded: level) != 0 else { return }
        level = 32 &- raised.leadingZeroBitCount
        FunnelMachine.copy(chains + (level &- 1) &* stepCount, level, to: reported)
    }

    /// Copies the times of a chain; most are so short that a call would cost more.
    @inline(__always)
    static func copy(_ chain: UnsafePointer<Int64>, _ level: Int, to other: UnsafeMutablePointer<Int64>) {
        guard level > 0 else { return }
        other[0] = chain[0]
        guard level > 1 else { return }
        other[1] = chain[1]
        guard level > 2 else { return }
        other[2] = chain[2]
        if level > 3 { (other + 3).update(from: chain + 3, count: level &- 3) }
    }
}
