import DukkanFormat

/// Appends numbers and texts to bytes, for the manifest and deletion files.
struct ByteWriter {
    private(set) var bytes: [UInt8] = []

    mutating func fixed<Number: FixedWidthInteger>(_ value: Number) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Seven bits a byte, lowest first, the high bit set in all but the last.
    mutating func variable(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    mutating func variable(_ value: Int) { variable(UInt64(value)) }

    mutating func text(_ text: String) {
        variable(text.utf8.count)
        bytes.append(contentsOf: text.utf8)
    }

    mutating func identifier(_ identifier: PartIdentifier) {
        fixed(identifier.high)
        fixed(identifier.low)
    }
}

/// Reads what ``ByteWriter`` wrote; every read is checked against the end of the bytes and a named limit.
struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private(set) var offset: Int
    private let what: String

    init(_ bytes: ArraySlice<UInt8>, what: String) {
        self.bytes = bytes
        self.what = what
        offset = bytes.startIndex
    }

    var isAtEnd: Bool { offset == bytes.endIndex }
    var remaining: Int { bytes.endIndex - offset }

    func corrupt(_ message: String) -> DukkanError {
        DukkanError(.corrupt, "the \(what) \(message)", place: .init(offset: offset))
    }

    mutating func fixed<Number: FixedWidthInteger>(_ type: Number.Type = Number.self) throws -> Number {
        let size = MemoryLayout<Number>.size
        guard remaining >= size else { throw corrupt("ends within a number") }
        var value = Number.zero
        for i in (0..<size).reversed() { value = (value << 8) | Number(truncatingIfNeeded: bytes[offset + i]) }
        offset += size
        return value
    }

    mutating func variable() throws -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            guard offset < bytes.endIndex else { throw corrupt("ends within a number") }
            let byte = bytes[offset]
            offset += 1
            if shift == 63 && byte > 1 { throw corrupt("holds a number of more than 64 bits") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    mutating func count(max: Int, of name: String) throws -> Int {
        let value = try variable()
        guard value <= UInt64(max) else { throw corrupt("names \(value) \(name), at most \(max) are possible") }
        return Int(value)
    }

    mutating func text(byteCountMax: Int, of name: String) throws -> String {
        let count = try count(max: byteCountMax, of: "bytes of a \(name)")
        guard remaining >= count else { throw corrupt("ends within a \(name)") }
        defer { offset += count }
        guard let text = String(validating: bytes[offset..<offset + count], as: UTF8.self) else {
            throw corrupt("holds a \(name) that is not UTF-8")
        }
        return text
    }

    mutating func identifier() throws -> PartIdentifier {
        let high = try fixed(UInt64.self)
        return PartIdentifier(high: high, low: try fixed())
    }

    mutating func flag() throws -> Bool {
        let value = try fixed(UInt8.self)
        guard value <= 1 else { throw corrupt("holds a flag of value \(value)") }
        return value == 1
    }
}
