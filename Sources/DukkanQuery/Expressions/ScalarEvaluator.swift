import DukkanFormat
import DukkanTime

/// The values of one row or group, as the leaves of a bound expression ask for them.
protocol ScalarRow {
    func value(_ leaf: BoundExpression) throws -> Value
}

/// Computes a bound expression for one row: the complete and plain form, for groups, for the entries of a dictionary, and
/// for what no kernel handles.
struct ScalarEvaluator: Sendable {
    let clock: QueryClock

    init(_ clock: QueryClock) {
        self.clock = clock
    }

    func evaluate(_ expression: BoundExpression, _ row: some ScalarRow) throws -> Value {
        switch expression.node {
        case .constant(let value): return value
        case .column, .customer, .lookup, .segment, .groupKey, .aggregate: return try row.value(expression)
        case .not(let operand):
            guard case .bool(let value) = try evaluate(operand, row) else { return .null }
            return .bool(!value)
        case .negate(let operand):
            switch try evaluate(operand, row) {
            case .int(let value): return .int(try ScalarEvaluator.negated(value))
            case .decimal(let value):
                return .decimal(
                    DecimalValue(unscaled: try ScalarEvaluator.negated(value.unscaled), scale: value.scale))
            case .double(let value): return .double(-value)
            default: return .null
            }
        case .binary(let op, let a, let b): return try binary(op, a, b, expression.type, row)
        case .inList(let operand, let values, let negated):
            let value = try evaluate(operand.unwidened, row)
            if value == .null { return .null }
            if values.contains(where: { ScalarEvaluator.compare(value, $0) == 0 }) { return .bool(!negated) }
            return values.contains(.null) ? .null : .bool(negated)
        case .like(let operand, let pattern, let negated):
            guard case .string(var text) = try evaluate(operand, row) else { return .null }
            return .bool(text.withUTF8 { pattern.matches($0) } != negated)
        case .isNull(let operand, let negated):
            return .bool((try evaluate(operand, row) == .null) != negated)
        case .when(let branches, let otherwise):
            for branch in branches where try evaluate(branch.condition, row) == .bool(true) {
                return try evaluate(branch.value, row)
            }
            return try otherwise.map { try evaluate($0, row) } ?? .null
        case .call(let function, let arguments):
            return try call(function, arguments.map { try evaluate($0, row) }, expression.type)
        case .convert(let operand):
            return try convert(try evaluate(operand, row), to: expression.type)
        }
    }

    private func binary(
        _ op: BinaryOperator, _ a: BoundExpression, _ b: BoundExpression, _ type: ScalarType, _ row: some ScalarRow
    ) throws -> Value {
        // Whole numbers and decimals compare as they are, so that no conversion can overflow.
        let left = try evaluate(op.isComparison ? a.unwidened : a, row)
        if op == .and, left == .bool(false) { return .bool(false) }
        if op == .or, left == .bool(true) { return .bool(true) }
        let right = try evaluate(op.isComparison ? b.unwidened : b, row)
        switch op {
        case .and:
            if right == .bool(false) { return .bool(false) }
            return left == .null || right == .null ? .null : .bool(true)
        case .or:
            if right == .bool(true) { return .bool(true) }
            return left == .null || right == .null ? .null : .bool(false)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            if left == .null || right == .null { return .null }
            guard let order = ScalarEvaluator.compare(left, right) else { return .bool(op == .notEqual) }
            switch op {
            case .equal: return .bool(order == 0)
            case .notEqual: return .bool(order != 0)
            case .less: return .bool(order < 0)
            case .lessOrEqual: return .bool(order <= 0)
            case .greater: return .bool(order > 0)
            default: return .bool(order >= 0)
            }
        case .concatenate:
            guard case .string(let first) = left, case .string(let second) = right else { return .null }
            return .string(first + second)
        case .add, .subtract, .multiply, .divide, .remainder:
            return try ScalarEvaluator.arithmetic(op, left, right, type)
        }
    }

