/// The contents of a TZif file (RFC 8536): a table of changes and the rule for the time after it.
struct ZoneFile: Sendable {
    /// Seconds UTC, strictly ascending.
    var transitions: [Int64] = []
    /// Seconds east; one more than `transitions`: the first holds before all of them.
    var offsets: [Int64] = []
    /// The rule of the footer.
    var rule: PosixRule?

    static let transitionCountMax = 10_000
    static let typeCountMax = 256
    static let footerBytesMax = 256
    /// Changes lie within this many seconds of 1970, about 34,000 years.
    static let secondMax: Int64 = 1 << 40
    private static let headerBytes = 44

    /// Reads version 1, 2, 3 or 4; nil when the bytes do not follow the format.
    init?(parsing bytes: [UInt8]) {
        guard let first = Header(bytes, at: 0) else { return nil }
        if first.version == 0 {
            guard readBody(bytes, first, at: ZoneFile.headerBytes, timeBytes: 4) != nil else { return nil }
            return
        }
        // From version 2 on a second body with 64-bit times follows the first.
        let secondAt = ZoneFile.headerBytes + first.bodyBytes(timeBytes: 4)
        guard let second = Header(bytes, at: secondAt),
            let end = readBody(bytes, second, at: secondAt + ZoneFile.headerBytes, timeBytes: 8)
        else { return nil }
        guard end < bytes.count, bytes[end] == 10,
            let close = bytes[(end + 1)...].prefix(ZoneFile.footerBytesMax).firstIndex(of: 10)
        else { return nil }
        if close > end + 1 {
            guard let parsed = PosixRule(parsing: bytes[(end + 1)..<close]) else { return nil }
            rule = parsed
        }
    }

    private struct Header {
        var version: UInt8
        var universalCount, standardCount, leapCount, transitionCount, typeCount, nameBytes: Int

        init?(_ bytes: [UInt8], at: Int) {
            guard at >= 0, at + ZoneFile.headerBytes <= bytes.count, bytes[at..<at + 4].elementsEqual("TZif".utf8)
            else { return nil }
            version = bytes[at + 4]
            func count(_ index: Int) -> Int { Int(ZoneFile.bigEndian(bytes, at + 20 + 4 * index, 4) & 0xFFFF_FFFF) }
            universalCount = count(0)
            standardCount = count(1)
            leapCount = count(2)
            transitionCount = count(3)
            typeCount = count(4)
            nameBytes = count(5)
            guard transitionCount <= ZoneFile.transitionCountMax, (1...ZoneFile.typeCountMax).contains(typeCount),
                universalCount <= ZoneFile.typeCountMax, standardCount <= ZoneFile.typeCountMax,
                leapCount <= ZoneFile.transitionCountMax, nameBytes <= 10_000
            else { return nil }
        }

        func bodyBytes(timeBytes: Int) -> Int {
            transitionCount * (timeBytes + 1) + typeCount * 6 + nameBytes + leapCount * (timeBytes + 4)
                + standardCount + universalCount
        }
    }

    /// Reads the table; gives the place behind the body.
    private mutating func readBody(_ bytes: [UInt8], _ header: Header, at: Int, timeBytes: Int) -> Int? {
        let end = at + header.bodyBytes(timeBytes: timeBytes)
        guard end <= bytes.count else { return nil }
        let typesAt = at + header.transitionCount * timeBytes
        let definitionsAt = typesAt + header.transitionCount
        func east(_ type: Int) -> Int64 { ZoneFile.bigEndian(bytes, definitionsAt + 6 * type, 4) }
        offsets = [east(0)]
        for i in 0..<header.transitionCount {
            let type = Int(bytes[typesAt + i])
            guard type < header.typeCount else { return nil }
            let second = ZoneFile.bigEndian(bytes, at + i * timeBytes, timeBytes)
            let offset = east(type)
            guard transitions.isEmpty || second > transitions[transitions.count - 1], abs(offset) < 100 * 3_600,
                second <= ZoneFile.secondMax
            else { return nil }
            if second < -ZoneFile.secondMax {
                // Some compilers of zone files begin each table with a change at the beginning of the universe.
                offsets = [offset]
                continue
            }
            transitions.append(second)
            offsets.append(offset)
        }
        return abs(offsets[0]) < 100 * 3_600 ? end : nil
    }

    /// A signed big-endian number of 4 or 8 bytes.
    private static func bigEndian(_ bytes: [UInt8], _ at: Int, _ count: Int) -> Int64 {
        var value: UInt64 = 0
        for i in 0..<count { value = value << 8 | UInt64(bytes[at + i]) }
        return count == 4 ? Int64(Int32(truncatingIfNeeded: value)) : Int64(bitPattern: value)
    }
}
