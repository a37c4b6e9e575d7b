import DukkanFormat
import DukkanStorage
import DukkanTime

/// A funnel with options, bound to a scan: what each table's rows are asked, and the rules of its chains.
final class ChainProgram: Sendable {
    /// What is asked of one table's rows.
    struct Table: Sendable {
        /// In the scan.
        var place: Int
        var timeSlot: Int
        /// Whether steps are in it; else only rows that exclude.
        var hasSteps = false
        /// Steps and exclusions.
        var masks: StepMasks
        /// What a row must meet to be looked at for the first ever of a step, without the query's limits.
        var firstEver: StepMasks?
        var firstEverSteps: UInt32 = 0
        /// Which rows stand between others where every row counts; nil: all.
        var presence: Predicate?
        var breakdown: BoundExpression?
        var holding: BoundExpression?
        var session: BoundExpression?
        var unit: BoundExpression?
        var measure: BoundExpression?
    }

    let query: FunnelQuery
    let rules: ChainRules
    let stepTables: [Table]
    /// Names of the steps, as the answer shows them.
    let stepNames: [String]
    /// Periods of entry, where the answer shows trends.
    let axis: PeriodAxis?
    /// Times at which chains may begin.
    let entered: Range<Int64>
    /// What may end the query.
    let control: WorkControl?
    /// Type of the customers' keys.
    let customerType: ColumnType
    /// Every bound expression with its table, for the scan's plan.
    let expressions: [(table: Int, BoundExpression)]

    /// Tables in the order of the query.
    var tables: [Int] { stepTables.map(\.place) }

    var valueType: ScalarType? { stepTables.lazy.compactMap { $0.breakdown?.type }.first }
    var unitType: ScalarType? { stepTables.lazy.compactMap { $0.unit?.type }.first }
    var measureType: ScalarType? { stepTables.lazy.compactMap { $0.measure?.type }.first }

    /// Adds tables, columns and conditions to the builder.
    ///
    /// - Parameters:
    ///   - query: resolved.
    ///   - asOf: the end of knowledge.
    init(_ query: FunnelQuery, _ builder: ScanBuilder, asOf: Int64) throws {
        try query.validate()
        self.query = query
        control = builder.context.control
        // A segment may look at an earlier time than the query.
        var context = builder.context
        context.asOf = asOf
        rules = ChainRules(query, asOf: asOf)
        let title = context.title
        stepNames = query.steps.map { step in
            step.name ?? step.filter.map { "\(step.table) WHERE \(title($0))" } ?? step.table
        }
        let binding = ChainBinding(query, builder, context)
        try binding.bindSteps()
        try binding.bindExclusions()
        try binding.bindKeys()
        stepTables = binding.tables.map { binding.table($0) }
        expressions = binding.expressions
        let schema = builder.tables[stepTables[0].place].snapshot.schema
        customerType = schema.columns[schema.customerColumn].type
        let from = try query.enteredFrom.map { try ChainProgram.time($0, "ENTERED FROM", context) }
        let to = try query.enteredTo.map { try ChainProgram.time($0, "ENTERED TO", context) }
        entered = (from ?? .min)..<max(to ?? .max, from ?? .min)
        if case .trends(let period) = query.view {
            let rule = PeriodRule(
                period, weekStartsOnSunday: query.options.weekStartsOnSunday, zone: context.clock.zone)
            let earliest =
                from
                ?? stepTables.reduce(Int64.max) {
                    min($0, ChainProgram.earliestTime(builder.tables[$1.place].snapshot))
                }
            let latest = min(to.map { $0 == .min ? .min : $0 - 1 } ?? .max, asOf)
            axis = earliest <= latest && asOf != .min ? try PeriodAxis(rule, covering: earliest...latest) : nil
        } else {
            axis = nil
        }
    }

