import CDukkanKernels
import DukkanFormat
import DukkanTime

/// Computes bound expressions over whole batches of rows.
///
/// Each worker thread has its own; its vectors are reused.
///
/// What has a kernel runs in it; expressions over one string column are computed once for each string of the dictionary;
/// everything else falls back to the scalar evaluator, row by row.
final class VectorEvaluator {
    let scalars: ScalarEvaluator
    private var pools = [PhysicalKind: [ColumnVector]]()
    private var used = [PhysicalKind: Int]()
    private var bitsPool: [Bits] = []
    private var bitsUsed = 0
    /// The steps' bits by code that ``StepMasks`` found last.
    var stepTables: [StepMasks.Table] = []
    private var stringResults: [(BoundExpression, StringDictionary, ColumnVector)] = []

    init(_ clock: QueryClock) {
        scalars = ScalarEvaluator(clock)
    }

    /// Gives all vectors and bits handed out back; call it before each morsel.
    func reset() {
        used.removeAll(keepingCapacity: true)
        bitsUsed = 0
    }

    func scratch(_ kind: PhysicalKind) -> ColumnVector {
        let at = used[kind, default: 0]
        used[kind] = at + 1
        if at == pools[kind, default: []].count { pools[kind, default: []].append(ColumnVector(kind)) }
        guard let vector = pools[kind]?[at] else { return ColumnVector(kind) }
        vector.removeAll()
        vector.dictionary = nil
        return vector
    }

    func scratchBits() -> Bits {
        if bitsUsed == bitsPool.count { bitsPool.append(Bits()) }
        bitsUsed += 1
        return bitsPool[bitsUsed - 1]
    }

    // MARK: Conditions

    /// Sets the bits of the rows for which the predicate is true.
    func select(_ predicate: Predicate, _ rows: ExpressionRows, into bits: Bits) throws {
        let count = rows.count
        switch predicate {
        case .all: bits.fill(count, with: true)
        case .none: bits.fill(count, with: false)
        case .and(let parts):
            try select(parts[0], rows, into: bits)
            let mark = bitsUsed
            let other = scratchBits()
            for part in parts.dropFirst() {
                try select(part, rows, into: other)
                bits.formIntersection(other.words)
            }
            bitsUsed = mark
        case .or(let parts):
            try select(parts[0], rows, into: bits)
            let mark = bitsUsed
            let other = scratchBits()
            for part in parts.dropFirst() {
                try select(part, rows, into: other)
                bits.formUnion(other)
            }
            bitsUsed = mark
        case .range(let slot, let low, let high):
            let vector = rows.columns[slot]
            if low > high {
                bits.fill(count, with: false)
            } else {
                bits.resize(count)
                dukkan_select_range(vector.integers, count, low, high, bits.words)
                if vector.hasNulls { bits.formIntersection(vector.validity) }
            }
        case .strings(let condition): try select(condition, rows, into: bits)
        case .segment(let place, let isIn):
            selectSegment(place, isIn, rows, into: bits)
        case .isNull(let operand, let negated):
            let vector = try self.vector(operand, rows)
            if vector.hasNulls {
                bits.resize(count)
                for w in 0..<bits.wordCount { bits.words[w] = negated ? vector.validity[w] : ~vector.validity[w] }
                bits.clearTail()
            } else {
                bits.fill(count, with: negated)
            }
        case .compare(let op, let a, let b): try compare(op, a, b, rows, into: bits)
        case .rows(let condition, let negated):
            bits.fill(count, with: false)
            for row in 0..<count
            where try scalars.evaluate(condition, ExpressionRows.Row(rows: rows, index: row)) == .bool(!negated) {
                bits.words[row >> 6] |= 1 << UInt64(row & 63)
            }
        }
    }

