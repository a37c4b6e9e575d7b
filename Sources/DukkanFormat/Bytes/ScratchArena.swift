/// Memory for the steps between a block's bytes and its values: allocated once, given out piece by piece, taken back as
/// a whole before the next block.
///
/// Belongs to one thread at a time.
final class ScratchArena {
    private var chunks: [UnsafeMutableRawBufferPointer] = []
    /// What is left of the last chunk.
    private var next: UnsafeMutableRawPointer
    private var leftByteCount = 0
    private var total = 0

    /// Kernels may write up to this many bytes past the end of a piece.
    private static let slackByteCount = 64

    /// The forms met while decoding, with their depth; nil unless somebody asked.
    ///
    /// See ``PartDecoder/describe``.
    var trace: [(depth: Int, name: String)]?

    /// Room for the high parts and the positions of one mini-block's patches.
    let patches: (highs: UnsafeMutablePointer<Int64>, positions: UnsafeMutablePointer<Int64>)

    init() {
        let count = PartLimits.miniBlockValueCount + 8
        patches = (.allocate(capacity: count), .allocate(capacity: count))
        next = UnsafeMutableRawPointer(patches.highs)
    }

    deinit {
        patches.highs.deallocate()
        patches.positions.deallocate()
        for chunk in chunks { ScratchArena.release(chunk) }
    }

    private static func makeChunk(byteCount: Int) -> UnsafeMutableRawBufferPointer {
        UnsafeMutableRawBufferPointer(start: KeptMemory.allocate(byteCount: byteCount), count: byteCount)
    }

    private static func release(_ chunk: UnsafeMutableRawBufferPointer) {
        if let memory = chunk.baseAddress { KeptMemory.release(memory, byteCount: chunk.count) }
    }

    /// Notes a form, if somebody asked.
    @inline(__always)
    func note(_ depth: Int, _ name: @autoclosure () -> String) {
        if trace != nil { trace?.append((depth, name())) }
    }

    /// Takes all pieces back.
    ///
    /// Several chunks become one, so that a steady state allocates nothing.
    func reset() {
        if chunks.count > 1 {
            for chunk in chunks { ScratchArena.release(chunk) }
            chunks = [ScratchArena.makeChunk(byteCount: total)]
        }
        if let chunk = chunks.first, let base = chunk.baseAddress {
            next = base
            leftByteCount = chunk.count
        }
    }

    /// An uninitialised piece of memory for `count` elements, valid until ``reset()``.
    func allocate<Element: BitwiseCopyable>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element> {
        let byteCount = (count * MemoryLayout<Element>.stride + ScratchArena.slackByteCount + 63) & ~63
        if byteCount > leftByteCount { addChunk(byteCount) }
        let piece = next
        next += byteCount
        leftByteCount -= byteCount
        return piece.assumingMemoryBound(to: Element.self)
    }

    @inline(never)
    private func addChunk(_ byteCount: Int) {
        let chunk = ScratchArena.makeChunk(byteCount: max(byteCount, 1 << 16))
        chunks.append(chunk)
        total += chunk.count
        next = chunk.baseAddress!
        leftByteCount = chunk.count
    }
}
