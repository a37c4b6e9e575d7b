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
        @inlinable
        public init(_ name: String) {
            description = name
        }

        /// Bytes of the store do not have the form or the checksum that they must have.
        @inlinable public static var corrupt: Code { Code("corrupt") }
        /// The file was written by a newer release with an unknown format version.
        @inlinable public static var unsupportedVersion: Code { Code("unsupported_version") }
        /// A value or a row of the input cannot be stored as asked.
        @inlinable public static var invalidRow: Code { Code("invalid_row") }
        /// The input as a whole does not fit the table: missing or unknown columns, an unreadable header.
        @inlinable public static var invalidInput: Code { Code("invalid_input") }
        /// The text of a statement does not follow the grammar.
        @inlinable public static var syntax: Code { Code("syntax") }
        /// A statement or a query value names something that does not exist or combines what has no meaning.
        @inlinable public static var invalidQuery: Code { Code("invalid_query") }
        /// An exact result does not fit its type.
        @inlinable public static var overflow: Code { Code("overflow") }
        /// A schema, a name or an option is not acceptable.
        @inlinable public static var invalidArgument: Code { Code("invalid_argument") }
        /// The store, table, column or part does not exist.
        @inlinable public static var notFound: Code { Code("not_found") }
        /// Something of that name exists already.
        @inlinable public static var alreadyExists: Code { Code("already_exists") }
        /// Another process or handle holds the writer's lock.
        @inlinable public static var locked: Code { Code("locked") }
        /// The store was opened for reading only.
        @inlinable public static var readOnly: Code { Code("read_only") }
        /// The operating system refused a file operation.
        @inlinable public static var inputOutput: Code { Code("input_output") }
        /// A commit reached the disk only in part, as far as is known; reopen to see which snapshot stands.
        @inlinable public static var outcomeUnknown: Code { Code("outcome_unknown") }
        /// The operation needs more memory than the store's budget.
        @inlinable public static var memoryBudget: Code { Code("memory_budget") }
        /// A named limit of the store was exceeded.
        @inlinable public static var limit: Code { Code("limit") }
        /// The caller cancelled the operation.
        @inlinable public static var cancelled: Code { Code("cancelled") }
        /// The deadline passed before the operation ended.
        @inlinable public static var deadline: Code { Code("deadline") }
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
    public var code: Code {
        get { content.code }
        set { content = Content(newValue, message, place, advice, cause) }
    }

    /// What went wrong, one sentence without the place.
    public var message: String {
        get { content.message }
        set { content = Content(code, newValue, place, advice, cause) }
    }

    /// Where it was found.
    public var place: Place {
        get { content.place }
        set { content = Content(code, message, newValue, advice, cause) }
    }

    /// What the person can do, if something is known to help.
    public var advice: String? {
        get { content.advice }
        set { content = Content(code, message, place, newValue, cause) }
    }

    /// The error underneath.
    public var cause: (any Error)? {
        get { content.cause }
        set { content = Content(code, message, place, advice, newValue) }
    }

    /// An object, so that each of the hundreds of places that throw makes and moves one word.
    private final class Content: Sendable {
        let code: Code
        let message: String
        let place: Place
        let advice: String?
        let cause: (any Error)?

        init(_ code: Code, _ message: String, _ place: Place, _ advice: String?, _ cause: (any Error)?) {
            self.code = code
            self.message = message
            self.place = place
            self.advice = advice
            self.cause = cause
        }
    }

    private var content: Content

    /// Makes an error.
    @inline(never)
    public init(_ code: Code, _ message: String, place: Place, advice: String? = nil, cause: (any Error)? = nil) {
        content = Content(code, message, place, advice, cause)
    }

    /// Makes an error of which no place is known.
    @inline(never)
    public init(_ code: Code, _ message: String, advice: String? = nil, cause: (any Error)? = nil) {
        content = Content(code, message, Place(), advice, cause)
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
