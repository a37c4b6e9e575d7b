import DukkanFormat

@testable import DukkanQuery

/// A funnel by the definition: every chain of every customer is made, one after the other.
///
/// Exponential; for small worlds.
struct ReferenceFunnel {
    let query: FunnelQuery
    let world: ReferenceWorld
    let asOf: Int64
    /// Tables in the order of their first step.
    let tableNames: [String]
    private var expressions: [String: ReferenceExpressions] = [:]

    /// A row that matches some step.
    struct Candidate {
        var time: Int64
        /// Place in the total order of the customer.
        var place: Int
        /// Steps matched, from 0.
        var steps: Set<Int>
        /// Of the breakdown.
        var value: Value = .null
    }

    /// What one customer, or one customer and value, comes to.
    struct Outcome {
        var level = 0
        /// Step times of the reported chain.
        var times: [Int64] = []
        var isOpen = false
    }

    init(_ query: FunnelQuery, _ world: ReferenceWorld) throws {
        self.query = query
        self.world = world
        var names: [String] = []
        for step in query.steps where !names.contains(step.table) { names.append(step.table) }
        tableNames = names
        asOf = try world.asOf(query.options, tables: names)
        for name in names {
            expressions[name] = ReferenceExpressions(
                table: world.tables[name] ?? ReferenceWorld.Table(), zone: try ReferenceWorld.zone(query.options),
                asOf: asOf)
        }
    }

    // MARK: Rows

    /// The rows of a customer that match any step within the limits, in the total order (time, table, ingest).
    func candidates(of customer: CustomerKey) throws -> [Candidate] {
        var found: [Candidate] = []
        var order: [(time: Int64, table: Int, ingest: Int)] = []
        for (tableNumber, name) in tableNames.enumerated() {
            guard let expressions = expressions[name] else { continue }
            for (ingest, row) in (world.tables[name]?.rows ?? []).enumerated()
            where row.customer == customer && row.time <= asOf {
                let steps = try steps(matchedBy: row, name, expressions)
                guard !steps.isEmpty else { continue }
                let value = try query.breakdown.map { try expressions.value($0.expression, row) } ?? .null
                found.append(Candidate(time: row.time, place: 0, steps: steps, value: value))
                order.append((row.time, tableNumber, ingest))
            }
        }
        let sorted = found.indices.sorted { order[$0] < order[$1] }
        return sorted.enumerated().map { place, index in
            var candidate = found[index]
            candidate.place = place
            return candidate
        }
    }

    func steps(
        matchedBy row: ReferenceWorld.Row, _ table: String, _ expressions: ReferenceExpressions
    ) throws -> Set<Int> {
        var steps: Set<Int> = []
        for (number, step) in query.steps.enumerated() where step.table == table {
            guard try expressions.isTrue(step.filter, row), try expressions.isTrue(query.filter, row) else { continue }
            if number == 0 {
                let time = Expression.column(ColumnName("time"))
                if let from = query.enteredFrom,
                    try !expressions.isTrue(.binary(.greaterOrEqual, time, from), row)
                {
                    continue
                }
                if let to = query.enteredTo, try !expressions.isTrue(.binary(.less, time, to), row) { continue }
            }
            steps.insert(number)
        }
        return steps
    }

    // MARK: Chains

    /// Whether `next` may follow `last` in a chain.
    private func mayFollow(_ last: Candidate, _ next: Candidate) -> Bool {
        switch query.ties {
        case .favourable: next.time >= last.time
        case .recorded: next.place > last.place
        case .increasing: next.time > last.time
        }
    }

    /// Calls `body` with every chain of every length.
    func forEachChain(_ rows: [Candidate], _ body: ([Candidate]) -> Void) {
        func extend(_ chain: [Candidate]) {
            guard chain.count < query.steps.count else { return }
            for row in rows where row.steps.contains(chain.count) && !chain.contains(where: { $0.place == row.place }) {
                if let last = chain.last, !mayFollow(last, row) { continue }
                if let first = chain.first, let window = query.window, row.time - first.time > window { continue }
                body(chain + [row])
                extend(chain + [row])
            }
        }
        extend([])
    }

    /// Level, reported chain and whether it is open, over the chains of some rows that are allowed.
    func outcome(_ rows: [Candidate], where isAllowed: ([Candidate]) -> Bool = { _ in true }) -> Outcome {
        var outcome = Outcome()
        var best: [Int64] = []
        forEachChain(rows) { chain in
            guard isAllowed(chain), let first = chain.first, let last = chain.last else { return }
            // The first to get there, with the latest start, and then each step as early as it can be.
            let end = query.ties == .recorded ? Int64(last.place) : last.time
            let rank = [-Int64(chain.count), end, -first.time] + chain.map(\.time)
            if best.isEmpty || rank.lexicographicallyPrecedes(best) {
                best = rank
                outcome.level = chain.count
                outcome.times = chain.map(\.time)
            }
        }
        forEachChain(rows) { chain in
            guard isAllowed(chain), outcome.level < query.steps.count, let first = chain.first else { return }
            if query.window.map({ first.time + $0 > asOf }) ?? true { outcome.isOpen = true }
        }
        return outcome
    }

