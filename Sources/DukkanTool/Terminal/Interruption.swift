#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Signals that the tool handles itself.
enum Interruption {
    /// A reader that has gone shows as a failed write instead of killing the process.
    static func ignoreBrokenPipes() {
        signal(SIGPIPE, SIG_IGN)
    }
}
