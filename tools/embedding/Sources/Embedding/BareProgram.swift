#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a durable commit cannot do without: one file of rows and one that names it, each made durable, and a rename.
final class BareProgram {
    private let directory: String
    private var generation = 0
    private static let manifestByteCount = 1_024

    struct Failure: Error {
        var call: String
        var number: Int32
    }

    init(directory: String) throws {
        self.directory = directory
        try BareProgram.check(mkdir(directory, 0o700), "mkdir")
        try BareProgram.check(mkdir(directory + "/parts", 0o700), "mkdir")
    }

    private static func check(_ result: Int32, _ call: String) throws {
        if result < 0 { throw Failure(call: call, number: errno) }
    }

    func commit(byteCount: Int) throws {
        generation += 1
        let part = max(1, byteCount - BareProgram.manifestByteCount)
        try write(directory + "/parts/\(generation)", [UInt8](repeating: 7, count: part))
        try synchronize(directory + "/parts")
        try write(directory + "/next", [UInt8](repeating: 7, count: BareProgram.manifestByteCount))
        try BareProgram.check(rename(directory + "/next", directory + "/manifest-\(generation)"), "rename")
        try synchronize(directory)
        if generation > 1 {
            try BareProgram.check(unlink(directory + "/manifest-\(generation - 1)"), "unlink")
        }
    }

    private func write(_ path: String, _ bytes: [UInt8]) throws {
        let file = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0o600)
        try BareProgram.check(file, "open")
        defer { close(file) }
        #if canImport(Darwin)
        _ = bytes.withUnsafeBytes { Darwin.write(file, $0.baseAddress, $0.count) }
        try BareProgram.check(fcntl(file, F_FULLFSYNC), "fsync")
        #else
        _ = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
        try BareProgram.check(fsync(file), "fsync")
        #endif
    }

    private func synchronize(_ path: String) throws {
        let file = open(path, O_RDONLY)
        try BareProgram.check(file, "open")
        defer { close(file) }
        try BareProgram.check(fsync(file), "fsync")
    }
}

/// Bytes handed to the system for writing, as it counts them itself.
enum WrittenBytes {
    /// Those of all threads of this process.
    static var ofProcess: Int { count("/proc/self/io") }

    /// Those of the thread that asks: without what merges write meanwhile on threads of their own.
    static var ofThread: Int { count("/proc/thread-self/io") }

    private static func count(_ path: String) -> Int {
        guard let file = fopen(path, "r") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        while fgets(&line, Int32(line.count), file) != nil {
            let text = line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            guard text.starts(with: Array("wchar: ".utf8)) else { continue }
            return Int(String(decoding: text.dropFirst(7).filter { (48...57).contains($0) }, as: UTF8.self)) ?? 0
        }
        return 0
    }
}
