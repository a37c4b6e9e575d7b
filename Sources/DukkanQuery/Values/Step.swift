/// A table with an optional filter: a step of a funnel, the start or the return of a retention.
public struct Step: Sendable, Hashable {
    /// `FIRST EVER [WHERE …]`: of all rows of a customer that meet the step's filter, in all history, only the first.
    public struct FirstEver: Sendable, Hashable {
        /// What that row must meet besides; where it does not, the step matches nothing of hers.
        public var filter: Expression?

        /// Makes it.
        public init(where filter: Expression? = nil) {
            self.filter = filter
        }
    }

    /// A name for the answer; nil: made from the table and the filter.
    public var name: String?
    /// The table.
    public var table: String
    /// Rows for which this is true match.
    public var filter: Expression?
    /// `FIRST EVER`; nil: every row that matches counts.
    ///
    /// What is first is decided without the query's `WHERE` and `ENTERED`.
    public var firstEver: FirstEver?
    /// `OPTIONAL`, of a funnel's step that is neither the first nor the last: a chain may pass it over.
    public var isOptional: Bool
    /// `GAP FROM`: least microseconds since the chain's step before, inclusive; nil: 0.
    public var gapMin: Int64?
    /// `GAP TO`: most microseconds since the chain's step before, inclusive; nil: no limit.
    public var gapMax: Int64?

    /// Makes a step.
    public init(
        _ name: String? = nil, in table: String, where filter: Expression? = nil, firstEver: FirstEver? = nil,
        isOptional: Bool = false, gapMin: Int64? = nil, gapMax: Int64? = nil
    ) {
        self.name = name
        self.table = table
        self.filter = filter
        self.firstEver = firstEver
        self.isOptional = isOptional
        self.gapMin = gapMin
        self.gapMax = gapMax
    }
}
