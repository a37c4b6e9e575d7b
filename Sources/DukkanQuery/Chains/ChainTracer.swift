extension ChainEvaluator {
    /// Finds the reported chain of a result: from its end back, before each step the highest that a chain of that start can
    /// have there, at its earliest time.
    mutating func trace(_ rows: ChainRows, _ result: ChainResult, into links: inout ChainLinks) {
        if result.level <= 1 || result.isDirect {
            links.steps = UInt32(truncatingIfNeeded: (UInt64(1) << UInt64(result.level)) - 1)
            links.times.update(from: directTimes, count: result.level)
            links.rows.update(from: directRows, count: result.level)
            if result.level == 1 {
                links.times[0] = result.start
                links.rows[0] = UInt32(truncatingIfNeeded: result.startRow)
            }
            return
        }
        log.count = 0
        isLogging = true
        firstExclusion = 0
        _ = follow(rows, result.startRow, groupEnd(rows, result.startRow), poisons: true)
        isLogging = false
        goBack(rows, result, &links)
    }

    /// Where a chain stands on the way back.
    private struct Place {
        /// In the log.
        var group: Int
        var step: Int
        /// Steps that it has in the group.
        var served: UInt32
    }

    private mutating func goBack(_ rows: ChainRows, _ result: ChainResult, _ links: inout ChainLinks) {
        var group = 0
        while group + 1 < log.count && log.base[group].from < result.endRow { group += 1 }
        let lastGroup = group
        var place = Place(group: group, step: result.level - 1, served: 1 &<< UInt32(result.level - 1))
        links.steps = 0
        mark(place, &links)
        while place.step > 0 {
            guard let before = placeBefore(place, rows, lastGroup: lastGroup) else { break }
            place = before
            mark(place, &links)
        }
    }

    private func mark(_ place: Place, _ links: inout ChainLinks) {
        let group = log.base[place.group]
        links.steps |= 1 &<< UInt32(place.step)
        links.times[place.step] = group.time
        links.rows[place.step] = UInt32(truncatingIfNeeded: group.from)
    }

    private mutating func placeBefore(_ place: Place, _ rows: ChainRows, lastGroup: Int) -> Place? {
        let group = log.base[place.group]
        var step = place.step - 1
        while step >= 0 {
            let bit: UInt32 = 1 &<< UInt32(step)
            if canBegin(place, rows, lastGroup: lastGroup),
                let earlier = earliestVisit(of: step, before: place, rows)
            {
                return Place(group: earlier, step: step, served: bit)
            }
            if group.reached & bit != 0, rules.immediate & (1 &<< UInt32(place.step)) != 0,
                canServe(step, with: place, rows, lastGroup: lastGroup)
            {
                return Place(group: place.group, step: step, served: place.served | bit)
            }
            if rules.optional & bit == 0 { break }
            step -= 1
        }
        return nil
    }

    /// Whether the steps that a chain has in a group may be all, the lowest of them the first.
    private mutating func canBegin(_ place: Place, _ rows: ChainRows, lastGroup: Int) -> Bool {
        let group = log.base[place.group]
        guard place.group > 0, group.firsts & (1 &<< UInt32(place.step)) != 0 else { return false }
        let isWhole = rules.order != .strict || place.group == lastGroup
        return isWhole || place.served.nonzeroBitCount == group.to - group.from
    }

    /// The first group before a place's from which a chain could come with `step` as its last.
    private func earliestVisit(of step: Int, before place: Place, _ rows: ChainRows) -> Int? {
        let group = log.base[place.group]
        let bit: UInt32 = 1 &<< UInt32(step)
        // Chains that stood at the level before this time were ended or poisoned, unless they have a row at it.
        var barrier = Int64.min
        for i in 0..<rows.exclusionCount {
            let time = rows.exclusionTimes[i]
            if time >= group.time { break }
            let excluded = rules.levels(excludedBy: rows.exclusionMasks[i])
            if (excluded.ended | excluded.poisoned) & bit != 0 { barrier = time }
        }
        let first = rules.order == .strict ? place.group - 1 : 0
        for earlier in max(first, 0)..<place.group {
            let other = log.base[earlier]
            guard other.lasting & bit != 0, other.time >= barrier else { continue }
            // Groups that brought nothing are not in the log.
            if rules.order == .strict && other.to != group.from { continue }
            let gap = group.time.subtractingReportingOverflow(other.time)
            let length = gap.overflow ? Int64.max : gap.partialValue
            if length >= rules.gapMin[place.step] && length <= rules.gapMax[place.step] { return earlier }
        }
        return nil
    }

    /// Whether a chain could also serve a lower step in the group of a place.
    private mutating func canServe(_ step: Int, with place: Place, _ rows: ChainRows, lastGroup: Int) -> Bool {
        let group = log.base[place.group]
        let count = group.to - group.from
        if rules.reusesRows { return true }
        guard rules.ties == .favourable, count > 1 else { return false }
        matching.load(rows.masks + group.from, count, stepCount: rules.stepCount)
        var firsts = group.firsts & (UInt32.max &>> UInt32(31 - step))
        while firsts != 0 {
            let first = firsts.trailingZeroBitCount
            firsts &= firsts &- 1
            guard let below = needed(from: first, through: step) else { continue }
            let all = below | place.served
            let isWhole = rules.order != .strict || place.group == lastGroup || place.group == 0
            if isWhole ? assignAll(all) : servesWholeGroup(all, of: place.served, from: first, through: step, count) {
                return true
            }
        }
        return false
    }

    /// Whether all rows of the group can serve what a chain has there and steps of a span below.
    private mutating func servesWholeGroup(
        _ needed: UInt32, of served: UInt32, from first: Int, through step: Int, _ rowCount: Int
    ) -> Bool {
        guard rowCount <= rules.stepCount else { return false }
        let span = (UInt32.max &>> UInt32(31 - step)) & (UInt32.max &<< UInt32(first))
        return assignAll(needed) && countAssigned(needed | (span & rules.optional & rules.immediate)) == rowCount
    }

    // MARK: Rows

    /// The place in the run of the row that serves a step of a traced chain: among rows at one time the first recorded
    /// that leaves the chain's other steps there a row each, lower steps choosing first.
    mutating func servingRow(of step: Int, _ rows: ChainRows, _ links: ChainLinks) -> Int {
        let from = Int(links.rows[step]), to = groupEnd(rows, from)
        let bit: UInt32 = 1 &<< UInt32(step)
        var served: UInt32 = 0
        var bits = links.steps
        while bits != 0 {
            let other = bits.trailingZeroBitCount
            bits &= bits &- 1
            if links.rows[other] == links.rows[step] { served |= 1 &<< UInt32(other) }
        }
        if rules.reusesRows || served == bit {
            return (from..<to).first { rows.masks[$0] & bit != 0 } ?? from
        }
        var masks = (from..<to).map { rows.masks[$0] }
        while served != 0 {
            let other = served.trailingZeroBitCount
            let own: UInt32 = 1 &<< UInt32(other)
            served &= ~own
            for row in masks.indices where masks[row] & own != 0 {
                let mask = masks[row]
                masks[row] = 0
                matching.load(masks, masks.count, stepCount: rules.stepCount)
                if assignAll(served) {
                    if other == step { return from + row }
                    break
                }
                masks[row] = mask
            }
        }
        return from
    }
}
