import DukkanFormat
import DukkanStorage

/// Binds, plans and runs a funnel with options.
struct ChainFunnelRun {
    init(_ query: FunnelQuery, _ base: QueryContext) throws {
        throw DukkanError.notAvailable("a funnel with these options")
    }

    func run() throws -> QueryResult { throw DukkanError.notAvailable("a funnel with these options") }
}

/// A funnel with options, bound to a scan.
struct ChainProgram: Sendable {
    init(_ query: FunnelQuery, _ builder: ScanBuilder, asOf: Int64) throws {
        throw DukkanError.notAvailable("a funnel in a condition")
    }

    var expressions: [(table: Int, BoundExpression)] { [] }
    var tables: [Int] { [] }
}

/// One thread's evaluation of a bound funnel, kept from morsel to morsel.
final class ChainWorker {
    init(_ program: ChainProgram, _ numbering: ValueNumbering) {}

    func load(_ frame: MorselFrame) throws { throw DukkanError.notAvailable("a funnel in a condition") }

    func membership(_ standing: FunnelQuery.Standing, step: Int, into flags: UnsafeMutablePointer<Int64>) throws {
        throw DukkanError.notAvailable("a funnel in a condition")
    }
}

extension FunnelQuery {
    /// Whether no clause is used for which ``FunnelRun`` has no place.
    package var isPlain: Bool {
        let plain = FunnelQuery(
            steps.map { Step($0.name, in: $0.table, where: $0.filter) }, within: window, ties: ties, where: filter,
            enteredFrom: enteredFrom, enteredTo: enteredTo, by: breakdown, options: options)
        return plain == self
    }

    package func validate() throws {}

    package func resolved() -> FunnelQuery { self }
}
