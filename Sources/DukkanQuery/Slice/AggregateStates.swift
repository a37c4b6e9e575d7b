import DukkanFormat

/// The states of a slice's aggregates, with one for several where they can share it.
struct AggregateStates {
    /// For each aggregate what its values are read from.
    private(set) var states: [any AggregateState] = []
    /// What is updated, with the place of the aggregate whose rows and argument it takes.
    private(set) var updated: [(state: any AggregateState, place: Int)] = []
    /// Counts the rows of each group; nil where `sums` does, or where there are no keys.
    private(set) var rows: CountState?
    /// Sums over all rows of the groups, which know their number.
    private(set) var sums: IntegerSumState?
    /// Customers of all rows of the groups, so that only rows without customer need a count.
    private(set) var customers: CustomerCountState?

    /// Sums are kept once for each argument and filter.
    private struct SumKey: Hashable {
        var argument: BoundExpression?
        var filter: BoundExpression?
    }

    init(_ work: SliceWork, groupCount: Int) {
        var sums = [SumKey: IntegerSumState]()
        for (place, plan) in work.aggregates.enumerated() {
            guard plan.function == .sum || plan.function == .average, plan.argument?.type.physical == .integers
            else { continue }
            let key = SumKey(argument: plan.argument, filter: plan.filter)
            if sums[key] != nil { continue }
            let state = IntegerSumState(bounds: work.bounds[place], groupCount: groupCount)
            sums[key] = state
            updated.append((state, place))
            if plan.filter == nil, self.sums == nil { self.sums = state }
        }
        let isGrouped = !work.keys.isEmpty
        if !isGrouped { self.sums = nil }
        for (place, plan) in work.aggregates.enumerated() {
            let isCount = plan.function == .count
            if isCount || plan.function == .sum || plan.function == .average,
                let shared = sums[SumKey(argument: plan.argument, filter: plan.filter)]
            {
                states.append(SumReader(shared, plan))
                continue
            }
            if isCount, plan.argument == nil, plan.filter == nil, let shared = self.sums {
                states.append(SumReader(shared, plan))
                continue
            }
            let state = AggregateStates.make(plan, work, groupCount: groupCount)
            if isCount, plan.argument == nil, plan.filter == nil, isGrouped, let count = state as? CountState {
                // A plain count is updated as that of the groups' rows.
                rows = count
            } else {
                updated.append((state, place))
            }
            states.append(state)
        }
        if isGrouped, self.sums == nil, rows == nil {
            rows = CountState(groupCount: groupCount)
            customers =
                zip(states, work.aggregates).lazy.compactMap { state, plan in
                    plan.filter == nil ? state as? CustomerCountState : nil
                }.first
        }
    }

    private static func make(_ plan: AggregatePlan, _ work: SliceWork, groupCount: Int) -> any AggregateState {
        let physical = plan.argument?.type.physical
        switch plan.function {
        case .count: return CountState(groupCount: groupCount)
        case .countDistinct:
            return plan.countsCustomers ? CustomerCountState(isMonotone: work.isMonotone) : DistinctState()
        case .sum, .average: return DoubleSumState(isAverage: plan.function == .average)
        case .minimum, .maximum:
            let isMaximum = plan.function == .maximum
            if physical == .integers { return IntegerExtremeState(plan.type, isMaximum: isMaximum) }
            return ValueExtremeState(plan.type, isMaximum: isMaximum)
        case .quantile(let fraction):
            return QuantileState(fraction, scale: plan.argument?.type.scale ?? 0)
        case .first, .last, .activePeriods: preconditionFailure("a slice refuses these when it is bound")
        }
    }
}
