import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// What one unit, one value and one period of entry come to.
struct ReferenceOutcome {
    var customer: CustomerKey
    /// Of the breakdown.
    var value = Value.null
    /// The number of the period of entry, 0 without trends.
    var bucket: Int64 = 0
    /// The session, where sessions are counted.
    var unit = Value.null
    var level: Int
    /// Of the reported chain.
    var steps: [Int]
    var times: [Int64?]
    /// What is measured on the rows of the chain, by the step that each serves.
    var measured: [Int: Value]
    var isOpen: Bool

    /// The time at a step (from 0) of the reported chain.
    func time(at step: Int) -> Int64? { steps.firstIndex(of: step).flatMap { times[$0] } }
}

/// Units, values and periods of entry, each with its chains: what a funnel counts.
struct ReferenceOutcomes {
    let query: FunnelQuery
    let source: ReferenceChainRows
    /// Of the trends.
    let calendar: ReferenceRetention?

    init(_ query: FunnelQuery, _ world: ReferenceWorld) throws {
        self.query = query
        source = try ReferenceChainRows(query, world)
        if case .trends(let period) = query.view {
            let step = Step(in: source.tables[0])
            calendar = try ReferenceRetention(
                RetentionQuery(of: step, returning: step, by: period, periods: 1, options: query.options), world)
        } else {
            calendar = nil
        }
    }

    /// The outcomes of a customer.
    func outcomes(of customer: CustomerKey) throws -> [ReferenceOutcome] {
        let rows = try source.rows(of: customer)
        var found: [ReferenceOutcome] = []
        for (unit, own) in units(rows) {
            for (value, own, step) in values(own) {
                for (bucket, outcome) in try counted(own, customer, valueStep: step) {
                    var outcome = outcome
                    outcome.value = value
                    outcome.bucket = bucket
                    outcome.unit = unit
                    found.append(outcome)
                }
            }
        }
        return found
    }

    // MARK: Units and values

    /// `COUNTING SESSIONS`: each session by itself, rows without one left out.
    private func units(_ rows: [ReferenceChainRow]) -> [(Value, [ReferenceChainRow])] {
        guard case .sessions = query.unit else { return [(.null, rows)] }
        return Set(rows.map(\.unit)).subtracting([.null]).map { unit in (unit, rows.filter { $0.unit == unit }) }
    }

    /// Each value that a unit stands under, with its rows; and the step whose row must carry it, if one must.
    private func values(_ rows: [ReferenceChainRow]) -> [(Value, [ReferenceChainRow], Int?)] {
        guard let breakdown = query.breakdown else { return [(.null, rows, nil)] }
        let matching = rows.filter { $0.steps != 0 }
        switch breakdown.attribution {
        case .first: return [(matching.map(\.value).first { $0 != .null } ?? .null, rows, nil)]
        case .last: return [(matching.map(\.value).last { $0 != .null } ?? .null, rows, nil)]
        case .stepFirst(let step): return [(matching.first { $0.serves(step) }?.value ?? .null, rows, nil)]
        case .step(let step):
            return Set(matching.map(\.value)).map { value in
                (
                    value,
                    rows.map { row in
                        var row = row
                        // Rows of other values do not serve this step.
                        if row.value != value { row.steps &= ~(1 << UInt32(step)) }
                        return row
                    }, step
                )
            }
        case .all:
            return Set(matching.map(\.value)).map { value in
                (
                    value,
                    rows.map { row in
                        var row = row
                        // Rows of other values are no steps.
                        if row.value != value { row.steps = 0 }
                        return row
                    }, nil
                )
            }
        }
    }

    // MARK: Customers and sessions

