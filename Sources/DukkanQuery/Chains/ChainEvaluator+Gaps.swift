extension ChainEvaluator {
    /// Steps that may follow levels at a time, by the gaps to them.
    func ready(_ alive: UInt32, _ time: Int64) -> UInt32 {
        var steps = rules.following(alive), ready: UInt32 = 0
        while steps != 0 {
            let step = steps.trailingZeroBitCount
            steps &= steps &- 1
            var level = step - 1
            while level >= 0 {
                if alive & (1 &<< UInt32(level)) != 0, hasVisit(level, time, before: step) {
                    ready |= 1 &<< UInt32(step)
                    break
                }
                if rules.optional & (1 &<< UInt32(level)) == 0 { break }
                level -= 1
            }
        }
        return ready
    }

    /// Whether a level was reached at a time that the gap to a step allows.
    private func hasVisit(_ level: Int, _ time: Int64, before step: Int) -> Bool {
        let visited = visits.base[level]
        let latest = time.subtractingReportingOverflow(rules.gapMin[step])
        if latest.overflow { return false }
        // The latest visit that is early enough.
        var low = 0, high = visited.count
        while low < high {
            let middle = (low + high) / 2
            if visited.base[middle] <= latest.partialValue { low = middle + 1 } else { high = middle }
        }
        guard low > 0 else { return false }
        let gap = time.subtractingReportingOverflow(visited.base[low - 1])
        return !gap.overflow && gap.partialValue <= rules.gapMax[step]
    }

    /// Forgets visits other than those of levels reached just now.
    mutating func keepOnly(_ levels: UInt32, _ time: Int64) {
        for level in 0..<rules.stepCount {
            visits.base[level].count = 0
            if levels & (1 &<< UInt32(level)) != 0 { visits.base[level].append(time) }
        }
    }

    /// Whether the gaps leave time after `as of` for a step that follows a level.
    func maySucceed(_ alive: UInt32) -> Bool {
        guard rules.hasGaps else { return rules.following(alive) != 0 }
        var steps = rules.following(alive)
        while steps != 0 {
            let step = steps.trailingZeroBitCount
            steps &= steps &- 1
            var level = step - 1
            while level >= 0 {
                if alive & (1 &<< UInt32(level)) != 0 {
                    let (latest, overflow) = lastTimes[level].addingReportingOverflow(rules.gapMax[step])
                    if overflow || latest > rules.asOf { return true }
                }
                if rules.optional & (1 &<< UInt32(level)) == 0 { break }
                level -= 1
            }
        }
        return false
    }
}
