@testable import DukkanQuery

/// The options of a funnel as factors, each with its levels; level 0 is "not used".
///
/// Queries are drawn so that every two levels that may stand together do so again and again.
enum OptionFactor: Int, CaseIterable {
    case ties, order, exclusion, holding, optional, gap, unit, sessionBound, firstEver, reuse, attribution, top, view
    case measure, entered, filter, asOf, segment, tables, window

    /// What the levels are called in the counts.
    var levels: [String] {
        switch self {
        case .ties: ["TIES FAVOURABLE", "TIES RECORDED", "TIES INCREASING"]
        case .order: ["sequence", "ORDER STRICT", "ORDER ANY", "PRESET CLICKHOUSE"]
        case .exclusion:
            ["-", "EXCLUDING PER CUSTOMER", "EXCLUDING PER ATTEMPT", "two EXCLUDING", "EXCLUDING BETWEEN"]
        case .holding: ["-", "HOLDING"]
        case .optional: ["-", "OPTIONAL"]
        case .gap: ["-", "GAP FROM", "GAP TO", "GAP FROM TO"]
        case .unit: ["COUNTING CUSTOMERS", "COUNTING SESSIONS", "COUNTING ENTRIES"]
        case .sessionBound: ["-", "WITHIN SESSION"]
        case .firstEver: ["-", "FIRST EVER", "FIRST EVER WHERE"]
        case .reuse: ["-", "REUSING ROWS"]
        case .attribution: ["-", "BY FIRST", "BY LAST", "BY STEP k FIRST", "BY STEP k", "BY ALL"]
        case .top: ["-", "TOP"]
        case .view:
            ["steps", "TRENDS", "TIME TO CONVERT", "CUSTOMERS REACHED", "CUSTOMERS DROPPED AT", "CUSTOMERS OPEN AT"]
        case .measure: ["-", "MEASURING sum", "MEASURING avg"]
        case .entered: ["-", "ENTERED"]
        case .filter: ["-", "WHERE"]
        case .asOf: ["-", "AS OF"]
        case .segment: ["-", "FOR SEGMENT"]
        case .tables: ["one table", "two tables"]
        case .window: ["WITHIN", "no WITHIN"]
        }
    }
}

/// A level for each factor.
struct OptionRow {
    var levels = [Int](repeating: 0, count: OptionFactor.allCases.count)

    subscript(_ factor: OptionFactor) -> Int {
        get { levels[factor.rawValue] }
        set { levels[factor.rawValue] = newValue }
    }

    /// Whether the table of combinations in `docs/semantics.md` refuses it; written from that table.
    var isRefused: Bool {
        let isClickHouse = self[.order] == 3
        if self[.order] == 2 {
            if self[.ties] > 0 || self[.reuse] > 0 || self[.optional] > 0 || self[.gap] > 0 { return true }
            if self[.exclusion] == 4 { return true }
        }
        if self[.reuse] > 0 && (self[.order] == 1 || self[.ties] == 2) { return true }
        if self[.measure] > 0 && self[.view] > 1 { return true }
        if self[.top] > 0 && self[.attribution] == 0 { return true }
        guard isClickHouse else { return false }
        let unknown: [OptionFactor] = [
            .ties, .exclusion, .holding, .optional, .gap, .unit, .sessionBound, .reuse, .measure, .window,
        ]
        return unknown.contains { self[$0] > 0 } || self[.attribution] > 3 || self[.view] == 1 || self[.view] == 2
    }

