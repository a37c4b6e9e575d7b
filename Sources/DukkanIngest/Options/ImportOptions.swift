public import DukkanTime

/// How a text file is read into a table.
///
/// The defaults suit a comma-separated file with a header and ISO 8601 times.
///
/// Each option is one flag of `dukkan import`, named in its comment.
public struct ImportOptions: Sendable {
    /// What happens to a row whose customer is empty.
    public enum AnonymousRows: Sendable, Hashable {
        /// It is a bad row.
        case refuse
        /// It is left out and counted.
        case drop
        /// It is stored without a customer; the table must allow that.
        case keep
    }

    /// One column of the input and the column of the table that it fills.
    public struct Mapping: Sendable, Hashable {
        /// Name of the input column, or `#3` for the third one.
        public var input: String
        /// Name of the table's column.
        public var column: String

        /// Makes a mapping.
        public init(input: String, column: String) {
            self.input = input
            self.column = column
        }
    }

    /// The form of the file.
    ///
    /// `--input-format csv|jsonl|blanks|fixed:1-5,6-14`.
    public var format: InputFormat = .automatic
    /// The character between fields, ASCII; nil: found out, one of `,` `;` tab `|`.
    ///
    /// `--separator`.
    public var separator: Character?
    /// The character around quoted fields, ASCII; nil: none.
    ///
    /// `--quote`, `--no-quote`.
    public var quote: Character? = "\""
    /// Whether the first row holds names; nil: found out.
    ///
    /// `--header`, `--no-header`.
    public var header: Bool?
    /// Names of the input's columns in order, in place of a header's.
    ///
    /// `--columns a,b,c`.
    public var columnNames: [String]?
    /// Words that mean "no value" besides nothing at all.
    ///
    /// `--null WORD`, repeatable.
    public var nullWords: [String] = []
    /// Whether decimals are written `12,30`.
    ///
    /// `--decimal-comma`.
    public var decimalComma = false
    /// How bytes stand for characters.
    ///
    /// `--encoding utf8|latin1`.
    public var encoding: TextEncoding = .utf8
    /// The zone of times that name none.
    ///
    /// `--time-zone Africa/Cairo`.
    public var timeZone: TimeZoneRules = .utc
    /// The form of times and dates where ``timeFormats`` says nothing.
    ///
    /// `--time-format FORMAT`.
    public var timeFormat: TimeFormat = .automatic
    /// The form of the times of single columns, by name in the table.
    ///
    /// `--time-format COLUMN=FORMAT`, repeatable.
    public var timeFormats = [String: TimeFormat]()
    /// Input columns that go to a table's column of another name.
    ///
    /// `--map INPUT=COLUMN`, repeatable.
    public var mappings: [Mapping] = []
    /// Input columns that are left out, by name or as `#3`.
    ///
    /// `--ignore INPUT`, repeatable.
    public var ignoredColumns: [String] = []
    /// Whether columns that the table lacks are added to it, with the types inferred.
    ///
    /// `--add-columns`.
    public var addsColumns = false
    /// What happens to rows without a customer.
    ///
    /// `--anonymous refuse|drop|keep`.
    public var anonymousRows: AnonymousRows = .refuse
    /// A file that takes the bad rows, made with mode 0600; nil: a bad row stops the import.
    ///
    /// `--rejects FILE`.
    public var rejectsPath: String?
    /// When the table is made from the file: the input column with the customer; nil: guessed.
    ///
    /// `--customer`.
    public var customerColumn: String?
    /// When the table is made from the file: the input column with the event time; nil: guessed.
    ///
    /// `--time`.
    public var timeColumn: String?
    /// When the table is made from the file: the input column with a key of rows; nil: none.
    ///
    /// `--unique`.
    public var uniqueColumn: String?
    /// Number of threads that read rows; nil: as many as there are processors.
    public var threads: Int?
    /// The present, for the warning about rows of the future; nil: the clock's.
    public var now: Timestamp?

    /// Bytes read at a time; a chunk is cut at the end of a row.
    package var chunkBytes = ImportOptions.chunkBytesDefault
    /// Bytes looked at to find out the form of a file, and the types where it can be read only once.
    package var sampleBytes = ImportOptions.sampleBytesDefault

    /// Memory that the reading may use, beside what the store takes for its rows.
    package var workingBytesMax = ImportOptions.workingBytesDefault

    package static let workingBytesDefault = 256 << 20
    package static let chunkBytesDefault = 2 << 20
    package static let sampleBytesDefault = 1 << 20
    /// Longest row of the input.
    package static let rowBytesMax = 32 << 20

    /// Bytes of memory that a thread needs for each byte of a chunk: the text, room to unescape it, fields and values.
    static let workingBytesPerByte = 16

    /// Makes the default options.
    public init() {}
}
