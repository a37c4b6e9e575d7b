import DukkanFormat
import Synchronization

@testable import DukkanQuery

/// What a random campaign has asked, by option.
struct CampaignTally {
    private(set) var pairs = 0
    private var counts: [String: Int] = [:]
    var refused = 0
    var failures = 0

    private static let shared = Guarded<[String: (parts: Int, tally: CampaignTally)]>([:])

    mutating func add(_ row: OptionRow) {
        pairs += 1
        for name in row.names { counts[name, default: 0] += 1 }
    }

    /// Counts one pair under names of its own.
    mutating func add(_ names: [String]) {
        pairs += 1
        for name in names { counts[name, default: 0] += 1 }
    }

    private mutating func merge(_ other: CampaignTally) {
        pairs += other.pairs
        refused += other.refused
        failures += other.failures
        counts.merge(other.counts, uniquingKeysWith: +)
    }

    /// Adds a part's counts to its campaign's; the last part prints them.
    func finish(of parts: Int, _ campaign: String, pairsOfLevels: Int? = nil) {
        let whole = Self.shared.withLock { all -> CampaignTally? in
            var sum = all[campaign] ?? (0, CampaignTally())
            sum.parts += 1
            sum.tally.merge(self)
            all[campaign] = sum
            return sum.parts == parts ? sum.tally : nil
        }
        guard let whole else { return }
        var text = "campaign of \(campaign): \(whole.pairs) pairs of data and query, \(whole.refused) refused"
        if let pairsOfLevels { text += ", \(pairsOfLevels) pairs of options" }
        print(text + ", \(whole.failures) failures")
        let counts = whole.counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        print("  " + counts.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
    }
}

/// Makes a failing pair of data and query smaller while it still fails.
struct CampaignShrinking {
    private(set) var query: FunnelQuery
    private(set) var world: ReferenceWorld
    private(set) var difference = ""
    private let threads: Int
    private var triesLeft = 200

    init(query: FunnelQuery, world: ReferenceWorld, threads: Int) {
        self.query = query
        self.world = world
        self.threads = threads
    }

    /// What differs on a store made anew; nil where nothing does, or the query is refused.
    private mutating func fails(_ query: FunnelQuery, _ world: ReferenceWorld) -> Bool {
        guard triesLeft > 0 else { return false }
        triesLeft -= 1
        var random = SeededGenerator(seed: 1)
        guard let store = try? EngineStore(), (try? store.fill(world, commits: 1, random: &random)) != nil,
            let answer = try? store.run(.funnel(query), threads: threads),
            let expected = try? ReferenceEvaluator.run(.funnel(query), world),
            let found = ReferenceEvaluator.difference(answer, expected)
        else { return false }
        difference = "\(found)\n\(answer.rows.prefix(40))\ninstead of\n\(expected.rows.prefix(40))"
        return true
    }

    mutating func run() {
        guard fails(query, world) else {
            difference = "gone on a store made anew"
            return
        }
        shrinkWorld()
        shrinkQuery()
        shrinkWorld()
    }

    private mutating func shrinkWorld() {
        // Whole customers first.
        for customer in world.customers(of: world.tables.keys.sorted()) {
            var smaller = world
            for name in world.tables.keys { smaller.tables[name]?.rows.removeAll { $0.customer != customer } }
            if fails(query, smaller) {
                world = smaller
                break
            }
        }
        for name in world.tables.keys.sorted() {
            var row = 0
            while row < world.tables[name]?.rows.count ?? 0 {
                var smaller = world
                smaller.tables[name]?.rows.remove(at: row)
                if fails(query, smaller) { world = smaller } else { row += 1 }
            }
        }
    }

    private mutating func shrinkQuery() {
        let changes: [(inout FunnelQuery) -> Void] = [
            { $0.options.segment = nil }, { $0.breakdown = nil }, { $0.view = .steps }, { $0.measure = nil },
            { $0.unit = .customers }, { $0.holding = nil }, { $0.session = nil }, { $0.exclusions = [] },
            { $0.filter = nil }, { $0.enteredFrom = nil }, { $0.enteredTo = nil }, { $0.options.asOf = nil },
            { $0.ties = .favourable }, { $0.order = .sequence }, { $0.reusesRows = false }, { $0.window = nil },
            { $0.options.timeZone = nil },
            { for step in $0.steps.indices { $0.steps[step].firstEver = nil } },
            { for step in $0.steps.indices { $0.steps[step].isOptional = false } },
            { for step in $0.steps.indices { $0.steps[step].gapMin = nil } },
            { for step in $0.steps.indices { $0.steps[step].gapMax = nil } },
        ]
        for change in changes {
            var simpler = query
            change(&simpler)
            if simpler != query && fails(simpler, world) { query = simpler }
        }
    }
}
