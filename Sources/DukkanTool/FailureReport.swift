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
        /// Done, but something is left: rows that a salvage lost, files that an erasure did not look at.
        static let incomplete: Int32 = 2
        static let badRows: Int32 = 65
        static let interrupted: Int32 = 130
    }

    static func exit(with error: any Error) -> Never {
        switch error {
        case is BrokenPipe:
            endProcess(0)
        case let code as ExitCode:
            endProcess(code.rawValue)
        case let error as DukkanError:
            Output.note(error.description, after: prefix)
            endProcess(code(error))
        case let failure as StatementFailure:
            Output.note(failure.error.rendered(in: failure.source), after: prefix)
            endProcess(code(failure.error))
        case let error as WriteFailure:
            Output.note("dukkan: \(error)")
            endProcess(Code.failure)
        default:
            parserExit(error)
        }
    }

    /// Help and version to standard output; a message about wrong usage, with a hint, to standard error.
    private static func parserExit(_ error: any Error) -> Never {
        let code = DukkanCommand.exitCode(for: error)
        if code.isSuccess { DukkanCommand.exit(withError: error) }
        var lines = DukkanCommand.fullMessage(for: error).split(separator: "\n", omittingEmptySubsequences: false)
        if let first = lines.first, first.hasPrefix("Error: ") { lines[0] = first.dropFirst(7) }
        Output.note(lines.joined(separator: "\n"), after: prefix)
        endProcess(code.rawValue)
    }

    static func code(_ error: DukkanError) -> Int32 {
        switch error.code {
        case .invalidRow: Code.badRows
        case .cancelled: Code.interrupted
        default: Code.failure
        }
    }

    private static var prefix: String {
        Terminal.palette(for: Terminal.standardError).apply(.error, "dukkan:") + " "
    }
}

private func endProcess(_ code: Int32) -> Never { exit(code) }
