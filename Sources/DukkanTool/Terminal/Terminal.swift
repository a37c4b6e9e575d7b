#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What the standard streams are connected to.
enum Terminal {
    /// Whether a file descriptor is a terminal.
    static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    static let standardInput: Int32 = 0
    static let standardOutput: Int32 = 1
    static let standardError: Int32 = 2

    /// The value of an environment variable.
    static func environment(_ name: String) -> String? {
        getenv(name).map { String(cString: $0) }
    }

    /// Colours for what is written to a descriptor: none in a pipe, with `NO_COLOR` set, or on a dumb terminal.
    static func palette(for descriptor: Int32) -> Palette {
        let refused = environment("NO_COLOR").map { !$0.isEmpty } ?? false
        return Palette(isColoured: isTerminal(descriptor) && !refused && environment("TERM") != "dumb")
    }

    /// Cells in a line of the terminal, nil where there is none.
    static func width(of descriptor: Int32) -> Int? {
        guard isTerminal(descriptor) else { return nil }
        var size = winsize()
        if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
        return environment("COLUMNS").flatMap { Int($0) } ?? 80
    }
}
