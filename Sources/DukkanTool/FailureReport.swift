import ArgumentParser
import Dukkan

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Errors as a person sees them: one message on standard error, an exit code, never a stack trace.
enum FailureReport {
    /// Exit codes of the tool.
    ///
    /// Wrong usage is 64, from ArgumentParser.
    enum Code {
        static let failure: Int32 = 1
        static let badRows: Int32 = 65
        static let interrupted: Int32 = 130
    }

    static func exit(with error: any Error) -> Never {
        switch error {
        case is BrokenPipe:
            endProcess(0)
        case let error as DukkanError:
            Output.note(text(error, palette: Terminal.palette(for: Terminal.standardError)))
            endProcess(code(error))
        case let error as WriteFailure:
            Output.note("dukkan: \(error)")
            endProcess(Code.failure)
        default:
            DukkanCommand.exit(withError: error)
        }
    }

    static func code(_ error: DukkanError) -> Int32 {
        switch error.code {
        case .invalidRow: Code.badRows
        case .cancelled: Code.interrupted
        default: Code.failure
        }
    }

    static func text(_ error: DukkanError, palette: Palette) -> String {
        palette.apply(.error, "dukkan:") + " " + error.description
    }
}

private func endProcess(_ code: Int32) -> Never { exit(code) }
