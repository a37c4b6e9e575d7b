import DukkanFormat

/// Keys and aggregates of some groups as columns of values, made when first asked for: of many groups few reach an answer
/// with a limit, and those only need more than what they are sorted by.
final class GroupColumns {
    let groups: [UInt32]
    private let makeKey: (Int, [UInt32]) throws -> [Value]
    private let makeAggregate: (Int, [UInt32]) throws -> [Value]
    private var keys = [Int: [Value]]()
    private var aggregates = [Int: [Value]]()

    /// - Parameters:
    ///   - key: the values of a key in some groups.
    ///   - aggregate: the values of an aggregate in some groups.
    init(
        groups: [UInt32], key: @escaping (Int, [UInt32]) throws -> [Value],
        aggregate: @escaping (Int, [UInt32]) throws -> [Value]
    ) {
        self.groups = groups
        makeKey = key
        makeAggregate = aggregate
    }

    func key(_ place: Int) throws -> [Value] {
        if let known = keys[place] { return known }
        let made = try makeKey(place, groups)
        keys[place] = made
        return made
    }

    private func aggregate(_ place: Int) throws -> [Value] {
        if let known = aggregates[place] { return known }
        let made = try makeAggregate(place, groups)
        aggregates[place] = made
        return made
    }

    /// The groups at some places, in that order.
    func restricted(to places: [Int]) -> GroupColumns {
        GroupColumns(groups: places.map { groups[$0] }, key: makeKey, aggregate: makeAggregate)
    }

    /// An expression's value in each group.
    func values(_ expression: BoundExpression, _ scalars: ScalarEvaluator) throws -> [Value] {
        switch expression.node {
        case .groupKey(let place): try key(place)
        case .aggregate(let place): try aggregate(place)
        default: try groups.indices.map { try scalars.evaluate(expression, row($0)) }
        }
    }

    /// A group as the expressions behind the aggregation see it.
    struct Row: ScalarRow {
        let columns: GroupColumns
        let place: Int

        func value(_ leaf: BoundExpression) throws -> Value {
            switch leaf.node {
            case .groupKey(let key): try columns.key(key)[place]
            case .aggregate(let aggregate): try columns.aggregate(aggregate)[place]
            default: .null
            }
        }
    }

    func row(_ place: Int) -> Row { Row(columns: self, place: place) }
}
