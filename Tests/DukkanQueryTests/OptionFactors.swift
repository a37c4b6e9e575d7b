/// Options drawn so that every level of each meets every level of every other: each draw has one pair of levels that is
/// its turn, the other levels are random.
struct OptionFactors {
    /// Number of levels of each option.
    let levelCounts: [Int]
    /// Every pair of levels of two options.
    let pairs: [Pair]

    struct Pair: Hashable {
        var first: Int
        var firstLevel: Int
        var second: Int
        var secondLevel: Int
    }

    init(_ levelCounts: [Int]) {
        self.levelCounts = levelCounts
        var pairs: [Pair] = []
        for first in levelCounts.indices {
            for second in levelCounts.indices where second > first {
                for firstLevel in 0..<levelCounts[first] {
                    for secondLevel in 0..<levelCounts[second] {
                        pairs.append(
                            Pair(first: first, firstLevel: firstLevel, second: second, secondLevel: secondLevel))
                    }
                }
            }
        }
        // A few draws should not all be about the first options.
        var random = SeededGenerator(seed: 7)
        self.pairs = pairs.shuffled(using: &random)
    }

    /// The levels of draw `number`.
    ///
    /// - Parameter isAllowed: levels that it says no to are drawn again while another draw may do.
    func draw(
        _ number: Int, _ random: inout SeededGenerator, where isAllowed: ([Int]) -> Bool = { _ in true }
    ) -> [Int] {
        let pair = pairs[number % pairs.count]
        var levels: [Int] = []
        for _ in 0..<50 {
            levels = levelCounts.map { Int.random(in: 0..<$0, using: &random) }
            levels[pair.first] = pair.firstLevel
            levels[pair.second] = pair.secondLevel
            if isAllowed(levels) { break }
        }
        return levels
    }

    /// The pairs that a draw covers.
    func pairs(of levels: [Int]) -> [Pair] {
        var covered: [Pair] = []
        for first in levels.indices {
            for second in levels.indices where second > first {
                covered.append(
                    Pair(first: first, firstLevel: levels[first], second: second, secondLevel: levels[second]))
            }
        }
        return covered
    }
}
