public import DukkanFormat

/// Anything that the query language can say.
public enum Statement: Sendable, Hashable {
    /// `SELECT …`
    case select(SliceQuery)
    /// `FUNNEL …`
    case funnel(FunnelQuery)
    /// `RETENTION OF …`
    case retention(RetentionQuery)
    /// `DECILES OF customers BY …`
    case deciles(DecileQuery)
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
    indirect case explain(analyze: Bool, Statement)
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

    /// Makes options; all have defaults.
    public init(
        asOf: Expression? = nil, timeZone: String? = nil, weekStartsOnSunday: Bool = false, segment: Expression? = nil
    ) {
        self.asOf = asOf
        self.timeZone = timeZone
        self.weekStartsOnSunday = weekStartsOnSunday
        self.segment = segment
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

/// A table with an optional filter: a step of a funnel, the start or the return of a retention.
public struct Step: Sendable, Hashable {
    /// A name for the answer; nil: made from the table and the filter.
    public var name: String?
    /// The table.
    public var table: String
    /// Rows for which this is true match.
    public var filter: Expression?

    /// Makes a step.
    public init(_ name: String? = nil, in table: String, where filter: Expression? = nil) {
        self.name = name
        self.table = table
        self.filter = filter
    }
}

/// A funnel: `FUNNEL a = t WHERE …, b = u WITHIN 7 DAYS …`.
///
/// See `docs/semantics.md`.
public struct FunnelQuery: Sendable, Hashable {
    /// How rows of one customer at one time are put in order.
    public enum Ties: Sendable, Hashable {
        /// Whatever order serves the chain best, each row once.
        case favourable
        /// The total order only: time, table order in the query, order of ingest.
        case recorded
        /// A step must be strictly later than the one before.
        case increasing
    }

    /// Which value of the breakdown a customer stands under.
    public enum Attribution: Sendable, Hashable {
        /// The first non-null value over rows that match any step within the limits.
        case first
        /// The last one.
        case last
        /// The value of her first row that matches a step (from 0) within the limits, in a chain or not.
        case stepFirst(Int)
        /// Once per value, over chains whose row of a step (from 0) carries it.
        case step(Int)
        /// Once per value; every row of the chain carries it.
        case all
    }

    /// `BY expression ATTRIBUTED … TOP n`.
    public struct Breakdown: Sendable, Hashable {
        /// What is broken down by, evaluated in the table of each step concerned.
        public var expression: Expression
        /// Which value a customer stands under.
        public var attribution: Attribution
        /// Only the n values with the largest last step stand alone, the rest as `other`.
        public var top: Int?

        /// Makes a breakdown.
        public init(_ expression: Expression, attributed attribution: Attribution = .first, top: Int? = nil) {
            self.expression = expression
            self.attribution = attribution
            self.top = top
        }
    }

    /// Steps in order, 1 to 32.
    public var steps: [Step]
    /// `WITHIN`, microseconds, inclusive.
    ///
    /// Nil: no limit.
    public var window: Int64?
    /// `TIES FAVOURABLE | RECORDED | INCREASING`.
    public var ties: Ties
    /// `WHERE` after the steps: limits every step.
    public var filter: Expression?
    /// `ENTERED FROM a TO b`: limits step 1, half open.
    public var enteredFrom: Expression?
    /// The end of the same, exclusive.
    public var enteredTo: Expression?
    /// `BY`.
    public var breakdown: Breakdown?
    /// Clauses common to all queries.
    public var options: QueryOptions

    /// Most steps of a funnel.
    public static let stepCountMax = 32

    /// Makes a funnel of steps.
    public init(
        _ steps: [Step], within window: Int64? = nil, ties: Ties = .favourable, where filter: Expression? = nil,
        enteredFrom: Expression? = nil, enteredTo: Expression? = nil, by breakdown: Breakdown? = nil,
        options: QueryOptions = QueryOptions()
    ) {
        self.steps = steps
        self.window = window
        self.ties = ties
        self.filter = filter
        self.enteredFrom = enteredFrom
        self.enteredTo = enteredTo
        self.breakdown = breakdown
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

/// Retention: `RETENTION OF t WHERE … RETURNING u WHERE … BY WEEK FOR 12 PERIODS …`.
public struct RetentionQuery: Sendable, Hashable {
    /// Which cohorts a customer belongs to.
    public enum Cohorts: Sendable, Hashable {
        /// The one of her first start row.
        case firstTime
        /// Every period in which she has a start row.
        case recurring
    }

    /// What a cell counts.
    public enum Measure: Sendable, Hashable {
        /// Customers with a return row in the period.
        case customers
        /// The sum of an expression over return rows.
        case sum(Expression)
        /// The average of an expression over return rows.
        case average(Expression)
    }

    /// What begins a customer's time.
    public var start: Step
    /// What counts as coming back.
    public var returning: Step
    /// Length of a period.
    public var period: Period
    /// `FOR n PERIODS`: k = 0 … n−1, counted with the cohort's own.
    public var periodCount: Int
    /// `FIRST TIME` or `RECURRING`.
    public var cohorts: Cohorts
    /// `MEASURING`.
    public var measure: Measure
    /// `WHERE` after the steps: limits start and return rows.
    public var filter: Expression?
    /// `MATURED ONLY`: cells of periods not over at `as of` are null.
    public var maturedOnly: Bool
    /// Clauses common to all queries.
    public var options: QueryOptions

    /// Most periods of a retention.
    public static let periodCountMax = 1_000

    /// Makes a retention.
    public init(
        of start: Step, returning: Step, by period: Period, periods periodCount: Int,
        cohorts: Cohorts = .firstTime, measuring measure: Measure = .customers, where filter: Expression? = nil,
        maturedOnly: Bool = false, options: QueryOptions = QueryOptions()
    ) {
        self.start = start
        self.returning = returning
        self.period = period
        self.periodCount = periodCount
        self.cohorts = cohorts
        self.measure = measure
        self.filter = filter
        self.maturedOnly = maturedOnly
        self.options = options
    }
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