    private func select(_ condition: StringCondition, _ rows: ExpressionRows, into bits: Bits) throws {
        guard let vector = rows.leaf(condition.leaf) else { preconditionFailure("a string condition has a leaf") }
        let table = try condition.table(vector.dictionary ?? .empty, scalars)
        let count = rows.count
        bits.resize(count)
        if table.matchCount == 0 {
            bits.fill(count, with: false)
        } else if let only = table.only {
            dukkan_select_code(vector.codes, count, only, bits.words)
        } else {
            table.flags.withUnsafeBufferPointer { flags in
                dukkan_select_flags(vector.codes, count, flags.baseAddress, flags.count, bits.words)
            }
        }
        guard vector.hasNulls else { return }
        for w in 0..<bits.wordCount {
            bits.words[w] &= vector.validity[w]
            if table.nullMatches { bits.words[w] |= ~vector.validity[w] }
        }
        bits.clearTail()
    }

    /// Rows of the customers in a segment, or of the others: runs of bits where rows stand by customer.
    private func selectSegment(_ place: Int, _ isIn: Bool, _ rows: ExpressionRows, into bits: Bits) {
        bits.fill(rows.count, with: false)
        guard let members = rows.segmentMembers[place] else { return }
        guard let starts = rows.starts else {
            // The rows are the customers themselves; or they have no customer, and whether null is in a segment is null.
            for w in 0..<min(bits.wordCount, members.wordCount) { bits.words[w] = members.word(w, isSet: isIn) }
            bits.clearTail()
            return
        }
        for w in 0..<members.wordCount {
            var left = members.word(w, isSet: isIn)
            var customer = w &* 64
            // Customers side by side have their rows side by side.
            while left != 0 {
                let skipped = left.trailingZeroBitCount
                left &>>= UInt64(truncatingIfNeeded: skipped)
                let length = (~left).trailingZeroBitCount
                customer &+= skipped
                bits.set(from: Int(starts[customer]), to: Int(starts[customer &+ length]))
                customer &+= length
                left = length == 64 ? 0 : left &>> UInt64(truncatingIfNeeded: length)
            }
        }
    }

    private func compare(
        _ op: BinaryOperator, _ a: BoundExpression, _ b: BoundExpression, _ rows: ExpressionRows, into bits: Bits
    ) throws {
        let count = rows.count
        if try compareExactly(op, a, b, rows, into: bits) { return }
        if let range = IntegerRange(op, b.constant), a.type.physical == .integers {
            let left = try vector(a, rows)
            bits.resize(count)
            dukkan_select_range(left.integers, count, range.low, range.high, bits.words)
            if left.hasNulls { bits.formIntersection(left.validity) }
            return
        }
        let left = try vector(a, rows), right = try vector(b, rows)
        bits.fill(count, with: false)
        let words = bits.words
        func fill(_ test: (Int) -> Bool) {
            for row in 0..<count where test(row) { words[row >> 6] |= 1 << UInt64(row & 63) }
        }
        if left.kind == .doubles {
            let x = left.doubles, y = right.doubles
            switch op {
            case .equal: fill { x[$0] == y[$0] }
            case .notEqual: fill { x[$0] != y[$0] }
            case .less: fill { x[$0] < y[$0] }
            case .lessOrEqual: fill { x[$0] <= y[$0] }
            case .greater: fill { x[$0] > y[$0] }
            default: fill { x[$0] >= y[$0] }
            }
        } else {
            let x = left.integers, y = right.integers
            switch op {
            case .equal: fill { x[$0] == y[$0] }
            case .notEqual: fill { x[$0] != y[$0] }
            case .less: fill { x[$0] < y[$0] }
            case .lessOrEqual: fill { x[$0] <= y[$0] }
            case .greater: fill { x[$0] > y[$0] }
            default: fill { x[$0] >= y[$0] }
            }
        }
        if left.hasNulls { bits.formIntersection(left.validity) }
        if right.hasNulls { bits.formIntersection(right.validity) }
        bits.clearTail()
    }

    // MARK: Values

