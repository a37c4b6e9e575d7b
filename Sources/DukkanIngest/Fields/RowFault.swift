import DukkanFormat

/// Why a row cannot be stored.
struct RowFault: Sendable, Equatable {
    /// Number of the row within its chunk.
    var row: Int
    /// Bytes of the row in the chunk, without its newline.
    var range: Range<Int>
    /// The column, for a person; nil when the row as a whole is at fault.
    var column: String?
    /// The value as it stands in the input; nil when the row as a whole is at fault.
    var value: String?
    /// What is wrong.
    var reason: String
    /// What the person can do.
    var advice: String?

    /// The fault as one sentence without the place.
    var message: String {
        guard let value else { return reason }
        return "\(RowFault.shown(value)): \(reason)"
    }

    /// A value in quotes, cut to a length that a line can hold.
    static func shown(_ value: String) -> String {
        let characters = value.prefix(81)
        return "\"" + (characters.count > 80 ? characters.prefix(80) + "…" : characters) + "\""
    }
}

/// The faults of a chunk: the first one of each bad row.
struct RowFaults {
    private(set) var byRow = [Int: RowFault]()

    var isEmpty: Bool { byRow.isEmpty }
    var count: Int { byRow.count }

    func contains(row: Int) -> Bool { !byRow.isEmpty && byRow[row] != nil }

    mutating func add(_ fault: RowFault) {
        if byRow[fault.row] == nil { byRow[fault.row] = fault }
    }

    /// The faults by row.
    var sorted: [RowFault] { Array(byRow.values).inOrder { $0.row < $1.row } }
}
