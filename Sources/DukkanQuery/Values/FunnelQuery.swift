/// A funnel: `FUNNEL a = t WHERE …, b = u WITHIN 7 DAYS …`.
///
/// See `docs/semantics.md`; the combinations of options are in a table there.
public struct FunnelQuery: Sendable, Hashable {
    /// How rows of one customer at one time are put in order: `TIES …`.
    public enum Ties: Sendable, Hashable {
        /// Whatever order serves the chain best, each row once.
        case favourable
        /// The total order only: time, table order in the query, order of ingest.
        case recorded
        /// A step must be strictly later than the one before.
        case increasing
    }

    /// In what order a chain's steps come: `ORDER …`.
    public enum Order: Sendable, Hashable {
        /// One after the other, whatever stands between.
        case sequence
        /// `STRICT`: neighbours among all rows of the customer in the tables of the steps.
        case strict
        /// `ANY`: N rows, one for each step, newest − oldest within the window; step i reads "completed i steps".
        case any
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

        /// Whether a customer stands under one value.
        var isOneValue: Bool {
            switch self {
            case .first, .last, .stepFirst: true
            case .step, .all: false
            }
        }
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

    /// `EXCLUDING t WHERE … BETWEEN a AND b PER …`.
    public struct Exclusion: Sendable, Hashable {
        /// What a row excludes.
        public enum Scope: Sendable, Hashable {
            /// `PER CUSTOMER`: it poisons the chain; who has no clean chain that got as far leaves the funnel.
            case customer
            /// `PER ATTEMPT`: the chain ends, at the level that it has.
            case attempt
        }

        /// The rows: table and filter; no name, nothing else.
        public var step: Step
        /// From which step (from 0) on it applies; nil: the first.
        public var from: Int?
        /// Up to which step (from 0), not included; nil: the last.
        public var to: Int?
        /// What it does.
        public var scope: Scope

        /// Makes an exclusion.
        public init(_ step: Step, from: Int? = nil, to: Int? = nil, scope: Scope = .customer) {
            self.step = step
            self.from = from
            self.to = to
            self.scope = scope
        }
    }

    /// What is counted: `COUNTING …`.
    public enum Unit: Sendable, Hashable {
        /// Customers, each once.
        case customers
        /// `SESSIONS [BY e]`: each session by itself; nil: the column `session_id`. Rows without one do not count.
        case sessions(Expression?)
        /// `ENTRIES`: disjoint chains, greedy in time; a new one after completion or timeout.
        case entries
    }

    /// Where a customer stands: for lists and segments.
    public enum Standing: Sendable, Hashable {
        /// `REACHED step`: the step lies on her reported chain.
        case reached
        /// `DROPPED AT step`: it is the last on it, and nothing can follow any more.
        case dropped
        /// `OPEN AT step`: it is the last on it, and something may follow.
        case open
    }

    /// What the answer shows.
    public enum View: Sendable, Hashable {
        /// One row a value and step.
        case steps
        /// `TRENDS BY DAY`: the same for each period of entry, over chains that begin there; empty periods too.
        case trends(Period)
        /// `TIME TO CONVERT [FROM a TO b] [IN n BINS]`: a histogram of the time from step a to step b (from 0; nil: the
        /// first, the last) on the reported chains; bins nil: the cube root of the number of chains, rounded up,
        /// at most 60.
        case timeToConvert(from: Int?, to: Int?, bins: Int?)
        /// `CUSTOMERS REACHED step`, `CUSTOMERS DROPPED AT step`, `CUSTOMERS OPEN AT step` (from 0).
        case customers(Standing, step: Int)
    }

    /// `MEASURING sum(x) AT step`: of the rows of a step (from 0) on the reported chains.
    public struct StepMeasure: Sendable, Hashable {
        /// Sum or average.
        public enum Function: Sendable, Hashable {
            /// The sum, exact for whole numbers and decimals.
            case sum
            /// The average, a double from the exact sum.
            case average
        }
        /// Sum or average.
        public var function: Function
        /// What is measured, in the table of the step.
        public var expression: Expression
        /// The step, from 0.
        public var step: Int