    /// The expression's value in each row.
    ///
    /// The vector is valid until ``reset()``; a leaf's is the column itself.
    func vector(_ expression: BoundExpression, _ rows: ExpressionRows) throws -> ColumnVector {
        if let leaf = rows.leaf(expression) { return leaf }
        if let constant = expression.constant { return try fill(constant, expression.type, rows.count) }
        if let leaf = StringCondition.onlyStringLeaf(expression), let source = rows.leaf(leaf) {
            return try mapStrings(expression, source)
        }
        switch expression.node {
        case .convert(let operand):
            if let converted = try convert(operand, expression.type, rows) { return converted }
        case .binary(let op, let a, let b):
            if let result = try arithmetic(op, a, b, expression.type, rows) { return result }
        case .call(let function, let arguments):
            if let result = try time(function, arguments, rows) { return result }
        case .when(let branches, let otherwise):
            return try when(branches, otherwise, expression.type, rows)
        default: break
        }
        if expression.type == .bool { return try truth(expression, rows) }
        return try rowByRow(expression, rows)
    }

    private func fill(_ constant: Value, _ type: ScalarType, _ count: Int) throws -> ColumnVector {
        let vector = scratch(type.physical)
        if constant == .null {
            vector.fillNulls(count)
            vector.dictionary = vector.kind == .codes ? .empty : nil
            return vector
        }
        vector.reserve(count)
        switch (vector.kind, constant) {
        case (.doubles, .double(let value)): vector.doubles.update(repeating: value, count: count)
        case (.codes, .string(let text)):
            vector.dictionary = StringDictionary([text])
            vector.codes.update(repeating: 0, count: count)
        default:
            guard let whole = ScalarEvaluator.unscaled(constant), let narrow = Int64(exactly: whole) else {
                throw ScalarEvaluator.overflow("a constant")
            }
            vector.integers.update(repeating: narrow, count: count)
        }
        vector.count = count
        return vector
    }

    func rowByRow(_ expression: BoundExpression, _ rows: ExpressionRows) throws -> ColumnVector {
        let vector = scratch(expression.type.physical)
        let values = try (0..<rows.count).map {
            try scalars.evaluate(expression, ExpressionRows.Row(rows: rows, index: $0))
        }
        try vector.assign(values, expression.type)
        return vector
    }

    /// A truth value in three-valued logic: true where the condition selects, false where its negation does.
    private func truth(_ expression: BoundExpression, _ rows: ExpressionRows) throws -> ColumnVector {
        let isTrue = scratchBits(), isFalse = scratchBits()
        try select(Predicate(expression), rows, into: isTrue)
        try select(Predicate(expression, negated: true), rows, into: isFalse)
        let vector = scratch(.integers)
        vector.reserve(rows.count)
        vector.count = rows.count
        let output = vector.integers
        for row in 0..<rows.count { output[row] = isTrue[row] ? 1 : 0 }
        isFalse.formUnion(isTrue)
        if isFalse.setCount < rows.count {
            vector.beginNulls()
            vector.validity.update(from: isFalse.words, count: isFalse.wordCount)
        }
        return vector
    }

    private func mapStrings(_ expression: BoundExpression, _ source: ColumnVector) throws -> ColumnVector {
        let dictionary = source.dictionary ?? .empty
        let table: ColumnVector
        if let known = stringResults.first(where: { $0.1 === dictionary && $0.0 == expression }) {
            table = known.2
        } else {
            table = ColumnVector(expression.type.physical)
            var values = try (0..<dictionary.count).map {
                try scalars.evaluate(expression, OneString(value: .string(dictionary.string($0))))
            }
            values.append(try scalars.evaluate(expression, OneString(value: .null)))
            try table.assign(values, expression.type)
            if stringResults.count >= 16 { stringResults.removeFirst() }
            stringResults.append((expression, dictionary, table))
        }
        var order = [UInt32](unsafeUninitializedCapacity: source.count) { buffer, count in
            if source.count > 0 { buffer.baseAddress?.update(from: source.codes, count: source.count) }
            count = source.count
        }
        if source.hasNulls {
            let isValid = RowValidity(source)
            for row in 0..<source.count where !isValid[row] { order[row] = UInt32(dictionary.count) }
        }
        let vector = scratch(table.kind)
        vector.dictionary = table.dictionary
        order.withUnsafeBufferPointer { vector.appendGather(table, $0) }
        return vector
    }
}
