/// The first byte of an integer stream: how its values are written.
enum StreamTag: UInt8 {
    /// One value for all.
    case constant = 0
    /// Mini-blocks of 1,024 values, each with its reference, width and patches.
    case packed = 1
    /// Runs: a stream of values and a stream of lengths.
    case runLength = 2
    /// A base and a divisor, and the stream of (value - base) / divisor.
    case scaled = 3
    /// The first value, and the stream of differences from value to value.
    case delta = 4
    /// A stream of distinct values, and the stream of their indices.
    case dictionary = 5
    /// First values of the customers, and the stream of differences between rows of one customer.
    case customerDelta = 6
    /// One frequent value, a bitmap of the other rows, and the stream of their values.
    case frequent = 7
    /// A bitmap of the places where runs start, and the stream of the runs' values.
    case runs = 8
    /// The stream of the values of the runs that a shared bitmap of the row block marks.
    case sharedRuns = 9
    /// The stream of the differences to what the column's model predicts from the rows' times.
    case predicted = 10
    /// What the column's model holds for another column's value, and the exceptions.
    case lookedUp = 11
    /// First values of the customers, the stream of differences between the first rows of one customer's runs, and the
    /// stream of differences between rows of one run.
    case runDelta = 12

    /// The name that `inspect` shows.
    var name: String {
        switch self {
        case .constant: "constant"
        case .packed: "for"
        case .runLength: "rle"
        case .scaled: "scaled"
        case .delta: "delta"
        case .dictionary: "dictionary"
        case .customerDelta: "customer-delta"
        case .frequent: "frequent"
        case .runs: "runs"
        case .sharedRuns: "shared-runs"
        case .predicted: "predicted"
        case .lookedUp: "looked-up"
        case .runDelta: "run-delta"
        }
    }
}
