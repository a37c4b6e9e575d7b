public import DukkanFormat

/// An expression over the columns of a row, over aggregates of a group, or over a customer (in a segment).
///
/// Three-valued logic as in SQL. The binder resolves names and types against a snapshot; a string literal beside a time
/// is read as a time, a date as midnight in the query's time zone.
public indirect enum Expression: Sendable, Hashable {
    /// A literal. Text that stands for a time stays `.string` until it is bound.
    case literal(Value)
    /// A span of absolute time, in microseconds, as `90 DAYS`.
    case interval(microseconds: Int64)
    /// The end of knowledge: the query's `AS OF`.
    case now
    /// A column of the table, `customer` or `time`, or with a qualifier: a customer's attribute (`customers.country`),
    /// a property of the row's session (`sessions.channel`).
    case column(ColumnName)
    /// `NOT x`
    case not(Expression)
    /// `-x`
    case negate(Expression)
    /// `x op y`
    case binary(BinaryOperator, Expression, Expression)
    /// `x BETWEEN low AND high`, both inclusive.
    case between(Expression, low: Expression, high: Expression, negated: Bool)
    /// `x IN (a, b, …)`
    case inList(Expression, [Expression], negated: Bool)
    /// `x LIKE pattern`: `%` any text, `_` one character, `\` quotes the next.
    case like(Expression, pattern: String, caseInsensitive: Bool, negated: Bool)
    /// `x IS NULL`
    case isNull(Expression, negated: Bool)
    /// `CASE WHEN c THEN v … ELSE e END`
    case when([WhenBranch], otherwise: Expression?)
    /// A function of values by its lower-case name, as `date_trunc('day', ts)`.
    case call(String, [Expression])
    /// An aggregate over the rows of a group (in a slice) or over a customer's rows of a table (in a segment).
    case aggregate(Aggregate)
    /// `IN SEGMENT name`
    case inSegment(String)
    /// `SEGMENT (condition)`: whether the row's customer meets the condition.
    case segment(Expression)
    /// `IN SEGMENT name AT time` and `SEGMENT (condition) AT time`: as of an earlier time; the first is one of these two.
    case segmentAt(Expression, time: Expression)
    /// Where a customer stands in a funnel, in a segment: `REACHED bought OF (FUNNEL …)`.
    case funnel(FunnelMembership)
}

/// A column's name with an optional table before it.
public struct ColumnName: Sendable, Hashable {
    /// The table before the point, if one is written.
    public var table: String?
    /// The column.
    public var name: String

    /// Makes a name.
    public init(_ name: String, in table: String? = nil) {
        self.table = table
        self.name = name
    }
}

/// One `WHEN … THEN …`.
public struct WhenBranch: Sendable, Hashable {
    /// Taken when true.
    public var condition: Expression
    /// The value then.
    public var value: Expression

    /// Makes a branch.
    public init(_ condition: Expression, then value: Expression) {
        self.condition = condition
        self.value = value
    }
}

/// An operator between two expressions.
public enum BinaryOperator: String, Sendable, Hashable, CaseIterable {
    /// Logical or.
    case or = "OR"
    /// Logical and.
    case and = "AND"
    /// Equal.
    case equal = "="
    /// Not equal.
    case notEqual = "<>"
    /// Less.
    case less = "<"
    /// Less or equal.
    case lessOrEqual = "<="
    /// Greater.
    case greater = ">"
    /// Greater or equal.
    case greaterOrEqual = ">="
    /// Sum; of a time and an interval: a time.
    case add = "+"
    /// Difference; of a time and an interval: a time; of two times: microseconds.
    case subtract = "-"
    /// Product; scales of decimals add.
    case multiply = "*"
    /// Quotient, a double; null when the divisor is 0.
    case divide = "/"
    /// Remainder of whole numbers; null when the divisor is 0.
    case remainder = "%"
    /// Text joined.
    case concatenate = "||"
}

/// An aggregate function with its argument and filter.
public struct Aggregate: Sendable, Hashable {
    /// What is computed.
    public enum Function: Sendable, Hashable {
        /// Rows, or rows where the argument is not null.
        case count
        /// Distinct non-null values of the argument; the argument may be `customer`.
        case countDistinct
        /// Exact for int and decimal; compensated for double. Null over no values.
        case sum
        /// A double from the exact sum.
        case average
        /// The least value.
        case minimum
        /// The greatest value.
        case maximum
        /// The quantile at a fraction from 0 to 1, linearly interpolated; `median` is 0.5.
        case quantile(Double)
        /// The value in the first of a customer's rows by time, also where that is null; in segments and deciles.
        case first
        /// The value in the last of them.
        case last
        /// `active(WEEK, 8 FROM t)`: in how many of the last so many periods a customer has a row, counted with the one
        /// that holds the end of knowledge; in segments and deciles.
        case activePeriods(Period, last: Int)
    }

    /// What is computed.
    public var function: Function
    /// The table whose rows are aggregated: in a segment or a decile measure; nil in a slice.
    ///
    /// Columns of the argument and the filter without a qualifier are the table's; they may also be qualified with it.
    public var table: String?
    /// What it is computed of; nil for `count(*)`.
    public var argument: Expression?
    /// Only rows for which this is true take part: `FILTER (WHERE …)`, or the `WHERE` within a segment's aggregate.
    public var filter: Expression?

    /// Makes an aggregate.
    public init(_ function: Function, of argument: Expression? = nil, table: String? = nil, filter: Expression? = nil) {
        self.function = function
        self.argument = argument
        self.table = table
        self.filter = filter
    }
}
