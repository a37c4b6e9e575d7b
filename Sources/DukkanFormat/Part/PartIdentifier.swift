/// The random 128-bit name of a part.
///
/// Every checksum of the part's file is seeded with it.
package struct PartIdentifier: Hashable, Sendable {
    package var high: UInt64
    package var low: UInt64

    package init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }
}

extension PartIdentifier: CustomStringConvertible {
    /// 32 hexadecimal digits.
    package var description: String {
        func digits(_ value: UInt64) -> String {
            let text = String(value, radix: 16)
            return String(repeating: "0", count: 16 - text.count) + text
        }
        return digits(high) + digits(low)
    }
}

/// How much effort a part is written with.
package struct PartOptions: Sendable {
    /// More candidates for each block, LZ4 in its high-compression form: for compaction.
    package var thorough: Bool
    /// Fewer candidates for each block: for small parts, which are soon merged into others.
    package var quick: Bool
    /// Threads that encode the blocks of a stripe.
    package var workers: Int

    package init(thorough: Bool = false, quick: Bool = false, workers: Int = 1) {
        self.thorough = thorough
        self.quick = quick
        self.workers = workers
    }
}

/// What a finished part holds.
package struct PartSummary: Sendable, Hashable {
    package var rowCount: Int
    /// Distinct customers; rows without a customer do not count.
    package var customerCount: Int
    /// Bytes of the whole file.
    package var byteCount: Int
    /// `Int64.max` for a part without rows.
    package var minimumTime: Int64
    /// `Int64.min` for a part without rows.
    package var maximumTime: Int64
    /// nil when no row has a customer.
    package var minimumCustomer: CustomerKey?
    package var maximumCustomer: CustomerKey?
}
