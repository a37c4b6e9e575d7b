/// What a piece of text is, from which its look follows.
enum Style: Hashable {
    case heading
    case faint
    case bar
    case error
    case warning
    /// A background of the retention grid, 0 (none) to 1 (strongest).
    case shade(Double)

    /// Whether the style fills the cell, blanks included.
    var isBackground: Bool {
        if case .shade = self { true } else { false }
    }
}

/// Turns styles into escape sequences, or into nothing where there is no colour.
struct Palette {
    /// Whether escape sequences are written.
    var isColoured: Bool

    static let plain = Palette(isColoured: false)

    func apply(_ style: Style, _ text: String) -> String {
        guard isColoured, !text.isEmpty else { return text }
        return "\u{1B}[\(code(style))m\(text)\u{1B}[0m"
    }

    private func code(_ style: Style) -> String {
        switch style {
        case .heading: return "1"
        case .faint: return "2"
        case .bar: return "38;5;38"
        case .error: return "1;31"
        case .warning: return "33"
        case .shade(let strength):
            // Nine steps of the 256-colour cube from near black to a strong teal; text turns dark on the bright ones.
            let steps = [
                "48;5;234;38;5;250", "48;5;23;38;5;252", "48;5;24;38;5;254", "48;5;30;38;5;255",
                "48;5;31;38;5;255", "48;5;37;38;5;16", "48;5;38;38;5;16", "48;5;44;38;5;16", "48;5;80;38;5;16",
            ]
            let index = Int((strength.clamped(0, 1) * Double(steps.count - 1)).rounded())
            return steps[index]
        }
    }
}

extension Double {
    /// The nearest value between two limits; not a number counts as the lower.
    fileprivate func clamped(_ low: Double, _ high: Double) -> Double {
        self > low ? min(self, high) : low
    }
}
