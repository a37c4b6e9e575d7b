/// Reads numbers in the forms of the file format, and throws `corrupt` instead of reading past the end.
///
/// Holds a pointer into the caller's bytes and lives no longer than they do.
struct ByteReader {
    private(set) var at: UnsafePointer<UInt8>
    let end: UnsafePointer<UInt8>

    init(_ bytes: UnsafeRawBufferPointer) {
        // An empty buffer may have no address; any address serves, since nothing is read there.
        let base = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64)!
        at = base.assumingMemoryBound(to: UInt8.self)
        end = at + bytes.count
    }

    var remaining: Int { end - at }
    var isAtEnd: Bool { at == end }

    /// The next `count` bytes, which are skipped.
    @inline(__always)
    mutating func take(_ count: Int) throws(DukkanError) -> UnsafePointer<UInt8> {
        guard count >= 0, count <= end - at else { throw corrupt("a block ends too early") }
        defer { at += count }
        return at
    }

    @inline(__always)
    mutating func byte() throws(DukkanError) -> UInt8 {
        guard at < end else { throw corrupt("a block ends too early") }
        defer { at += 1 }
        return at.pointee
    }

    /// The next byte, which stays; nil at the end.
    var next: UInt8? { at < end ? at.pointee : nil }

    mutating func uint32() throws(DukkanError) -> UInt32 {
        UInt32(littleEndian: UnsafeRawPointer(try take(4)).loadUnaligned(as: UInt32.self))
    }

    mutating func uint64() throws(DukkanError) -> UInt64 {
        UInt64(littleEndian: UnsafeRawPointer(try take(8)).loadUnaligned(as: UInt64.self))
    }

    mutating func identifier() throws(DukkanError) -> PartIdentifier {
        PartIdentifier(high: try uint64(), low: try uint64())
    }

    @inline(__always)
    mutating func varint() throws(DukkanError) -> UInt64 {
        if at < end, at.pointee < 0x80 {
            defer { at += 1 }
            return UInt64(at.pointee)
        }
        return try longVarint()
    }

    private mutating func longVarint() throws(DukkanError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            value |= UInt64(next & 0x7F) &<< shift
            if next < 0x80 {
                // One number, one form: nothing past 64 bits and no empty last byte.
                guard shift < 63 || next <= 1, next != 0 || shift == 0 else { break }
                return value
            }
            shift += 7
            if shift > 63 { break }
        }
        throw corrupt("a number has an impossible form")
    }

    /// A count, size or place that must be at most `maximum`.
    @inline(__always)
    mutating func count(_ maximum: Int, _ what: StaticString) throws(DukkanError) -> Int {
        let value = try varint()
        guard value <= UInt64(maximum) else { throw corrupt("\(what): \(value) is over the limit of \(maximum)") }
        return Int(value)
    }

    @inline(__always)
    mutating func signed() throws(DukkanError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: (value &>> 1) ^ (0 &- (value & 1)))
    }

    mutating func signed128() throws(DukkanError) -> Int128 {
        var value: UInt128 = 0
        var shift: UInt128 = 0
        while true {
            let next = try byte()
            value |= UInt128(next & 0x7F) &<< shift
            if next < 0x80 {
                guard shift < 126 || next <= 3, next != 0 || shift == 0 else { break }
                return Int128(truncatingIfNeeded: (value &>> 1) ^ (0 &- (value & 1)))
            }
            shift += 7
            if shift > 126 { break }
        }
        throw corrupt("a number has an impossible form")
    }

    mutating func string(_ maximum: Int, _ what: StaticString) throws(DukkanError) -> String {
        let length = try count(maximum, what)
        let bytes = UnsafeBufferPointer(start: try take(length), count: length)
        guard let string = String(validating: bytes, as: UTF8.self) else { throw corrupt("\(what) is not UTF-8") }
        return string
    }
}

/// The error of bytes that do not have the form that they must have.
@inline(never)
func corrupt(_ message: String) -> DukkanError {
    DukkanError(.corrupt, message)
}
