import CDukkanKernels

/// A run of whole rows of the input, and room behind them for unescaped text.
///
/// Belongs to one thread at a time; handed from the reading to the parsing one.
final class Chunk: @unchecked Sendable {  // Sendable: handed over, never shared.
    /// Number in the input, from 0.
    var index = 0
    /// Bytes of text held.
    var count = 0
    /// Bytes of the input that had been taken when the chunk was full, of which some may belong to the next one.
    var inputBytes = 0
    /// Whether nothing follows, and the last row may lack its newline.
    var isLast = false
    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private(set) var capacity: Int
    /// Bytes of unescaped text held, from `arenaStart` on.
    ///
    /// Unescaped text is never longer than the text that it comes from.
    var arenaCount = 0

    /// Bytes that scans may read past the end.
    static let padding = 128

    init(capacity: Int) {
        self.capacity = capacity
        bytes = .allocate(capacity: 2 * (capacity + Chunk.padding))
        bytes.initialize(repeating: 0, count: Chunk.padding)
    }

    deinit { bytes.deallocate() }

    var arenaStart: Int { capacity + Chunk.padding }

    /// Makes room for more text and keeps what is held.
    ///
    /// Only before anything was unescaped.
    func reserve(_ minimum: Int) {
        guard minimum > capacity else { return }
        let grown = UnsafeMutablePointer<UInt8>.allocate(capacity: 2 * (minimum + Chunk.padding))
        grown.update(from: bytes, count: count)
        bytes.deallocate()
        bytes = grown
        capacity = minimum
    }

    /// Clears the bytes behind the text, so that what scans read there is the same in every run.
    func clearPadding() {
        (bytes + count).initialize(repeating: 0, count: Chunk.padding)
        arenaCount = 0
    }
}

extension Chunk {
    /// Number of newlines in the bytes `from ..< to`.
    func newlines(_ from: Int, _ to: Int) -> Int {
        to > from ? Int(dk_count_byte(bytes + from, to - from, 10)) : 0
    }
}
