import Synchronization

/// Memory of vectors, some of which is kept for the next ones: memory that comes fresh from the system is cleared page by
/// page when it is touched first, which costs a query more than to read what it puts there.
package enum KeptMemory {
    /// Smaller pieces are left to the allocator, which gives back less of them.
    #if DUKKAN_SANITIZED
    // A sanitizer sees what is wrong about a piece only where each is the allocator's own.
    private static let byteCountMin = Int.max
    #else
    private static let byteCountMin = 1 << 15
    #endif
    /// What is kept at most.
    private static let byteCountMax = 16 << 20

    private struct Piece: @unchecked Sendable {  // Sendable: nobody else knows of it.
        let memory: UnsafeMutableRawPointer
    }

    private struct State {
        /// By size.
        var pieces = [Int: [Piece]]()
        var byteCount = 0
    }

    private static let state = Guarded(State())

    /// What is kept now.
    static var keptByteCount: Int { state.withLock(\.byteCount) }

    /// The size that a piece really has: one of four for each power of two.
    private static func roundedByteCount(_ byteCount: Int) -> Int {
        let step = 1 << max(0, Int.bitWidth - 1 - byteCount.leadingZeroBitCount - 2)
        let (sum, isOver) = byteCount.addingReportingOverflow(step - 1)
        return isOver ? byteCount : sum / step * step
    }

    /// Memory aligned to 64 bytes at least; whoever asked gives it back with ``release(_:byteCount:)``.
    package static func allocate(byteCount: Int) -> UnsafeMutableRawPointer {
        guard byteCount >= byteCountMin else { return LargeMemory.allocate(byteCount: byteCount) }
        let size = roundedByteCount(byteCount)
        let kept = state.withLock { state in
            let piece = state.pieces[size]?.popLast()
            if piece != nil { state.byteCount -= size }
            return piece
        }
        return kept?.memory ?? LargeMemory.allocate(byteCount: size)
    }

    /// Gives back what ``allocate(byteCount:)`` returned for as many bytes.
    package static func release(_ memory: UnsafeMutableRawPointer, byteCount: Int) {
        guard byteCount >= byteCountMin else { return memory.deallocate() }
        let size = roundedByteCount(byteCount)
        let piece = Piece(memory: memory)
        let isKept = state.withLock { state in
            guard state.byteCount + size <= byteCountMax else { return false }
            state.pieces[size, default: []].append(piece)
            state.byteCount += size
            return true
        }
        if !isKept { memory.deallocate() }
    }

    /// Memory for elements, of which nothing is initialized; large ones are aligned as above.
    package static func allocate<Element: BitwiseCopyable>(_ count: Int) -> UnsafeMutablePointer<Element> {
        let byteCount = count * MemoryLayout<Element>.stride
        guard byteCount >= byteCountMin else { return .allocate(capacity: count) }
        return allocate(byteCount: byteCount).bindMemory(to: Element.self, capacity: count)
    }

    /// Gives back memory for as many elements.
    package static func release<Element: BitwiseCopyable>(_ memory: UnsafeMutablePointer<Element>, _ count: Int) {
        release(UnsafeMutableRawPointer(memory), byteCount: count * MemoryLayout<Element>.stride)
    }
}
