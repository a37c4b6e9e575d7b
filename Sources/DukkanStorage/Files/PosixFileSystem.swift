#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// The file system of the machine.
package struct PosixFileSystem: FileSystem {
    package init() {}

    package var allowsCallsBeside: Bool { true }

    package func open(_ path: String, for use: FileUse) throws(SystemCallError) -> FileDescriptor {
        let flags =
            switch use {
            case .reading: O_RDONLY
            case .creating: O_WRONLY | O_CREAT | O_EXCL
            case .locking: O_RDWR | O_CREAT
            }
        // Without O_NONBLOCK a pipe in the place of a file would hold the caller until somebody writes to it.
        return FileDescriptor(try checked(systemOpen(path, flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)))
    }

    package func close(_ file: FileDescriptor) {
        // A child process between fork and exec holds a copy of the descriptor, and with it the lock, which closing ours
        // would then not free.
        _ = flock(file.number, LOCK_UN)
        _ = systemClose(file.number)
    }

    package func byteCount(_ file: FileDescriptor) throws(SystemCallError) -> Int {
        var status = stat()
        _ = try checked(fstat(file.number, &status))
        return Int(status.st_size)
    }

    package func read(_ file: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: Int)
        throws(SystemCallError) -> Int
    {
        try checked(pread(file.number, buffer.baseAddress, buffer.count, off_t(offset)))
    }

    package func write(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer) throws(SystemCallError) -> Int {
        try checked(systemWrite(file.number, bytes.baseAddress, bytes.count))
    }

    package func replace(
        _ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) throws(SystemCallError) -> Int {
        try checked(pwrite(file.number, bytes.baseAddress, bytes.count, off_t(offset)))
    }

    package func synchronize(_ file: FileDescriptor) throws(SystemCallError) {
        #if canImport(Darwin)
        // fsync leaves the bytes in the drive's cache there.
        _ = try checked(fcntl(file.number, F_FULLFSYNC))
        #else
        _ = try checked(fsync(file.number))
        #endif
    }

    package func synchronizeDirectory(_ path: String) throws(SystemCallError) {
        let directory = try checked(systemOpen(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0))
        defer { _ = systemClose(directory) }
        _ = try checked(fsync(directory))
    }

    package func lock(_ file: FileDescriptor) throws(SystemCallError) -> Bool {
        // flock belongs to the open file: it holds against other handles of this process too, and ends with it.
        if flock(file.number, LOCK_EX | LOCK_NB) == 0 { return true }
        if errno == EWOULDBLOCK { return false }
        throw SystemCallError(errno)
    }

    package func rename(_ path: String, to newPath: String) throws(SystemCallError) {
        _ = try checked(systemRename(path, newPath))
    }

    package func remove(_ path: String) throws(SystemCallError) {
        _ = try checked(unlink(path))
    }

    package func createDirectory(_ path: String) throws(SystemCallError) {
        _ = try checked(mkdir(path, 0o700))
    }

    package func isLink(_ path: String) throws(SystemCallError) -> Bool {
        var status = stat()
        _ = try checked(lstat(path, &status))
        return status.st_mode & S_IFMT == S_IFLNK
    }

    package func list(_ path: String) throws(SystemCallError) -> [String] {
        guard let directory = opendir(path) else { throw SystemCallError(errno) }
        defer { closedir(directory) }
        var names: [String] = []
        while true {
            errno = 0
            guard let entry = readdir(directory) else {
                if errno != 0 { throw SystemCallError(errno) }
                return names
            }
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != "." && name != ".." { names.append(name) }
        }
    }

    package func random() -> UInt64 {
        var generator = SystemRandomNumberGenerator()
        return generator.next()
    }

    package func canonicalPath(_ path: String) -> String {
        if let known = PosixFileSystem.real(path) { return known }
        var trimmed = path[...]
        while trimmed.count > 1 && trimmed.hasSuffix("/") { trimmed.removeLast() }
        guard let parent = PosixFileSystem.real(path.parentPath), let name = trimmed.split(separator: "/").last else {
            return path
        }
        return parent.appending(name: String(name))
    }

    private static func real(_ path: String) -> String? {
        guard let resolved = realpath(path, nil) else { return nil }
        defer { free(resolved) }
        return String(cString: resolved)
    }

    /// The result of a call, or the error number where it is negative.
    private func checked<Result: BinaryInteger>(_ result: Result) throws(SystemCallError) -> Result {
        if result < 0 { throw SystemCallError(errno) }
        return result
    }
}

// The methods above hide the functions of the same names.
private func systemOpen(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { open(path, flags, mode) }
private func systemClose(_ number: Int32) -> Int32 { close(number) }
private func systemWrite(_ number: Int32, _ bytes: UnsafeRawPointer?, _ count: Int) -> Int {
    write(number, bytes, count)
}
private func systemRename(_ path: String, _ newPath: String) -> Int32 { rename(path, newPath) }
