import Dukkan

/// One line on standard error that is rewritten while work goes on; silent where there is no terminal.
final class ProgressLine {
    private let isShown: Bool
    private let clock = ContinuousClock()
    private let start: ContinuousClock.Instant
    private var lastShown: ContinuousClock.Instant
    private var isOnScreen = false

    init(isQuiet: Bool = false) {
        isShown = !isQuiet && Terminal.isTerminal(Terminal.standardError)
        start = clock.now
        lastShown = start
    }

    /// Seconds since the start.
    var elapsed: Double { (clock.now - start).seconds }

    /// Shows `text` unless something was shown within the last tenth of a second.
    func show(_ text: @autoclosure () -> String) {
        guard isShown else { return }
        let now = clock.now
        guard (now - lastShown).seconds >= 0.1 else { return }
        lastShown = now
        let width = (Terminal.width(of: Terminal.standardError) ?? 80) - 1
        write("\r" + DisplayWidth.fitted(ValueText.visible(text()), to: width) + "\u{1B}[K")
        isOnScreen = true
    }

    /// Takes the line away.
    func clear() {
        guard isOnScreen else { return }
        write("\r\u{1B}[K")
        isOnScreen = false
    }

    private func write(_ text: String) {
        let output = Output(descriptor: Terminal.standardError)
        try? output.write(text)
        try? output.flush()
    }
}

extension Duration {
    /// The whole span in seconds.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) * 1e-18
    }

    /// The whole span in milliseconds.
    var milliseconds: Double { seconds * 1000 }
}
