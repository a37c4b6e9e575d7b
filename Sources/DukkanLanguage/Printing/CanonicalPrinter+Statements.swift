import DukkanFormat
import DukkanQuery

extension CanonicalPrinter {
    mutating func print(_ statement: Statement) {
        switch statement {
        case .select(let query): print(query)
        case .funnel(let query): print(query)
        case .retention(let query): print(query)
        case .deciles(let query): print(query)
        case .lifecycle: write("LIFECYCLE")
        case .stickiness: write("STICKINESS")
        case .paths: write("PATHS")
        case .defineSegment(let name, let condition):
            named("DEFINE SEGMENT ", name)
            write(" AS ")
            inContext(segment: true) { $0.print(condition) }
        case .dropSegment(let name): named("DROP SEGMENT ", name)
        case .createTable(let schema):
            named("CREATE TABLE ", schema.name)
            write(" (")
            list(schema.columns) { $0.print($1, allowsNullCustomer: schema.allowsNullCustomer) }
            write(")")
        case .dropTable(let name): named("DROP TABLE ", name)
        case .addColumn(let table, let column):
            named("ALTER TABLE ", table)
            write(" ADD COLUMN ")
            print(column, allowsNullCustomer: false)
        case .showTables: write("SHOW TABLES")
        case .showSegments: write("SHOW SEGMENTS")
        case .describe(let table): named("DESCRIBE ", table)
        case .explain(let analyze, let inner):
            write(analyze ? "EXPLAIN ANALYZE " : "EXPLAIN ")
            print(inner)
        }
    }

    private mutating func named(_ words: String, _ name: String) {
        write(words)
        print(name: name)
    }

    private mutating func print(_ column: ColumnDefinition, allowsNullCustomer: Bool) {
        print(name: column.name)
        write(" \(column.type)")
        switch column.role {
        case .attribute: break
        case .customer: write(allowsNullCustomer ? " CUSTOMER NULL" : " CUSTOMER")
        case .time: write(" TIME")
        case .unique: write(" UNIQUE")
        }
    }

    /// Writes a clause if it is there.
    private mutating func clause(_ words: String, _ expression: Expression?) {
        guard let expression else { return }
        write(words)
        print(expression)
    }

    private mutating func print(_ options: QueryOptions) {
        switch options.segment {
        case nil: break
        case .inSegment(let name)?: named(" FOR SEGMENT ", name)
        case let condition?:
            write(" FOR SEGMENT (")
            inContext(segment: true) { $0.print(condition) }
            write(")")
        }
        clause(" AS OF ", options.asOf)
        if let zone = options.timeZone {
            write(" TIME ZONE ")
            print(string: zone)
        }
        if options.weekStartsOnSunday { write(" WEEK START SUNDAY") }
    }

    // MARK: Slices

    private mutating func print(_ query: SliceQuery) {
        write("SELECT ")
        if query.items.isEmpty { write("*") }
        list(query.items) { printer, item in
            printer.print(item.expression)
            if let name = item.name { printer.named(" AS ", name) }
        }
        named(" FROM ", query.table)
        clause(" WHERE ", query.filter)
        if !query.groupBy.isEmpty {
            write(" GROUP BY ")
            list(query.groupBy) { $0.print(key: $1) }
        }
        clause(" HAVING ", query.having)
        if !query.orderBy.isEmpty {
            write(" ORDER BY ")
            list(query.orderBy) { printer, ordering in
                printer.print(key: ordering.expression)
                if ordering.descending { printer.write(" DESC") }
                if ordering.nullsFirst { printer.write(" NULLS FIRST") }
            }
        }
        if let limit = query.limit { write(" LIMIT \(limit)") }
        if query.offset > 0 { write(" OFFSET \(query.offset)") }
        print(query.options)
    }

    /// Writes an expression to group or to sort by; a number alone would be the place of an item.
    private mutating func print(key expression: Expression) {
        if case .literal(.int(let value)) = expression, value >= 0 { write("(\(value))") } else { print(expression) }
    }

    private mutating func print(_ query: DecileQuery) {
        write("DECILES OF customers BY ")
        inContext(segment: true) { $0.print(query.measure) }
        print(query.options)
    }

    // MARK: Funnels and retention

    private mutating func print(_ step: Step) {
        if let name = step.name {
            print(name: name)
            write(" = ")
        }
        print(name: step.table)
        clause(" WHERE ", step.filter)
    }

    private mutating func print(_ query: FunnelQuery) {
        write("FUNNEL ")
        list(query.steps) { $0.print($1) }
        if let window = query.window {
            write(" WITHIN ")
            print(microseconds: window)
        }
        switch query.ties {
        case .favourable:
            // A WHERE directly behind the last step would be the step's own.
            let isNeeded = query.filter != nil && query.window == nil && query.steps.last?.filter == nil
            if isNeeded { write(" TIES FAVOURABLE") }
        case .recorded: write(" TIES RECORDED")
        case .increasing: write(" TIES INCREASING")
        }
        clause(" WHERE ", query.filter)
        if query.enteredFrom != nil || query.enteredTo != nil { write(" ENTERED") }
        clause(" FROM ", query.enteredFrom)
        clause(" TO ", query.enteredTo)
        if let breakdown = query.breakdown { print(breakdown, steps: query.steps) }
        print(query.options)
    }

    private mutating func print(_ breakdown: FunnelQuery.Breakdown, steps: [Step]) {
        clause(" BY ", breakdown.expression)
        switch breakdown.attribution {
        case .first: break
        case .last: write(" ATTRIBUTED LAST")
        case .all: write(" ATTRIBUTED ALL")
        case .step(let place):
            write(" ATTRIBUTED STEP ")
            print(stepAt: place, of: steps)
        case .stepFirst(let place):
            write(" ATTRIBUTED STEP ")
            print(stepAt: place, of: steps)
            write(" FIRST")
        }
        if let top = breakdown.top { write(" TOP \(top)") }
    }

    /// Writes a step's name, or its number if no name, or not its own, would be found.
    private mutating func print(stepAt place: Int, of steps: [Step]) {
        if steps.indices.contains(place), let name = steps[place].name, steps.place(named: name) == place {
            print(name: name)
        } else {
            write(String(place + 1))
        }
    }

    private mutating func print(_ query: RetentionQuery) {
        write("RETENTION OF ")
        print(query.start)
        write(" RETURNING ")
        print(query.returning)
        write(" BY \(query.period.rawValue) FOR \(query.periodCount) PERIODS")
        if query.cohorts == .recurring { write(" RECURRING") }
        switch query.measure {
        case .customers: break
        case .sum(let expression): measure("sum", expression)
        case .average(let expression): measure("avg", expression)
        }
        clause(" WHERE ", query.filter)
        if query.maturedOnly { write(" MATURED ONLY") }
        print(query.options)
    }

    private mutating func measure(_ function: String, _ expression: Expression) {
        write(" MEASURING \(function)(")
        print(expression)
        write(")")
    }
}
