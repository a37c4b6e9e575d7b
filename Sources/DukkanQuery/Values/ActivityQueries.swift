/// `LIFECYCLE OF t WHERE … BY WEEK [FROM a TO b]`: new, returning, resurrecting and dormant customers for each period.
public struct LifecycleQuery: Sendable, Hashable {
    /// What counts as activity.
    public var step: Step
    /// Length of a period.
    public var period: Period
    /// The first period shown is the one that holds this; nil: that of the first activity.
    ///
    /// Who is new is decided over all history.
    public var from: Expression?
    /// Periods that begin at this or later are not shown; nil: up to the one that holds `as of`.
    public var to: Expression?
    /// Clauses common to all queries.
    public var options: QueryOptions

    /// Makes a lifecycle.
    public init(
        of step: Step, by period: Period, from: Expression? = nil, to: Expression? = nil,
        options: QueryOptions = QueryOptions()
    ) {
        self.step = step
        self.period = period
        self.from = from
        self.to = to
        self.options = options
    }
}

/// `STICKINESS OF t WHERE … BY [n] DAY[S] [FROM a TO b] [AT LEAST n] [OR MORE]`: customers by the number of active
/// periods.
public struct StickinessQuery: Sendable, Hashable {
    /// What counts as activity.
    public var step: Step
    /// Length of a period.
    public var period: Period
    /// `BY 2 DAYS`: so many periods are one, counted from the first of the range.
    public var periodSpan = 1
    /// Rows before do not count; nil: all.
    public var from: Expression?
    /// Rows at this or later do not count; nil: up to `as of`.
    public var to: Expression?
    /// `AT LEAST n`: rows that make a period active.
    public var rowCountMin: Int
    /// `OR MORE`: a line counts customers with that many active periods or more.
    public var isCumulative: Bool
    /// Clauses common to all queries.
    public var options: QueryOptions

    /// Makes a stickiness.
    public init(
        of step: Step, by period: Period, from: Expression? = nil, to: Expression? = nil, atLeast rowCountMin: Int = 1,
        orMore isCumulative: Bool = false, options: QueryOptions = QueryOptions()
    ) {
        self.step = step
        self.period = period
        self.from = from
        self.to = to
        self.rowCountMin = rowCountMin
        self.isCumulative = isCumulative
        self.options = options
    }
}

/// `PATHS OF t WHERE … ON e [FROM x] [TOWARDS y] DEPTH n [SPLIT AT 30 MINUTES | BY SESSION [e]]`.
public struct PathQuery: Sendable, Hashable {
    /// What a path ends with.
    public enum Sessions: Sendable, Hashable {
        /// A new path begins when more than so many microseconds passed since the row before.
        case gap(Int64)
        /// A path is the rows of one session; nil: the column `session_id`.
        case column(Expression?)
    }

    /// The rows.
    public var step: Step
    /// The item of a row; rows without one are left out.
    public var item: Expression
    /// A path begins at the first item of this value, and paths without it are left out; nil: at its first.
    public var from: Expression?
    /// A path ends at the first item of this value, and paths without it are left out; nil: at its last.
    public var towards: Expression?
    /// Most items of a path: the first ones, with ``towards`` and no ``from`` the last ones.
    public var depth: Int
    /// What a path ends with.
    public var sessions: Sessions
    /// Clauses common to all queries.
    public var options: QueryOptions

    /// Most items of a path.
    public static let depthMax = 100
    /// 30 minutes.
    public static let gapDefault: Int64 = 1_800_000_000

    /// Makes a query of paths.
    public init(
        of step: Step, on item: Expression, from: Expression? = nil, towards: Expression? = nil, depth: Int,
        sessions: Sessions = .gap(PathQuery.gapDefault), options: QueryOptions = QueryOptions()
    ) {
        self.step = step
        self.item = item
        self.from = from
        self.towards = towards
        self.depth = depth
        self.sessions = sessions
        self.options = options
    }
}
