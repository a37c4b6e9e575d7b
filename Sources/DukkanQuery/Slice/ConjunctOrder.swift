import DukkanFormat

/// The conditions of a filter that must all hold, in the order in which they rule out most rows for the least work.
///
/// Each worker has its own and learns from the morsels that it saw. The order never shows in an answer.
struct ConjunctOrder {
    private struct Conjunct {
        var predicate: Predicate
        /// Place among the filter's conditions as they were written.
        var number: Int
        /// Columns that it reads.
        var slots: [Int]
        /// Of a row, compared with the others.
        var cost: Double
        var seenCount = 1.0
        var keptCount = 0.5

        /// Work for each row ruled out.
        var rank: Double { cost / max(1 - keptCount / seenCount, 0.001) }
    }

    private var conjuncts: [Conjunct]
    private var morselCount = 0

    /// - Parameter columnCost: what it takes to decode a column, compared with the others.
    init(_ filter: Predicate, columnCost: (Int) -> Double) {
        let parts: [Predicate]
        switch filter {
        case .all: parts = []
        case .and(let inner): parts = inner
        default: parts = [filter]
        }
        conjuncts = parts.enumerated().map { number, part in
            let slots = part.columnSlots.ascending()
            let cost = slots.reduce(part.isKernel ? 0.5 : 100) { $0 + columnCost($1) }
            return Conjunct(predicate: part, number: number, slots: slots, cost: cost)
        }
        sort()
    }

    var isEmpty: Bool { conjuncts.isEmpty }
    var count: Int { conjuncts.count }

    private mutating func sort() {
        conjuncts = conjuncts.inOrder { $0.rank < $1.rank }
    }

    /// Sets the bits of the rows for which all conditions hold and returns how many they are.
    ///
    /// `require` decodes a column before it is read; no more columns are asked for once no row is left. `shortcut` may tell
    /// the rows that meet a condition, named by its number among all, in its own way, and returns whether it did.
    mutating func select(
        _ rows: ExpressionRows, _ evaluator: VectorEvaluator, into bits: Bits, require: (Int) throws -> Void,
        shortcut: (Predicate, Int, Bits) throws -> Bool
    ) throws -> Int {
        morselCount += 1
        // Often at first, when little is known.
        if morselCount & 15 == 2 { sort() }
        var count = rows.count
        let other = conjuncts.count > 1 ? evaluator.scratchBits() : bits
        for c in conjuncts.indices {
            let target = c == 0 ? bits : other
            if try !shortcut(conjuncts[c].predicate, conjuncts[c].number, target) {
                for slot in conjuncts[c].slots { try require(slot) }
                try evaluator.select(conjuncts[c].predicate, rows, into: target)
            }
            if c > 0 { bits.formIntersection(other.words) }
            let kept = bits.setCount
            conjuncts[c].seenCount += Double(count)
            conjuncts[c].keptCount += Double(kept)
            count = kept
            if count == 0 { break }
        }
        return count
    }
}

extension Predicate {
    /// Columns of the table that the condition reads.
    var columnSlots: Set<Int> {
        switch self {
        case .all, .none, .segment: []
        case .and(let parts), .or(let parts): parts.reduce(into: []) { $0.formUnion($1.columnSlots) }
        case .range(let slot, _, _): [slot]
        case .strings(let condition): condition.leaf.columnSlots
        case .isNull(let operand, _): operand.columnSlots
        case .compare(_, let a, let b): a.columnSlots.union(b.columnSlots)
        case .rows(let condition, _): condition.columnSlots
        }
    }

    /// Whether whole vectors are tested, and nothing can be wrong with a row.
    fileprivate var isKernel: Bool {
        switch self {
        case .all, .none, .segment, .range, .strings: true
        case .and(let parts), .or(let parts): parts.allSatisfy(\.isKernel)
        case .isNull(let operand, _): if case .column = operand.node { true } else { false }
        case .compare, .rows: false
        }
    }
}

extension BoundExpression {
    /// Columns of the table that the expression reads.
    var columnSlots: Set<Int> {
        if case .column(let slot) = node { return [slot] }
        return children.reduce(into: []) { $0.formUnion($1.columnSlots) }
    }
}
