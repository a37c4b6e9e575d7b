import DukkanFormat
import DukkanQuery

extension CanonicalPrinter {
    mutating func print(_ statement: Statement) {
        switch statement {
        case .select(let query): print(query)
        case .funnel(let query): print(query)
        case .retention(let query): print(query)
        case .deciles(let query): print(query)
        case .lifecycle(let query): print(query)
        case .stickiness(let query): print(query)
        case .paths(let query): print(query)
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

    mutating func named(_ words: String, _ name: String) {
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

    /// Writes a clause if it is there, in parentheses where it binds less tightly than its place asks for.
    mutating func clause(_ words: String, _ expression: Expression?, atLeast minimum: Int = Binding.or) {
        guard let expression else { return }
        write(words)
        print(expression, atLeast: minimum)
    }

    /// Writes the clauses that every query takes; `presetsSunday`: where none is said, weeks begin on Sunday.
    mutating func print(_ options: QueryOptions, presetsSunday: Bool = false) {
        if let segment = options.segment {
            write(" FOR SEGMENT ")
            print(segment: segment)
        }
        if !options.segments.isEmpty {
            write(" BY SEGMENTS ")
            list(options.segments) { $0.print(segment: $1) }
        }
        clause(" AS OF ", options.asOf)
        if let zone = options.timeZone {
            write(" TIME ZONE ")
            print(string: zone)
        }
        if options.weekStartsOnSunday != presetsSunday {
            write(presetsSunday ? " WEEK START MONDAY" : " WEEK START SUNDAY")
        }
    }

    /// Writes a segment by its name, or its condition in parentheses.
    private mutating func print(segment: Expression) {
        if case .inSegment(let name) = segment {
            print(name: name)
        } else {
            write("(")
            inContext(segment: true) { $0.print(segment) }
            write(")")
        }
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
}
