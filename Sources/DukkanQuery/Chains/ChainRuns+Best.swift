extension ChainRuns {
    // MARK: The best of a period

    mutating func take(_ result: ChainResult, _ bucket: UInt32, _ rows: ChainRows, _ columns: ChainColumns) {
        // A chain that counts for nothing yet, as it lacks the step whose value counts, may still be open.
        guard result.levelOfAll > 0 || result.isOpen else { return }
        let known = placeOfBucket[Int(bucket)]
        if known == 0 {
            candidates.append(
                Candidate(bucket: bucket, result: result, steps: 0, measuredRow: ChainOutcome.noRow))
            candidateTimes.reserve(candidates.count * rules.stepCount)
            candidateTimes.count = candidates.count * rules.stepCount
            candidateRanks.reserve(candidates.count * rankLength)
            candidateRanks.count = candidates.count * rankLength
            placeOfBucket[Int(bucket)] = UInt32(candidates.count)
            guard result.level > 0 else { return }
            trace(rows, result)
            if ranksRows && columns.keys != nil { setRank(rows, columns) }
            keep(candidates.count - 1, rows, columns)
            return
        }
        let at = Int(known) - 1
        let best = candidates.base[at].result
        candidates.base[at].result.levelOfAll = max(best.levelOfAll, result.levelOfAll)
        candidates.base[at].result.isOpen = best.isOpen || result.isOpen
        guard result.level > 0, mayPrecede(result, best) else { return }
        trace(rows, result)
        if ranksRows { setRank(rows, columns) }
        if result.level == best.level && result.end == best.end && !isRankBetter(than: at) { return }
        var merged = result
        merged.levelOfAll = candidates.base[at].result.levelOfAll
        merged.isOpen = candidates.base[at].result.isOpen
        candidates.base[at].result = merged
        keep(at, rows, columns)
    }

    /// Whether a chain may be reported before another as far as their ends tell.
    @inline(__always)
    func mayPrecede(_ result: ChainResult, _ best: ChainResult) -> Bool {
        if result.level != best.level { return result.level > best.level }
        if result.end != best.end { return result.end < best.end }
        return ranksRows || result.start >= best.start
    }

    /// Writes down what decides between the chain traced last and others of its level and end: the place of the end where
    /// the order decides, the start, and from the end back which steps it has and when; at last the rows themselves.
    mutating func setRank(_ rows: ChainRows, _ columns: ChainColumns) {
        let isRecorded = rules.ties == .recorded, isAnyOrder = rules.order == .any
        var at = 0
        func moment(_ step: Int) -> Int64 {
            isRecorded ? Int64(columns.place(Int(links.rows[step]))) : links.times[step]
        }
        func add(_ value: Int64) {
            rank[at] = value
            at += 1
        }
        let last = 31 - links.steps.leadingZeroBitCount
        add(moment(last))
        add(~links.times[0])
        var bits = links.steps
        while bits != 0 {
            let step = isAnyOrder ? bits.trailingZeroBitCount : 31 - bits.leadingZeroBitCount
            bits &= ~(1 &<< UInt32(step))
            if !isAnyOrder { add(-Int64(step)) }
            add(moment(step))
        }
        bits = measuredStep == nil ? 0 : links.steps
        while bits != 0 {
            let step = bits.trailingZeroBitCount
            bits &= bits &- 1
            let row = isAnyOrder ? Int(links.rows[step]) : evaluator.servingRow(of: step, rows, links)
            add(Int64(columns.place(row)))
        }
        while at < rankLength { add(0) }
    }

    /// Whether the chain traced last is reported before a candidate's of the same level and end.
    func isRankBetter(than at: Int) -> Bool {
        guard ranksRows else { return isBetterByTimes(than: at) }
        let other = candidateRanks.base + at * rankLength
        for i in 0..<rankLength where rank[i] != other[i] { return rank[i] < other[i] }
        return false
    }

    /// The same where no rows are told apart.
    func isBetterByTimes(than at: Int) -> Bool {
        let times = candidateTimes.base + at * rules.stepCount
        let start = links.times[0]
        if start != times[0] { return start > times[0] }
        if rules.order == .any {
            for step in 0..<(32 - links.steps.leadingZeroBitCount) where links.times[step] != times[step] {
                return links.times[step] < times[step]
            }
            return false
        }
        var mine = links.steps, others = candidates.base[at].steps
        while mine != 0 && others != 0 {
            let step = 31 - mine.leadingZeroBitCount, other = 31 - others.leadingZeroBitCount
            if step != other { return step > other }
            if links.times[step] != times[step] { return links.times[step] < times[step] }
            mine ^= 1 &<< UInt32(step)
            others ^= 1 &<< UInt32(step)
        }
        return false
    }

    /// Keeps the chain traced last as a candidate's.
    mutating func keep(_ at: Int, _ rows: ChainRows, _ columns: ChainColumns) {
        candidates.base[at].steps = links.steps
        (candidateTimes.base + at * rules.stepCount).update(from: links.times, count: rules.stepCount)
        if ranksRows && columns.keys != nil {
            (candidateRanks.base + at * rankLength).update(from: rank, count: rankLength)
        }
        candidates.base[at].measuredRow = measuredRow(rows, columns)
    }

    mutating func trace(_ rows: ChainRows, _ result: ChainResult) {
        if isAnyOrder {
            anyOrder?.trace(result, into: &links)
        } else {
            evaluator.trace(rows, result, into: &links)
        }
    }

    /// Row of the measured table that serves the measured step of the chain traced last.
    mutating func measuredRow(_ rows: ChainRows, _ columns: ChainColumns) -> UInt32 {
        guard let measuredStep, let sources = columns.sources else { return ChainOutcome.noRow }
        if isAnyOrder, let anyOrder {
            let row = anyOrder.row(serving: measuredStep)
            return row == AnyOrderEvaluator.noRow ? ChainOutcome.noRow : sources[Int(row)]
        }
        guard links.steps & (1 << UInt32(measuredStep)) != 0 else { return ChainOutcome.noRow }
        return sources[evaluator.servingRow(of: measuredStep, rows, links)]
    }

    mutating func flush(_ outcome: ChainOutcome, _ sink: ChainSink) throws {
        var outcome = outcome
        for at in 0..<candidates.count {
            let candidate = candidates.base[at]
            placeOfBucket[Int(candidate.bucket)] = 0
            let result = candidate.result
            // Who only got so far by a poisoned chain leaves the funnel.
            guard result.level >= rules.leastLevel, result.level == result.levelOfAll else { continue }
            outcome.bucket = candidate.bucket
            outcome.level = result.level
            outcome.steps = candidate.steps
            outcome.isComplete = result.level == rules.stepCount
            outcome.isOpen = result.isOpen && !outcome.isComplete
            outcome.times = UnsafePointer(candidateTimes.base + at * rules.stepCount)
            outcome.measuredRow = candidate.measuredRow
            try sink.take(outcome)
        }
        candidates.count = 0
        candidateTimes.count = 0
        candidateRanks.count = 0
    }
}
