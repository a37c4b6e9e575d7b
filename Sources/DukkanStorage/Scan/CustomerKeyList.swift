package import DukkanFormat

/// The ascending customer keys of a range of rows: integers, or strings as bytes one behind the other.
///
/// One list serves one worker and is refilled from morsel to morsel, so that no key costs an allocation.
package final class CustomerKeyList {
    package let isString: Bool
    package private(set) var count = 0
    /// The keys of an integer store; of a string store the heads of the keys (``CustomerKeys/head(_:_:)``).
    ///
    /// Moves when the list grows.
    package private(set) var integers: UnsafeMutablePointer<Int64> = KeptMemory.allocate(64)
    private var capacity = 64
    /// Of a string store: `offsets[i] ..< offsets[i + 1]` are the bytes of key i.
    private var offsets = UnsafeMutablePointer<UInt32>.allocate(capacity: 65)
    private var bytes = UnsafeMutablePointer<UInt8>.allocate(capacity: 1_024)
    private var byteCapacity = 1_024

    package init(isString: Bool) {
        self.isString = isString
        offsets[0] = 0
    }

    /// A list of the same keys.
    convenience init(copying other: CustomerKeyList) {
        self.init(isString: other.isString)
        reserve(other.count)
        integers.update(from: other.integers, count: other.count)
        if isString {
            let length = Int(other.offsets[other.count])
            reserveBytes(length)
            bytes.update(from: other.bytes, count: length)
            offsets.update(from: other.offsets, count: other.count + 1)
        }
        count = other.count
    }

    /// What the list takes, about.
    var byteCount: Int { capacity * (isString ? 12 : 8) + (isString ? byteCapacity : 0) }

    deinit {
        KeptMemory.release(integers, capacity)
        offsets.deallocate()
        bytes.deallocate()
    }

    package func removeAll() { count = 0 }

    /// The keys as they lie; good until the list changes.
    var keys: CustomerKeys {
        CustomerKeys(
            isString: isString, integers: UnsafePointer(integers), offsets: UnsafePointer(offsets),
            bytes: UnsafePointer(bytes))
    }

    package func key(_ index: Int) -> CustomerKey {
        precondition(index < count)
        guard isString else { return .integer(integers[index]) }
        return .string(String(decoding: keys.string(index), as: UTF8.self))
    }

    /// The strings as a sorted dictionary whose code i is customer i.
    ///
    /// O(bytes).
    package func dictionary() -> StringDictionary {
        precondition(isString)
        return StringDictionary(
            offsets: Array(UnsafeBufferPointer(start: offsets, count: count + 1)),
            bytes: Array(UnsafeBufferPointer(start: bytes, count: Int(offsets[count]))), isSorted: true)
    }

    /// Makes room for keys, of strings without their bytes.
    func reserve(_ minimum: Int) {
        guard minimum > capacity else { return }
        let wanted = max(minimum, capacity * 2)
        let grown: UnsafeMutablePointer<Int64> = KeptMemory.allocate(wanted)
        grown.update(from: integers, count: count)
        KeptMemory.release(integers, capacity)
        integers = grown
        if isString {
            let grownOffsets = UnsafeMutablePointer<UInt32>.allocate(capacity: wanted + 1)
            grownOffsets.update(from: offsets, count: count + 1)
            offsets.deallocate()
            offsets = grownOffsets
        }
        capacity = wanted
    }

    private func reserveBytes(_ minimum: Int) {
        guard minimum > byteCapacity else { return }
        let wanted = max(minimum, byteCapacity * 2)
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: wanted)
        grown.update(from: bytes, count: Int(offsets[count]))
        bytes.deallocate()
        bytes = grown
        byteCapacity = wanted
    }

    /// Tells that `count` integer keys were written behind ``reserve(_:)``.
    func setCount(_ count: Int) {
        precondition(!isString && count <= capacity)
        self.count = count
    }

    /// Appends keys `range` of a block's directory.
    package func append(_ block: CustomerBlock, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        reserve(count + range.count)
        if isString {
            block.strings.offsets.withUnsafeBufferPointer { offsets in
                block.strings.bytes.withUnsafeBufferPointer { appendStrings(offsets, $0, range) }
            }
        } else {
            (integers + count).update(from: block.keys + range.lowerBound, count: range.count)
        }
        count += range.count
    }

    private func appendStrings(
        _ source: UnsafeBufferPointer<UInt32>, _ sourceBytes: UnsafeBufferPointer<UInt8>, _ range: Range<Int>
    ) {
        let first = source[range.lowerBound], length = Int(source[range.upperBound] - first)
        guard length > 0, let from = sourceBytes.baseAddress else {
            for i in 0..<range.count {
                integers[count + i] = CustomerKeys.head(bytes, 0)
                offsets[count + i + 1] = offsets[count]
            }
            return
        }
        let base = offsets[count]
        reserveBytes(Int(base) + length)
        (bytes + Int(base)).update(from: from + Int(first), count: length)
        let heads = integers + count, ends = offsets + count + 1, copied = UnsafePointer(bytes)
        var start = base
        for i in 0..<range.count {
            let end = source[range.lowerBound + i + 1] - first + base
            heads[i] = CustomerKeys.head(copied + Int(start), Int(end - start))
            ends[i] = end
            start = end
        }
    }

    /// Appends key `index` of another list.
    package func append(_ other: CustomerKeyList, _ index: Int) { append(other.keys, index) }

    /// Appends key `index` of another list.
    @inline(__always)
    func append(_ other: CustomerKeys, _ index: Int) {
        let at = count
        reserve(at + 1)
        integers[at] = other.integers[index]
        if isString {
            let string = other.string(index), base = Int(offsets[at])
            reserveBytes(base + string.count)
            if let from = string.baseAddress { (bytes + base).update(from: from, count: string.count) }
            offsets[at + 1] = UInt32(base + string.count)
        }
        count = at + 1
    }

    /// Whether the last key held equals key `index` of a block's directory.
    package func lastEquals(_ block: CustomerBlock, _ index: Int) -> Bool {
        guard count > 0 else { return false }
        if !isString { return integers[count - 1] == block.keys[index] }
        return block.strings.withBytes(index) { StringDictionary.compare(keys.string(count - 1), $0) == 0 }
    }

    /// Negative, 0 or positive as key `index` is less than, equal to or greater than key `otherIndex` of `other`.
    package func compare(_ index: Int, _ other: CustomerKeyList, _ otherIndex: Int) -> Int {
        keys.compare(index, other.keys, otherIndex)
    }
}

