import DukkanFormat
import DukkanStorage

/// The rows that a segment counts of a table of which nothing else is asked: they are chosen where the blocks are read, so
/// that no value is made or copied of the others.
///
/// Each worker has its own.
final class CountedRows: RowChoice {
    private var conjuncts: ConjunctOrder
    private var tests: FormTests
    private let evaluator: VectorEvaluator

    init(_ filter: Predicate, _ clock: QueryClock) {
        conjuncts = ConjunctOrder(filter) { _ in 1 }
        tests = FormTests(count: conjuncts.count)
        evaluator = VectorEvaluator(clock)
    }

    func choose(_ block: RowBlockColumns) throws -> UnsafePointer<UInt64> {
        evaluator.reset()
        let rows = ExpressionRows()
        rows.count = block.rowCount
        rows.columns = block.columns
        let bits = evaluator.scratchBits()
        _ = try conjuncts.select(rows, evaluator, into: bits) {
            try block.require($0)
        } shortcut: { predicate, number, bits in
            try tests.decide(number, predicate, evaluator, into: bits, rows.count) {
                block.sharedDictionary($0)
            } select: { test, column, words in
                try block.select(test, column: column, into: words)
            }
        }
        return UnsafePointer(bits.words)
    }

    /// The tables of which nothing is asked but how many rows of each customer meet a condition, and the condition: no row
    /// can be wrong with it, and it needs no other table.
    static func filters(_ builder: ScanBuilder) -> [Int: Predicate] {
        var filters = [Int: Predicate]()
        for measure in builder.segments.flatMap(\.measures) {
            // The first table is the query's own. Whoever reads a table says so once for each use.
            guard case .aggregate(let aggregate) = measure, aggregate.function == .count, aggregate.argument == nil,
                aggregate.table > 0, builder.tables[aggregate.table].uses.count == 1,
                let filter = aggregate.filter.map({ Predicate($0) }), filter.isCounted
            else { continue }
            filters[aggregate.table] = filter
        }
        return filters
    }
}

extension Predicate {
    /// Whether a column's own values decide it, and nothing can be wrong with a row.
    fileprivate var isCounted: Bool {
        switch self {
        case .range: true
        case .strings(let condition): if case .column = condition.leaf.node { true } else { false }
        case .and(let parts), .or(let parts): parts.allSatisfy(\.isCounted)
        default: false
        }
    }
}
