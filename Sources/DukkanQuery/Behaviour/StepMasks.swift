import CDukkanKernels
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
    fileprivate final class SharedColumn: Sendable {
        let leaf: BoundExpression
        let conditions: [StringCondition]
        let rest: Predicate

        init(leaf: BoundExpression, conditions: [StringCondition], rest: Predicate) {
            self.leaf = leaf
            self.conditions = conditions
            self.rest = rest
        }
    }

    /// The steps' bits by the code of a string, kept by each worker from morsel to morsel: what workers share costs each of
    /// them more to look at.
    final class Table {
        fileprivate let shared: SharedColumn
        fileprivate let dictionary: StringDictionary
        fileprivate let masks: [UInt8]

        fileprivate init(_ shared: SharedColumn, _ dictionary: StringDictionary, _ masks: [UInt8]) {
            self.shared = shared
            self.dictionary = dictionary
            self.masks = masks
        }
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

    /// The range of a column's values outside of which a row matches no step, where one is common to all steps.
    func range(slot: Int) -> ClosedRange<Int64>? {
        guard case .range(slot, let low, let high) = shared?.rest, low <= high else { return nil }
        return low...high
    }

    /// Columns that the steps read.
    var columnSlots: Set<Int> {
        var slots = predicates.reduce(into: Set<Int>()) { $0.formUnion($1.columnSlots) }
        if let shared {
            slots.formUnion(shared.leaf.columnSlots)
            slots.formUnion(shared.rest.columnSlots)
        }
        return slots
    }

    /// Writes the mask of each row; `masks` has room for the rows.
    ///
    /// The same for bytes and words. `inRange`: the rows whose value lies in the ``range(slot:)``, where they are known.
    func fill<Mask: FixedWidthInteger & UnsignedInteger>(
        _ rows: ExpressionRows, _ evaluator: VectorEvaluator, inRange: Bits? = nil,
        into masks: UnsafeMutablePointer<Mask>
    ) throws {
        if let shared, let column = rows.leaf(shared.leaf),
            try fillShared(shared, column, rows, evaluator, inRange, into: masks)
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

    /// The steps' bits by code; nil where rows without a value match.
    private func table<Mask: FixedWidthInteger & UnsignedInteger>(
        _ shared: SharedColumn, _ dictionary: StringDictionary, _ evaluator: VectorEvaluator
    ) throws -> [Mask]? {
        var table = [Mask](repeating: 0, count: dictionary.count + 1)
        for (step, condition) in zip(steps, shared.conditions) {
            let codes = try condition.table(dictionary, evaluator.scalars)
            if codes.nullMatches { return nil }
            for code in 0..<dictionary.count where codes.flags[code] != 0 { table[code] |= Mask(1) << Mask(step.bit) }
        }
        return table
    }

    /// The same as bytes, made once for each dictionary that follows another.
    private func byteTable(
        _ shared: SharedColumn, _ dictionary: StringDictionary, _ evaluator: VectorEvaluator
    ) throws -> Table? {
        let place = evaluator.stepTables.firstIndex { $0.shared === shared }
        if let place, evaluator.stepTables[place].dictionary === dictionary { return evaluator.stepTables[place] }
        guard let masks: [UInt8] = try table(shared, dictionary, evaluator) else { return nil }
        let made = Table(shared, dictionary, masks)
        if let place { evaluator.stepTables[place] = made } else { evaluator.stepTables.append(made) }
        return made
    }

    private func fillShared<Mask: FixedWidthInteger & UnsignedInteger>(
        _ shared: SharedColumn, _ column: ColumnVector, _ rows: ExpressionRows, _ evaluator: VectorEvaluator,
        _ inRange: Bits?, into masks: UnsafeMutablePointer<Mask>
    ) throws -> Bool {
        let dictionary = column.dictionary ?? .empty
        let validity = column.hasNulls ? UnsafePointer(column.validity) : nil
        let isAll = if case .all = shared.rest { true } else { false }
        let bits = inRange ?? evaluator.scratchBits()
        if let masks = masks as? UnsafeMutablePointer<UInt8> {
            guard let table = try byteTable(shared, dictionary, evaluator) else { return false }
            if !isAll && inRange == nil { try evaluator.select(shared.rest, rows, into: bits) }
            dukkan_masks_of_codes(column.codes, rows.count, table.masks, table.masks.count, validity, masks)
            if !isAll { dukkan_keep_masks(masks, rows.count, bits.words) }
            return true
        }
        guard let table: [Mask] = try table(shared, dictionary, evaluator) else { return false }
        if !isAll && inRange == nil { try evaluator.select(shared.rest, rows, into: bits) }
        let codes = column.codes, words = bits.words
        table.withUnsafeBufferPointer { table in
            for row in 0..<rows.count {
                var mask = table[Int(codes[row])]
                if let validity { mask &= 0 &- Mask(truncatingIfNeeded: validity[row &>> 6] &>> UInt64(row & 63) & 1) }
                if !isAll { mask &= 0 &- Mask(truncatingIfNeeded: words[row &>> 6] &>> UInt64(row & 63) & 1) }
                masks[row] = mask
            }
        }
        return true
    }
}

/// Memory for masks or codes of a morsel's rows, kept from morsel to morsel.
final class RowBuffer<Element: BitwiseCopyable> {
    private(set) var pointer: UnsafeMutablePointer<Element> = KeptMemory.allocate(64)
    private var capacity = 64

    deinit { KeptMemory.release(pointer, capacity) }

    func reserve(_ count: Int) {
        guard count > capacity else { return }
        KeptMemory.release(pointer, capacity)
        capacity = count + count / 4
        pointer = KeptMemory.allocate(capacity)
    }
}
