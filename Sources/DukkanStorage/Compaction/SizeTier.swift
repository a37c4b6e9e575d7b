import DukkanFormat

/// Sizes in classes, each `factor` times the one before: things of one class are merged when there are `factor` of them,
/// so that each row is rewritten once for each class that it passes through.
enum SizeTier {
    /// Rows in the lowest class at most.
    static let lowestRowCount = 512

    static func tier(_ rowCount: Int, factor: Int) -> Int {
        var tier = 0
        var limit = lowestRowCount
        while rowCount >= limit && tier < 32 {
            tier += 1
            limit *= factor
        }
        return tier
    }

    /// Sizes stand in order of age, the newest last.
    ///
    /// Where the newest that should become one begin: a run that reaches the end, of no class above some t, with at
    /// least `factor` of class t. nil if there is none.
    static func mergeableSuffix(_ rowCounts: [Int], factor: Int) -> Int? {
        let tiers = rowCounts.map { tier($0, factor: factor) }
        for highest in Set(tiers).ascending() {
            var start = tiers.count, matching = 0
            while start > 0 && tiers[start - 1] <= highest {
                start -= 1
                if tiers[start] == highest { matching += 1 }
            }
            if matching >= factor { return start }
        }
        return nil
    }
}
