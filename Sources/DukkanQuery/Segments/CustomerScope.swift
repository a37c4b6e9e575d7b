import DukkanFormat
import DukkanStorage
import DukkanTime

/// Names in an expression over customers.
final class CustomerScope: BindingScope {
    let builder: ScanBuilder
    private(set) var measures: [CustomerMeasure] = []

    init(_ builder: ScanBuilder) {
        self.builder = builder
    }

    func bindWhole(_ expression: Expression, _ binder: Binder) throws -> BoundExpression? {
        switch expression {
        case .aggregate(let aggregate):
            let plan = try bind(aggregate, binder.context)
            let known = measures.firstIndex { if case .aggregate(plan) = $0 { true } else { false } }
            if known == nil { measures.append(.aggregate(plan)) }
            return BoundExpression(.aggregate(known ?? measures.count - 1), plan.type)
        case .funnel(let membership):
            return try bind(membership, binder.context)
        default: return nil
        }
    }

    // MARK: Aggregates

    /// - Parameter context: with the end of knowledge of the segment.
    func bind(_ aggregate: Aggregate, _ context: QueryContext) throws -> CustomerAggregate {
        guard let name = aggregate.table ?? CustomerScope.tableNamed(in: aggregate.argument) else {
            throw DukkanError(
                .invalidQuery, "an aggregate in a segment needs a table",
                advice: "Write count(orders) or sum(orders.revenue).")
        }
        let table = try builder.table(name)
        let rowBinder = Binder(context, RowScope(builder, table: table))
        var argument = try aggregate.argument.map { try rowBinder.bind($0) }
        let filter = try aggregate.filter.map { try rowBinder.bindCondition($0, in: "WHERE") }
        let existing = builder.existing(table: table, filter, asOf: context.asOf)
        builder.use(table: table, where: existing)
        if case .activePeriods = aggregate.function {
            argument = BoundExpression(.column(builder.timeSlot(table: table)), .timestamp)
        }
        var plan = CustomerAggregate(
            function: aggregate.function, table: table, argument: argument, filter: existing,
            type: try CustomerScope.type(of: aggregate.function, argument?.type))
        if case .activePeriods(let period, let count) = aggregate.function {
            plan.periods = try CustomerScope.starts(of: period, count, context)
        }
        return plan
    }

    /// The type of an aggregate of a type; throws where it has no meaning.
    private static func type(of function: Aggregate.Function, _ argument: ScalarType?) throws -> ScalarType {
        func need(_ words: String, _ isRight: (ScalarType) -> Bool) throws -> ScalarType {
            if let argument, isRight(argument) { return argument }
            throw DukkanError(.invalidQuery, words)
        }
        switch function {
        case .count, .activePeriods: return .int
        case .countDistinct:
            _ = try need("count(DISTINCT …) in a segment needs a value") { $0 != .null }
            return .int
        case .sum: return try need("sum and avg in a segment need a number") { $0.isNumber }
        case .average:
            _ = try need("sum and avg in a segment need a number") { $0.isNumber }
            return .double
        case .quantile(let fraction):
            _ = try need("median and quantile in a segment need a number") { $0.isNumber }
            if !(0...1).contains(fraction) {
                throw DukkanError(.invalidQuery, "the fraction of a quantile is from 0 to 1, not \(fraction)")
            }
            return .double
        case .minimum, .maximum: return try need("min and max in a segment need a value") { $0 != .null }
        case .first, .last: return try need("first and last need a value") { $0 != .null }
        }
    }

    /// The first instants of the last so many periods, and the end of the last one, which holds the end of knowledge.
    private static func starts(of period: Period, _ count: Int, _ context: QueryContext) throws -> [Int64] {
        guard (1...RetentionQuery.periodCountMax).contains(count) else {
            throw DukkanError(
                .invalidQuery, "active is for 1 to \(RetentionQuery.periodCountMax) periods, not \(count)")
        }
        // Without any rows there is no end of knowledge either.
        if context.asOf == .min { return [] }
        let rule = PeriodRule(
            period, weekStartsOnSunday: context.clock.weekStartsOnSunday, zone: context.clock.zone)
        let longest: Int64
        switch period {
        case .hour: longest = 2 * CivilCalendar.microsecondsPerHour
        case .day: longest = 2 * CivilCalendar.microsecondsPerDay
        case .week: longest = 8 * CivilCalendar.microsecondsPerDay
        case .month: longest = 32 * CivilCalendar.microsecondsPerDay
        }
        let asOf = context.asOf
        let (earliest, isOver) = asOf.subtractingReportingOverflow(Int64(count) * longest)
        let low = isOver ? PeriodRule.timeRange.lowerBound : max(earliest, PeriodRule.timeRange.lowerBound)
        let axis = try PeriodAxis(rule, covering: min(low, asOf)...asOf)
        return Array(axis.starts.suffix(count + 1))
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

    // MARK: Funnels

    private func bind(_ membership: FunnelMembership, _ context: QueryContext) throws -> BoundExpression {
        let query = membership.query
        try CustomerScope.validate(query)
        guard query.steps.indices.contains(membership.step) else {
            throw DukkanError(.invalidQuery, "there is no step \(membership.step + 1) in a funnel that a segment asks")
        }
        let known = measures.firstIndex {
            if case .membership(let other) = $0 {
                other.question == membership && other.asOf == context.asOf
            } else {
                false
            }
        }
        if known == nil {
            let program = try ChainProgram(query.resolved(), builder, asOf: context.asOf)
            measures.append(
                .membership(CustomerMembership(question: membership, asOf: context.asOf, program: program)))
        }
        let value = BoundExpression(.aggregate(known ?? measures.count - 1), .int)
        return BoundExpression(.binary(.equal, value, BoundExpression(.constant(.int(1)), .int)), .bool)
    }

    /// Refuses what tells of an answer and not of a customer.
    private static func validate(_ query: FunnelQuery) throws {
        try query.validate()
        var clause: String?
        var advice: String?
        if query.breakdown != nil { clause = "BY" }
        if query.measure != nil { clause = "MEASURING" }
        switch query.view {
        case .steps: break
        case .trends: clause = "TRENDS"
        case .timeToConvert: clause = "TIME TO CONVERT"
        case .customers: clause = "CUSTOMERS"
        }
        switch query.unit {
        case .customers: break
        case .sessions: clause = "COUNTING SESSIONS"
        case .entries: clause = "COUNTING ENTRIES"
        }
        if query.options.segment != nil { clause = "FOR SEGMENT" }
        if !query.options.segments.isEmpty { clause = "BY SEGMENTS" }
        if query.options.timeZone != nil { clause = "TIME ZONE" }
        if query.options.asOf != nil {
            clause = "AS OF"
            advice = "write SEGMENT (…) AT time"
        }
        guard let clause else { return }
        throw DukkanError(
            .invalidQuery, "\(clause) has no meaning in a funnel that a segment asks", advice: advice)
    }

    // MARK: Names

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
            timeSlot: builder.timeSlot(table: source), key: nil, type: type, asOf: binder.context.asOf)
        return BoundExpression(.lookup(builder.lookup(plan)), type)
    }

    func bindSegment(_ condition: Expression, _ binder: Binder) throws -> BoundExpression {
        BoundExpression(.segment(try builder.segment(condition, asOf: binder.context.asOf)), .bool)
    }
}
