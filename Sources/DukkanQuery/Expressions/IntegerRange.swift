import DukkanFormat

/// A condition of the form "the whole-number column is within bounds", which one kernel tests and statistics can refute.
struct IntegerRange: Sendable {
    /// Place of the column among the scan's columns.
    var slot: Int
    var low: Int64
    var high: Int64

    /// Recognises `column op constant` and `constant op column` over int, decimal, bool, date and timestamp columns,
    /// also where the column is widened to a decimal of larger scale.
    ///
    /// Nil for anything else, `<>` included.
    init?(_ condition: BoundExpression) {
        guard case .binary(let op, let a, let b) = condition.node else { return nil }
        let (column, constant, operation): (BoundExpression, Value, BinaryOperator)
        if let value = b.constant {
            (column, constant, operation) = (a, value, op)
        } else if let value = a.constant {
            (column, constant, operation) = (b, value, IntegerRange.mirrored(op))
        } else {
            return nil
        }
        var factor = Int128(1)
        let slot: Int
        switch column.node {
        case .column(let place) where column.type.physical == .integers:
            slot = place
        case .convert(let inner):
            guard case .column(let place) = inner.node, let from = inner.type.scale, let to = column.type.scale,
                to >= from
            else { return nil }
            factor = powersOfTen[to - from]
            slot = place
        default: return nil
        }
        guard let bound = ScalarEvaluator.unscaled(constant) else { return nil }
        let isWhole = bound % factor == 0
        // Just beyond 64 bits a bound says all that it can say, and its neighbours can be computed.
        let beyond = Int128(1) << 64
        let floor = min(max(ScalarEvaluator.floorDivide(bound, factor), -beyond), beyond)
        var low = Int128(Int64.min), high = Int128(Int64.max)
        switch operation {
        case .equal:
            low = isWhole ? floor : 1
            high = isWhole ? floor : 0
        case .less: high = isWhole ? floor - 1 : floor
        case .lessOrEqual: high = floor
        case .greater: low = floor + 1
        case .greaterOrEqual: low = isWhole ? floor : floor + 1
        default: return nil
        }
        // Bounds beyond 64 bits hold for every value or for none.
        guard low <= high, low <= Int128(Int64.max), high >= Int128(Int64.min) else {
            self.slot = slot
            self.low = 1
            self.high = 0
            return
        }
        self.slot = slot
        self.low = Int64(clamping: low)
        self.high = Int64(clamping: high)
    }

    /// The bounds of `x op constant` for whole numbers of one scale; nil where they are not one range of 64-bit numbers.
    init?(_ op: BinaryOperator, _ constant: Value?) {
        guard let constant, let whole = ScalarEvaluator.unscaled(constant), let bound = Int64(exactly: whole) else {
            return nil
        }
        slot = -1
        low = .min
        high = .max
        switch op {
        case .equal:
            low = bound
            high = bound
        case .less where bound > .min: high = bound - 1
        case .lessOrEqual: high = bound
        case .greater where bound < .max: low = bound + 1
        case .greaterOrEqual: low = bound
        default: return nil
        }
    }

    private static func mirrored(_ op: BinaryOperator) -> BinaryOperator {
        switch op {
        case .less: .greater
        case .lessOrEqual: .greaterOrEqual
        case .greater: .less
        case .greaterOrEqual: .lessOrEqual
        default: op
        }
    }
}
