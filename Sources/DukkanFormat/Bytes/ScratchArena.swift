/// Memory for the steps between a block's bytes and its values: allocated once, given out piece by piece, taken back as
/// a whole before the next block.
///
/// Belongs to one thread at a time.
final class ScratchArena {
    private var chunks: [UnsafeMutableRawBufferPointer] = []
    private var used = 0
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
    }

    deinit {
        patches.highs.deallocate()
        patches.positions.deallocate()
        for chunk in chunks { chunk.deallocate() }
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
        used = 0
        guard chunks.count > 1 else { return }
        for chunk in chunks { chunk.deallocate() }
        chunks = [.allocate(byteCount: total, alignment: 64)]
    }

    /// An uninitialised piece of memory for `count` elements, valid until ``reset()``.
    func allocate<Element: BitwiseCopyable>(_ type: Element.Type, _ count: Int) -> UnsafeMutablePointer<Element> {
        let byteCount = (count * MemoryLayout<Element>.stride + ScratchArena.slackByteCount + 63) & ~63
        if let last = chunks.last, used + byteCount <= last.count {
            defer { used += byteCount }
            return (last.baseAddress! + used).assumingMemoryBound(to: Element.self)
        }
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: max(byteCount, 1 << 16), alignment: 64)
        chunks.append(chunk)
        total += chunk.count
        used = byteCount
        return chunk.baseAddress!.assumingMemoryBound(to: Element.self)
    }
}
