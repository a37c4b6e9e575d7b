import Dukkan

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A file being written by the tool: generated data, an answer.
final class NewFile {
    private let descriptor: Int32
    let output: Output

    /// Makes the file; refuses to replace one unless told to.
    ///
    /// - Parameters:
    ///   - path: where.
    ///   - replacing: whether a file that is there is emptied.
    ///   - isPrivate: whether only the owner may read it, as where customers' data is in it.
    init(path: String, replacing: Bool, isPrivate: Bool = false) throws {
        let flags = O_WRONLY | O_CREAT | O_CLOEXEC | (replacing ? O_TRUNC : O_EXCL)
        descriptor = open(path, flags, isPrivate ? 0o600 : 0o644)
        guard descriptor >= 0 else {
            let reason = String(cString: strerror(errno))
            if errno == EEXIST {
                throw DukkanError(
                    .alreadyExists, "\(path) is there already", advice: isPrivate ? nil : "--force replaces it")
            }
            throw DukkanError(.inputOutput, "cannot write \(path): \(reason)")
        }
        output = Output(descriptor: descriptor)
    }

    deinit { _ = systemClose(descriptor) }

    /// Makes a directory where there is none.
    static func makeDirectory(_ path: String, isPrivate: Bool = false) throws {
        if mkdir(path, isPrivate ? 0o700 : 0o755) == 0 || errno == EEXIST { return }
        throw DukkanError(.inputOutput, "cannot make the directory \(path): \(String(cString: strerror(errno)))")
    }
}

private func systemClose(_ descriptor: Int32) -> Int32 { close(descriptor) }
