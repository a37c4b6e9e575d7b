import DukkanFormat
import DukkanStorage
import DukkanTime

/// The rows that count as activity: a table with a condition, bound for a scan by customer.
struct ActivityScan {
    let context: QueryContext
    let builder: ScanBuilder
    let table: Int
    let condition: BoundExpression?

    /// - Parameters:
    ///   - name: of the query, for messages.
    ///   - limits: further conditions on the rows.
    init(
        _ step: Step, named name: String, _ options: QueryOptions, where limits: [Expression] = [],
        _ base: QueryContext
    ) throws {
        try step.refuseSuffixes(in: name)
        var context = base
        var names = [step.table]
        for filter in [step.filter, options.segment] { filter?.collectTables(context.segments, into: &names) }
        try context.setAsOf(options.asOf, tables: names.map { try context.table($0) })
        self.context = context
        builder = ScanBuilder(context)
        table = try builder.table(step.table)
        var filter = step.filter
        for limit in limits { filter = SliceRun.conjunction(filter, limit) }
        filter = SliceRun.conjunction(filter, options.segment.map { .segment($0) })
        let binder = Binder(context, RowScope(builder, table: table))
        condition = builder.existing(
            table: table, try filter.map { try binder.bindCondition($0, in: "\(name) OF") })
        builder.use(table: table, where: condition)
        _ = builder.timeSlot(table: table)
    }

    var timeSlot: Int { builder.timeSlot(table: table) }

    /// Whether no row of the table exists as of the query's time.
    var isEmpty: Bool {
        context.asOf == .min || builder.tables[table].snapshot.earliestTime > context.asOf
    }

    /// The scan, once everything is bound; `others` are further expressions over the table's rows.
    func plan(_ others: [BoundExpression] = []) throws -> ScanPlan {
        let all = (condition.map { [$0] } ?? []) + others
        return try ScanPlan(builder, order: .byCustomer, expressions: all.map { (table: table, $0) })
    }

    /// The answer with what the query cost.
    func answer(
        _ shape: QueryResult.Shape, _ columns: [QueryResult.Column], _ rows: [[Value]], _ scan: ScanPlan
    ) -> QueryResult {
        var result = QueryResult(columns: columns, rows: rows, shape: shape)
        result.cost.blocksPruned = scan.scan.prunedBlockCount
        (result.cost.bytesRead, result.cost.blocksDecoded, result.cost.rowsScanned) = context.cost.values
        return result
    }
}

extension QueryContext {
    /// The instant that a clause says: a constant time, a date is midnight in the query's zone.
    func instant(_ expression: Expression, in clause: String) throws -> Int64 {
        let binder = Binder(self, ConstantScope())
        let bound = try binder.bind(expression)
        let time: BoundExpression
        if case .string(let text)? = bound.constant { time = try clock.parse(text) } else { time = bound }
        guard time.type == .timestamp || time.type == .date,
            case .timestamp(let instant)? = binder.convert(time, .timestamp).constant
        else { throw DukkanError(.invalidQuery, "\(clause) needs a time, as \(clause) '2025-12-01'") }
        return instant.microseconds
    }
}
