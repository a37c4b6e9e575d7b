/// How many cells of a terminal a text takes.
///
/// Follows the usual `wcwidth` reading: combining marks and format characters take none, East Asian wide characters and
/// emoji take two, everything else (Arabic and Hebrew with it) takes one. A cluster is as wide as its widest scalar.
enum DisplayWidth {
    /// Cells that `text` takes.
    ///
    /// O(length).
    static func of(_ text: String) -> Int {
        var text = text
        if let plain = text.withUTF8({ bytes in bytes.allSatisfy { $0 < 0x80 } ? bytes.count : nil }) { return plain }
        return text.reduce(0) { $0 + of($1) }
    }

    /// Cells that one character takes.
    static func of(_ character: Character) -> Int {
        var width = 0
        for scalar in character.unicodeScalars {
            if scalar.value == 0xFE0F { return 2 }
            width = max(width, of(scalar))
        }
        return width
    }

    private static func of(_ scalar: Unicode.Scalar) -> Int {
        if scalar.value < 0x300 { return 1 }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return wideRanges.contains { $0.contains(scalar.value) } ? 2 : 1
        }
    }

    /// Blocks of the Unicode standard whose characters are East Asian wide or emoji.
    private static let wideRanges: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF, 0x4E00...0x9FFF, 0xA000...0xA4CF,
        0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6,
        0x1F1E6...0x1F1FF, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF, 0x20000...0x3FFFD,
    ]

    /// `text` cut to at most `width` cells; an ellipsis stands for what was cut.
    static func fitted(_ text: String, to width: Int) -> String {
        if of(text) <= width { return text }
        var taken = 0
        var result = ""
        for character in text {
            let cells = of(character)
            if taken + cells > width - 1 { break }
            taken += cells
            result.append(character)
        }
        return result + "…"
    }

    /// `text` with blanks to `width` cells, on the left for numbers.
    static func padded(_ text: String, to width: Int, right: Bool) -> String {
        let blanks = String(repeating: " ", count: max(0, width - of(text)))
        return right ? blanks + text : text + blanks
    }
}