    /// What tells a unit apart, as it was read.
    func value(ofUnit key: Int64, _ type: ScalarType, _ numberings: ChainWorker.Numberings) -> Value {
        guard type.physical == .integers else { return numberings.units.value(UInt32(truncatingIfNeeded: key)) }
        switch type {
        case .bool: return .bool(key != 0)
        case .decimal(let scale): return .decimal(DecimalValue(unscaled: Int128(key), scale: scale))
        case .timestamp: return .timestamp(Timestamp(microseconds: key))
        case .date: return .date(CivilDate(days: key))
        default: return .int(Int128(key))
        }
    }

    /// A constant time, as the limits of entry are.
    private static func time(_ expression: Expression, _ clause: String, _ context: QueryContext) throws -> Int64 {
        let binder = Binder(context, ConstantScope())
        let bound = try binder.bind(expression)
        let time: BoundExpression
        if case .string(let text)? = bound.constant { time = try context.clock.parse(text) } else { time = bound }
        guard case .timestamp(let limit)? = binder.convert(time, .timestamp).constant else {
            throw DukkanError(.invalidQuery, "\(clause) needs a time, as \(clause) '2025-12-01'")
        }
        return limit.microseconds
    }

    /// The earliest event time in a table's statistics.
    private static func earliestTime(_ table: TableSnapshot) -> Int64 {
        let name = table.schema.columns[table.schema.timeColumn].name
        return table.parts.reduce(Int64.max) { earliest, part in
            guard let place = part.column(forSchemaColumn: name), part.footer.rowCount > 0 else { return earliest }
            return min(earliest, part.footer.columns[place].statistics.minimum)
        }
    }
}

/// Binds the names of a funnel with options.
final class ChainBinding {
    private let query: FunnelQuery
    private let builder: ScanBuilder
    private let context: QueryContext
    /// Places in the scan, those of steps first.
    private(set) var tables: [Int] = []
    private(set) var expressions: [(table: Int, BoundExpression)] = []
    private var stepTables: [Int] = []
    private var masks = [Int: [StepMasks.Step]]()
    private var firstEver = [Int: [StepMasks.Step]]()
    private var presence = [Int: BoundExpression]()
    private var breakdown = [Int: BoundExpression]()
    private var holding = [Int: BoundExpression]()
    private var session = [Int: BoundExpression]()
    private var unit = [Int: BoundExpression]()
    private var measure = [Int: BoundExpression]()

    init(_ query: FunnelQuery, _ builder: ScanBuilder, _ context: QueryContext) {
        self.query = query
        self.builder = builder
        self.context = context
    }

    /// What was bound of a table.
    func table(_ place: Int) -> ChainProgram.Table {
        let base = firstEver[place] ?? []
        return ChainProgram.Table(
            place: place, timeSlot: builder.timeSlot(table: place), hasSteps: stepTables.contains(place),
            masks: StepMasks(masks[place] ?? []), firstEver: base.isEmpty ? nil : StepMasks(base),
            firstEverSteps: base.reduce(0) { $0 | 1 << UInt32($1.bit) },
            presence: presence[place].map { Predicate($0) }, breakdown: breakdown[place], holding: holding[place],
            session: session[place], unit: unit[place], measure: measure[place])
    }

    private func join(_ name: String) throws -> Int {
        let table = try builder.table(name)
        if !tables.contains(table) { tables.append(table) }
        _ = builder.timeSlot(table: table)
        return table
    }

    private func condition(_ filter: Expression?, _ table: Int, in clause: String) throws -> BoundExpression? {
        let binder = Binder(context, RowScope(builder, table: table))
        let bound = builder.existing(
            table: table, try filter.map { try binder.bindCondition($0, in: clause) }, asOf: context.asOf)
        builder.use(table: table, where: bound)
        if let bound { expressions.append((table, bound)) }
        return bound
    }

    // MARK: Rows

