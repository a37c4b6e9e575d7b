import DukkanFormat

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The bytes of one input, read once from its beginning: a file, standard input, or bytes in memory; unpacked if they are
/// gzip's, and as UTF-8 whatever they were.
///
/// Belongs to one thread at a time.
final class InputSource {
    /// The name for messages.
    let name: String
    /// Size of the input as it lies on disk, where that is known ahead.
    let byteCount: Int?
    /// Whether the input can be opened again and read from its beginning.
    let isRereadable: Bool
    /// Bytes taken so far, as they lie on disk.
    private(set) var bytesConsumed = 0

    private var descriptor: CInt = -1
    private var memory: [UInt8] = []
    private var memoryAt = 0
    private var inflater: GzipInflater?
    private let encoding: TextEncoding
    private var latin1 = Latin1Buffer()
    private var pushedBack: [UInt8] = []
    private var pushedBackAt = 0

    /// Opens a file; `-` is standard input.
    init(path: String, encoding: TextEncoding) throws {
        self.encoding = encoding
        if path == "-" {
            name = "standard input"
            descriptor = dup(0)
        } else {
            name = path
            descriptor = open(path, O_RDONLY | O_CLOEXEC)
        }
        guard descriptor >= 0 else {
            throw InputSource.failure(errno == ENOENT ? .notFound : .inputOutput, "open", name)
        }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw InputSource.failure(.inputOutput, "stat", name) }
        if status.st_mode & S_IFMT == S_IFDIR {
            throw DukkanError(.invalidInput, "is a directory", place: .init(file: path))
        }
        let isRegular = status.st_mode & S_IFMT == S_IFREG
        byteCount = isRegular ? Int(status.st_size) : nil
        isRereadable = isRegular && path != "-"
        try begin()
    }

    /// Reads from memory.
    init(bytes: [UInt8], name: String, encoding: TextEncoding = .utf8) throws {
        self.name = name
        self.encoding = encoding
        memory = bytes
        byteCount = bytes.count
        isRereadable = true
        try begin()
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    /// Looks at the first bytes: gzip, byte order marks.
    private func begin() throws {
        var head = try take(2) { try readRaw($0) }
        if head == [0x1F, 0x8B] {
            inflater = try GzipInflater(head: head)
            head = []
        }
        head += try take(max(0, 3 - head.count)) { try readBytes($0) }
        if head.starts(with: [0xFF, 0xFE]) || head.starts(with: [0xFE, 0xFF]) {
            throw DukkanError(
                .invalidInput, "the text is UTF-16", place: .init(file: name),
                advice: "convert it first: iconv -f UTF-16 -t UTF-8")
        }
        if encoding == .utf8, head == [0xEF, 0xBB, 0xBF] { head = [] }
        pushedBack = encoding == .latin1 ? Latin1Buffer.utf8(head) : head
    }

    /// Up to `count` bytes, fewer only at the end.
    private func take(_ count: Int, _ read: (UnsafeMutableRawBufferPointer) throws -> Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        var filled = 0
        while filled < count {
            let got = try bytes.withUnsafeMutableBytes { try read(.init(rebasing: $0[filled...])) }
            if got == 0 { break }
            filled += got
        }
        return Array(bytes.prefix(filled))
    }

    /// Reads the next bytes of UTF-8 text; 0 at the end only.
    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        if pushedBackAt < pushedBack.count {
            let count = min(buffer.count, pushedBack.count - pushedBackAt)
            pushedBack.withUnsafeBytes {
                buffer.copyMemory(from: .init(rebasing: $0[pushedBackAt..<pushedBackAt + count]))
            }
            pushedBackAt += count
            if pushedBackAt == pushedBack.count { (pushedBack, pushedBackAt) = ([], 0) }
            return count
        }
        if encoding == .latin1 { return try latin1.read(into: buffer) { try readBytes($0) } }
        return try readBytes(buffer)
    }

    /// The first bytes of the text, up to `count`; they will be read again.
    func peek(_ count: Int) throws -> [UInt8] {
        let bytes = try take(count) { try read(into: $0) }
        pushedBack = bytes + pushedBack[pushedBackAt...]
        pushedBackAt = 0
        return bytes
    }

    private func readBytes(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard let inflater else { return try readRaw(buffer) }
        do {
            return try inflater.read(into: buffer) { try readRaw($0) }
        } catch let error as DukkanError {
            throw error.inFile(name)
        }
    }

    private func readRaw(_ buffer: UnsafeMutableRawBufferPointer) throws -> Int {
        guard descriptor >= 0 else {
            let count = min(buffer.count, memory.count - memoryAt)
            memory.withUnsafeBytes { buffer.copyMemory(from: .init(rebasing: $0[memoryAt..<memoryAt + count])) }
            memoryAt += count
            bytesConsumed += count
            return count
        }
        while true {
            #if canImport(Glibc)
            let got = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
            #else
            let got = Darwin.read(descriptor, buffer.baseAddress, buffer.count)
            #endif
            if got >= 0 {
                bytesConsumed += got
                return got
            }
            if errno != EINTR { throw InputSource.failure(.inputOutput, "read", name) }
        }
    }

    private static func failure(_ code: DukkanError.Code, _ call: String, _ name: String) -> DukkanError {
        let reason = String(cString: strerror(errno))
        return DukkanError(code, "cannot \(call) the file: \(reason)", place: .init(file: name))
    }
}