    /// The outcomes of a customer, each under a value; without a breakdown under null.
    func outcomes(of customer: CustomerKey) throws -> [(value: Value, outcome: Outcome)] {
        let rows = try candidates(of: customer)
        guard let breakdown = query.breakdown else { return [(.null, outcome(rows))] }
        switch breakdown.attribution {
        case .first:
            return [(rows.map(\.value).first { $0 != .null } ?? .null, outcome(rows))]
        case .last:
            return [(rows.map(\.value).last { $0 != .null } ?? .null, outcome(rows))]
        case .stepFirst(let step):
            return [(rows.first { $0.steps.contains(step) }?.value ?? .null, outcome(rows))]
        case .step(let step):
            return Set(rows.map(\.value)).map { value in
                var under = outcome(rows) { chain in chain.count <= step || chain[step].value == value }
                // She stands under the value only if she reaches the step.
                if under.level <= step { under = Outcome() }
                return (value, under)
            }
        case .all:
            return Set(rows.map(\.value)).map { value in (value, outcome(rows.filter { $0.value == value })) }
        }
    }

    // MARK: Answer

    func result() throws -> QueryResult {
        var found: [Value: [Outcome]] = [:]
        for customer in world.customers(of: tableNames) {
            for (value, outcome) in try outcomes(of: customer) where outcome.level > 0 {
                found[value, default: []].append(outcome)
            }
        }
        if query.breakdown == nil && found.isEmpty { found[.null] = [] }
        var groups = found.map { (value: $0.key, isOther: false, outcomes: $0.value) }
        let stepCount = query.steps.count
        if let top = query.breakdown?.top, groups.count > top {
            groups.sort { a, b in
                let (from, to) = (reached(a.outcomes, stepCount), reached(b.outcomes, stepCount))
                return from != to ? from > to : ValueOrdering.precedes(a.value, b.value)
            }
            let other = groups[top...].flatMap(\.outcomes)
            groups = Array(groups[..<top]) + [(value: .string("other"), isOther: true, outcomes: other)]
        }
        groups.sort { a, b in
            if a.isOther != b.isOther { return b.isOther }
            let (from, to) = (reached(a.outcomes, 1), reached(b.outcomes, 1))
            return from != to ? from > to : ValueOrdering.precedes(a.value, b.value)
        }
        let names = ["value", "step", "name", "reached", "dropped", "open"]
        let shares = ["from_start", "from_previous", "median_s", "mean_s"]
        return QueryResult(
            columns: names.map { .init($0, $0 == "value" || $0 == "name" ? .string : .int) }
                + shares.map { .init($0, .double) },
            rows: groups.flatMap { group in (1...stepCount).map { row(group.value, $0, group.outcomes) } },
            shape: .funnel)
    }

    private func reached(_ outcomes: [Outcome], _ level: Int) -> Int {
        outcomes.filter { $0.level >= level }.count
    }

    private func row(_ value: Value, _ step: Int, _ outcomes: [Outcome]) -> [Value] {
        let here = reached(outcomes, step)
        let stopped = step == query.steps.count ? [] : outcomes.filter { $0.level == step }
        let open = stopped.filter(\.isOpen).count
        var seconds: [Double] = []
        if step > 1 {
            for outcome in outcomes where outcome.level >= step {
                seconds.append(Double(outcome.times[step - 1] - outcome.times[step - 2]) / 1e6)
            }
        }
        seconds.sort()
        let fromStart = share(here, reached(outcomes, 1))
        let fromPrevious = step == 1 ? Value.null : share(here, reached(outcomes, step - 1))
        let mean = seconds.isEmpty ? Value.null : .double(seconds.reduce(0, +) / Double(seconds.count))
        let median =
            seconds.isEmpty
            ? Value.null : .double((seconds[(seconds.count - 1) / 2] + seconds[seconds.count / 2]) / 2)
        return [
            value, .int(Int128(step)), .string(query.steps[step - 1].name ?? "\(step)"), .int(Int128(here)),
            .int(Int128(stopped.count - open)), .int(Int128(open)), fromStart, fromPrevious, median, mean,
        ]
    }

    private func share(_ part: Int, _ whole: Int) -> Value {
        whole == 0 ? .null : .double(Double(part) / Double(whole))
    }
}
