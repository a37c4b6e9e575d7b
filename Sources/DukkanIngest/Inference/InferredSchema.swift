public import DukkanFormat

/// What was found out about one column of an input.
public struct InferredColumn: Sendable, Hashable {
    /// The name that the input gives it, or `column3`.
    public var name: String
    /// The narrowest type that holds every value that was looked at.
    public var type: ColumnType
    /// How its times are written; nil for other types.
    public var timeFormat: TimeFormat?
    /// Number of values looked at that were missing.
    public var nullCount: Int
    /// A value as it stands in the input; empty when all are missing.
    public var example: String
    /// A word such as `NULL` that stands in place of a value in many rows, if one was seen and is not among the null words.
    public var suspectedNullWord: String?

    /// Makes a description.
    public init(
        name: String, type: ColumnType, timeFormat: TimeFormat? = nil, nullCount: Int = 0, example: String = "",
        suspectedNullWord: String? = nil
    ) {
        self.name = name
        self.type = type
        self.timeFormat = timeFormat
        self.nullCount = nullCount
        self.example = example
        self.suspectedNullWord = suspectedNullWord
    }
}

/// What was found out about an input: its form, its columns, and a table that would hold it.
public struct InferredSchema: Sendable {
    /// The columns in the order of the input.
    public var columns: [InferredColumn]
    /// Rows that were looked at.
    public var rowCount: Int
    /// Whether all rows were looked at, not only the first ones.
    public var isWhole: Bool
    /// The form of the input.
    public var format: InputFormat
    /// The character between fields, for separated values.
    public var separator: Character?
    /// Whether the first row holds names.
    public var hasHeader: Bool
    /// A table for these rows; nil when no customer or no time column could be told.
    public var table: TableSchema?
    /// What a person should look at, one sentence each; says what is missing when `table` is nil.
    public var notes: [String]
}
