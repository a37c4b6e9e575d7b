import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// A funnel with any options, by the definitions of `docs/semantics.md`.
///
/// Exponential; for small worlds. ``ReferenceFunnel``, which knows no options, is a second opinion on plain funnels.
struct ReferenceFunnelOptions {
    let query: FunnelQuery
    let world: ReferenceWorld
    let outcomes: ReferenceOutcomes

    init(_ asked: FunnelQuery, _ world: ReferenceWorld) throws {
        var query = asked
        if query.preset == .postHog {
            query.window = query.window ?? 14 * 86_400 * 1_000_000
        }
        self.query = query
        self.world = world
        outcomes = try ReferenceOutcomes(query, world)
    }

    /// The names of the steps, as a statement without names gives them.
    func name(_ step: Int) -> Value { .string(query.steps[step].name ?? "\(step + 1)") }

    // MARK: Outcomes

    private func found() throws -> [ReferenceOutcome] {
        try world.customers(of: outcomes.source.tables).flatMap { customer in
            if case .clickHouse(let modes)? = query.preset { return try clickHouse(modes, customer) }
            return try outcomes.outcomes(of: customer)
        }
    }

    private func clickHouse(
        _ modes: Set<FunnelQuery.ClickHouseMode>, _ customer: CustomerKey
    ) throws -> [ReferenceOutcome] {
        let rows = try outcomes.source.rows(of: customer)
        let level = ReferenceClickHouse(query: query, modes: modes).level(rows)
        guard level > 0 else { return [] }
        let latest = rows.last { $0.serves(0) }
        let isOpen = level < query.steps.count && (latest?.time ?? .min) > outcomes.source.asOf - (query.window ?? 0)
        var outcome = ReferenceOutcome(
            customer: customer, level: level, steps: Array(0..<level), times: Array(repeating: nil, count: level),
            measured: [:], isOpen: isOpen)
        let matching = rows.filter { $0.steps != 0 }
        switch query.breakdown?.attribution {
        case .first: outcome.value = matching.map(\.value).first { $0 != .null } ?? .null
        case .last: outcome.value = matching.map(\.value).last { $0 != .null } ?? .null
        case .stepFirst(let step): outcome.value = matching.first { $0.serves(step) }?.value ?? .null
        default: break
        }
        return [outcome]
    }

    // MARK: Values

    struct Group {
        var value: Value
        var isOther = false
        var outcomes: [ReferenceOutcome]

        /// How many have a step (from 0) on their chain.
        func reached(_ step: Int) -> Int { outcomes.filter { $0.steps.contains(step) }.count }
    }

    /// The values in the order of the answer, with `TOP` the small ones together.
    func groups() throws -> [Group] {
        var groups = Dictionary(grouping: try found(), by: \.value).map { Group(value: $0.key, outcomes: $0.value) }
        if query.breakdown == nil && groups.isEmpty { groups = [Group(value: .null, outcomes: [])] }
        let last = query.steps.count - 1
        if let top = query.breakdown?.top, groups.count > top {
            groups.sort { a, b in
                let (from, to) = (a.reached(last), b.reached(last))
                return from != to ? from > to : ValueOrdering.precedes(a.value, b.value)
            }
            let other = groups[top...].flatMap(\.outcomes)
            groups = Array(groups[..<top]) + [Group(value: .string("other"), isOther: true, outcomes: other)]
        }
        return groups.sorted { a, b in
            if a.isOther != b.isOther { return b.isOther }
            let (from, to) = (a.reached(0), b.reached(0))
            return from != to ? from > to : ValueOrdering.precedes(a.value, b.value)
        }
    }

    // MARK: Answers

    func result() throws -> QueryResult {
        switch query.view {
        case .steps:
            let rows = try groups().flatMap { group in query.steps.indices.map { row($0, group) } }
            return QueryResult(columns: columns([]), rows: rows, shape: .funnel)
        case .trends: return try trends()
        case .timeToConvert(let from, let to, let bins): return try timeToConvert(from, to, bins)
        case .customers(let standing, let step): return try customers(standing, step)
        }
    }

    func columns(_ before: [String]) -> [QueryResult.Column] {
        let names =
            before + ["value", "step", "name", "reached", "dropped", "open"]
            + ["from_start", "from_previous", "median_s", "mean_s"] + (query.measure == nil ? [] : ["measure"])
        return names.map { .init($0, .int) }
    }

    func row(_ step: Int, _ group: Group) -> [Value] {
        let here = group.reached(step)
        let stopped = group.outcomes.filter { $0.level < query.steps.count && $0.steps.last == step }
        let open = stopped.filter(\.isOpen).count
        let previous = (0..<step).last { !query.steps[$0].isOptional }
        var row: [Value] = [
            group.value, .int(Int128(step + 1)), name(step), .int(Int128(here)), .int(Int128(stopped.count - open)),
            .int(Int128(open)), ReferenceFunnelOptions.share(here, group.reached(0)),
            previous.map { ReferenceFunnelOptions.share(here, group.reached($0)) } ?? .null,
        ]
        let seconds = group.outcomes.compactMap { outcome -> Double? in
            guard let link = outcome.steps.firstIndex(of: step), link > 0,
                let time = outcome.times[link], let before = outcome.times[link - 1]
            else { return nil }
            return Double(time - before) / 1e6
        }.sorted()
        row.append(
            seconds.isEmpty
                ? .null : .double((seconds[(seconds.count - 1) / 2] + seconds[seconds.count / 2]) / 2))
        row.append(seconds.isEmpty ? .null : .double(seconds.reduce(0, +) / Double(seconds.count)))
        if let measure = query.measure { row.append(measured(measure, step, group)) }
        return row
    }

    private func measured(_ measure: FunnelQuery.StepMeasure, _ step: Int, _ group: Group) -> Value {
        guard measure.step == step else { return .null }
        let values = group.outcomes.compactMap { $0.measured[step] }.filter { $0 != .null }
        let total = ReferenceSum(values)
        if measure.function == .sum { return total.value ?? .int(0) }
        return total.double.map { .double($0 / Double(values.count)) } ?? .null
    }

    static func share(_ part: Int, _ whole: Int) -> Value {
        whole == 0 ? .null : .double(Double(part) / Double(whole))
    }
}

extension FunnelQuery {
    /// Whether it asks for anything that ``ReferenceFunnel`` does not know.
    var hasOptions: Bool {
        var plain = FunnelQuery(
            steps.map { Step($0.name, in: $0.table, where: $0.filter) }, within: window, ties: ties, where: filter,
            enteredFrom: enteredFrom, enteredTo: enteredTo, by: breakdown)
        plain.options = options
        return plain != self
    }
}
