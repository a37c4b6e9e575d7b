import DukkanFormat

extension BinaryOperator {
    /// Whether the operator orders two values.
    var isComparison: Bool {
        switch self {
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual: true
        default: false
        }
    }

    /// Whether the comparison holds for values of a three-way order.
    func holds(for order: Int) -> Bool {
        switch self {
        case .equal: order == 0
        case .notEqual: order != 0
        case .less: order < 0
        case .lessOrEqual: order <= 0
        case .greater: order > 0
        default: order >= 0
        }
    }
}

extension BoundExpression {
    /// The operand of a conversion from a whole number or decimal to a decimal with more digits; else the expression.
    var unwidened: BoundExpression {
        guard case .convert(let inner) = node, inner.type.scale != nil, case .decimal = type else { return self }
        return inner
    }
}

extension VectorEvaluator {
    /// Compares whole numbers and decimals of different scales, whose conversion to one scale might not fit 64 bits.
    ///
    /// - Returns: false where both have one scale and fit: nothing was done.
    func compareExactly(
        _ op: BinaryOperator, _ a: BoundExpression, _ b: BoundExpression, _ rows: ExpressionRows, into bits: Bits
    ) throws -> Bool {
        let left = a.unwidened, right = b.unwidened
        guard let leftScale = left.type.scale, let rightScale = right.type.scale else { return false }
        guard leftScale != rightScale || isWide(left) || isWide(right) else { return false }
        let x = try exactValues(left, rows), y = try exactValues(right, rows)
        bits.fill(rows.count, with: false)
        let words = bits.words
        for row in 0..<rows.count {
            guard let first = x.value(row), let second = y.value(row) else { continue }
            let order = ScalarEvaluator.decimalOrder(
                DecimalValue(unscaled: first, scale: leftScale), DecimalValue(unscaled: second, scale: rightScale))
            if op.holds(for: order) { words[row >> 6] |= 1 << UInt64(row & 63) }
        }
        return true
    }

    /// Whether an operand is a constant beyond 64 bits.
    private func isWide(_ operand: BoundExpression) -> Bool {
        guard let whole = operand.constant.flatMap(ScalarEvaluator.unscaled) else { return false }
        return Int64(exactly: whole) == nil
    }

    /// A constant of 128 bits, or a vector of 64.
    private struct ExactValues {
        var constant: Int128?
        var vector: ColumnVector?

        func value(_ row: Int) -> Int128? {
            guard let vector else { return constant }
            return vector.isValid(row) ? Int128(vector.integers[row]) : nil
        }
    }

    private func exactValues(_ operand: BoundExpression, _ rows: ExpressionRows) throws -> ExactValues {
        if let constant = operand.constant {
            return ExactValues(constant: ScalarEvaluator.unscaled(constant), vector: nil)
        }
        return ExactValues(constant: nil, vector: try vector(operand, rows))
    }
}
