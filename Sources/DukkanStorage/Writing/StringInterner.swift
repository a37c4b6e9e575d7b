import DukkanFormat

/// Distinct byte strings, numbered from 0 in order of first appearance.
final class StringInterner {
    private(set) var count = 0
    private var bytes: UnsafeMutablePointer<UInt8>
    private var bytesCapacity = 1 << 12
    private(set) var byteCount = 0
    /// `count + 1` entries.
    private var offsets: UnsafeMutablePointer<UInt32>
    private var offsetsCapacity = 1 << 8
    /// Open addressing: the high half is a piece of the hash, the low half the code + 1; 0 is free.
    private var slots: UnsafeMutablePointer<UInt64>
    private var slotCount = 1 << 9

    init() {
        bytes = .allocate(capacity: bytesCapacity)
        offsets = .allocate(capacity: offsetsCapacity)
        offsets[0] = 0
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: 0, count: slotCount)
    }

    deinit {
        bytes.deallocate()
        offsets.deallocate()
        slots.deallocate()
    }

    /// Bytes of memory held.
    var memoryByteCount: Int { bytesCapacity + offsetsCapacity * 4 + slotCount * 8 }

    func removeAll() {
        count = 0
        byteCount = 0
        slots.update(repeating: 0, count: slotCount)
    }

    @inline(__always)
    func string(_ code: Int) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(start: bytes + Int(offsets[code]), count: Int(offsets[code + 1] - offsets[code]))
    }

    /// The code of a string, new if it was not there.
    ///
    /// Amortised O(bytes). The total of all bytes must stay below `StringDictionary.byteCountMax`; the caller spills
    /// before.
    func intern(_ key: UnsafeBufferPointer<UInt8>) -> UInt32 {
        let hash = StringInterner.hash(key)
        let mask = slotCount - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        let tag = hash & 0xFFFF_FFFF_0000_0000
        while true {
            let entry = slots[slot]
            if entry == 0 { break }
            if entry & 0xFFFF_FFFF_0000_0000 == tag {
                let code = Int(entry & 0xFFFF_FFFF) - 1
                if StringInterner.equal(string(code), key) { return UInt32(code) }
            }
            slot = (slot + 1) & mask
        }
        slots[slot] = tag | UInt64(count + 1)
        append(key)
        if count * 2 > slotCount { grow() }
        return UInt32(count - 1)
    }

    /// The code of a string, nil if it is not there.
    func find(_ key: UnsafeBufferPointer<UInt8>) -> UInt32? {
        let hash = StringInterner.hash(key)
        let mask = slotCount - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        let tag = hash & 0xFFFF_FFFF_0000_0000
        while true {
            let entry = slots[slot]
            if entry == 0 { return nil }
            if entry & 0xFFFF_FFFF_0000_0000 == tag {
                let code = Int(entry & 0xFFFF_FFFF) - 1
                if StringInterner.equal(string(code), key) { return UInt32(code) }
            }
            slot = (slot + 1) & mask
        }
    }

    /// All strings in the order of their codes.
    func dictionary() -> StringDictionary {
        StringDictionary(
            offsets: Array(UnsafeBufferPointer(start: offsets, count: count + 1)),
            bytes: Array(UnsafeBufferPointer(start: bytes, count: byteCount)), isSorted: count <= 1)
    }

    /// Codes in the order of their strings' bytes.
    ///
    /// O(count log count).
    func sortedCodes() -> [UInt32] {
        var entries: [(prefix: UInt64, code: UInt32)] = []
        entries.reserveCapacity(count)
        for code in 0..<count { entries.append((StringInterner.prefix(string(code)), UInt32(code))) }
        entries.sort { a, b in
            if a.prefix != b.prefix { return a.prefix < b.prefix }
            return StringDictionary.compare(string(Int(a.code)), string(Int(b.code))) < 0
        }
        return entries.map(\.code)
    }

    /// The strings of some codes as a dictionary.
    ///
    /// O(bytes).
    func dictionary(of codes: [UInt32], isSorted: Bool) -> StringDictionary {
        var newOffsets: [UInt32] = []
        newOffsets.reserveCapacity(codes.count + 1)
        newOffsets.append(0)
        var newBytes: [UInt8] = []
        newBytes.reserveCapacity(codes.reduce(0) { $0 + string(Int($1)).count })
        for code in codes {
            newBytes.append(contentsOf: string(Int(code)))
            newOffsets.append(UInt32(newBytes.count))
        }
        return StringDictionary(offsets: newOffsets, bytes: newBytes, isSorted: isSorted)
    }

    /// The first eight bytes as a number that sorts as they do.
    @inline(__always)
    static func prefix(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
        var value: UInt64 = 0
        for i in 0..<min(8, key.count) { value |= UInt64(key[i]) << UInt64(56 - 8 * i) }
        return value
    }

    private func append(_ key: UnsafeBufferPointer<UInt8>) {
        if byteCount + key.count > bytesCapacity {
            let capacity = max(byteCount + key.count, bytesCapacity * 2)
            let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
            grown.update(from: bytes, count: byteCount)
            bytes.deallocate()
            bytes = grown
            bytesCapacity = capacity
        }
        if count + 2 > offsetsCapacity {
            let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: offsetsCapacity * 2)
            grown.update(from: offsets, count: count + 1)
            offsets.deallocate()
            offsets = grown
            offsetsCapacity *= 2
        }
        if let start = key.baseAddress { (bytes + byteCount).update(from: start, count: key.count) }
        byteCount += key.count
        count += 1
        offsets[count] = UInt32(byteCount)
    }

    private func grow() {
        slots.deallocate()
        slotCount *= 2
        slots = .allocate(capacity: slotCount)
        slots.initialize(repeating: 0, count: slotCount)
        let mask = slotCount - 1
        for code in 0..<count {
            let hash = StringInterner.hash(string(code))
            var slot = Int(truncatingIfNeeded: hash) & mask
            while slots[slot] != 0 { slot = (slot + 1) & mask }
            slots[slot] = (hash & 0xFFFF_FFFF_0000_0000) | UInt64(code + 1)
        }
    }

    @inline(__always)
    private static func equal(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Bool {
        guard a.count == b.count else { return false }
        var i = 0
        while i < a.count {
            if a[i] != b[i] { return false }
            i += 1
        }
        return true
    }

    /// Multiply and fold, eight bytes a step.
    @inline(__always)
    static func hash(_ key: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let raw = UnsafeRawBufferPointer(key)
        var state: UInt64 = 0x9E37_79B9_7F4A_7C15 ^ UInt64(truncatingIfNeeded: key.count)
        var at = 0
        while at + 8 <= raw.count {
            state = mix(state ^ raw.loadUnaligned(fromByteOffset: at, as: UInt64.self), 0xD6E8_FEB8_6659_FD93)
            at += 8
        }
        var rest: UInt64 = 0
        while at < raw.count {
            rest = (rest << 8) | UInt64(raw[at])
            at += 1
        }
        return mix(state ^ rest, 0xA076_1D64_78BD_642F)
    }

    @inline(__always)
    static func mix(_ a: UInt64, _ b: UInt64) -> UInt64 {
        let product = a.multipliedFullWidth(by: b)
        return product.high ^ product.low
    }
}
