import DukkanFormat

/// When a string column of a part gets one dictionary for the whole part.
enum PartDictionaryRule {
    /// Most strings in a part dictionary.
    static let countMax = 1_000_000
    /// Most bytes in a part dictionary.
    static let byteCountMax = 64 << 20

    /// Whether `count` distinct strings among `rows` rows make a part dictionary.
    ///
    /// A column of mostly distinct values (identifiers, free text) is better served by a dictionary in each block.
    static func accepts(count: Int, byteCount: Int, rows: Int) -> Bool {
        count <= min(countMax, rows / 2 + 1_000) && byteCount <= byteCountMax
    }
}
