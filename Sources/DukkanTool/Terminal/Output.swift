#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The reader of standard output has gone: not an error for a person, the tool just ends.
struct BrokenPipe: Error {}

/// A failure to write, with the system's reason.
struct WriteFailure: Error, CustomStringConvertible {
    var reason: String
    var description: String { "cannot write: \(reason)" }
}

/// Buffered bytes to a file descriptor.
final class Output {
    private let descriptor: Int32?
    private var buffer: [UInt8] = []
    private static let bufferByteCount = 1 << 16

    /// - Parameter descriptor: nil: what is written goes nowhere.
    init(descriptor: Int32?) {
        self.descriptor = descriptor
        buffer.reserveCapacity(Output.bufferByteCount * 2)
    }

    func write(_ text: String) throws {
        buffer.append(contentsOf: text.utf8)
        if buffer.count >= Output.bufferByteCount { try flush() }
    }

    func writeLine(_ text: String = "") throws {
        buffer.append(contentsOf: text.utf8)
        buffer.append(UInt8(ascii: "\n"))
        if buffer.count >= Output.bufferByteCount { try flush() }
    }

    func write(_ bytes: [UInt8]) throws {
        if buffer.isEmpty && bytes.count >= Output.bufferByteCount {
            if let descriptor { try Output.write(bytes, to: descriptor) }
        } else {
            buffer.append(contentsOf: bytes)
            if buffer.count >= Output.bufferByteCount { try flush() }
        }
    }

    func flush() throws {
        defer { buffer.removeAll(keepingCapacity: true) }
        if let descriptor { try Output.write(buffer, to: descriptor) }
    }

    private static func write(_ bytes: [UInt8], to descriptor: Int32) throws {
        try bytes.withUnsafeBytes { raw in
            var written = 0
            while written < raw.count {
                let count = systemWrite(descriptor, raw.baseAddress! + written, raw.count - written)
                if count >= 0 {
                    written += count
                } else if errno == EPIPE {
                    throw BrokenPipe()
                } else if errno != EINTR && errno != EAGAIN {
                    throw WriteFailure(reason: String(cString: strerror(errno)))
                }
            }
        }
    }

    /// Writes a line to standard error, whatever becomes of it.
    ///
    /// Names of files and columns, and what stands in them, may be in `text`: no control character reaches the terminal
    /// but those of `prefix`.
    static func note(_ text: String, after prefix: String = "") {
        try? write(Array((prefix + ValueText.visibleLines(text) + "\n").utf8), to: Terminal.standardError)
    }
}

private func systemWrite(_ descriptor: Int32, _ bytes: UnsafeRawPointer, _ count: Int) -> Int {
    write(descriptor, bytes, count)
}
