/// The one error that Dukkan throws: what went wrong, where, and what to do about it.
///
/// Switch over ``code`` to react in a program; show ``description`` to a person.
public struct DukkanError: Error, Sendable {
    /// The kind of failure.
    ///
    /// Open: later releases add codes, so a `switch` wants a `default`.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        /// The stable lower-case name, as `invalid_row`.
        public let description: String

        /// Makes a code of a given name.
        public init(_ name: String) {
            description = name
        }

        /// Bytes of the store do not have the form or the checksum that they must have.
        public static let corrupt = Code("corrupt")
        /// The file was written by a newer release with an unknown format version.
        public static let unsupportedVersion = Code("unsupported_version")
        /// A value or a row of the input cannot be stored as asked.
        public static let invalidRow = Code("invalid_row")
        /// The input as a whole does not fit the table: missing or unknown columns, an unreadable header.
        public static let invalidInput = Code("invalid_input")
        /// The text of a statement does not follow the grammar.
        public static let syntax = Code("syntax")
        /// A statement or a query value names something that does not exist or combines what has no meaning.
        public static let invalidQuery = Code("invalid_query")
        /// An exact result does not fit its type.
        public static let overflow = Code("overflow")
        /// A schema, a name or an option is not acceptable.
        public static let invalidArgument = Code("invalid_argument")
        /// The store, table, column or part does not exist.
        public static let notFound = Code("not_found")
        /// Something of that name exists already.
        public static let alreadyExists = Code("already_exists")
        /// Another process or handle holds the writer's lock.
        public static let locked = Code("locked")
        /// The store was opened for reading only.
        public static let readOnly = Code("read_only")
        /// The operating system refused a file operation.
        public static let inputOutput = Code("input_output")
        /// A commit reached the disk only in part, as far as is known; reopen to see which snapshot stands.
        public static let outcomeUnknown = Code("outcome_unknown")
        /// The operation needs more memory than the store's budget.
        public static let memoryBudget = Code("memory_budget")
        /// A named limit of the store was exceeded.
        public static let limit = Code("limit")
        /// The caller cancelled the operation.
        public static let cancelled = Code("cancelled")
        /// The deadline passed before the operation ended.
        public static let deadline = Code("deadline")
    }

    /// Where the failure was found.
    ///
    /// All parts are optional.
    public struct Place: Sendable, Hashable {
        /// Path or name of the file.
        public var file: String?
        /// Line in the file or the statement, from 1.
        public var line: Int?
        /// Name of the column of a table.
        public var column: String?
        /// Number of the block within a part, from 0.
        public var block: Int?
        /// Byte offset in the file or the statement, from 0.
        public var offset: Int?

        /// Makes a place from what is known of it.
        public init(
            file: String? = nil, line: Int? = nil, column: String? = nil, block: Int? = nil, offset: Int? = nil
        ) {
            self.file = file
            self.line = line
            self.column = column
            self.block = block
            self.offset = offset
        }
    }

    /// The kind of failure.
    public var code: Code
    /// What went wrong, one sentence without the place.
    public var message: String
    /// Where it was found.
    public var place: Place
    /// What the person can do, if something is known to help.
    public var advice: String?
    /// The error underneath.
    public var cause: (any Error)?

    /// Makes an error.
    public init(
        _ code: Code, _ message: String, place: Place = Place(), advice: String? = nil, cause: (any Error)? = nil
    ) {
        self.code = code
        self.message = message
        self.place = place
        self.advice = advice
        self.cause = cause
    }

    /// The same error with the file named where it was not known before.
    public func inFile(_ file: String) -> DukkanError {
        var copy = self
        if copy.place.file == nil { copy.place.file = file }
        return copy
    }
}

extension DukkanError: CustomStringConvertible {
    /// `place: message (advice)`, for a person.
    public var description: String {
        var text = ""
        let where_ = place.description
        if !where_.isEmpty { text += where_ + ": " }
        text += message
        if let cause { text += ": \(cause)" }
        if let advice { text += "\n  \(advice)" }
        return text
    }
}

extension DukkanError.Place: CustomStringConvertible {
    /// `file:line, column c, block b, offset o`, with what is known.
    public var description: String {
        var parts: [String] = []
        if let file {
            parts.append(line.map { "\(file):\($0)" } ?? file)
        } else if let line {
            parts.append("line \(line)")
        }
        if let column { parts.append("column \(column)") }
        if let block { parts.append("block \(block)") }
        if let offset { parts.append("offset \(offset)") }
        return parts.joined(separator: ", ")
    }
}
