extension ChainSweep {
    // MARK: The best of a period

    /// Keeps an entry of ``period`` that no row may follow.
    @inline(__always)
    mutating func keepEntry(_ time: Int64, isOpen: Bool) {
        let known = placeOfBucket[period]
        if known == 0 {
            addCandidate(level: 1, levelOfAll: 1, isOpen: isOpen)
            candidateTimes.base[candidateTimes.count &- stepCount] = time
            return
        }
        let at = Int(known) &- 1
        let candidate = candidates.base + at
        candidate.pointee.isOpen = candidate.pointee.isOpen || isOpen
        if candidate.pointee.level > 1 { return }
        let times = candidateTimes.base + at &* stepCount
        candidate.pointee.levelOfAll = max(candidate.pointee.levelOfAll, 1)
        if candidate.pointee.level == 1 && times[0] <= time { return }
        candidate.pointee.level = 1
        times[0] = time
    }

    @inline(__always)
    private mutating func addCandidate(level: Int, levelOfAll: Int, isOpen: Bool) {
        candidates.append(
            Candidate(
                bucket: UInt32(truncatingIfNeeded: period), level: UInt8(truncatingIfNeeded: level),
                levelOfAll: UInt8(truncatingIfNeeded: levelOfAll), isOpen: isOpen))
        placeOfBucket[period] = UInt32(truncatingIfNeeded: candidates.count)
        // A batch copies more at once than there is.
        candidateTimes.reserve(candidateTimes.count &+ stepCount &+ ChainBatch.timesAtOnce)
        candidateTimes.count &+= stepCount
    }

    /// Keeps what the chains of a run that began in ``period`` come to, where it is better than what is known.
    mutating func keep(level: Int, levelOfAll: Int, isOpen: Bool, _ chain: UnsafePointer<Int64>) {
        guard levelOfAll > 0 || isOpen else { return }
        let known = placeOfBucket[period]
        if known == 0 {
            addCandidate(level: level, levelOfAll: levelOfAll, isOpen: isOpen)
            FunnelMachine.copy(chain, level, to: candidateTimes.base + (candidateTimes.count &- stepCount))
            return
        }
        let at = Int(known) &- 1
        let candidate = candidates.base + at, times = candidateTimes.base + at &* stepCount
        candidate.pointee.levelOfAll = max(candidate.pointee.levelOfAll, UInt8(truncatingIfNeeded: levelOfAll))
        candidate.pointee.isOpen = candidate.pointee.isOpen || isOpen
        let best = Int(candidate.pointee.level)
        guard level > 0, level > best || level == best && ChainSweep.precedes(chain, times, level) else { return }
        candidate.pointee.level = UInt8(truncatingIfNeeded: level)
        FunnelMachine.copy(chain, level, to: times)
    }

    /// Whether a chain is reported before another of the same level: the one that ends first, of those the one that began
    /// last, then from the end back the one with the earlier step.
    private static func precedes(_ chain: UnsafePointer<Int64>, _ other: UnsafePointer<Int64>, _ level: Int) -> Bool {
        if chain[level - 1] != other[level - 1] { return chain[level - 1] < other[level - 1] }
        if chain[0] != other[0] { return chain[0] > other[0] }
        var step = level - 1
        while step > 0 {
            if chain[step] != other[step] { return chain[step] < other[step] }
            step -= 1
        }
        return false
    }

    /// Forgets what was kept of the unit.
    mutating func clear() {
        for at in 0..<candidates.count { placeOfBucket[Int(candidates.base[at].bucket)] = 0 }
        candidates.count = 0
        candidateTimes.count = 0
    }

    /// Calls with what the unit taken last comes to, once for each period where it comes to something.
    mutating func flush(_ unit: ChainOutcome, _ sink: ChainSink) throws {
        var outcome = unit
        for at in 0..<candidates.count {
            let candidate = candidates.base[at]
            placeOfBucket[Int(candidate.bucket)] = 0
            // Who only got so far by a poisoned chain leaves the funnel.
            guard candidate.level >= leastLevel, candidate.level == candidate.levelOfAll else { continue }
            outcome.bucket = candidate.bucket
            outcome.level = Int(candidate.level)
            outcome.steps = UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(candidate.level)) - 1)
            outcome.isComplete = outcome.level == stepCount
            outcome.isOpen = candidate.isOpen && !outcome.isComplete
            outcome.times = UnsafePointer(candidateTimes.base + at &* stepCount)
            try sink.take(outcome)
        }
        candidates.count = 0
        candidateTimes.count = 0
    }

    /// The same for a customer, into a batch.
    @inline(__always)
    mutating func flush(value: UInt32, customer: Int, into batch: inout ChainBatch) {
        if candidates.count == 0 { return }
        let times = batch.append(candidateTimes)
        batch.reserve(candidates.count)
        for at in 0..<candidates.count {
            let candidate = candidates.base[at]
            placeOfBucket[Int(candidate.bucket)] = 0
            let isComplete = candidate.level == stepCount
            batch.append(
                ChainBatch.Entry(
                    customer: UInt32(truncatingIfNeeded: customer), value: value, bucket: candidate.bucket,
                    times: times &+ UInt32(truncatingIfNeeded: at &* stepCount), level: candidate.level,
                    isOpen: candidate.isOpen && !isComplete, isComplete: isComplete),
                isKept: candidate.level >= leastLevel && candidate.level == candidate.levelOfAll)
        }
        candidates.count = 0
        candidateTimes.count = 0
    }
}
