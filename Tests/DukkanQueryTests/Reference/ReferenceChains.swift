import DukkanFormat

@testable import DukkanQuery

/// Rows of one customer in the steps that they serve, oldest first.
struct ReferenceChain {
    /// The step of each row, from 0.
    var steps: [Int] = []
    /// Places in the list of rows.
    var rows: [Int] = []
}

/// Every chain over some rows of a customer, by the definition: made one after the other, each held against each rule.
///
/// Exponential; for small worlds.
struct ReferenceChains {
    let query: FunnelQuery
    /// Of one unit, in the total order.
    let rows: [ReferenceChainRow]
    let asOf: Int64
    let stepCount: Int
    private let excluding: [Int]

    init(_ query: FunnelQuery, _ rows: [ReferenceChainRow], asOf: Int64) {
        self.query = query
        self.rows = rows
        self.asOf = asOf
        stepCount = query.steps.count
        excluding = rows.indices.filter { rows[$0].exclusions != 0 }
    }

    // MARK: Making chains

    /// Calls `body` with every chain of every length.
    func forEachChain(_ body: (ReferenceChain) -> Void) {
        var chain = ReferenceChain()
        func extend() {
            for row in rows.indices where rows[row].steps != 0 {
                for step in 0..<stepCount where rows[row].serves(step) && mayBeNext(step, row, chain) {
                    chain.steps.append(step)
                    chain.rows.append(row)
                    // Every rule that a chain keeps, its beginnings keep too.
                    if isChain(chain) {
                        body(chain)
                        extend()
                    }
                    chain.steps.removeLast()
                    chain.rows.removeLast()
                }
            }
        }
        extend()
    }

    /// Whether a step and its row can be the next of a chain as far as steps and distinct rows are concerned.
    private func mayBeNext(_ step: Int, _ row: Int, _ chain: ReferenceChain) -> Bool {
        if query.order == .any {
            return !chain.steps.contains(step) && chain.rows.last.map { row > $0 } ?? true
        }
        guard let last = chain.steps.last else { return step == 0 }
        guard step > last, query.reusesRows || !chain.rows.contains(row) else { return false }
        return (last + 1..<step).allSatisfy { query.steps[$0].isOptional }
    }

    private func isChain(_ chain: ReferenceChain) -> Bool {
        isInOrder(chain) && isWithin(chain) && holds(chain) && keepsGaps(chain) && areNeighbours(chain)
            && !isCut(chain)
    }

    // MARK: Rules

    func level(_ chain: ReferenceChain) -> Int {
        query.order == .any ? chain.rows.count : (chain.steps.last ?? -1) + 1
    }

    func start(_ chain: ReferenceChain) -> ReferenceChainRow { rows[chain.rows[0]] }

    private func isInOrder(_ chain: ReferenceChain) -> Bool {
        if query.order == .any { return true }
        return zip(chain.rows, chain.rows.dropFirst()).allSatisfy { earlier, later in
            switch query.ties {
            case .favourable: rows[later].time >= rows[earlier].time
            case .recorded: later > earlier || query.reusesRows && later == earlier
            case .increasing: rows[later].time > rows[earlier].time
            }
        }
    }

    /// The last instant of a chain's window.
    private func windowEnd(_ chain: ReferenceChain) -> Int64 {
        guard let window = query.window else { return .max }
        let (end, isOver) = start(chain).time.addingReportingOverflow(window)
        return isOver ? .max : end
    }

    private func isWithin(_ chain: ReferenceChain) -> Bool {
        chain.rows.allSatisfy { rows[$0].time <= windowEnd(chain) }
    }

    private func holds(_ chain: ReferenceChain) -> Bool {
        chain.rows.allSatisfy { mayBelong(rows[$0], to: chain) }
    }

    private func mayBelong(_ row: ReferenceChainRow, to chain: ReferenceChain) -> Bool {
        let first = start(chain)
        return row.steps != 0 && row.held == first.held && row.session == first.session
    }

    private func keepsGaps(_ chain: ReferenceChain) -> Bool {
        chain.rows.indices.dropFirst().allSatisfy { link in
            let step = query.steps[chain.steps[link]]
            let gap = rows[chain.rows[link]].time - rows[chain.rows[link - 1]].time
            return gap >= step.gapMin ?? 0 && gap <= step.gapMax ?? .max
        }
    }

    /// `ORDER STRICT`: no other row can be kept out from between the chain's rows.
    ///
    /// Rows at the time of the first may be put before it, rows at the time of the last behind it.
    private func areNeighbours(_ chain: ReferenceChain) -> Bool {
        guard query.order == .strict, let first = chain.rows.first, let last = chain.rows.last else { return true }
        return rows.indices.allSatisfy { other in
            if !rows[other].isNeighbour || chain.rows.contains(other) { return true }
            if query.ties == .recorded { return other < first || other > last }
            return rows[other].time <= rows[first].time || rows[other].time >= rows[last].time
        }
    }