    func bindSteps() throws {
        for (k, step) in query.steps.enumerated() {
            let table = try join(step.table)
            if !stepTables.contains(table) { stepTables.append(table) }
            let clause = "step \(k + 1)"
            var filter = SliceRun.conjunction(step.filter, query.filter)
            filter = SliceRun.conjunction(filter, step.firstEver?.filter)
            filter = SliceRun.conjunction(filter, query.options.segment.map { .segment($0) })
            // In any order it is the oldest row that is limited, whichever step it matches.
            if k == 0 && query.order != .any {
                let time = Expression.column(ColumnName("time"))
                filter = SliceRun.conjunction(filter, query.enteredFrom.map { .binary(.greaterOrEqual, time, $0) })
                filter = SliceRun.conjunction(filter, query.enteredTo.map { .binary(.less, time, $0) })
            }
            masks[table, default: []].append(
                StepMasks.Step(bit: k, condition: try condition(filter, table, in: clause)))
            if step.firstEver != nil {
                firstEver[table, default: []].append(
                    StepMasks.Step(bit: k, condition: try condition(step.filter, table, in: clause)))
            }
        }
        guard query.needsEveryRow else { return }
        for table in stepTables {
            if let bound = try condition(nil, table, in: "ORDER STRICT") { presence[table] = bound }
        }
    }

    func bindExclusions() throws {
        for (i, exclusion) in query.exclusions.enumerated() {
            let table = try join(exclusion.step.table)
            let bound = try condition(exclusion.step.filter, table, in: "EXCLUDING")
            masks[table, default: []].append(StepMasks.Step(bit: query.steps.count + i, condition: bound))
        }
    }

    // MARK: Values

    func bindKeys() throws {
        if let expression = query.breakdown?.expression { try bindBreakdown(expression) }
        if let expression = query.holding { holding = try bindKey(expression, "HOLDING") }
        if let expression = query.session { session = try bindKey(expression, "WITHIN SESSION") }
        if case .sessions(let expression) = query.unit {
            unit = try bindKey(expression ?? .column(ColumnName("session_id")), "COUNTING SESSIONS")
        }
        if let measured = query.measure {
            let table = try builder.table(query.steps[measured.step].table)
            let bound = try Binder(context, RowScope(builder, table: table)).bind(measured.expression)
            guard bound.type.isNumber else {
                throw DukkanError(.invalidQuery, "MEASURING needs a number, not a value of type \(bound.type.name)")
            }
            measure[table] = bound
            expressions.append((table, bound))
        }
    }

    private func bindBreakdown(_ expression: Expression) throws {
        var wanted = stepTables
        switch query.breakdown?.attribution {
        case .step(let k), .stepFirst(let k): wanted = [try builder.table(query.steps[k].table)]
        default: break
        }
        var failure: (any Error)?
        for table in wanted {
            do {
                let bound = try Binder(context, RowScope(builder, table: table)).bind(expression)
                breakdown[table] = bound
                expressions.append((table, bound))
            } catch {
                // A table without the column has only nulls of it, unless no table has it.
                failure = error
            }
        }
        if breakdown.isEmpty, let failure { throw failure }
        if Set(breakdown.values.map(\.type)).count > 1 {
            throw DukkanError(.invalidQuery, "the breakdown has different types in the tables of the steps")
        }
    }

    /// A value by which rows belong together; the tables of all steps must have it.
    private func bindKey(_ expression: Expression, _ clause: String) throws -> [Int: BoundExpression] {
        var bound = [Int: BoundExpression]()
        for table in tables {
            do {
                let own = try Binder(context, RowScope(builder, table: table)).bind(expression)
                bound[table] = own
                expressions.append((table, own))
            } catch {
                guard stepTables.contains(table) else { continue }
                let schema = builder.tables[table].snapshot.schema
                guard case .column(let name) = expression, name.table == nil, schema.column(named: name.name) == nil,
                    clause != "HOLDING"
                else { throw error }
                let what = clause == "WITHIN SESSION" ? "the sessions of the window are told" : "sessions are counted"
                throw DukkanError(
                    .invalidQuery, "\(what) by \(name.name), which \(schema.name) has not",
                    advice: "Write \(clause) BY and what tells them apart there.")
            }
        }
        if Set(bound.values.map(\.type)).count > 1 {
            throw DukkanError(.invalidQuery, "\(clause) has values of different types in the tables of the funnel")
        }
        return bound
    }
}
