import Dukkan

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// Reads small files of text whole.
enum TextFile {
    /// Largest file that is read; larger ones are not statements.
    static let byteCountMax = 16 << 20

    /// The text of a file, or of standard input for `-`.
    static func read(_ path: String) throws -> String {
        let descriptor = path == "-" ? Terminal.standardInput : open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            let code: DukkanError.Code = errno == ENOENT ? .notFound : .inputOutput
            throw DukkanError(code, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { if path != "-" { close(descriptor) } }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = chunk.withUnsafeMutableBytes { systemRead(descriptor, $0.baseAddress!, $0.count) }
            if count < 0 {
                if errno == EINTR { continue }
                throw DukkanError(.inputOutput, "cannot read \(path): \(String(cString: strerror(errno)))")
            }
            if count == 0 { break }
            bytes.append(contentsOf: chunk[..<count])
            if bytes.count > byteCountMax { throw DukkanError(.limit, "\(path) has more than \(byteCountMax) bytes") }
        }
        guard let text = String(validating: bytes, as: UTF8.self) else {
            throw DukkanError(.invalidInput, "\(path) is not UTF-8 text")
        }
        return text
    }
}

private func systemRead(_ descriptor: Int32, _ bytes: UnsafeMutableRawPointer, _ count: Int) -> Int {
    read(descriptor, bytes, count)
}
