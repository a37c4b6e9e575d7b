import DukkanFormat

/// Gives each distinct string of a column a code, in order of first appearance.
///
/// Kept over many chunks, so that a column with few values pays for each once. Owns raw memory; belongs to one thread.
final class StringInterner {
    /// Once a chunk ends with more strings or bytes than these, the next one begins anew.
    static let countMax = 1 << 16
    static let byteCountMax = 4 << 20

    private(set) var count = 0
    /// Code + 1 in the low half, the high half of the hash in the high one; 0 is free.
    private var slots: UnsafeMutablePointer<UInt64>
    private var slotMask: Int
    private var offsets: UnsafeMutablePointer<UInt32>
    private var offsetCapacity: Int
    private var bytes: UnsafeMutablePointer<UInt8>
    private var byteCapacity: Int
    private(set) var byteCount = 0
    /// Short strings met last, by a piece of their hash.
    private let recent: UnsafeMutablePointer<Recent>

    /// The bytes of a string of at most eight, and its code.
    fileprivate struct Recent {
        var word: UInt64
        /// Too long for a short string where there is none.
        var length: UInt32
        var code: UInt32

        static let none = Recent(word: 0, length: .max, code: 0)
        static let slotCount = 256
    }

    /// The dictionary handed out last, good while no string came after it.
    private var current: StringDictionary?

    init() {
        slotMask = 1_023
        slots = .allocate(capacity: slotMask + 1)
        slots.initialize(repeating: 0, count: slotMask + 1)
        offsetCapacity = 512
        offsets = .allocate(capacity: offsetCapacity)
        offsets[0] = 0
        byteCapacity = 8_192
        bytes = .allocate(capacity: byteCapacity)
        recent = .allocate(capacity: Recent.slotCount)
        recent.initialize(repeating: .none, count: Recent.slotCount)
    }

    deinit {
        slots.deallocate()
        offsets.deallocate()
        bytes.deallocate()
        recent.deallocate()
    }

    /// What a search needs, good until the next string comes.
    var table: Table { Table(slots: slots, mask: slotMask, offsets: offsets, bytes: bytes, recent: recent) }

    /// The strings as plain pointers, which a loop over rows reads without asking for exclusive access.
    struct Table {
        fileprivate let slots: UnsafeMutablePointer<UInt64>
        fileprivate let mask: Int
        fileprivate let offsets: UnsafeMutablePointer<UInt32>
        fileprivate let bytes: UnsafeMutablePointer<UInt8>
        fileprivate let recent: UnsafeMutablePointer<Recent>

        /// The code of `length` bytes, at least one; nil when they are not there yet.
        ///
        /// Most columns have few strings, and short ones. Reads up to seven bytes past them.
        @inline(__always)
        func find(_ text: UnsafePointer<UInt8>, _ length: Int) -> UInt32? {
            guard length <= 8 else { return find(text, length, hash: StringInterner.hash(text, length)) }
            let word = ByteWord.load(text) & (UInt64.max >> UInt64(64 - 8 * length))
            let slot = recent + Int(truncatingIfNeeded: (word &* 0x9E37_79B9_7F4A_7C15) >> 56)
            if slot.pointee.word == word, slot.pointee.length == UInt32(length) { return slot.pointee.code }
            guard let code = find(text, length, hash: StringInterner.hash(text, length)) else { return nil }
            slot.pointee = Recent(word: word, length: UInt32(length), code: code)
            return code
        }

        /// The code of `length` bytes; nil when they are not there yet.
        ///
        /// Reads up to seven bytes past them.
        @inline(__always)
        func find(_ text: UnsafePointer<UInt8>, _ length: Int, hash: UInt64) -> UInt32? {
            var slot = Int(truncatingIfNeeded: hash) & mask
            let tag = hash & 0xFFFF_FFFF_0000_0000
            while true {
                let entry = slots[slot]
                if entry == 0 { return nil }
                if entry & 0xFFFF_FFFF_0000_0000 == tag {
                    let code = Int(entry & 0xFFFF_FFFF) - 1
                    let start = Int(offsets[code])
                    if Int(offsets[code + 1]) - start == length, StringInterner.equal(bytes + start, text, length) {
                        return UInt32(truncatingIfNeeded: code)
                    }
                }
                slot = (slot + 1) & mask
            }
        }
    }

