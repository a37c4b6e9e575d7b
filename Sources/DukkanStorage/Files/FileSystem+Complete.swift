package import DukkanFormat

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

extension SystemCallError: CustomStringConvertible {
    /// What the system says about the error number.
    package var description: String { "\(String(cString: strerror(number))) (errno \(number))" }

    package static let notFound = SystemCallError(ENOENT)
    package static let exists = SystemCallError(EEXIST)
    package static let interrupted = SystemCallError(EINTR)
}

/// The calls of a file system in their complete form: interrupted calls are made again, short reads and writes are
/// continued, and a failure becomes a `DukkanError` that names the operation and the file.
extension FileSystem {
    package func openFile(_ path: String, for use: FileUse) throws(DukkanError) -> FileDescriptor {
        try complete("open", path) { () throws(SystemCallError) in try open(path, for: use) }
    }

    /// Opens a file for reading; nil where there is none.
    package func openIfPresent(_ path: String) throws(DukkanError) -> FileDescriptor? {
        try complete("open", path) { () throws(SystemCallError) in
            do throws(SystemCallError) {
                return try open(path, for: .reading)
            } catch {
                if error == .notFound { return nil }
                throw error
            }
        }
    }

    package func sizeOfFile(_ file: FileDescriptor, path: String) throws(DukkanError) -> Int {
        try complete("find the size of", path) { () throws(SystemCallError) in try byteCount(file) }
    }

    /// Fills the buffer from a place of the file; a file that ends before is corrupt.
    package func readFully(
        _ file: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: Int, path: String
    )
        throws(DukkanError)
    {
        var done = 0
        while done < buffer.count {
            let rest = UnsafeMutableRawBufferPointer(rebasing: buffer[done...])
            let count = try complete("read", path) { () throws(SystemCallError) in
                try read(file, into: rest, at: offset + done)
            }
            if count == 0 {
                throw DukkanError(
                    .corrupt, "the file ends \(buffer.count - done) bytes too early",
                    place: .init(file: path, offset: offset + done))
            }
            done += count
        }
    }

    /// The whole content of a small file.
    package func readWhole(_ file: FileDescriptor, byteCountMax: Int, path: String) throws -> [UInt8] {
        let size = try sizeOfFile(file, path: path)
        if size > byteCountMax {
            throw DukkanError(
                .corrupt, "the file has \(size) bytes, more than the \(byteCountMax) that it may have",
                place: .init(file: path))
        }
        var bytes = [UInt8](repeating: 0, count: size)
        try bytes.withUnsafeMutableBytes { try readFully(file, into: $0, at: 0, path: path) }
        return bytes
    }

    package func writeFully(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer, path: String) throws(DukkanError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try complete("write", path) { () throws(SystemCallError) in try write(file, rest) }
        }
    }

    package func replaceFully(
        _ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer, at offset: Int, path: String
    ) throws(DukkanError) {
        var done = 0
        while done < bytes.count {
            let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
            done += try complete("write", path) { () throws(SystemCallError) in
                try replace(file, rest, at: offset + done)
            }
        }
    }

    package func synchronizeFile(_ file: FileDescriptor, path: String) throws(DukkanError) {
        try complete("make durable", path) { () throws(SystemCallError) in try synchronize(file) }
    }

    package func synchronizeNames(in path: String) throws(DukkanError) {
        try complete("make durable the directory", path) { () throws(SystemCallError) in
            try synchronizeDirectory(path)
        }
    }

    package func renameFile(_ path: String, to newPath: String) throws(DukkanError) {
        try complete("rename", path) { () throws(SystemCallError) in try rename(path, to: newPath) }
    }

    /// Removes a file; one that is gone already is fine.
    package func removeFile(_ path: String) throws(DukkanError) {
        try complete("remove", path) { () throws(SystemCallError) in
            do throws(SystemCallError) {
                try remove(path)
            } catch {
                if error != .notFound { throw error }
            }
        }
    }

    /// Makes a directory; false where something of that name exists.
    package func makeDirectory(_ path: String) throws(DukkanError) -> Bool {
        try complete("make the directory", path) { () throws(SystemCallError) in
            do throws(SystemCallError) {
                try createDirectory(path)
                return true
            } catch {
                if error == .exists { return false }
                throw error
            }
        }
    }

    /// Takes the lock of a file without waiting; false if another holder has it.
    package func lockFile(_ file: FileDescriptor, path: String) throws(DukkanError) -> Bool {
        try complete("lock", path) { () throws(SystemCallError) in try lock(file) }
    }

    /// The names in a directory; nil where there is none.
    package func namesIfPresent(in path: String) throws(DukkanError) -> [String]? {
        try complete("list", path) { () throws(SystemCallError) in
            do throws(SystemCallError) {
                return try list(path)
            } catch {
                if error == .notFound { return nil }
                throw error
            }
        }
    }

    /// Throws where a directory of the store is a symbolic link, which would lead out of it.
    package func checkNoLink(_ path: String) throws(DukkanError) {
        let isThere = try complete("look at", path) { () throws(SystemCallError) in
            do throws(SystemCallError) {
                return try isLink(path)
            } catch {
                if error == .notFound { return false }
                throw error
            }
        }
        if isThere {
            throw DukkanError(.corrupt, "a symbolic link stands where a directory must be", place: .init(file: path))
        }
    }

    package func names(in path: String) throws(DukkanError) -> [String] {
        try complete("list", path) { () throws(SystemCallError) in try list(path) }
    }

    private func complete<Result>(
        _ operation: String, _ path: String, _ call: () throws(SystemCallError) -> Result
    ) throws(DukkanError) -> Result {
        while true {
            do throws(SystemCallError) {
                return try call()
            } catch {
                if error == .interrupted { continue }
                throw DukkanError(
                    .inputOutput, "cannot \(operation) the file: \(error)", place: .init(file: path))
            }
        }
    }
}
