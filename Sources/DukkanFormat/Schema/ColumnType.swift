/// The type of a column's values.
public enum ColumnType: Sendable, Hashable {
    /// True or false.
    case bool
    /// A 64-bit signed integer.
    case int
    /// An exact decimal number: a 64-bit integer divided by 10 to the power `scale` (0 to 18).
    case decimal(scale: Int)
    /// A 64-bit IEEE 754 number.
    case double
    /// A point in time, microseconds since 1970-01-01T00:00:00Z.
    case timestamp
    /// A calendar day, days since 1970-01-01.
    case date
    /// UTF-8 text.
    case string

    /// Largest scale of a decimal: 10^18 is the largest power of ten in 64 bits.
    public static let decimalScaleMax = 18

    /// How values of this type are held in memory.
    package var physical: PhysicalKind {
        switch self {
        case .bool, .int, .decimal, .timestamp, .date: .integers
        case .double: .doubles
        case .string: .codes
        }
    }
}

extension ColumnType: CustomStringConvertible {
    /// The type as the query language writes it, as `DECIMAL(2)`.
    public var description: String {
        switch self {
        case .bool: "BOOL"
        case .int: "INT"
        case .decimal(let scale): "DECIMAL(\(scale))"
        case .double: "DOUBLE"
        case .timestamp: "TIMESTAMP"
        case .date: "DATE"
        case .string: "STRING"
        }
    }
}