    /// Adds bytes that are not there yet.
    func insert(_ text: UnsafePointer<UInt8>, _ length: Int, hash: UInt64) -> UInt32 {
        if 2 * count > slotMask { growSlots() }
        if count + 2 > offsetCapacity { growOffsets() }
        if byteCount + length + 8 > byteCapacity { growBytes(byteCount + length + 8) }
        (bytes + byteCount).update(from: text, count: length)
        byteCount += length
        let code = count
        count += 1
        offsets[count] = UInt32(byteCount)
        place(code, hash)
        current = nil
        return UInt32(code)
    }

    /// All strings by code; the same object as before if none came since.
    func dictionary() -> StringDictionary {
        if let current { return current }
        let made = StringDictionary(
            offsets: Array(UnsafeBufferPointer(start: offsets, count: count + 1)),
            bytes: Array(UnsafeBufferPointer(start: bytes, count: byteCount)), isSorted: count <= 1)
        current = made
        return made
    }

    /// Forgets the strings if they have become many.
    ///
    /// Codes handed out before no longer hold.
    func trim() {
        guard count > StringInterner.countMax || byteCount > StringInterner.byteCountMax else { return }
        slots.update(repeating: 0, count: slotMask + 1)
        recent.update(repeating: .none, count: Recent.slotCount)
        (count, byteCount, current) = (0, 0, nil)
    }

    /// A hash of `length` bytes.
    ///
    /// Reads up to seven bytes past them.
    @inline(__always)
    static func hash(_ text: UnsafePointer<UInt8>, _ length: Int) -> UInt64 {
        var hash = UInt64(truncatingIfNeeded: length) &* 0x9E37_79B9_7F4A_7C15
        var at = 0
        while at + 8 <= length {
            hash = mix(hash ^ ByteWord.load(text + at))
            at += 8
        }
        if at < length {
            let kept = UInt64.max >> UInt64(64 - 8 * (length - at))
            hash = mix(hash ^ (ByteWord.load(text + at) & kept))
        }
        return hash
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low
    }

    @inline(__always)
    fileprivate static func equal(_ a: UnsafePointer<UInt8>, _ b: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        var at = 0
        while at + 8 <= length {
            if ByteWord.load(a + at) != ByteWord.load(b + at) { return false }
            at += 8
        }
        guard at < length else { return true }
        return (ByteWord.load(a + at) ^ ByteWord.load(b + at)) << UInt64(64 - 8 * (length - at)) == 0
    }

    private func place(_ code: Int, _ hash: UInt64) {
        var slot = Int(truncatingIfNeeded: hash) & slotMask
        while slots[slot] != 0 { slot = (slot + 1) & slotMask }
        slots[slot] = hash & 0xFFFF_FFFF_0000_0000 | UInt64(code + 1)
    }

    private func growSlots() {
        slots.deallocate()
        slotMask = 2 * slotMask + 1
        slots = .allocate(capacity: slotMask + 1)
        slots.initialize(repeating: 0, count: slotMask + 1)
        for code in 0..<count {
            let start = Int(offsets[code])
            place(code, StringInterner.hash(bytes + start, Int(offsets[code + 1]) - start))
        }
    }

    private func growOffsets() {
        let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: 2 * offsetCapacity)
        grown.update(from: offsets, count: count + 1)
        offsets.deallocate()
        (offsets, offsetCapacity) = (grown, 2 * offsetCapacity)
    }

    private func growBytes(_ minimum: Int) {
        let capacity = max(minimum, 2 * byteCapacity)
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
        grown.update(from: bytes, count: byteCount)
        bytes.deallocate()
        (bytes, byteCapacity) = (grown, capacity)
    }
}
