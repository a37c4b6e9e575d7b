public import DukkanTime

/// One value of a row, of a result or of a literal.
public enum Value: Sendable, Hashable {
    /// No value.
    case null
    /// A truth value.
    case bool(Bool)
    /// A whole number; wider than a column's so that sums fit.
    case int(Int128)
    /// An exact decimal number.
    case decimal(DecimalValue)
    /// A floating point number.
    case double(Double)
    /// A point in time.
    case timestamp(Timestamp)
    /// A calendar day.
    case date(CivilDate)
    /// Text.
    case string(String)
}

/// The key of one customer.
public enum CustomerKey: Sendable, Hashable {
    /// Of a store whose customers are integers.
    case integer(Int64)
    /// Of a store whose customers are strings.
    case string(String)
}