    private func counted(
        _ rows: [ReferenceChainRow], _ customer: CustomerKey, valueStep: Int?
    ) throws -> [(Int64, ReferenceOutcome)] {
        var query = query
        // A chain under the value has the step that carries it.
        if let valueStep { query.steps[valueStep].isOptional = false }
        let chains = ReferenceChains(query, rows, asOf: source.asOf)
        /// Chains without the step whose row carries the value are under it only before that step.
        func isUnderValue(_ chain: ReferenceChain) -> Bool {
            guard let valueStep, !chain.steps.contains(valueStep) else { return true }
            return query.order == .any || (chain.steps.last ?? 0) < valueStep
        }
        var all: [ReferenceChain] = []
        chains.forEachChain { chain in
            if isUnderValue(chain) { all.append(chain) }
        }
        all = try all.filter { try query.order != .any || source.isEntered(chains.start($0).time) }
        func outcome(_ some: [ReferenceChain]) -> ReferenceOutcome? {
            best(some, chains, customer) { chain in valueStep.map { chain.steps.contains($0) } ?? true }
        }
        func bucket(_ chain: ReferenceChain) -> Int64 { calendar?.period(chains.start(chain).time) ?? 0 }
        if query.unit == .entries {
            return entries(all, chains) { outcome($0) }.map { (bucket($0.0), $0.1) }
        }
        return Dictionary(grouping: all, by: bucket).compactMap { number, some in
            outcome(some).map { (number, $0) }
        }
    }

    /// The outcome over some chains; nil: none, or poisoned.
    private func best(
        _ some: [ReferenceChain], _ chains: ReferenceChains, _ customer: CustomerKey,
        where counts: (ReferenceChain) -> Bool
    ) -> ReferenceOutcome? {
        let counting = some.filter(counts)
        let clean = counting.filter(chains.isClean)
        guard let chain = clean.min(by: { chains.rank($0).lexicographicallyPrecedes(chains.rank($1)) }) else {
            return nil
        }
        let level = chains.level(chain)
        // No clean chain got as far: she leaves the funnel.
        guard counting.allSatisfy({ chains.level($0) <= level }) else { return nil }
        let rows = chain.rows.map { chains.rows[$0] }
        return ReferenceOutcome(
            customer: customer, level: level,
            steps: query.order == .any ? Array(0..<level) : chain.steps, times: rows.map(\.time),
            measured: Dictionary(uniqueKeysWithValues: zip(chain.steps, rows.map(\.measured))),
            isOpen: level < chains.stepCount && some.contains(where: chains.mayGoOn))
    }

    // MARK: Entries

    /// `COUNTING ENTRIES`: disjoint and greedy in time; one after the other from the first start on.
    ///
    /// Where a value is held, the entry is that of its first row; she is in one at a time.
    private func entries(
        _ all: [ReferenceChain], _ chains: ReferenceChains, _ outcome: ([ReferenceChain]) -> ReferenceOutcome?
    ) -> [(ReferenceChain, ReferenceOutcome)] {
        var found: [(ReferenceChain, ReferenceOutcome)] = []
        var rest = all
        while let first = rest.min(by: { $0.rows[0] < $1.rows[0] }) {
            let start = chains.start(first)
            let own = rest.filter { chain in
                let other = chains.start(chain)
                return chains.moment(chain.rows[0]) == chains.moment(first.rows[0]) && other.held == start.held
                    && other.session == start.session
            }
            let entry = outcome(own)
            if let entry { found.append((first, entry)) }
            let mayFollow: (ReferenceChainRow) -> Bool
            let complete = own.filter { chains.level($0) == chains.stepCount && chains.isClean($0) }
            if entry?.level == chains.stepCount, let end = complete.map({ chains.moment($0.rows.last ?? 0) }).min() {
                mayFollow = { query.ties == .recorded ? Int64($0.place) > end : $0.time > end }
            } else if let end = endOfAttempt(own, chains) {
                mayFollow = { $0.time > end }
            } else if let window = query.window {
                mayFollow = { $0.time - start.time > window }
            } else {
                break
            }
            rest = rest.filter { mayFollow(chains.start($0)) }
        }
        return found
    }

    /// The time at which the last of some chains was ended by an exclusion; nil: some may go on.
    private func endOfAttempt(_ own: [ReferenceChain], _ chains: ReferenceChains) -> Int64? {
        var last: Int64?
        for chain in own {
            guard let end = chains.end(ofAttempt: chain) else { return nil }
            last = max(last ?? end, end)
        }
        return last
    }
}
