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

extension CustomerKey {
    /// Whether two keys are the same; strings by their bytes, so that two spellings of one character differ, as they do in a
    /// store.
    public static func == (a: CustomerKey, b: CustomerKey) -> Bool {
        switch (a, b) {
        case (.integer(let a), .integer(let b)): a == b
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        default: false
        }
    }

    /// Feeds what ``==(_:_:)`` compares.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .integer(let value): hasher.combine(value)
        case .string(let value): for byte in value.utf8 { hasher.combine(byte) }
        }
    }
}

extension Value {
    /// Whether two values are the same; strings by their bytes, so that two spellings of one character differ, as they do
    /// in a store.
    public static func == (a: Value, b: Value) -> Bool {
        switch (a, b) {
        case (.null, .null): true
        case (.bool(let a), .bool(let b)): a == b
        case (.int(let a), .int(let b)): a == b
        case (.decimal(let a), .decimal(let b)): a == b
        case (.double(let a), .double(let b)): a == b
        case (.timestamp(let a), .timestamp(let b)): a == b
        case (.date(let a), .date(let b)): a == b
        case (.string(let a), .string(let b)): a.utf8.elementsEqual(b.utf8)
        default: false
        }
    }

    /// Feeds what ``==(_:_:)`` compares.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .int(let value): hasher.combine(value)
        case .decimal(let value): hasher.combine(value)
        case .double(let value): hasher.combine(value)
        case .timestamp(let value): hasher.combine(value)
        case .date(let value): hasher.combine(value)
        case .string(let value): for byte in value.utf8 { hasher.combine(byte) }
        }
    }
}
