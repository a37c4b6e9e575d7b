import DukkanFormat
import DukkanStorage

/// A condition on customers: aggregates over each customer's rows, compared and combined.
struct SegmentPlan: Sendable {
    let condition: BoundExpression
    let predicate: Predicate
    let aggregates: [CustomerAggregate]

    /// How deep segments may refer to each other.
    static let depthMax = 32

    init(_ expression: Expression, _ builder: ScanBuilder) throws {
        let scope = CustomerScope(builder)
        let binder = Binder(builder.context, scope)
        condition = try binder.bindCondition(expression, in: "a segment")
        predicate = Predicate(condition)
        aggregates = scope.aggregates
    }
}

/// One aggregate over each customer's rows of a table.
struct CustomerAggregate: Sendable, Hashable {
    var function: Aggregate.Function
    var table: Int
    var argument: BoundExpression?
    /// With the rows after `as of` left out; nil: all rows.
    var filter: BoundExpression?
    var type: ScalarType
}

/// Names in an expression over customers.
final class CustomerScope: BindingScope {
    let builder: ScanBuilder
    private(set) var aggregates: [CustomerAggregate] = []

    init(_ builder: ScanBuilder) {
        self.builder = builder
    }

    func bindWhole(_ expression: Expression, _ binder: Binder) throws -> BoundExpression? {
        guard case .aggregate(let aggregate) = expression else { return nil }
        return try bind(aggregate)
    }

    func bind(_ aggregate: Aggregate) throws -> BoundExpression {
        guard let name = aggregate.table ?? CustomerScope.tableNamed(in: aggregate.argument) else {
            throw DukkanError(
                .invalidQuery, "an aggregate in a segment needs a table",
                advice: "Write count(orders) or sum(orders.revenue).")
        }
        let table = try builder.table(name)
        let rowBinder = Binder(builder.context, RowScope(builder, table: table))
        let argument = try aggregate.argument.map { try rowBinder.bind($0) }
        let filter = try aggregate.filter.map { try rowBinder.bindCondition($0, in: "WHERE") }
        let existing = builder.existing(table: table, filter)
        builder.use(table: table, where: existing)
        let type: ScalarType
        switch aggregate.function {
        case .count: type = .int
        case .sum, .average:
            guard let argument, argument.type.isNumber else {
                throw DukkanError(.invalidQuery, "sum and avg in a segment need a number")
            }
            type = aggregate.function == .sum ? argument.type : .double
        case .minimum, .maximum:
            guard let argument, argument.type.physical != .codes else {
                throw DukkanError(.invalidQuery, "min and max in a segment need a number or a time")
            }
            type = argument.type
        case .countDistinct, .quantile, .first, .last, .activePeriods:
            throw DukkanError(.invalidQuery, "a segment knows count, sum, avg, min and max")
        }
        let plan = CustomerAggregate(
            function: aggregate.function, table: table, argument: argument, filter: existing, type: type)
        let place = aggregates.firstIndex(of: plan) ?? aggregates.count
        if place == aggregates.count { aggregates.append(plan) }
        return BoundExpression(.aggregate(place), type)
    }

    /// The table before the point of the first qualified column, as in `sum(orders.revenue)`.
    static func tableNamed(in expression: Expression?) -> String? {
        switch expression {
        case .column(let name)?: name.table
        case .binary(_, let a, let b)?: tableNamed(in: a) ?? tableNamed(in: b)
        case .negate(let a)?: tableNamed(in: a)
        case .call(_, let arguments)?: arguments.lazy.compactMap { tableNamed(in: $0) }.first
        default: nil
        }
    }

    func bindColumn(_ name: ColumnName, _ binder: Binder) throws -> BoundExpression {
        let qualifier = name.table ?? "customers"
        guard name.table != nil || builder.context.snapshot.table(named: "customers") != nil else {
            throw DukkanError(
                .invalidQuery, "the column '\(name.name)' needs an aggregate around it in a segment",
                advice: "Write max(sessions.\(name.name)), or keep attributes in a table 'customers'.")
        }
        let source = try builder.lookupTable(qualifier)
        let schema = builder.tables[source].snapshot.schema
        guard schema.name.lowercased() == "customers" else {
            throw DukkanError(
                .invalidQuery, "'\(qualifier).\(name.name)' needs an aggregate around it in a segment",
                advice:
                    "A customer has many rows there: write max(\(qualifier).\(name.name)) or count(\(qualifier) WHERE …)."
            )
        }
        guard let place = schema.column(named: name.name) else {
            throw builder.context.notFound("column", name.name, among: schema.columns.map(\.name)).inTable(schema.name)
        }
        let type = ScalarType(schema.columns[place].type)
        if place == schema.customerColumn { return BoundExpression(.customer, type) }
        let plan = LookupPlan(
            source: source, slot: builder.slot(table: source, column: place),
            timeSlot: builder.timeSlot(table: source), key: nil, type: type)
        return BoundExpression(.lookup(builder.lookup(plan)), type)
    }

    func bindSegment(_ condition: Expression, _ binder: Binder) throws -> BoundExpression {
        BoundExpression(.segment(try builder.segment(condition)), .bool)
    }
}
