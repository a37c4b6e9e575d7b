import DukkanFormat
import DukkanStorage

/// Decides from a row block's statistics that a condition holds for none of its rows.
struct BlockTest: Sendable {
    private enum Fact: Sendable {
        /// The value of a column, by its place among those asked, is a whole number within bounds, both inclusive.
        case range(column: Int, low: Int64, high: Int64)
        case any([Fact])
        case all([Fact])
    }

    private let fact: Fact
    /// The columns whose statistics it asks, each once.
    let columns: [String]
    /// For each part the blocks of these columns; nil where the part is older than the column.
    private let blocks: [[[PartFooter.ColumnBlock]?]]
    private let rowBlocks: [[PartFooter.RowBlock]]

    /// Nil where nothing can be concluded.
    init?(_ condition: BoundExpression, table: TableSnapshot, columns: [Int]) {
        var slots: [Int] = []
        guard let fact = BlockTest.fact(condition, &slots) else { return nil }
        self.fact = fact
        let names = slots.map { table.schema.columns[columns[$0]].name }
        self.columns = names
        blocks = table.parts.map { part in
            names.map { part.column(forSchemaColumn: $0).map { part.footer.columns[$0].blocks } }
        }
        rowBlocks = table.parts.map { $0.footer.rowBlocks }
    }

    private static func fact(_ condition: BoundExpression, _ slots: inout [Int]) -> Fact? {
        switch condition.node {
        case .binary(.and, let a, let b):
            let facts = [fact(a, &slots), fact(b, &slots)].compactMap { $0 }
            return facts.isEmpty ? nil : .all(facts)
        case .binary(.or, let a, let b):
            let before = slots
            guard let left = fact(a, &slots), let right = fact(b, &slots) else {
                slots = before
                return nil
            }
            return .any([left, right])
        default:
            guard let range = IntegerRange(condition) else { return nil }
            if !slots.contains(range.slot) { slots.append(range.slot) }
            return .range(column: slots.firstIndex(of: range.slot) ?? 0, low: range.low, high: range.high)
        }
    }

    func rulesOut(part: Int, block: Int) -> Bool {
        rulesOut(fact, part, block)
    }

    private func rulesOut(_ fact: Fact, _ number: Int, _ block: Int) -> Bool {
        switch fact {
        case .range(let column, let low, let high):
            guard let own = blocks[number][column] else { return true }
            if own[block].statistics.nullCount == rowBlocks[number][block].rowCount { return true }
            return low > high || own[block].statistics.maximum < low || own[block].statistics.minimum > high
        case .any(let facts): return facts.allSatisfy { rulesOut($0, number, block) }
        case .all(let facts): return facts.contains { rulesOut($0, number, block) }
        }
    }
}