/// The keys of a list as they lie in memory, for loops over customers.
struct CustomerKeys {
    let isString: Bool
    let integers: UnsafePointer<Int64>
    let offsets: UnsafePointer<UInt32>
    let bytes: UnsafePointer<UInt8>

    /// The first eight bytes of a string as a number that orders as they do; missing bytes count as 0.
    ///
    /// Where the heads of two strings differ they order as the strings do.
    @inline(__always)
    static func head(_ text: UnsafePointer<UInt8>, _ count: Int) -> Int64 {
        var word: UInt64 = 0
        if count >= 8 {
            word = UInt64(bigEndian: UnsafeRawPointer(text).loadUnaligned(as: UInt64.self))
        } else {
            for i in 0..<count { word |= UInt64(text[i]) << UInt64(56 - 8 * i) }
        }
        // The lowest number of all for the lowest bytes.
        return Int64(bitPattern: word ^ 1 << 63)
    }

    /// Integer keys that lie elsewhere.
    func replacing(_ integers: UnsafePointer<Int64>) -> CustomerKeys {
        CustomerKeys(isString: isString, integers: integers, offsets: offsets, bytes: bytes)
    }

    @inline(__always)
    func string(_ index: Int) -> UnsafeBufferPointer<UInt8> {
        let start = Int(offsets[index])
        return UnsafeBufferPointer(start: bytes + start, count: Int(offsets[index + 1]) - start)
    }

    /// Negative, 0 or positive as key `index` is less than, equal to or greater than key `otherIndex` of `other`.
    @inline(__always)
    func compare(_ index: Int, _ other: CustomerKeys, _ otherIndex: Int) -> Int {
        let a = integers[index], b = other.integers[otherIndex]
        if a != b { return a < b ? -1 : 1 }
        return isString ? StringDictionary.compare(string(index), other.string(otherIndex)) : 0
    }
}
