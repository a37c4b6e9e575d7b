package import DukkanFormat

/// The ascending customer keys of a range of rows: integers, or strings as bytes one behind the other.
///
/// One list serves one worker and is refilled from morsel to morsel, so that no key costs an allocation.
package final class CustomerKeyList {
    package let isString: Bool
    package private(set) var count = 0
    /// The keys of an integer store.
    ///
    /// Moves when the list grows.
    package private(set) var integers = UnsafeMutablePointer<Int64>.allocate(capacity: 64)
    private var capacity = 64
    private var offsets: [UInt32] = [0]
    private var bytes: [UInt8] = []

    package init(isString: Bool) {
        self.isString = isString
    }

    deinit { integers.deallocate() }

    package func removeAll() {
        count = 0
        guard isString else { return }
        offsets.removeAll(keepingCapacity: true)
        offsets.append(0)
        bytes.removeAll(keepingCapacity: true)
    }

    package func key(_ index: Int) -> CustomerKey {
        precondition(index < count)
        guard isString else { return .integer(integers[index]) }
        return .string(String(decoding: bytes[Int(offsets[index])..<Int(offsets[index + 1])], as: UTF8.self))
    }

    /// The strings as a sorted dictionary whose code i is customer i.
    ///
    /// O(bytes).
    package func dictionary() -> StringDictionary {
        precondition(isString)
        return StringDictionary(offsets: offsets, bytes: bytes, isSorted: true)
    }

    /// Makes room for integer keys.
    func reserve(_ minimum: Int) {
        guard minimum > capacity else { return }
        let grown = UnsafeMutablePointer<Int64>.allocate(capacity: max(minimum, capacity * 2))
        grown.update(from: integers, count: isString ? 0 : count)
        integers.deallocate()
        integers = grown
        capacity = max(minimum, capacity * 2)
    }

    /// Tells that `count` integer keys were written behind ``reserve(_:)``.
    func setCount(_ count: Int) {
        precondition(!isString && count <= capacity)
        self.count = count
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
            reserve(count + range.count)
            (integers + count).update(from: block.keys + range.lowerBound, count: range.count)
        }
        count += range.count
    }

    /// Appends key `index` of another list.
    package func append(_ other: CustomerKeyList, _ index: Int) {
        if isString {
            bytes.append(contentsOf: other.bytes[Int(other.offsets[index])..<Int(other.offsets[index + 1])])
            offsets.append(UInt32(bytes.count))
        } else {
            reserve(count + 1)
            integers[count] = other.integers[index]
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
