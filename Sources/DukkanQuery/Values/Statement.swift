public import DukkanFormat

/// Anything that the query language can say.
public indirect enum Statement: Sendable, Hashable {
    /// `SELECT …`
    case select(SliceQuery)
    /// `FUNNEL …`
    case funnel(FunnelQuery)
    /// `RETENTION OF …`
    case retention(RetentionQuery)
    /// `DECILES OF customers BY …`
    case deciles(DecileQuery)
    /// `LIFECYCLE OF …`
    case lifecycle(LifecycleQuery)
    /// `STICKINESS OF …`
    case stickiness(StickinessQuery)
    /// `PATHS OF …`
    case paths(PathQuery)
    /// `DEFINE SEGMENT name AS condition`; replaces a segment of that name.
    case defineSegment(name: String, condition: Expression)
    /// `DROP SEGMENT name`
    case dropSegment(name: String)
    /// `CREATE TABLE …`
    case createTable(TableSchema)
    /// `DROP TABLE name`
    case dropTable(name: String)
    /// `ALTER TABLE name ADD COLUMN column type`
    case addColumn(table: String, column: ColumnDefinition)
    /// `SHOW TABLES`
    case showTables
    /// `SHOW SEGMENTS`
    case showSegments
    /// `DESCRIBE table`
    case describe(table: String)
    /// `EXPLAIN [ANALYZE] query`: how the engine would answer a query; with `analyze`, how it did and what it cost.
    case explain(analyze: Bool, Statement)
}

extension Statement {
    /// The clauses that every query takes.
    ///
    /// Nil for what is not a query, and setting them there changes nothing.
    public var options: QueryOptions? {
        get {
            switch self {
            case .select(let query): query.options
            case .funnel(let query): query.options
            case .retention(let query): query.options
            case .deciles(let query): query.options
            case .lifecycle(let query): query.options
            case .stickiness(let query): query.options
            case .paths(let query): query.options
            default: nil
            }
        }
        set {
            guard let newValue else { return }
            switch self {
            case .select(var query):
                query.options = newValue
                self = .select(query)
            case .funnel(var query):
                query.options = newValue
                self = .funnel(query)
            case .retention(var query):
                query.options = newValue
                self = .retention(query)
            case .deciles(var query):
                query.options = newValue
                self = .deciles(query)
            case .lifecycle(var query):
                query.options = newValue
                self = .lifecycle(query)
            case .stickiness(var query):
                query.options = newValue
                self = .stickiness(query)
            case .paths(var query):
                query.options = newValue
                self = .paths(query)
            default: break
            }
        }
    }
}

/// The clauses that every query takes.
public struct QueryOptions: Sendable, Hashable {
    /// `AS OF`: the end of knowledge; rows after it do not exist.
    ///
    /// Nil: the latest time in the tables asked.
    public var asOf: Expression?
    /// `TIME ZONE`: an IANA name.
    ///
    /// Nil: UTC.
    public var timeZone: String?
    /// `WEEK START SUNDAY`; Monday when false.
    public var weekStartsOnSunday: Bool
    /// `FOR SEGMENT condition` or `IN SEGMENT`: only customers that meet it take part.
    ///
    /// Nil: all.
    public var segment: Expression?
    /// `BY SEGMENTS a, b`: the query once for each of these conditions, with the column `segment` before the others.
    public var segments: [Expression]

    /// Makes options; all have defaults.
    public init(
        asOf: Expression? = nil, timeZone: String? = nil, weekStartsOnSunday: Bool = false, segment: Expression? = nil,
        segments: [Expression] = []
    ) {
        self.asOf = asOf
        self.timeZone = timeZone
        self.weekStartsOnSunday = weekStartsOnSunday
        self.segment = segment
        self.segments = segments
    }
}

/// A slice: `SELECT items FROM table WHERE … GROUP BY … HAVING … ORDER BY … LIMIT …`.
public struct SliceQuery: Sendable, Hashable {
    /// A column of the answer.
    public struct Item: Sendable, Hashable {
        /// What is computed.
        public var expression: Expression
        /// Its name, from `AS`; nil: the canonical text of the expression.
        public var name: String?

        /// Makes an item.
        public init(_ expression: Expression, as name: String? = nil) {
            self.expression = expression
            self.name = name
        }
    }

    /// A sort key; a name of an item may be used as a column.
    public struct Ordering: Sendable, Hashable {
        /// What is sorted by.
        public var expression: Expression
        /// Greatest first.
        public var descending: Bool
        /// Nulls before all values.
        ///
        /// Default: nulls last, whatever the direction.
        public var nullsFirst: Bool

        /// Makes a sort key.
        public init(_ expression: Expression, descending: Bool = false, nullsFirst: Bool = false) {
            self.expression = expression
            self.descending = descending
            self.nullsFirst = nullsFirst
        }
    }

    /// The columns of the answer.
    ///
    /// Empty: `*`, all columns of the table.
    public var items: [Item]
    /// The table.
    public var table: String
    /// `WHERE`.
    public var filter: Expression?
    /// `GROUP BY`.
    ///
    /// An item's place (`GROUP BY 1`) has become the item's expression; an item's name is a column until it is bound.
    public var groupBy: [Expression]
    /// `HAVING`.
    public var having: Expression?
    /// `ORDER BY`.
    public var orderBy: [Ordering]
    /// `LIMIT`.
    public var limit: Int?
    /// `OFFSET`.
    public var offset: Int
    /// Clauses common to all queries.
    public var options: QueryOptions

    /// Makes a slice over a table.
    public init(
        _ items: [Item], from table: String, where filter: Expression? = nil, groupBy: [Expression] = [],
        having: Expression? = nil, orderBy: [Ordering] = [], limit: Int? = nil, offset: Int = 0,
        options: QueryOptions = QueryOptions()
    ) {
        self.items = items
        self.table = table
        self.filter = filter
        self.groupBy = groupBy
        self.having = having
        self.orderBy = orderBy
        self.limit = limit
        self.offset = offset
        self.options = options
    }
}

/// A calendar period.
public enum Period: String, Sendable, Hashable, CaseIterable {
    /// An hour of the query's time zone.
    case hour = "HOUR"
    /// A day of the query's time zone.
    case day = "DAY"
    /// Seven days from the week's first.
    case week = "WEEK"
    /// A calendar month.
    case month = "MONTH"
}

/// `DECILES OF customers BY sum(orders.revenue)`: ten tiles of the customers with a row in the measured table.
public struct DecileQuery: Sendable, Hashable {
    /// The measure; its `table` is set.
    public var measure: Aggregate
    /// Clauses common to all queries.
    public var options: QueryOptions

    /// Makes a decile query.
    public init(by measure: Aggregate, options: QueryOptions = QueryOptions()) {
        self.measure = measure
        self.options = options
    }
}
