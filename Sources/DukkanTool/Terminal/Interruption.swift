import Dispatch
import Dukkan

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Signals that the tool handles itself.
enum Interruption {
    /// A reader that has gone, and a file that may not grow, show as a failed write instead of killing the process.
    static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
        signal(SIGXFSZ, SIG_IGN)
    }

    /// Runs `body`; Ctrl-C cancels `control`, so that the call ends in order and nothing is committed.
    ///
    /// A second Ctrl-C ends the process at once.
    static func cancelling<T>(_ control: WorkControl, _ body: () throws -> T) rethrows -> T {
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
        source.setEventHandler {
            if control.isCancelled { _exit(FailureReport.Code.interrupted) }
            control.cancel()
        }
        source.activate()
        defer {
            source.cancel()
            signal(SIGINT, SIG_DFL)
        }
        return try body()
    }
}
