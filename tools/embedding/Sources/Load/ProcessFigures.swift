#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the process holds at a moment.
struct ProcessFigures: Sendable {
    /// Resident memory, in bytes; on systems without /proc the highest so far.
    var memoryByteCount: Int
    /// The highest resident memory so far, in bytes.
    var memoryByteCountMax: Int
    /// Open file descriptors.
    var descriptorCount: Int

    static func now() -> ProcessFigures {
        var usage = rusage()
        #if canImport(Darwin)
        getrusage(RUSAGE_SELF, &usage)
        let highest = usage.ru_maxrss
        #else
        getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
        let highest = usage.ru_maxrss * 1_024
        #endif
        return ProcessFigures(
            memoryByteCount: residentByteCount() ?? highest, memoryByteCountMax: highest,
            descriptorCount: descriptors())
    }

    private static func residentByteCount() -> Int? {
        guard let file = fopen("/proc/self/statm", "r") else { return nil }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), file) != nil else { return nil }
        let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let words = text.split(separator: " ")
        guard words.count > 1, let pages = Int(words[1]) else { return nil }
        return pages * Int(getpagesize())
    }

    private static func descriptors() -> Int {
        (0..<4_096).reduce(0) { $0 + (fcntl(Int32($1), F_GETFD) >= 0 ? 1 : 0) }
    }
}
