import DukkanFormat

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The file of bad rows: separated values with file, line, column, reason and the row as it stood.
///
/// Customers' data may be in it, so only its owner may read it. An existing file is taken only if it is an earlier one of
/// this kind, of the same owner; anything else is left alone.
final class RejectsFile {
    static let header = "file,line,column,reason,row\n"
    private static let flushBytes = 1 << 16

    private let path: String
    private var descriptor: CInt
    private var buffer: [UInt8] = []
    /// Whether rows of an earlier import still stand in the file: they go when this one has something to write.
    private var holdsEarlierRows = false

    init(path: String) throws(DukkanError) {
        self.path = path
        descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
        if descriptor < 0, errno == EEXIST {
            descriptor = try RejectsFile.reopen(path)
            holdsEarlierRows = true
        }
        guard descriptor >= 0 else { throw RejectsFile.failure("create", path) }
        buffer = Array(RejectsFile.header.utf8)
        if !holdsEarlierRows { try flush() }
    }

    deinit {
        if descriptor >= 0 { close(descriptor) }
    }

    private static func reopen(_ path: String) throws(DukkanError) -> CInt {
        let descriptor = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw failure("open", path) }
        var status = stat()
        var start = [UInt8](repeating: 0, count: header.utf8.count)
        let isOurs =
            fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG && status.st_uid == geteuid()
            && status.st_nlink == 1
            && (status.st_size == 0
                || (start.withUnsafeMutableBytes { pread(descriptor, $0.baseAddress, $0.count, 0) } == start.count
                    && start.elementsEqual(header.utf8)))
        guard isOurs else {
            close(descriptor)
            throw DukkanError(
                .alreadyExists, "the file for bad rows exists and is no earlier one", place: .init(file: path),
                advice: "choose another name or remove it")
        }
        guard fchmod(descriptor, 0o600) == 0 else {
            let error = failure("protect", path)
            close(descriptor)
            throw error
        }
        return descriptor
    }

    func add(file: String, line: Int, fault: RowFault, row: UnsafeBufferPointer<UInt8>) throws(DukkanError) {
        append(Array(file.utf8))
        buffer.append(UInt8(ascii: ","))
        append(Array(String(line).utf8))
        buffer.append(UInt8(ascii: ","))
        append(Array((fault.column ?? "").utf8))
        buffer.append(UInt8(ascii: ","))
        append(Array(fault.message.utf8))
        buffer.append(UInt8(ascii: ","))
        append(row)
        buffer.append(10)
        if buffer.count >= RejectsFile.flushBytes { try flush() }
    }

    /// Writes what is held back.
    func flush() throws(DukkanError) {
        if holdsEarlierRows {
            guard ftruncate(descriptor, 0) == 0 else { throw RejectsFile.failure("empty", path) }
            holdsEarlierRows = false
        }
        var written = 0
        while written < buffer.count {
            let got = buffer.withUnsafeBytes { write(descriptor, $0.baseAddress! + written, $0.count - written) }
            if got < 0 {
                if errno == EINTR { continue }
                throw RejectsFile.failure("write", path)
            }
            written += got
        }
        buffer.removeAll(keepingCapacity: true)
    }

    private func append(_ text: some Sequence<UInt8>) {
        var quoted: [UInt8] = []
        var needsQuotes = false
        for byte in text {
            if byte == UInt8(ascii: "\"") { quoted.append(byte) }
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: ",") || byte == 10 || byte == 13 {
                needsQuotes = true
            }
            quoted.append(byte)
        }
        if needsQuotes { buffer.append(UInt8(ascii: "\"")) }
        buffer.append(contentsOf: quoted)
        if needsQuotes { buffer.append(UInt8(ascii: "\"")) }
    }

    private static func failure(_ call: String, _ path: String) -> DukkanError {
        DukkanError(
            .inputOutput, "cannot \(call) the file for bad rows: \(String(cString: strerror(errno)))",
            place: .init(file: path))
    }
}
