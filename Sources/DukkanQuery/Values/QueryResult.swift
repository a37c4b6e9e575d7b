public import DukkanFormat

/// The answer of a statement: a table in long form.
public struct QueryResult: Sendable, Hashable {
    /// Name and type of one column.
    public struct Column: Sendable, Hashable {
        /// The name, as `reached`.
        public var name: String
        /// The type; sums keep the scale of what was summed.
        public var type: ColumnType

        /// Makes a column.
        public init(_ name: String, _ type: ColumnType) {
            self.name = name
            self.type = type
        }
    }

    /// What the statement was, which tells how a person reads the answer best.
    public enum Shape: Sendable, Hashable {
        /// Rows without more meaning.
        case table
        /// `value, step, name, reached, dropped, open, from_start, from_previous, median_s, mean_s`
        case funnel
        /// `cohort, period, size, value, complete`
        case retention
        /// `decile, customers, total`
        case deciles
        /// `period` and the columns of a funnel: `FUNNEL … TRENDS BY …`
        case trends
        /// `value, bin, from_s, to_s, customers, mean_s`: `FUNNEL … TIME TO CONVERT`
        case histogram
        /// `customer, value, step, name, entered, reached_at`: `FUNNEL … CUSTOMERS …`
        case customers
        /// `period, new, returning, resurrecting, dormant, open, complete`
        case lifecycle
        /// `periods, customers`
        case stickiness
        /// `step, from, to, count, mean_s`
        case paths
        /// `segment` and the columns of another shape: `BY SEGMENTS`
        case segments
        /// `plan`: the lines of an ``Explanation``
        case plan
        /// The statement changed the store; `rows` is empty.
        case done
    }

    /// What a query cost.
    public struct Cost: Sendable, Hashable {
        /// Rows of the blocks that were decoded.
        public var rowsScanned = 0
        /// Bytes of the blocks that were read from files or from the cache of blocks.
        public var bytesRead = 0
        /// Blocks that were decoded, one for each column.
        public var blocksDecoded = 0
        /// Blocks that the statistics ruled out.
        public var blocksPruned = 0

        /// A cost of nothing.
        public init() {}
    }

    /// Columns, left to right.
    public var columns: [Column]
    /// Rows; each has a value per column.
    public var rows: [[Value]]
    /// How a person reads it best.
    public var shape: Shape
    /// What it cost.
    public var cost: Cost
    /// Of an `EXPLAIN`: what the rows say, for programs.
    public var explanation: Explanation?

    /// Makes a result.
    public init(columns: [Column], rows: [[Value]], shape: Shape = .table, cost: Cost = Cost()) {
        self.columns = columns
        self.rows = rows
        self.shape = shape
        self.cost = cost
    }
}
