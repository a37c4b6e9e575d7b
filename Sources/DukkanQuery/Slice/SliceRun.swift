import DukkanFormat
import DukkanStorage

/// Binds, plans and runs a `SELECT`.
final class SliceRun {
    let query: SliceQuery
    let context: QueryContext
    let builder: ScanBuilder
    let rowScope: RowScope
    let filter: BoundExpression?
    let isGrouped: Bool

    init(_ query: SliceQuery, _ base: QueryContext) throws {
        var context = base
        var names = [query.table]
        let condition = SliceRun.conjunction(query.filter, query.options.segment.map { .segment($0) })
        let others = [condition, query.having].compactMap { $0 } + query.items.map(\.expression) + query.groupBy
        for expression in others { expression.collectTables(context.segments, into: &names) }
        try context.setAsOf(query.options.asOf, tables: names.map { try context.table($0) })
        self.query = query
        self.context = context
        builder = ScanBuilder(context)
        let table = try builder.table(query.table)
        let rowScope = RowScope(builder, table: table)
        self.rowScope = rowScope
        let finalContext = context
        let bound = try condition.map { try Binder(finalContext, rowScope).bindCondition($0, in: "WHERE") }
        filter = builder.existing(table: table, bound)
        builder.use(table: table, where: filter)
        isGrouped =
            !query.groupBy.isEmpty || query.having != nil
            || query.items.contains { GroupScope.containsAggregate($0.expression) }
        if let limit = query.limit, limit < 0 || query.offset < 0 {
            throw DukkanError(.invalidQuery, "LIMIT and OFFSET cannot be negative")
        }
    }

    static func conjunction(_ a: Expression?, _ b: Expression?) -> Expression? {
        guard let a else { return b }
        guard let b else { return a }
        return .binary(.and, a, b)
    }

    func run() throws -> QueryResult {
        var result = try isGrouped ? GroupedSlice(self).run() : RowSlice(self).run()
        (result.cost.bytesRead, result.cost.blocksDecoded, result.cost.rowsScanned) = context.cost.values
        return result
    }

    /// The name of an item: its alias, or its canonical text.
    func name(_ item: SliceQuery.Item) -> String { item.name ?? context.title(item.expression) }

    /// A key of `GROUP BY` or `ORDER BY`: an alias stands for its item.
    func resolved(_ expression: Expression) -> Expression {
        if case .column(let name) = expression, name.table == nil,
            let item = query.items.first(where: { $0.name == name.name })
        {
            return item.expression
        }
        return expression
    }

    /// The customers that a filter leaves, where it names one.
    func customers() -> CustomerRange {
        func find(_ condition: BoundExpression) -> CustomerRange? {
            guard case .binary(let op, let a, let b) = condition.node else { return nil }
            if op == .and { return find(a) ?? find(b) }
            guard op == .equal else { return nil }
            let constant: Value?
            if case .customer = a.node {
                constant = b.constant
            } else if case .customer = b.node {
                constant = a.constant
            } else {
                return nil
            }
            switch constant {
            case .int(let key)?: return Int64(exactly: key).map { .only(.integer($0)) }
            case .string(let key)?: return .only(.string(key))
            default: return nil
            }
        }
        return filter.flatMap { find($0) } ?? .all
    }
}

extension Expression {
    /// Appends the tables whose rows an expression's aggregates and segments look at.
    func collectTables(_ segments: [String: Expression], into names: inout [String]) {
        var visited: Set<String> = []
        collectTables(segments, into: &names, &visited)
    }

    private func collectTables(
        _ segments: [String: Expression], into names: inout [String], _ visited: inout Set<String>
    ) {
        func go(_ expression: Expression?) {
            expression?.collectTables(segments, into: &names, &visited)
        }
        switch self {
        case .aggregate(let aggregate):
            if let table = aggregate.table ?? CustomerScope.tableNamed(in: aggregate.argument) { names.append(table) }
        case .inSegment(let name):
            // A segment that many refer to is looked at once, and a circle ends.
            if visited.insert(name).inserted { go(segments[name]) }
        case .segment(let condition), .segmentAt(let condition, _): go(condition)
        case .funnel(let membership):
            let query = membership.query
            for step in query.steps + query.exclusions.map(\.step) {
                names.append(step.table)
                go(step.filter)
                go(step.firstEver?.filter)
            }
            go(query.filter)
        case .not(let a), .negate(let a), .like(let a, _, _, _), .isNull(let a, _): go(a)
        case .binary(_, let a, let b):
            go(a)
            go(b)
        case .between(let a, let low, let high, _):
            go(a)
            go(low)
            go(high)
        case .inList(let a, let items, _):
            go(a)
            for item in items { go(item) }
        case .when(let branches, let otherwise):
            for branch in branches {
                go(branch.condition)
                go(branch.value)
            }
            go(otherwise)
        case .call(_, let arguments):
            for argument in arguments { go(argument) }
        default: break
        }
    }
}
