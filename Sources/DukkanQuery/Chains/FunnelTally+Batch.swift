extension FunnelTally {
    // MARK: Many customers at once

    /// Takes what many customers come to.
    ///
    /// - Throws: `limit` for more cells than an answer may have.
    func note(_ batch: ChainBatch) throws {
        let chainCount = try count(batch)
        if listing == nil && conversion == nil && !tracksPassing {
            appendGaps(batch, chainCount)
            return
        }
        let entries = batch.entries.base
        for at in 0..<batch.entries.count {
            let entry = entries[at]
            let steps = UInt32(truncatingIfNeeded: (UInt64(1) &<< UInt64(entry.level)) &- 1)
            let slot = FunnelTally.valueSlot(entry.value, hasValues) * bucketCount + Int(entry.bucket)
            if tracksPassing { notePassing(steps, slot) }
            if entry.level > 1 { noteGaps(steps, batch.times(entry), slot) }
        }
    }

    /// Counts the units of a batch, and writes down which of them have a chain of several steps; returns their number.
    private func count(_ batch: ChainBatch) throws -> Int {
        var stopped = stopped.base, open = open.base, capacity = self.stopped.count
        let stepCount = stepCount, bucketCount = bucketCount, hasValues = hasValues
        let entries = batch.entries.base
        chains.reserve(batch.entries.count + 1)
        let chains = chains.base
        var chainCount = 0
        for at in 0..<batch.entries.count {
            let entry = entries[at]
            let slot = FunnelTally.valueSlot(entry.value, hasValues) &* bucketCount &+ Int(entry.bucket)
            if (slot &+ 1) &* stepCount > capacity {
                try grow(slot)
                (stopped, open, capacity) = (self.stopped.base, self.open.base, self.stopped.count)
            }
            let cell = slot &* stepCount &+ Int(entry.level) &- 1
            stopped[cell] &+= 1
            open[cell] &+= entry.isOpen ? 1 : 0
            // Written always and kept where there is one: which have one cannot be foreseen.
            chains[chainCount] = Chain(
                times: entry.times, slot: UInt32(truncatingIfNeeded: slot), level: UInt32(entry.level))
            chainCount &+= FunnelTally.isPast(1, UInt32(entry.level))
        }
        return chainCount
    }

    /// 1 where a level is past another, else 0, without a branch.
    @inline(__always)
    private static func isPast(_ least: UInt32, _ level: UInt32) -> Int {
        Int(truncatingIfNeeded: (least &- level) &>> 31)
    }

    /// Appends the times between the steps of the chains just counted, step after step.
    private func appendGaps(_ batch: ChainBatch, _ chainCount: Int) {
        let chains = chains.base
        var count = chainCount
        var step = 1
        while count > 0 {
            let known = gaps.base[step].count
            gaps.base[step].reserve(known + count)
            gapSlots.base[step].reserve(known + count)
            let times = gaps.base[step].base + known, slots = gapSlots.base[step].base + known
            let stepTimes = batch.stepTimes + step
            var longer = 0
            for at in 0..<count {
                let chain = chains[at]
                let own = stepTimes + Int(chain.times)
                times[at] = FunnelTally.span(own[-1], own[0])
                slots[at] = chain.slot
                chains[longer] = chain
                longer &+= FunnelTally.isPast(UInt32(truncatingIfNeeded: step &+ 1), chain.level)
            }
            gaps.base[step].count = known + count
            gapSlots.base[step].count = known + count
            count = longer
            step += 1
        }
    }
}
