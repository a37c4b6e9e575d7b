/// How a query is answered; from `EXPLAIN ANALYZE`, how it was answered and what each part of the work cost.
///
/// A tree of operators: rows flow from the inputs to the operator that names them, the answer is at the root. The times
/// of a thread's operators add up to the thread's time, because each moment is counted for one operator only.
public struct Explanation: Sendable, Hashable {
    /// One step of the work.
    public struct Operator: Sendable, Hashable {
        /// What kind of work, as `Filter` or `Scan`.
        public var name: String
        /// What it works on, as the name of a table; may be empty.
        public var subject: String
        /// What else there is to know of it.
        public var facts: [Fact]
        /// Columns that a table's scan reads; empty for other operators.
        public var columns: [Column]
        /// What it cost; nil where nothing ran.
        public var work: Work?
        /// The operators whose rows it takes.
        public var inputs: [Operator]
    }

    /// A named property of an operator.
    public struct Fact: Sendable, Hashable {
        /// A value with its unit.
        public enum Content: Sendable, Hashable {
            case text(String)
            case texts([String])
            case count(Int)
            case bytes(Int)
        }

        /// The name, words separated by spaces.
        public var name: String
        /// The value.
        public var content: Content
    }

    /// What an operator cost.
    public struct Work: Sendable, Hashable {
        /// Rows that it took; nil where rows are not what it takes.
        public var rowsIn: Int?
        /// Rows that it gave.
        public var rowsOut: Int?
        /// Time of each working thread, without that of the inputs.
        public var threadTimes: [Duration]
        /// Time of the thread that asked, before and after the threads worked.
        public var callerTime: Duration

        /// All of it.
        public var time: Duration { threadTimes.reduce(callerTime, +) }
    }

    /// One column of a table, or its customer directory.
    public struct Column: Sendable, Hashable {
        /// The name.
        public var name: String
        /// Blocks that the plan lets be read, of all parts.
        public var blocksPlanned: Int
        /// Their bytes, and those of the dictionary.
        public var bytesPlanned: Int
        /// Blocks that were read, checked and decoded, more than planned where threads share a block at their border.
        public var blocksRead = 0
        /// Dictionaries of parts that were read.
        public var dictionariesRead = 0
        /// Bytes read from files.
        public var bytesRead = 0
        /// Bytes that they took in memory once decoded.
        public var bytesDecoded = 0
        /// Values decoded.
        public var rowsDecoded = 0
        /// Time in the system's read calls.
        public var readTime = Duration.zero
        /// Time for verifying checksums.
        public var checkTime = Duration.zero
        /// Time for decoding.
        public var decodeTime = Duration.zero
    }

    /// The phases of a query, one after the other; their sum is its whole time.
    public struct Phases: Sendable, Hashable {
        /// From text to query; zero where the query was made in Swift.
        public var parse = Duration.zero
        /// Binding names, pruning, reading dictionaries.
        public var plan = Duration.zero
        /// The threads at work.
        public var run = Duration.zero
        /// Putting the threads' partial results together.
        public var merge = Duration.zero
        /// Sorting, and making the answer's rows.
        public var answer = Duration.zero
        /// Writing the answer as text, where that was measured.
        public var render: Duration?

        /// All of it.
        public var total: Duration { parse + plan + run + merge + answer + (render ?? .zero) }
    }

    /// What running the query cost besides its operators.
    public struct Analysis: Sendable, Hashable {
        /// The phases.
        public var phases: Phases
        /// How long each thread worked.
        public var threadTimes: [Duration]
        /// How long each thread had a processor: less than it worked where other programs had it, or where a file was
        /// waited for.
        public var processorTimes: [Duration]
        /// How much of that went into counting what is reported here.
        public var countingTime: Duration
        /// The totals that a plain query reports too.
        public var cost: QueryResult.Cost
        /// Rows of the answer.
        public var rowCount: Int
    }

    /// The operator that gives the answer.
    public var root: Operator
    /// Threads that the query may use.
    public var threads: Int
    /// Bytes that its working state may take.
    public var memoryBudgetBytes: Int
    /// Nil for a plain `EXPLAIN`.
    public var analysis: Analysis?
}
