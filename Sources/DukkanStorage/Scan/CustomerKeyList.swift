package import DukkanFormat

/// The ascending customer keys of a range of rows: integers, or strings as bytes one behind the other.
///
/// One list serves one worker and is refilled from morsel to morsel, so that no key costs an allocation.
package final class CustomerKeyList {
    package let isString: Bool
    package private(set) var count = 0
    private var integers: [Int64] = []
    private var offsets: [UInt32] = [0]
    private var bytes: [UInt8] = []

    package init(isString: Bool) {
        self.isString = isString
    }

    package func removeAll() {
        count = 0
        integers.removeAll(keepingCapacity: true)
        offsets.removeAll(keepingCapacity: true)
        offsets.append(0)
        bytes.removeAll(keepingCapacity: true)
    }

    package func key(_ index: Int) -> CustomerKey {
        precondition(index < count)
        guard isString else { return .integer(integers[index]) }
        return .string(String(decoding: bytes[Int(offsets[index])..<Int(offsets[index + 1])], as: UTF8.self))
    }

    /// The integers, for a list of an integer store.
    package func withIntegers<R>(_ body: (UnsafeBufferPointer<Int64>) throws -> R) rethrows -> R {
        precondition(!isString)
        return try integers.withUnsafeBufferPointer(body)
    }

    /// The strings as a sorted dictionary whose code i is customer i.
    ///
    /// O(bytes).
    package func dictionary() -> StringDictionary {
        precondition(isString)
        return StringDictionary(offsets: offsets, bytes: bytes, isSorted: true)
    }

    /// Appends keys `range` of a block's directory.
    package func append(_ block: CustomerBlock, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        if isString {
            let source = block.strings
            let first = source.offsets[range.lowerBound], base = UInt32(bytes.count)
            bytes.append(contentsOf: source.bytes[Int(first)..<Int(source.offsets[range.upperBound])])
            for i in range { offsets.append(source.offsets[i + 1] - first + base) }
        } else {
            integers.append(contentsOf: UnsafeBufferPointer(start: block.keys + range.lowerBound, count: range.count))
        }
        count += range.count
    }

    /// Appends key `index` of another list.
    package func append(_ other: CustomerKeyList, _ index: Int) {
        if isString {
            bytes.append(contentsOf: other.bytes[Int(other.offsets[index])..<Int(other.offsets[index + 1])])
            offsets.append(UInt32(bytes.count))
        } else {
            integers.append(other.integers[index])
        }
        count += 1
    }

    /// Whether the last key held equals key `index` of a block's directory.
    package func lastEquals(_ block: CustomerBlock, _ index: Int) -> Bool {
        guard count > 0 else { return false }
        if !isString { return integers[count - 1] == block.keys[index] }
        return withBytes(count - 1) { mine in
            block.strings.withBytes(index) { StringDictionary.compare(mine, $0) == 0 }
        }
    }

    /// Negative, 0 or positive as key `index` is less than, equal to or greater than key `otherIndex` of `other`.
    package func compare(_ index: Int, _ other: CustomerKeyList, _ otherIndex: Int) -> Int {
        if !isString {
            let a = integers[index], b = other.integers[otherIndex]
            return a < b ? -1 : (a == b ? 0 : 1)
        }
        return withBytes(index) { a in other.withBytes(otherIndex) { StringDictionary.compare(a, $0) } }
    }

    private func withBytes<R>(_ index: Int, _ body: (UnsafeBufferPointer<UInt8>) -> R) -> R {
        bytes.withUnsafeBufferPointer {
            body(UnsafeBufferPointer(rebasing: $0[Int(offsets[index])..<Int(offsets[index + 1])]))
        }
    }
}

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