    // MARK: Exclusions

    /// Whether an exclusion of a scope stands in a stretch of time, both ends left out, after a step of the chain.
    private func isExcluded(
        _ scope: FunnelQuery.Exclusion.Scope, afterStep step: Int, from: Int64, to: Int64, _ chain: ReferenceChain
    ) -> Bool {
        excluding.contains { place in
            let time = rows[place].time
            guard time > from, time < to, time <= windowEnd(chain) else { return false }
            // In any order it is open which of her rows the chain takes: all that could stand in it count.
            if query.order == .any && rows.contains(where: { $0.time == time && mayBelong($0, to: chain) }) {
                return false
            }
            return query.exclusions.enumerated().contains { number, exclusion in
                rows[place].exclusions & 1 << UInt32(number) != 0 && exclusion.scope == scope
                    && (exclusion.from ?? 0) <= step && step < exclusion.to ?? stepCount - 1
            }
        }
    }

    /// Whether an exclusion stands between two rows of the chain, one of which it is armed after.
    private func isExcludedInside(_ scope: FunnelQuery.Exclusion.Scope, _ chain: ReferenceChain) -> Bool {
        chain.rows.indices.dropLast().contains { link in
            let step = query.order == .any ? link : chain.steps[link]
            return isExcluded(
                scope, afterStep: step, from: rows[chain.rows[link]].time, to: rows[chain.rows[link + 1]].time, chain)
        }
    }

    private func isExcludedAfter(_ scope: FunnelQuery.Exclusion.Scope, _ chain: ReferenceChain) -> Bool {
        guard let last = chain.rows.last else { return false }
        return isExcluded(
            scope, afterStep: level(chain) - 1, from: rows[last].time, to: .max, chain)
    }

    /// `PER ATTEMPT`: the chain would have ended before its last row.
    private func isCut(_ chain: ReferenceChain) -> Bool { isExcludedInside(.attempt, chain) }

    /// `PER CUSTOMER`: nothing poisons it, neither between its rows nor, where it stopped, up to the window's end.
    func isClean(_ chain: ReferenceChain) -> Bool {
        !isExcludedInside(.customer, chain) && !isExcludedAfter(.customer, chain)
    }

    /// The time of the exclusion that ends a chain, nil where none does.
    func end(ofAttempt chain: ReferenceChain) -> Int64? {
        guard let last = chain.rows.last else { return nil }
        return excluding.map { rows[$0].time }.sorted().first { time in
            time > rows[last].time
                && isExcluded(
                    .attempt, afterStep: level(chain) - 1, from: max(rows[last].time, time - 1), to: time + 1, chain)
        }
    }

    // MARK: Open

    /// Whether rows after `as of` could still make the chain longer.
    func mayGoOn(_ chain: ReferenceChain) -> Bool {
        guard level(chain) < stepCount, let first = chain.rows.first, let last = chain.rows.last else { return false }
        guard query.window == nil || windowEnd(chain) > asOf else { return false }
        guard isClean(chain), !isExcludedAfter(.attempt, chain) else { return false }
        if query.order == .any { return true }
        if query.order == .strict {
            // What comes next must stand right behind the last row, so all others stand before the first.
            let isLast = rows.indices.allSatisfy { other in
                if !rows[other].isNeighbour || chain.rows.contains(other) { return true }
                return query.ties == .recorded ? other < first : rows[other].time <= rows[first].time
            }
            guard isLast else { return false }
        }
        // Some next step whose most gap is not over.
        for step in level(chain)..<stepCount {
            guard let gapMax = query.steps[step].gapMax else { return true }
            let (end, isOver) = rows[last].time.addingReportingOverflow(gapMax)
            if isOver || end > asOf { return true }
            if !query.steps[step].isOptional { return false }
        }
        return false
    }

    // MARK: The reported chain

    /// A point in the order that counts: the place with `TIES RECORDED`, else the time.
    func moment(_ row: Int) -> Int64 { query.ties == .recorded ? Int64(row) : rows[row].time }

    /// Least for the chain to report: most steps, first to end, latest start; then from the end backwards each step
    /// before as high as it can be, and as early; of rows at one time the first recorded.
    func rank(_ chain: ReferenceChain) -> [Int64] {
        guard let first = chain.rows.first, let last = chain.rows.last else { return [] }
        var rank = [-Int64(level(chain)), moment(last), -rows[first].time]
        if query.order == .any {
            rank += chain.rows.map { rows[$0].time }
        } else {
            for link in chain.rows.indices.reversed() {
                rank += [-Int64(chain.steps[link]), moment(chain.rows[link])]
            }
        }
        return rank + chain.rows.map { Int64($0) }
    }
}
