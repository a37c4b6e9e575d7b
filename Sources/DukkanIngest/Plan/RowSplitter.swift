/// Splits the first rows of an input into fields, simply and slowly, while its form is not known yet.
enum RowSplitter {
    /// A field's text, and whether it stood in quotes.
    struct Field: Equatable {
        var text: String
        var isQuoted = false
    }

    /// The fields of the row at `at`, which moves behind it; nil at the end, and for a row that the sample cuts off.
    static func separated(
        _ bytes: [UInt8], _ at: inout Int, separator: UInt8, quote: UInt8?, isWhole: Bool
    ) -> [Field]? {
        guard at < bytes.count else { return nil }
        var fields: [Field] = []
        var field: [UInt8] = []
        var isQuoted = false, isInside = false
        var i = at
        func close() {
            fields.append(Field(text: String(decoding: field, as: UTF8.self), isQuoted: isQuoted))
            field = []
            isQuoted = false
        }
        while i < bytes.count {
            let byte = bytes[i]
            i += 1
            if isInside {
                if byte != quote {
                    field.append(byte)
                } else if i < bytes.count, bytes[i] == quote {
                    field.append(byte)
                    i += 1
                } else {
                    isInside = false
                }
            } else if byte == quote, field.isEmpty, !isQuoted {
                isInside = true
                isQuoted = true
            } else if byte == separator {
                close()
            } else if byte == 10 {
                if field.last == 13 { field.removeLast() }
                close()
                at = i
                return fields
            } else {
                field.append(byte)
            }
        }
        guard isWhole else { return nil }
        if field.last == 13 { field.removeLast() }
        close()
        at = i
        return fields
    }

    /// The line at `at` without its end, nil as above.
    static func line(_ bytes: [UInt8], _ at: inout Int, isWhole: Bool) -> ArraySlice<UInt8>? {
        guard at < bytes.count else { return nil }
        let end = bytes[at...].firstIndex(of: 10)
        guard end != nil || isWhole else { return nil }
        var line = bytes[at..<(end ?? bytes.count)]
        at = (end ?? bytes.count - 1) + 1
        if line.last == 13 { line.removeLast() }
        return line
    }

    /// The words between blanks.
    static func words(_ line: ArraySlice<UInt8>) -> [Field] {
        line.split { $0 == 32 || $0 == 9 }.map { Field(text: String(decoding: $0, as: UTF8.self)) }
    }

    /// The fields at fixed places.
    static func fixed(_ line: ArraySlice<UInt8>, _ ranges: [Range<Int>]) -> [Field] {
        ranges.map { range in
            let piece = line.dropFirst(range.lowerBound).prefix(range.count)
            return Field(text: String(decoding: piece, as: UTF8.self).trimmingBlanks)
        }
    }
}

extension String {
    /// The text without blanks and tabs at its ends.
    var trimmingBlanks: String {
        let isBlank: (Character) -> Bool = { $0 == " " || $0 == "\t" }
        var text = self[...]
        while let first = text.first, isBlank(first) { text.removeFirst() }
        while let last = text.last, isBlank(last) { text.removeLast() }
        return String(text)
    }
}
