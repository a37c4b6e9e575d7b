import DukkanFormat

/// The type of a bound expression.
enum ScalarType: Hashable, Sendable {
    case null
    case bool
    case int
    case decimal(Int)
    case double
    case timestamp
    case date
    case string
    /// A span of time in microseconds.
    case interval

    init(_ type: ColumnType) {
        switch type {
        case .bool: self = .bool
        case .int: self = .int
        case .decimal(let scale): self = .decimal(scale)
        case .double: self = .double
        case .timestamp: self = .timestamp
        case .date: self = .date
        case .string: self = .string
        }
    }

    /// The type that a column of a result has.
    var column: ColumnType {
        switch self {
        case .bool: .bool
        case .int, .interval: .int
        case .decimal(let scale): .decimal(scale: scale)
        case .double: .double
        case .timestamp: .timestamp
        case .date: .date
        case .string, .null: .string
        }
    }

    /// Number of digits behind the point of an exact number; nil for everything else.
    var scale: Int? {
        switch self {
        case .int: 0
        case .decimal(let scale): scale
        default: nil
        }
    }

    var isNumber: Bool { scale != nil || self == .double }

    var physical: PhysicalKind { column.physical }

    var name: String {
        switch self {
        case .null: "NULL"
        case .interval: "INTERVAL"
        default: column.description
        }
    }
}

/// Powers of ten that fit in 128 bits: `powersOfTen[n] == 10^n`.
let powersOfTen: [Int128] = (0...38).map { exponent in (0..<exponent).reduce(Int128(1)) { power, _ in power * 10 } }