    /// Three-way order of two values of one type, strings by their UTF-8 bytes; nil where one is a NaN.
    static func compare(_ a: Value, _ b: Value) -> Int? {
        func order<T: Comparable>(_ a: T, _ b: T) -> Int { a < b ? -1 : (a == b ? 0 : 1) }
        switch (a, b) {
        case (.bool(let a), .bool(let b)): return order(a ? 1 : 0, b ? 1 : 0)
        case (.int(let a), .int(let b)): return order(a, b)
        case (.decimal(let a), .decimal(let b)): return decimalOrder(a, b)
        case (.int(let a), .decimal(let b)): return decimalOrder(DecimalValue(unscaled: a, scale: 0), b)
        case (.decimal(let a), .int(let b)): return decimalOrder(a, DecimalValue(unscaled: b, scale: 0))
        case (.double(let a), .double(let b)): return a.isNaN || b.isNaN ? nil : order(a, b)
        case (.timestamp(let a), .timestamp(let b)): return order(a, b)
        case (.date(let a), .date(let b)): return order(a, b)
        case (.string(let a), .string(let b)):
            if a == b && a.utf8.elementsEqual(b.utf8) { return 0 }
            return a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : (a.utf8.elementsEqual(b.utf8) ? 0 : 1)
        default: return nil
        }
    }

    static func decimalOrder(_ a: DecimalValue, _ b: DecimalValue) -> Int {
        let scale = max(a.scale, b.scale)
        let (left, leftOver) = a.unscaled.multipliedReportingOverflow(by: powersOfTen[scale - a.scale])
        let (right, rightOver) = b.unscaled.multipliedReportingOverflow(by: powersOfTen[scale - b.scale])
        // Beyond 128 bits only one of them can be scaled up: its sign decides.
        if leftOver { return a.unscaled < 0 ? -1 : 1 }
        if rightOver { return b.unscaled < 0 ? 1 : -1 }
        return left < right ? -1 : (left == right ? 0 : 1)
    }

    static func negated(_ value: Int128) throws -> Int128 {
        let (result, isOver) = Int128(0).subtractingReportingOverflow(value)
        if isOver { throw overflow("-") }
        return result
    }

    static func overflow(_ operation: String) -> DukkanError {
        DukkanError(.overflow, "the result of \(operation) does not fit its type")
    }

    static func arithmetic(_ op: BinaryOperator, _ a: Value, _ b: Value, _ type: ScalarType) throws -> Value {
        if case .double(let left) = a, case .double(let right) = b {
            switch op {
            case .add: return .double(left + right)
            case .subtract: return .double(left - right)
            case .multiply: return .double(left * right)
            case .divide: return right == 0 ? .null : .double(left / right)
            default: return right == 0 ? .null : .double(left.truncatingRemainder(dividingBy: right))
            }
        }
        guard let left = unscaled(a), let right = unscaled(b) else { return .null }
        let (result, isOver): (Int128, Bool)
        switch op {
        case .add: (result, isOver) = left.addingReportingOverflow(right)
        case .subtract: (result, isOver) = left.subtractingReportingOverflow(right)
        case .multiply: (result, isOver) = left.multipliedReportingOverflow(by: right)
        default:
            if right == 0 { return .null }
            (result, isOver) = left.remainderReportingOverflow(dividingBy: right)
        }
        if isOver { throw overflow(op.rawValue) }
        return try value(result, type)
    }

    /// The whole number behind an exact value: unscaled, microseconds or days.
    static func unscaled(_ value: Value) -> Int128? {
        switch value {
        case .int(let value): value
        case .decimal(let value): value.unscaled
        case .timestamp(let value): Int128(value.microseconds)
        case .date(let value): Int128(value.days)
        case .bool(let value): value ? 1 : 0
        default: nil
        }
    }

    /// The value of a type behind a whole number.
    static func value(_ unscaled: Int128, _ type: ScalarType) throws -> Value {
        switch type {
        case .bool: return .bool(unscaled != 0)
        case .decimal(let scale): return .decimal(DecimalValue(unscaled: unscaled, scale: scale))
        case .timestamp, .date:
            guard let narrow = Int64(exactly: unscaled) else { throw overflow("a time") }
            return type == .date ? .date(CivilDate(days: narrow)) : .timestamp(Timestamp(microseconds: narrow))
        default: return .int(unscaled)
        }
    }

    func convert(_ value: Value, to type: ScalarType) throws -> Value {
        switch (value, type) {
        case (.null, _): return .null
        case (.int(let whole), .double): return .double(Double(whole))
        case (.decimal(let decimal), .double): return .double(decimal.double)
        case (.int(let whole), .decimal(let scale)):
            return try convert(.decimal(DecimalValue(unscaled: whole, scale: 0)), to: .decimal(scale))
        case (.decimal(let decimal), .decimal(let scale)):
            let (result, isOver) = decimal.unscaled.multipliedReportingOverflow(
                by: powersOfTen[max(0, scale - decimal.scale)])
            if isOver { throw ScalarEvaluator.overflow("a conversion") }
            return .decimal(DecimalValue(unscaled: result, scale: scale))
        case (.date(let date), .timestamp): return .timestamp(try clock.midnight(of: date))
        default: return value
        }
    }
}
