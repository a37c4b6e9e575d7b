import CDukkanKernels
import DukkanFormat

/// Cuts an input into chunks that end where rows end.
final class ChunkReader {
    private let source: InputSource
    private let chunkBytes: Int
    private var state: dk_csv_state
    private let quotes: Bool
    private var carry: [UInt8] = []
    private var chunkCount = 0
    private var isAtEnd = false

    /// `separator` and `quote` of separated values; nil where every newline ends a row.
    init(source: InputSource, chunkBytes: Int, separator: UInt8?, quote: UInt8?) {
        self.source = source
        self.chunkBytes = max(1, chunkBytes)
        quotes = separator != nil && quote != nil
        state = dk_csv_state(
            separator: separator ?? 10, quote: quote ?? 0, has_quote: quotes ? 1 : 0, inside: 0, can_open: 1)
    }

    /// Fills a chunk; false at the end of the input.
    func next(into chunk: Chunk) throws -> Bool {
        chunk.count = 0
        guard !isAtEnd else { return false }
        chunk.reserve(max(chunkBytes, carry.count + 1))
        carry.withUnsafeBufferPointer {
            if let base = $0.baseAddress { chunk.bytes.update(from: base, count: $0.count) }
        }
        chunk.count = carry.count
        // The rest of the last chunk is scanned again from its first byte, which begins a row.
        (state.inside, state.can_open) = (0, 1)
        var scanned = 0, rowEnd = 0
        var wanted = max(chunkBytes, chunk.count + 1)
        while true {
            chunk.reserve(wanted)
            while chunk.count < wanted {
                let got = try source.read(
                    into: .init(start: chunk.bytes + chunk.count, count: wanted - chunk.count))
                if got == 0 {
                    isAtEnd = true
                    break
                }
                chunk.count += got
            }
            let end = dk_csv_last_row_end(chunk.bytes, scanned, chunk.count, &state)
            if end > 0 { rowEnd = end }
            scanned = chunk.count
            if rowEnd == 0, chunk.count > ImportOptions.rowBytesMax { throw tooLong() }
            if isAtEnd || rowEnd > 0 { break }
            wanted = 2 * chunk.count
        }
        if isAtEnd { rowEnd = chunk.count }
        carry = Array(UnsafeBufferPointer(start: chunk.bytes + rowEnd, count: chunk.count - rowEnd))
        chunk.count = rowEnd
        chunk.isLast = isAtEnd
        chunk.index = chunkCount
        chunk.inputBytes = source.bytesConsumed
        chunk.clearPadding()
        chunkCount += 1
        return chunk.count > 0
    }

    private func tooLong() -> DukkanError {
        DukkanError(
            .invalidInput, "a row is longer than \(ImportOptions.rowBytesMax >> 20) MiB",
            place: .init(file: source.name),
            advice: quotes ? "is a quote never closed? --no-quote reads quotes as they are" : nil)
    }
}
