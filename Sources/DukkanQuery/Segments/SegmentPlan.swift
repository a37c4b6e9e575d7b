import DukkanFormat
import DukkanStorage

/// A condition on customers: measures of each customer's rows, compared and combined.
struct SegmentPlan: Sendable {
    let condition: BoundExpression
    let predicate: Predicate
    let measures: [CustomerMeasure]

    /// How deep segments may refer to each other.
    static let depthMax = 32

    /// - Parameter asOf: rows later than this do not exist.
    init(_ expression: Expression, _ builder: ScanBuilder, asOf: Int64) throws {
        let scope = CustomerScope(builder)
        var context = builder.context
        context.asOf = asOf
        let binder = Binder(context, scope)
        condition = try binder.bindCondition(expression, in: "a segment")
        predicate = Predicate(condition)
        measures = scope.measures
    }
}

/// What is known of each customer, one value each.
indirect enum CustomerMeasure: Sendable {
    /// An aggregate over her rows of a table.
    case aggregate(CustomerAggregate)
    /// 1 where she stands at a step of a funnel, 0 where not.
    case membership(CustomerMembership)

    /// The expressions over rows that it needs, with their tables.
    var expressions: [(table: Int, BoundExpression)] {
        switch self {
        case .aggregate(let aggregate):
            [aggregate.argument, aggregate.filter].compactMap { $0 }.map { (aggregate.table, $0) }
        case .membership(let membership): membership.program.expressions
        }
    }

    /// The tables whose rows it looks at.
    var tables: [Int] {
        switch self {
        case .aggregate(let aggregate): [aggregate.table]
        case .membership(let membership): membership.program.tables
        }
    }

    /// Which rows an aggregate takes.
    var filter: BoundExpression? {
        if case .aggregate(let aggregate) = self { aggregate.filter } else { nil }
    }
}

/// Where a customer must stand in a funnel.
struct CustomerMembership: Sendable {
    let question: FunnelMembership
    /// Rows later than this do not exist.
    let asOf: Int64
    let program: ChainProgram
}

/// One aggregate over each customer's rows of a table.
struct CustomerAggregate: Sendable, Equatable {
    var function: Aggregate.Function
    var table: Int
    var argument: BoundExpression?
    /// With the rows after `as of` left out; nil: all rows.
    var filter: BoundExpression?
    var type: ScalarType
    /// Of `active(…)`: first instants of its periods, ascending, and the end of the last.
    var periods: [Int64] = []
}
