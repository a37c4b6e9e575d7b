import DukkanFormat

/// The bytes of a text of statements, and places in it.
struct SourceText {
    /// The UTF-8 of the text.
    let bytes: [UInt8]

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    /// The text of a range of bytes.
    func text(_ range: Range<Int>) -> String {
        String(decoding: bytes[range], as: UTF8.self)
    }

    /// The line of an offset, from 1.
    ///
    /// O(offset).
    func line(at offset: Int) -> Int {
        1 + bytes[..<min(offset, bytes.count)].count { $0 == 0x0A }
    }

    /// The place of an offset as errors name it.
    func place(at offset: Int) -> DukkanError.Place {
        DukkanError.Place(line: line(at: offset), offset: offset)
    }

    /// A syntax error at an offset.
    func error(_ message: String, at offset: Int, advice: String? = nil) -> DukkanError {
        DukkanError(.syntax, message, place: place(at: offset), advice: advice)
    }
}

/// Which scalars make a name that needs no quotes.
enum NameScalar {
    /// Whether a name may begin with it: a letter of any script or `_`.
    static func starts(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x41...0x5A, 0x61...0x7A, 0x5F: true
        case 0x80...: scalar.properties.isXIDStart
        default: false
        }
    }

    /// Whether a name may go on with it: also digits and marks.
    static func continues(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x30...0x39: true
        case 0x80...: scalar.properties.isXIDContinue
        default: starts(scalar)
        }
    }
}
