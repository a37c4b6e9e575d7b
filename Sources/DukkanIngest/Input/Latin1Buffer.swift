/// Turns ISO 8859-1 into UTF-8.
struct Latin1Buffer {
    private var raw = [UInt8](repeating: 0, count: 64 << 10)
    private var converted: [UInt8] = []
    private var at = 0

    /// Writes UTF-8; 0 at the end only.
    ///
    /// `readMore` reads Latin-1 bytes, 0 at the end.
    mutating func read(
        into output: UnsafeMutableRawBufferPointer, readMore: (UnsafeMutableRawBufferPointer) throws -> Int
    ) throws -> Int {
        if at == converted.count {
            let got = try raw.withUnsafeMutableBytes { try readMore($0) }
            converted = Latin1Buffer.utf8(raw[..<got])
            at = 0
        }
        let count = min(output.count, converted.count - at)
        converted.withUnsafeBytes { output.copyMemory(from: .init(rebasing: $0[at..<at + count])) }
        at += count
        return count
    }

    /// The same characters as UTF-8.
    static func utf8(_ latin1: some Collection<UInt8>) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(latin1.count + latin1.count / 8)
        for byte in latin1 {
            if byte < 0x80 {
                bytes.append(byte)
            } else {
                bytes.append(0xC0 | byte >> 6)
                bytes.append(0x80 | byte & 0x3F)
            }
        }
        return bytes
    }
}
