extension ChainEvaluator {
    /// Levels that chains reach with rows of a group, and those of them from which they may go on.
    ///
    /// - Parameters:
    ///   - firsts: steps with which chains from before may go on.
    ///   - isStart: whether chains begin here.
    @inline(__always)
    mutating func serve(
        _ rows: ChainRows, _ from: Int, _ to: Int, firsts: UInt32, isStart: Bool
    ) -> (reached: UInt32, lasting: UInt32) {
        if to == from &+ 1 {
            let mask = rows.masks[from] & rules.steps
            let reached = rules.reusesRows ? closure(firsts, mask) : firsts & mask
            return (reached, reached)
        }
        return serveTied(rows, from, to, firsts: firsts, isStart: isStart)
    }

    private mutating func serveTied(
        _ rows: ChainRows, _ from: Int, _ to: Int, firsts: UInt32, isStart: Bool
    ) -> (reached: UInt32, lasting: UInt32) {
        var union: UInt32 = 0
        var serveOneStepEach = true, isEachUseful = true
        for row in from..<to {
            let mask = rows.masks[row] & rules.steps
            union |= mask
            serveOneStepEach = serveOneStepEach && mask & (mask &- 1) == 0
            isEachUseful = isEachUseful && mask != 0
        }
        guard firsts & union != 0 else { return (0, 0) }
        let isStrict = rules.order == .strict
        if rules.ties == .increasing {
            let reached = firsts & union
            // A second row stands between this one and any later.
            return (reached, isStrict && !isStart ? 0 : reached)
        }
        let reached: UInt32
        var isLoaded = false
        if serveOneStepEach || rules.reusesRows {
            reached = closure(firsts, union)
        } else {
            matching.load(rows.masks + from, to - from, stepCount: rules.stepCount)
            isLoaded = true
            reached = matched(firsts & union, union)
        }
        guard isStrict, !isStart else { return (reached, reached) }
        guard isEachUseful, to - from <= rules.stepCount else { return (reached, 0) }
        if !isLoaded { matching.load(rows.masks + from, to - from, stepCount: rules.stepCount) }
        return (reached, levelsOfWholeGroup(firsts & union, reached, rowCount: to - from))
    }

    /// Steps reached where any of `mask` can follow each other.
    private func closure(_ firsts: UInt32, _ mask: UInt32) -> UInt32 {
        var reached = firsts & mask
        while true {
            let further = reached | (rules.following(reached) & rules.immediate & mask)
            if further == reached { return reached }
            reached = further
        }
    }

    /// Steps reached by giving each row to one step: from every first step on, all that are not optional, and each
    /// optional one as the last.
    private mutating func matched(_ firsts: UInt32, _ union: UInt32) -> UInt32 {
        var reached: UInt32 = 0
        var bits = firsts
        while bits != 0 {
            let first = bits.trailingZeroBitCount
            bits &= bits &- 1
            matching.begin()
            var needed: UInt32 = 1 &<< UInt32(first)
            guard matching.assign(first) else { continue }
            reached |= needed
            var step = first + 1
            while step < rules.stepCount {
                let bit: UInt32 = 1 &<< UInt32(step)
                let isUsable = union & rules.immediate & bit != 0
                if rules.optional & bit != 0 {
                    if isUsable && matching.assign(step) {
                        reached |= bit
                        _ = assignAll(needed)
                    }
                } else {
                    guard isUsable, matching.assign(step) else { break }
                    reached |= bit
                    needed |= bit
                }
                step += 1
            }
        }
        return reached
    }

    /// Whether the loaded rows can serve all of some steps, each row one.
    mutating func assignAll(_ steps: UInt32) -> Bool {
        matching.begin()
        var bits = steps
        while bits != 0 {
            let step = bits.trailingZeroBitCount
            bits &= bits &- 1
            if !matching.assign(step) { return false }
        }
        return true
    }

    /// How many of the loaded rows can serve some steps at once.
    mutating func countAssigned(_ steps: UInt32) -> Int {
        matching.begin()
        var bits = steps, count = 0
        while bits != 0 {
            let step = bits.trailingZeroBitCount
            bits &= bits &- 1
            if matching.assign(step) { count += 1 }
        }
        return count
    }

    /// The steps that lie between two others and cannot be passed over, with both of them; nil where one of them cannot
    /// come at the time of the one before.
    func needed(from first: Int, through step: Int) -> UInt32? {
        let span = (UInt32.max &>> UInt32(31 - step)) & (UInt32.max &<< UInt32(first))
        let ends: UInt32 = 1 &<< UInt32(first) | 1 &<< UInt32(step)
        let needed = (span & ~rules.optional) | ends
        return needed & ~(1 &<< UInt32(first)) & ~rules.immediate == 0 ? needed : nil
    }

    /// Levels that chains reach with all rows of the loaded group.
    ///
    /// All rows and all needed steps can be served at once if each can be alone (Mendelsohn and Dulmage, 1958).
    private mutating func levelsOfWholeGroup(_ firsts: UInt32, _ reached: UInt32, rowCount: Int) -> UInt32 {
        var levels: UInt32 = 0
        var bits = firsts
        while bits != 0 {
            let first = bits.trailingZeroBitCount
            bits &= bits &- 1
            for step in first..<rules.stepCount where reached & ~levels & (1 &<< UInt32(step)) != 0 {
                guard let needed = needed(from: first, through: step) else { continue }
                if servesWholeGroup(needed, from: first, through: step, rowCount: rowCount) {
                    levels |= 1 &<< UInt32(step)
                }
            }
        }
        return levels
    }

    /// Whether all loaded rows can serve steps of a span, the needed ones among them.
    mutating func servesWholeGroup(_ needed: UInt32, from first: Int, through step: Int, rowCount: Int) -> Bool {
        let span = (UInt32.max &>> UInt32(31 - step)) & (UInt32.max &<< UInt32(first))
        let usable = needed | (span & rules.optional & rules.immediate)
        return assignAll(needed) && countAssigned(usable) == rowCount
    }
}
