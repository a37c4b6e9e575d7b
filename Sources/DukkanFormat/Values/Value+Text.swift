import DukkanTime

extension Value: CustomStringConvertible {
    /// The value as text: numbers with all their digits, times in ISO 8601, text as it is, `null` for no value.
    public var description: String {
        switch self {
        case .null: "null"
        case .bool(let value): value ? "true" : "false"
        case .int(let value): String(value)
        case .decimal(let value): value.description
        case .double(let value): value.description
        case .timestamp(let value): value.description
        case .date(let value): value.description
        case .string(let value): value
        }
    }
}
