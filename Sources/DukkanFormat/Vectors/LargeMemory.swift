#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#endif

/// Memory for many values, in the large pages of the machine where it has them.
///
/// With pages of 4 KiB a gigabyte costs a quarter of a million page faults, and scattered reads of it miss the
/// translation buffer nearly every time.
package enum LargeMemory {
    /// Allocations from here on are aligned to large pages.
    package static let byteCountMin = pageByteCount
    private static let pageByteCount = 2 << 20

    /// Allocates memory aligned to 64 bytes at least; the caller deallocates it.
    package static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        guard byteCount >= byteCountMin else { return .allocate(byteCount: byteCount, alignment: 64) }
        let memory = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: pageByteCount)
        #if os(Linux)
        // Whole pages only: what follows them belongs to others. A refusal changes nothing but speed.
        _ = madvise(memory, byteCount / pageByteCount * pageByteCount, Int32(MADV_HUGEPAGE))
        #endif
        return memory
    }
}