        /// Makes a measure.
        public init(_ function: Function, of expression: Expression, at step: Int) {
            self.function = function
            self.expression = expression
            self.step = step
        }
    }

    /// The conventions of another system: `PRESET …`.
    public enum Preset: Sendable, Hashable {
        /// `PRESET CLICKHOUSE [MODES (…)]`: `windowFunnel` to the letter.
        case clickHouse(Set<ClickHouseMode>)
        /// `PRESET POSTHOG`: 14 days where there is no window.
        ///
        /// In a text weeks are from Sunday where no `WEEK START` is said; a value says so itself.
        case postHog
    }

    /// A mode of ClickHouse's `windowFunnel`, by the name that it has there.
    public enum ClickHouseMode: String, Sendable, Hashable, CaseIterable {
        /// Other events do not come between.
        case strictOrder = "strict_order"
        /// A step that comes again ends the chain.
        case strictDeduplication = "strict_deduplication"
        /// Steps are strictly later than those before.
        case strictIncrease = "strict_increase"
        /// A row serves one step.
        case strictOnce = "strict_once"
        /// First steps that break the strict order are passed over.
        case allowReentry = "allow_reentry"
    }

    /// Steps in order, 1 to 32.
    public var steps: [Step]
    /// `WITHIN`, microseconds, inclusive.
    ///
    /// Nil: no limit.
    public var window: Int64?
    /// `WITHIN SESSION [BY e]`: all rows of a chain carry the same value of this; nil: no such limit.
    public var session: Expression?
    /// `ORDER STRICT`, `ORDER ANY`.
    public var order = Order.sequence
    /// `TIES FAVOURABLE | RECORDED | INCREASING`.
    public var ties: Ties
    /// `REUSING ROWS`: a row may serve several steps of a chain.
    public var reusesRows = false
    /// `EXCLUDING …`, in the order of the text.
    public var exclusions: [Exclusion] = []
    /// `HOLDING e`: all rows of a chain carry the same value of this, other than null.
    public var holding: Expression?
    /// `WHERE` after the steps: limits every step, not the exclusions.
    public var filter: Expression?
    /// `ENTERED FROM a TO b`: limits step 1, half open.
    public var enteredFrom: Expression?
    /// The end of the same, exclusive.
    public var enteredTo: Expression?
    /// `COUNTING …`.
    public var unit = Unit.customers
    /// `BY`.
    public var breakdown: Breakdown?
    /// `MEASURING … AT step`; only with the view of steps and trends.
    public var measure: StepMeasure?
    /// What the answer shows.
    public var view = View.steps
    /// `PRESET …`.
    public var preset: Preset?
    /// Clauses common to all queries.
    public var options: QueryOptions

    /// Most steps of a funnel, and most steps and exclusions together.
    public static let stepCountMax = 32
    /// Most bins of a histogram.
    public static let binCountMax = 1_000

    /// Makes a funnel of steps; the other clauses are set as properties.
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

/// A condition on a customer: where she stands in a funnel, as `REACHED bought OF (FUNNEL …)`.
///
/// `DID (a THEN b WITHIN 7 DAYS)` is short for reaching the last step.
public struct FunnelMembership: Sendable, Hashable {
    /// The funnel; its view, breakdown, measure and options are not used, except `options.asOf` which must be nil.
    public var query: FunnelQuery
    /// Where she must stand.
    public var standing: FunnelQuery.Standing
    /// At which step, from 0.
    public var step: Int

    /// Makes a condition.
    public init(_ query: FunnelQuery, _ standing: FunnelQuery.Standing, step: Int) {
        self.query = query
        self.standing = standing
        self.step = step
    }
}
