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

    /// `SPLIT BY e [TOP n]`: by the value of the start row.
    public struct Split: Sendable, Hashable {
        /// Evaluated in the start's table, on the row that put the customer into the cohort.
        public var expression: Expression
        /// Only the n values with the most customers over all cohorts; the rest as `other`.
        public var top: Int?

        /// Makes a split.
        public init(_ expression: Expression, top: Int? = nil) {
            self.expression = expression
            self.top = top
        }
    }

    /// What begins a customer's time.
    public var start: Step
    /// What counts as coming back.
    public var returning: Step
    /// Length of a period.
    public var period: Period
    /// `FOR n PERIODS`: k = 0 … n−1, counted with the cohort's own.
    public var periodCount: Int
    /// `BRACKETS 1, 2, 4`: behind the cohort's own period, k = 0, spans of so many periods each.
    ///
    /// Empty: not used. Where it is not empty, ``periodCount`` is one more than its count.
    public var brackets: [Int] = []
    /// `ROLLING`: k counts whole periods of fixed length since the customer's own start row.
    public var isRolling = false
    /// `ON OR AFTER`: a cell counts returns in its period or any later one.
    public var isOnOrAfter = false
    /// `AT LEAST n`: so many return rows in a period, not applied to k = 0.
    public var returnCountMin = 1
    /// `FIRST TIME` or `RECURRING`.
    public var cohorts: Cohorts
    /// `MEASURING a, b, …`: one or more.
    public var measures: [Measure]
    /// `PER CUSTOMER`: sums are divided by the cohort's size.
    public var isPerCustomer = false
    /// `RUNNING`: totals from k = 0 up to the cell's period; customers: who came back by then.
    public var isRunning = false
    /// `SPLIT BY`.
    public var split: Split?
    /// `WHERE` after the steps: limits start and return rows.
    public var filter: Expression?
    /// `MATURED ONLY`: cells of periods not over at `as of` are null.
    public var maturedOnly: Bool
    /// `PRESET POSTHOG`: in a text weeks are from Sunday and cohorts `RECURRING` where nothing else is said.
    ///
    /// A value says both itself, in ``options`` and ``cohorts``.
    public var isPostHog = false
    /// Clauses common to all queries.
    public var options: QueryOptions

    /// The first measure; ``Measure/customers`` where there is none, which is refused when it is run.
    public var measure: Measure {
        get { measures.first ?? .customers }
        set { measures = [newValue] + measures.dropFirst() }
    }

    /// Most periods of a retention.
    public static let periodCountMax = 1_000
    /// Most measures.
    public static let measureCountMax = 16

    /// Makes a retention; the other clauses are set as properties.
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
        measures = [measure]
        self.filter = filter
        self.maturedOnly = maturedOnly
        self.options = options
    }
}
