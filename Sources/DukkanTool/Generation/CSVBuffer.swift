/// Bytes of CSV rows in the making.
///
/// One thread fills it.
struct CSVBuffer: ~Copyable {
    private var storage: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    private(set) var count = 0

    /// Room that ``beginRow()`` makes: no generated row is longer.
    static let rowByteCountMax = 1024

    init() {
        capacity = 1 << 16
        storage = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity)
    }

    deinit { storage.deallocate() }

    /// Everything so far, once; the buffer is empty afterwards.
    mutating func take() -> [UInt8] {
        let bytes = Array(UnsafeBufferPointer(start: storage, count: count))
        count = 0
        return bytes
    }

    /// Makes room for a row.
    ///
    /// Every row starts with it; the calls that follow do not check again.
    mutating func beginRow() {
        guard capacity - count < CSVBuffer.rowByteCountMax else { return }
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2)
        grown.update(from: storage, count: count)
        storage.deallocate()
        storage = grown
        capacity *= 2
    }

    mutating func endRow() { byte(UInt8(ascii: "\n")) }

    @inline(__always)
    mutating func byte(_ value: UInt8) {
        storage[count] = value
        count += 1
    }

    @inline(__always)
    mutating func comma() { byte(UInt8(ascii: ",")) }

    mutating func text(_ bytes: [UInt8]) {
        bytes.withUnsafeBufferPointer { (storage + count).update(from: $0.baseAddress!, count: $0.count) }
        count += bytes.count
    }

    /// A whole number, 0 or more.
    mutating func integer(_ value: Int) {
        var digits = 1, limit = 10
        while digits < 18 && value >= limit {
            digits += 1
            limit *= 10
        }
        padded(value, digits: digits)
    }

    /// A whole number in exactly `digits` digits.
    @inline(__always)
    mutating func padded(_ value: Int, digits: Int) {
        var rest = value
        var at = count + digits - 1
        while at >= count {
            storage[at] = UInt8(truncatingIfNeeded: 48 + rest % 10)
            rest /= 10
            at -= 1
        }
        count += digits
    }

    /// An amount in hundredths, as `12.34`.
    mutating func money(_ cents: Int) {
        integer(cents / 100)
        byte(UInt8(ascii: "."))
        padded(cents % 100, digits: 2)
    }

    /// Sixteen hexadecimal digits.
    mutating func hexadecimal(_ value: UInt64) {
        var shift: UInt64 = 64
        while shift > 0 {
            shift -= 4
            let digit = UInt8(truncatingIfNeeded: (value >> shift) & 15)
            byte(digit < 10 ? 48 + digit : 87 + digit)
        }
    }

    /// `date`, a blank, and the time of day, as `2025-01-02 03:04:05.678`.
    mutating func time(_ date: [UInt8], millisecondOfDay: Int) {
        text(date)
        byte(UInt8(ascii: " "))
        let second = millisecondOfDay / 1000
        padded(second / 3600, digits: 2)
        byte(UInt8(ascii: ":"))
        padded(second / 60 % 60, digits: 2)
        byte(UInt8(ascii: ":"))
        padded(second % 60, digits: 2)
        byte(UInt8(ascii: "."))
        padded(millisecondOfDay % 1000, digits: 3)
    }
}
