import DukkanFormat

/// The order in which values of one column are listed: ascending, text by its UTF-8 bytes, null after all values.
enum ValueOrdering {
    static func precedes(_ a: Value, _ b: Value) -> Bool {
        switch (a, b) {
        case (.null, _): false
        case (_, .null): true
        case (.bool(let a), .bool(let b)): !a && b
        case (.int(let a), .int(let b)): a < b
        case (.decimal(let a), .decimal(let b)) where a.scale == b.scale: a.unscaled < b.unscaled
        case (.double(let a), .double(let b)): a < b
        case (.timestamp(let a), .timestamp(let b)): a < b
        case (.date(let a), .date(let b)): a < b
        case (.string(let a), .string(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
        default: kind(a) < kind(b)
        }
    }

    private static func kind(_ value: Value) -> Int {
        switch value {
        case .bool: 0
        case .int: 1
        case .decimal: 2
        case .double: 3
        case .date: 4
        case .timestamp: 5
        case .string: 6
        case .null: 7
        }
    }
}
