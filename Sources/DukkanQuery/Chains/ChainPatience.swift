import DukkanStorage

/// Asks now and then whether the query is still wanted, within a customer whose rows take long.
struct ChainPatience {
    private let control: WorkControl?
    private var rowsLeft = ChainPatience.rowCount
    /// Whether it is not wanted any more; what is evaluated from then on means nothing.
    private(set) var isOver = false

    /// Rows looked at between two questions.
    private static let rowCount = 1 << 20

    init(_ control: WorkControl?) {
        self.control = control
    }

    /// Counts rows looked at; false where the query is not wanted any more.
    @inline(__always)
    mutating func spend(_ rows: Int) -> Bool {
        rowsLeft &-= rows
        return rowsLeft >= 0 || ask()
    }

    @inline(never)
    private mutating func ask() -> Bool {
        rowsLeft = ChainPatience.rowCount
        if let control, (try? control.check()) == nil { isOver = true }
        return !isOver
    }

    /// - Throws: what ended it.
    func check() throws {
        if isOver { try control?.check() }
    }
}
