import DukkanFormat
import DukkanStorage

/// Decides from a row block's statistics that a condition holds for none of its rows.
struct BlockTest: Sendable {
    private enum Fact: Sendable {
        /// The column's value is a whole number within bounds, both inclusive.
        case range(column: String, low: Int64, high: Int64)
        case any([Fact])
        case all([Fact])
    }

    private let table: TableSnapshot
    private let fact: Fact

    /// Nil where nothing can be concluded.
    init?(_ condition: BoundExpression, table: TableSnapshot, columns: [Int]) {
        self.table = table
        guard let fact = BlockTest.fact(condition, table, columns) else { return nil }
        self.fact = fact
    }

    private static func fact(_ condition: BoundExpression, _ table: TableSnapshot, _ columns: [Int]) -> Fact? {
        switch condition.node {
        case .binary(.and, let a, let b):
            let facts = [fact(a, table, columns), fact(b, table, columns)].compactMap { $0 }
            return facts.isEmpty ? nil : .all(facts)
        case .binary(.or, let a, let b):
            guard let left = fact(a, table, columns), let right = fact(b, table, columns) else { return nil }
            return .any([left, right])
        default:
            guard let range = IntegerRange(condition) else { return nil }
            return .range(column: table.schema.columns[columns[range.slot]].name, low: range.low, high: range.high)
        }
    }

    /// The columns whose statistics it asks, each once.
    var columns: [String] {
        func names(_ fact: Fact) -> [String] {
            switch fact {
            case .range(let column, _, _): [column]
            case .any(let facts), .all(let facts): facts.flatMap { names($0) }
            }
        }
        var found: [String] = []
        for name in names(fact) where !found.contains(name) { found.append(name) }
        return found
    }

    func rulesOut(part: Int, block: Int) -> Bool {
        rulesOut(fact, table.parts[part], block)
    }

    private func rulesOut(_ fact: Fact, _ part: PartHandle, _ block: Int) -> Bool {
        switch fact {
        case .range(let column, let low, let high):
            guard let place = part.column(forSchemaColumn: column) else { return true }
            let statistics = part.footer.columns[place].blocks[block].statistics
            if statistics.nullCount == part.footer.rowBlocks[block].rowCount { return true }
            return low > high || statistics.maximum < low || statistics.minimum > high
        case .any(let facts): return facts.allSatisfy { rulesOut($0, part, block) }
        case .all(let facts): return facts.contains { rulesOut($0, part, block) }
        }
    }
}
