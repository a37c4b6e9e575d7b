/// Encodes the customers of a row block: the number of rows of each, and the keys.
enum DirectoryEncoder {
    static func encode(starts: [UInt32], keys: CustomerKeys, effort: EncodingEffort) -> EncodedBlock {
        var content = ByteWriter()
        let count = starts.count - 1
        let lengths = (0..<count).map { Int64(starts[$0 + 1] - starts[$0] - 1) }
        IntegerStream.encode(lengths, count, into: &content, effort: effort)
        switch keys {
        case .none:
            break
        case .integers(let values):
            IntegerStream.encode(values, count, into: &content, effort: effort)
        case .strings(let strings):
            StringList.encode(strings, into: &content, effort: effort)
        }
        let tryLZ4 = if case .strings = keys { true } else { false }
        return EncodedBlock(bytes: BlockFrame.wrap(content.bytes, tryLZ4: tryLZ4, effort: effort))
    }
}

/// The keys of a row block's customers.
enum CustomerKeys {
    /// The rows are without a customer.
    case none
    case integers([Int64])
    case strings(StringDictionary)
}
