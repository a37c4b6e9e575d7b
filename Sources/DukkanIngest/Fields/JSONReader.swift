/// Moves over the bytes of one JSON text.
struct JSONReader {
    /// Why a text is not JSON of the form wanted.
    struct Fault: Error {
        var reason: String
        var advice: String?
        /// Whether the text ended where more was expected.
        var isAtEnd = false

        init(_ reason: String, advice: String? = nil, isAtEnd: Bool = false) {
            self.reason = reason
            self.advice = advice
            self.isAtEnd = isAtEnd
        }
    }

    let bytes: UnsafePointer<UInt8>
    var at: Int
    let end: Int

    /// Most levels of objects and lists within each other.
    static let depthMax = 1_000

    var peek: UInt8 { at < end ? bytes[at] : 0 }

    func expected(_ what: String) -> Fault {
        if at >= end { return Fault("\(what) is expected and the line ends", isAtEnd: true) }
        return Fault(
            "\(what) is expected, not \(String(decoding: UnsafeBufferPointer(start: bytes + at, count: min(12, end - at)), as: UTF8.self))"
        )
    }

    mutating func skip(_ character: Unicode.Scalar) -> Bool {
        guard at < end, bytes[at] == UInt8(ascii: character) else { return false }
        at += 1
        return true
    }

    mutating func skipBlanks() {
        while at < end, bytes[at] == 32 || bytes[at] == 9 || bytes[at] == 13 { at += 1 }
    }

    /// Moves behind a number or a bare word.
    mutating func skipWord() {
        while at < end {
            switch bytes[at] {
            case UInt8(ascii: ","), UInt8(ascii: "}"), UInt8(ascii: "]"), UInt8(ascii: ":"), UInt8(ascii: "\""), 0...32:
                return
            default: at += 1
            }
        }
    }

    /// Moves from an opening quote behind the closing one; true if the string holds backslashes.
    mutating func skipString() throws(Fault) -> Bool {
        at += 1
        var hasEscapes = false
        while at < end {
            let byte = bytes[at]
            if byte == UInt8(ascii: "\"") {
                at += 1
                return hasEscapes
            }
            if byte == UInt8(ascii: "\\") {
                hasEscapes = true
                at += 1
            }
            at += 1
        }
        at = end
        throw Fault("a string is never closed", isAtEnd: true)
    }

    /// Moves over an object or a list.
    mutating func skipNested() throws(Fault) {
        var depth = 0
        repeat {
            switch peek {
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                depth += 1
                if depth > JSONReader.depthMax { throw Fault("more than \(JSONReader.depthMax) levels of nesting") }
                at += 1
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                depth -= 1
                at += 1
            case UInt8(ascii: "\""): _ = try skipString()
            default:
                guard at < end else { throw expected("a closing bracket") }
                at += 1
            }
        } while depth > 0
    }

    /// Writes the text `from ..< to` without escapes; gives its length, which is never larger.
    static func unescape(
        _ bytes: UnsafePointer<UInt8>, _ from: Int, _ to: Int, into output: UnsafeMutablePointer<UInt8>
    ) throws(Fault) -> Int {
        var at = from, written = 0
        func put(_ byte: UInt8) {
            output[written] = byte
            written += 1
        }
        while at < to {
            guard bytes[at] == UInt8(ascii: "\\") else {
                put(bytes[at])
                at += 1
                continue
            }
            at += 1
            let letter = at < to ? bytes[at] : 0
            at += 1
            switch letter {
            case UInt8(ascii: "n"): put(10)
            case UInt8(ascii: "t"): put(9)
            case UInt8(ascii: "r"): put(13)
            case UInt8(ascii: "b"): put(8)
            case UInt8(ascii: "f"): put(12)
            case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): put(letter)
            case UInt8(ascii: "u"):
                guard var unit = hex(bytes, at, to) else { throw Fault("\\u wants four hexadecimal digits") }
                at += 4
                if unit & 0xFC00 == 0xD800 {
                    guard at + 1 < to, bytes[at] == UInt8(ascii: "\\"), bytes[at + 1] == UInt8(ascii: "u"),
                        let low = hex(bytes, at + 2, to), low & 0xFC00 == 0xDC00
                    else { throw Fault("half of a pair of \\u escapes is missing") }
                    at += 6
                    unit = 0x10000 + (unit & 0x3FF) << 10 + (low & 0x3FF)
                }
                guard let scalar = Unicode.Scalar(unit) else { throw Fault("half of a pair of \\u escapes is missing") }
                for byte in UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter { put(byte) }
            default: throw Fault("\\\(Character(Unicode.Scalar(letter))) is no escape of JSON")
            }
        }
        return written
    }

    private static func hex(_ bytes: UnsafePointer<UInt8>, _ at: Int, _ to: Int) -> UInt32? {
        guard at + 4 <= to else { return nil }
        var value: UInt32 = 0
        for i in at..<at + 4 {
            guard let digit = Character(Unicode.Scalar(bytes[i])).hexDigitValue, bytes[i] < 0x80 else { return nil }
            value = value << 4 | UInt32(digit)
        }
        return value
    }
}
