import Testing

@testable import DukkanFormat

/// Memory of vectors that is kept for the next ones.
@Suite(.serialized) struct KeptMemoryTests {
    @Test func vectorsGetTheMemoryOfThoseBefore() {
        // A size that nothing else asks for; others may take or give back pieces meanwhile, so one success is enough.
        let found = (0..<50).contains { attempt in
            let byteCount = (5 << 20) + attempt * (1 << 20)
            let first = KeptMemory.allocate(byteCount: byteCount)
            first.initializeMemory(as: UInt8.self, repeating: 1, count: byteCount)
            KeptMemory.release(first, byteCount: byteCount)
            let second = KeptMemory.allocate(byteCount: byteCount - 1_000)
            second.initializeMemory(as: UInt8.self, repeating: 2, count: byteCount - 1_000)
            KeptMemory.release(second, byteCount: byteCount - 1_000)
            return first == second
        }
        #expect(found)
    }

    @Test func noMoreIsKeptThanTheBound() {
        let pieces = (0..<40).map { _ in KeptMemory.allocate(byteCount: 1 << 20) }
        for piece in pieces { KeptMemory.release(piece, byteCount: 1 << 20) }
        #expect(KeptMemory.keptByteCount <= 16 << 20)
        #expect(KeptMemory.keptByteCount >= 1 << 20)
        for byteCount in [1, 63, 1 << 17, (1 << 17) + 1, 99_999_999] {
            let piece = KeptMemory.allocate(byteCount: byteCount)
            #expect(Int(bitPattern: piece) % 64 == 0)
            piece.storeBytes(of: 7, toByteOffset: byteCount - 1, as: UInt8.self)
            KeptMemory.release(piece, byteCount: byteCount)
        }
    }
}