    /// Options among those that one pass over a customer's rows evaluates, one of them at least more than a plain funnel has.
    static func ofOnePass(using random: inout SeededGenerator) -> OptionRow {
        var row = OptionRow()
        let drawn: [OptionFactor] = [
            .holding, .sessionBound, .firstEver, .attribution, .top, .view, .entered, .filter, .asOf, .tables, .window,
        ]
        for factor in drawn where Int.random(in: 0..<3, using: &random) == 0 {
            row[factor] = Int.random(in: factor.levels.indices, using: &random)
        }
        row[.exclusion] = Int.random(in: OptionFactor.exclusion.levels.indices, using: &random)
        row[.ties] = [0, 0, 2].randomElement(using: &random) ?? 0
        row[.unit] = [0, 0, 0, 1].randomElement(using: &random) ?? 0
        if row[.top] > 0 && row[.attribution] == 0 { row[.attribution] = 1 }
        if row[.exclusion] == 0 && row[.view] == 0 { row[.holding] = 1 }
        return row
    }

    /// The names of the levels that are used.
    var names: [String] {
        OptionFactor.allCases.map { $0.levels[self[$0]] }.filter { $0 != "-" }
    }
}

/// Draws rows of options so that the pair of levels drawn least so far is in the next one.
struct PairwiseOptions {
    private struct Pair: Hashable {
        var a: Int, b: Int, levelA: Int, levelB: Int
    }
    /// How often each allowed pair was drawn.
    private var counts: [Pair: Int] = [:]
    private var waiting: [Pair] = []

    init() {
        let factors = OptionFactor.allCases
        for a in factors {
            for b in factors where b.rawValue > a.rawValue {
                for levelA in a.levels.indices {
                    for levelB in b.levels.indices {
                        var row = OptionRow()
                        row[a] = levelA
                        row[b] = levelB
                        PairwiseOptions.complete(&row)
                        if row.isRefused || row[a] != levelA || row[b] != levelB { continue }
                        counts[Pair(a: a.rawValue, b: b.rawValue, levelA: levelA, levelB: levelB)] = 0
                    }
                }
            }
        }
    }

    /// `TOP` needs a breakdown.
    private static func complete(_ row: inout OptionRow) {
        if row[.top] > 0 && row[.attribution] == 0 { row[.attribution] = 1 }
    }

    /// How often the pair drawn least was drawn.
    var leastCount: Int { counts.values.min() ?? 0 }
    var pairCount: Int { counts.count }

    /// A row of allowed options.
    mutating func next(using random: inout SeededGenerator) -> OptionRow {
        if waiting.isEmpty {
            let least = leastCount
            waiting = counts.filter { $0.value == least }.keys.sorted {
                ($0.a, $0.b, $0.levelA, $0.levelB) < ($1.a, $1.b, $1.levelA, $1.levelB)
            }
            waiting.shuffle(using: &random)
        }
        let pair = waiting.removeLast()
        var row = OptionRow()
        row.levels[pair.a] = pair.levelA
        row.levels[pair.b] = pair.levelB
        PairwiseOptions.complete(&row)
        // Half of the rest stays unused, so that options also meet alone.
        for factor in OptionFactor.allCases.shuffled(using: &random)
        where factor.rawValue != pair.a && factor.rawValue != pair.b && Bool.random(using: &random) {
            var richer = row
            richer[factor] = Int.random(in: factor.levels.indices, using: &random)
            PairwiseOptions.complete(&richer)
            let keepsPair = richer.levels[pair.a] == pair.levelA && richer.levels[pair.b] == pair.levelB
            if keepsPair && !richer.isRefused { row = richer }
        }
        count(row)
        return row
    }

    /// A row that the table refuses.
    func refused(using random: inout SeededGenerator) -> OptionRow {
        while true {
            var row = OptionRow()
            for factor in OptionFactor.allCases where Int.random(in: 0..<3, using: &random) == 0 {
                row[factor] = Int.random(in: factor.levels.indices, using: &random)
            }
            PairwiseOptions.complete(&row)
            if row.isRefused { return row }
        }
    }

    private mutating func count(_ row: OptionRow) {
        let factors = OptionFactor.allCases
        for a in factors {
            for b in factors where b.rawValue > a.rawValue {
                let pair = Pair(a: a.rawValue, b: b.rawValue, levelA: row[a], levelB: row[b])
                if counts[pair] != nil { counts[pair, default: 0] += 1 }
            }
        }
    }
}
