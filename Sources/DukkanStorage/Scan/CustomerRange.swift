package import DukkanFormat

/// Order of customer keys: integers by value, strings by UTF-8 bytes.
///
/// A store has one kind only.
package func customerKeyPrecedes(_ a: CustomerKey, _ b: CustomerKey) -> Bool {
    switch (a, b) {
    case (.integer(let a), .integer(let b)): a < b
    case (.string(let a), .string(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
    case (.integer, .string): true
    case (.string, .integer): false
    }
}

/// Customers from `lower` on, up to but not including `upper` (or including it).
///
/// A nil bound is open.
package struct CustomerRange: Sendable {
    package var lower: CustomerKey?
    package var upper: CustomerKey?
    package var includesUpper = false

    package init(lower: CustomerKey?, upper: CustomerKey?, includesUpper: Bool = false) {
        self.lower = lower
        self.upper = upper
        self.includesUpper = includesUpper
    }

    /// Whether another range has the same bounds.
    func isSame(as other: CustomerRange) -> Bool {
        lower == other.lower && upper == other.upper && includesUpper == other.includesUpper
    }

    package static let all = CustomerRange(lower: nil, upper: nil)
    package static func only(_ key: CustomerKey) -> CustomerRange {
        CustomerRange(lower: key, upper: key, includesUpper: true)
    }

    /// Whether a key is past the range's end.
    package func ends(before key: CustomerKey) -> Bool {
        guard let upper else { return false }
        return includesUpper ? customerKeyPrecedes(upper, key) : !customerKeyPrecedes(key, upper)
    }

    /// Whether a key is before the range's begin.
    package func begins(after key: CustomerKey) -> Bool {
        guard let lower else { return false }
        return customerKeyPrecedes(key, lower)
    }
}
