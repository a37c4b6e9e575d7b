import DukkanFormat

/// Computes which steps each row of a table matches.
///
/// Steps that differ only in a condition on one string column, as `event = 'view_item'`, share one table from the column's
/// codes to bits; other steps are selected one by one.
struct StepMasks: Sendable {
    /// A step of the table: its bit and what its rows must meet; nil: every row.
    struct Step: Sendable {
        var bit: Int
        var condition: BoundExpression?
    }

    private let steps: [Step]
    private let predicates: [Predicate]
    private let shared: SharedColumn?

    /// Conditions on one string leaf, one a step, and what all steps have in common besides.
    private struct SharedColumn: Sendable {
        var leaf: BoundExpression
        var conditions: [StringCondition]
        var rest: Predicate
    }

    init(_ steps: [Step]) {
        self.steps = steps
        predicates = steps.map { $0.condition.map { Predicate($0) } ?? .all }
        shared = StepMasks.share(steps)
    }

    private static func conjuncts(_ condition: BoundExpression) -> [BoundExpression] {
        if case .binary(.and, let a, let b) = condition.node { return conjuncts(a) + conjuncts(b) }
        return [condition]
    }

    private static func share(_ steps: [Step]) -> SharedColumn? {
        var leaf: BoundExpression?
        var conditions: [StringCondition] = []
        var rest: Set<BoundExpression>?
        for step in steps {
            guard let condition = step.condition else { return nil }
            var others: [BoundExpression] = []
            var own: StringCondition?
            for part in conjuncts(condition) {
                let strings = own == nil ? StringCondition(part, negated: false) : nil
                if let strings, leaf == nil || strings.leaf == leaf {
                    own = strings
                } else {
                    others.append(part)
                }
            }
            guard let own, rest == nil || rest == Set(others) else { return nil }
            leaf = own.leaf
            conditions.append(own)
            rest = Set(others)
        }
        guard let leaf else { return nil }
        let common = (rest ?? []).reduce(BoundExpression?.none) { all, part in
            all.map { BoundExpression(.binary(.and, $0, part), .bool) } ?? part
        }
        return SharedColumn(leaf: leaf, conditions: conditions, rest: common.map { Predicate($0) } ?? .all)
    }

    /// Writes the mask of each row; `masks` has room for the rows.
    ///
    /// The same for bytes and words.
    func fill<Mask: FixedWidthInteger & UnsignedInteger>(
        _ rows: ExpressionRows, _ evaluator: VectorEvaluator, into masks: UnsafeMutablePointer<Mask>
    ) throws {
        if let shared, let column = rows.leaf(shared.leaf),
            try fillShared(shared, column, rows, evaluator, into: masks)
        {
            return
        }
        masks.update(repeating: 0, count: rows.count)
        let bits = evaluator.scratchBits()
        for (step, predicate) in zip(steps, predicates) {
            try evaluator.select(predicate, rows, into: bits)
            let bit = Mask(1) << Mask(step.bit)
            for w in 0..<bits.wordCount {
                var word = bits.words[w]
                while word != 0 {
                    masks[w &* 64 &+ word.trailingZeroBitCount] |= bit
                    word &= word &- 1
                }
            }
        }
    }

    private func fillShared<Mask: FixedWidthInteger & UnsignedInteger>(
        _ shared: SharedColumn, _ column: ColumnVector, _ rows: ExpressionRows, _ evaluator: VectorEvaluator,
        into masks: UnsafeMutablePointer<Mask>
    ) throws -> Bool {
        let dictionary = column.dictionary ?? .empty
        var table = [Mask](repeating: 0, count: dictionary.count + 1)
        for (step, condition) in zip(steps, shared.conditions) {
            let codes = try condition.table(dictionary, evaluator.scalars)
            if codes.nullMatches { return false }
            for code in 0..<dictionary.count where codes.flags[code] != 0 { table[code] |= Mask(1) << Mask(step.bit) }
        }
        let codes = column.codes
        table.withUnsafeBufferPointer { table in
            for row in 0..<rows.count { masks[row] = table[Int(codes[row])] }
        }
        if column.hasNulls {
            let isValid = RowValidity(column)
            for row in 0..<rows.count where !isValid[row] { masks[row] = 0 }
        }
        if case .all = shared.rest { return true }
        let bits = evaluator.scratchBits()
        try evaluator.select(shared.rest, rows, into: bits)
        for w in 0..<bits.wordCount {
            var word = ~bits.words[w]
            let base = w &* 64
            if base &+ 64 > rows.count { word &= (1 << UInt64(rows.count & 63)) - 1 }
            while word != 0 {
                masks[base &+ word.trailingZeroBitCount] = 0
                word &= word &- 1
            }
        }
        return true
    }
}

/// Memory for masks or codes of a morsel's rows, kept from morsel to morsel.
final class RowBuffer<Element: BitwiseCopyable> {
    private(set) var pointer = UnsafeMutablePointer<Element>.allocate(capacity: 64)
    private var capacity = 64

    deinit { pointer.deallocate() }

    func reserve(_ count: Int) {
        guard count > capacity else { return }
        pointer.deallocate()
        capacity = count + count / 4
        pointer = UnsafeMutablePointer<Element>.allocate(capacity: capacity)
    }
}
