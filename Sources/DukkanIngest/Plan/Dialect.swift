import DukkanFormat

/// The form of one input, as found out or as told.
struct Dialect: Sendable {
    /// Never `automatic`.
    var format: InputFormat
    /// For separated values.
    var separator: UInt8 = UInt8(ascii: ",")
    var quote: UInt8?
    /// Names of the input's columns; of JSON, the keys seen so far.
    var names: [String]
    /// Whether the input itself gave the names.
    var hasHeader: Bool
    /// Bytes and lines of the header.
    var headerBytes = 0
    var headerLines = 0

    var isJSON: Bool { format == .jsonLines }

    /// A tokenizer that puts field i of the input into `slots[i]`, or leaves it out if that is -1.
    func tokenizer(slots: [Int32], unknownKeys: JSONLinesTokenizer.UnknownKeys = .fault) -> any RowTokenizer {
        switch format {
        case .separated, .automatic: SeparatedTokenizer(separator: separator, quote: quote, slots: slots)
        case .jsonLines: JSONLinesTokenizer(names: names, slots: slots, unknownKeys: unknownKeys)
        case .blankSeparated: LineTokenizer(.words, slots: slots)
        case .fixedWidth(let ranges): LineTokenizer(.fixed(ranges), slots: slots)
        }
    }

    func reader(_ source: InputSource, chunkBytes: Int) -> ChunkReader {
        let isSeparated = format == .separated
        return ChunkReader(
            source: source, chunkBytes: chunkBytes, separator: isSeparated ? separator : nil,
            quote: isSeparated ? quote : nil)
    }
}
