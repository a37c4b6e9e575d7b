import Testing

@testable import DukkanFormat

/// Memory of vectors that is kept for the next ones.
@Suite struct KeptMemoryTests {
    @Test func noMoreIsKeptThanTheBound() {
        let pieces = (0..<40).map { _ in KeptMemory.allocate(byteCount: 1 << 20) }
        for piece in pieces { KeptMemory.release(piece, byteCount: 1 << 20) }
        #expect(KeptMemory.keptByteCount <= 16 << 20)
        #if !DUKKAN_SANITIZED
        #expect(KeptMemory.keptByteCount >= 1 << 20)
        #endif
        for byteCount in [1, 63, 1 << 17, (1 << 17) + 1, 99_999_999] {
            let piece = KeptMemory.allocate(byteCount: byteCount)
            #expect(Int(bitPattern: piece) % 64 == 0)
            piece.storeBytes(of: 7, toByteOffset: byteCount - 1, as: UInt8.self)
            KeptMemory.release(piece, byteCount: byteCount)
        }
    }
}
