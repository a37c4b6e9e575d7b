/// Appends numbers in the forms of the file format to a growing array of bytes.
struct ByteWriter {
    var bytes: [UInt8] = []

    var count: Int { bytes.count }

    mutating func append(_ byte: UInt8) { bytes.append(byte) }

    mutating func append(_ other: [UInt8]) { bytes.append(contentsOf: other) }

    mutating func append(_ other: UnsafeBufferPointer<UInt8>) { bytes.append(contentsOf: other) }

    mutating func appendUInt32(_ value: UInt32) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func appendUInt64(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    mutating func append(_ identifier: PartIdentifier) {
        appendUInt64(identifier.high)
        appendUInt64(identifier.low)
    }

    /// Seven bits a byte, lowest first, the high bit set on all bytes but the last.
    mutating func appendVarint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func appendVarint(_ value: Int) { appendVarint(UInt64(value)) }

    /// A signed number as 0, -1, 1, -2, 2, … in the form of ``appendVarint(_:)``.
    mutating func appendSigned(_ value: Int64) {
        appendVarint(UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)))
    }

    /// As ``appendSigned(_:)``, of up to 19 bytes.
    mutating func appendSigned(_ value: Int128) {
        var rest = UInt128(truncatingIfNeeded: (value &<< 1) ^ (value &>> 127))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func appendString(_ string: String) {
        appendVarint(string.utf8.count)
        bytes.append(contentsOf: string.utf8)
    }

    /// Appends `count` zero bytes and lets `body` fill them.
    mutating func fill(_ count: Int, _ body: (UnsafeMutablePointer<UInt8>) -> Void) {
        guard count > 0 else { return }
        let at = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: count))
        bytes.withUnsafeMutableBufferPointer { body($0.baseAddress! + at) }
    }

    /// Bytes that a number takes in the form of ``appendVarint(_:)``.
    static func varintByteCount(_ value: UInt64) -> Int {
        value == 0 ? 1 : (70 - value.leadingZeroBitCount) / 7
    }

    static func signedByteCount(_ value: Int64) -> Int {
        varintByteCount(UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)))
    }
}
