import DukkanFormat
import DukkanTime

/// Where the leaves of an expression get their meaning: the columns of a table, the keys and aggregates of a group.
protocol BindingScope: AnyObject {
    /// The meaning of a whole expression, before its parts are looked at; nil to go on with the parts.
    func bindWhole(_ expression: Expression, _ binder: Binder) throws -> BoundExpression?
    /// The meaning of a column's name.
    func bindColumn(_ name: ColumnName, _ binder: Binder) throws -> BoundExpression
    /// The meaning of `IN SEGMENT name` and `SEGMENT (condition)`.
    func bindSegment(_ condition: Expression, _ binder: Binder) throws -> BoundExpression
}

/// Resolves names and types of an expression in a scope, converts operands to common types, and folds constants.
final class Binder {
    let context: QueryContext
    let scope: any BindingScope
    private let scalars: ScalarEvaluator

    /// Deepest nesting of an expression.
    static let depthMax = 500
    /// Most members of an `IN` that have to be computed for each row.
    static let computedMemberCountMax = 1_000

    init(_ context: QueryContext, _ scope: any BindingScope) {
        self.context = context
        self.scope = scope
        scalars = ScalarEvaluator(context.clock)
    }

    func bind(_ expression: Expression) throws -> BoundExpression {
        try bind(expression, depth: 0)
    }

    /// A condition: of type bool, or a null.
    func bindCondition(_ expression: Expression, in clause: String) throws -> BoundExpression {
        let bound = try bind(expression)
        guard bound.type == .bool || bound.type == .null else {
            throw DukkanError(.invalidQuery, "\(clause) needs a condition, but has a value of type \(bound.type.name)")
        }
        return bound
    }

    private func bind(_ expression: Expression, depth: Int) throws -> BoundExpression {
        if depth > Binder.depthMax {
            throw DukkanError(.limit, "an expression nests deeper than \(Binder.depthMax) levels")
        }
        if let whole = try scope.bindWhole(expression, self) { return whole }
        let bound = try bindParts(expression, depth: depth + 1)
        return try fold(bound)
    }

    private func bindParts(_ expression: Expression, depth: Int) throws -> BoundExpression {
        switch expression {
        case .literal(let value):
            return BoundExpression(.constant(value), Binder.type(of: value))
        case .interval(let microseconds):
            return BoundExpression(.constant(.int(Int128(microseconds))), .interval)
        case .now:
            return BoundExpression(.constant(.timestamp(Timestamp(microseconds: context.asOf))), .timestamp)
        case .column(let name):
            return try scope.bindColumn(name, self)
        case .not(let operand):
            let bound = try condition(operand, "NOT", depth)
            return BoundExpression(.not(bound), .bool)
        case .negate(let operand):
            let bound = try bind(operand, depth: depth)
            guard bound.type.isNumber || bound.type == .interval || bound.type == .null else {
                throw mismatch("-", bound)
            }
            return BoundExpression(.negate(bound), bound.type)
        case .binary(let op, let a, let b):
            return try binary(op, bind(a, depth: depth), bind(b, depth: depth))
        case .between(let value, let low, let high, let negated):
            let bound = try bind(value, depth: depth)
            let least = try binary(.greaterOrEqual, bound, bind(low, depth: depth))
            let most = try binary(.lessOrEqual, bound, bind(high, depth: depth))
            let both = BoundExpression(.binary(.and, try fold(least), try fold(most)), .bool)
            return negated ? BoundExpression(.not(both), .bool) : both
        case .inList(let value, let items, let negated):
            return try inList(bind(value, depth: depth), items, negated, depth)
        case .like(let value, let pattern, let caseInsensitive, let negated):
            let bound = try bind(value, depth: depth)
            guard bound.type == .string || bound.type == .null else { throw mismatch("LIKE", bound) }
            return BoundExpression(
                .like(bound, LikePattern(pattern, caseInsensitive: caseInsensitive), negated: negated), .bool)
        case .isNull(let value, let negated):
            return BoundExpression(.isNull(try bind(value, depth: depth), negated: negated), .bool)
        case .when(let branches, let otherwise):
            return try when(branches, otherwise, depth)
        case .call(let name, let arguments):
            return try call(name, arguments.map { try bind($0, depth: depth) })
        case .aggregate:
            throw DukkanError(
                .invalidQuery, "an aggregate cannot stand here",
                advice: "Aggregates belong into the items, HAVING or ORDER BY of a SELECT, or into a segment.")
        case .inSegment(let name):
            return try scope.bindSegment(try segment(named: name), self)
        case .segment(let condition):
            return try scope.bindSegment(condition, self)
        case .segmentAt(let segment, let time):
            var earlier = context
            earlier.asOf = min(context.asOf, try context.instant(time, of: "AT"))
            return try scope.bindSegment(try condition(of: segment), Binder(earlier, scope))
        case .funnel:
            throw DukkanError(
                .invalidQuery, "where a customer stands in a funnel cannot be asked here",
                advice: "Ask it in a segment: SEGMENT (REACHED … OF (FUNNEL …)).")
        }
    }

    /// The condition of a named segment.
    private func segment(named name: String) throws -> Expression {
        if let condition = context.segments[name] { return condition }
        throw context.notFound("segment", name, among: Array(context.segments.keys))
    }

    /// The condition of what stands before `AT`.
    private func condition(of segment: Expression) throws -> Expression {
        switch segment {
        case .inSegment(let name): return try self.segment(named: name)
        case .segment(let condition): return condition
        default: throw DukkanError(.invalidQuery, "AT stands behind IN SEGMENT name or SEGMENT (condition)")
        }
    }

    private func condition(_ expression: Expression, _ operation: String, _ depth: Int) throws -> BoundExpression {
        let bound = try bind(expression, depth: depth)
        guard bound.type == .bool || bound.type == .null else { throw mismatch(operation, bound) }
        return bound
    }

    // MARK: Operators

    func binary(_ op: BinaryOperator, _ a: BoundExpression, _ b: BoundExpression) throws -> BoundExpression {
        switch op {
        case .or, .and:
            for operand in [a, b] where operand.type != .bool && operand.type != .null {
                throw mismatch(op.rawValue, operand)
            }
            return BoundExpression(.binary(op, a, b), .bool)
        case .equal, .notEqual, .less, .lessOrEqual, .greater, .greaterOrEqual:
            let (left, right) = try unify(a, b, op.rawValue)
            return BoundExpression(.binary(op, left, right), .bool)
        case .concatenate:
            for operand in [a, b] where operand.type != .string && operand.type != .null {
                throw mismatch("||", operand)
            }
            return BoundExpression(.binary(op, a, b), .string)
        case .add, .subtract, .multiply, .divide, .remainder:
            return try arithmetic(op, a, b)
        }
    }

    private func arithmetic(
        _ op: BinaryOperator, _ a: BoundExpression, _ b: BoundExpression
    ) throws -> BoundExpression {
        if a.type == .null || b.type == .null {
            return BoundExpression(.constant(.null), a.type == .null ? b.type : a.type)
        }
        let a = try timeLiteral(a, beside: b), b = try timeLiteral(b, beside: a)
        switch (op, a.type, b.type) {
        case (.add, .timestamp, .interval), (.subtract, .timestamp, .interval):
            return BoundExpression(.binary(op, a, b), .timestamp)
        case (.add, .interval, .timestamp):
            return BoundExpression(.binary(op, b, a), .timestamp)
        case (.add, .date, .interval), (.subtract, .date, .interval):
            return BoundExpression(.binary(op, convert(a, .timestamp), b), .timestamp)
        case (.add, .interval, .date):
            return BoundExpression(.binary(op, convert(b, .timestamp), a), .timestamp)
        case (.subtract, .timestamp, .timestamp), (.add, .interval, .interval), (.subtract, .interval, .interval):
            return BoundExpression(.binary(op, a, b), .interval)
        case (.subtract, .timestamp, .date), (.subtract, .date, .timestamp), (.subtract, .date, .date):
            return BoundExpression(.binary(op, convert(a, .timestamp), convert(b, .timestamp)), .interval)
        case (.multiply, .interval, .int), (.multiply, .int, .interval):
            return BoundExpression(.binary(op, a, b), .interval)
        case (.divide, .interval, .interval):
            return BoundExpression(.binary(op, convert(a, .double), convert(b, .double)), .double)
        default: break
        }
        guard a.type.isNumber else { throw mismatch(op.rawValue, a) }
        guard b.type.isNumber else { throw mismatch(op.rawValue, b) }
        if op == .divide || a.type == .double || b.type == .double {
            return BoundExpression(.binary(op, convert(a, .double), convert(b, .double)), .double)
        }
        if op == .remainder {
            guard a.type == .int, b.type == .int else { throw mismatch("%", a.type == .int ? b : a) }
            return BoundExpression(.binary(op, a, b), .int)
        }
        let (left, right) = (a.type.scale ?? 0, b.type.scale ?? 0)
        if op == .multiply {
            let scale = left + right
            if scale > ColumnType.decimalScaleMax {
                throw DukkanError(.invalidQuery, "the product would have \(scale) digits behind the point")
            }
            return BoundExpression(.binary(op, a, b), scale == 0 ? .int : .decimal(scale))
        }
        let type: ScalarType = max(left, right) == 0 ? .int : .decimal(max(left, right))
        return BoundExpression(.binary(op, convert(a, type), convert(b, type)), type)
    }

    private func inList(
        _ value: BoundExpression, _ items: [Expression], _ negated: Bool, _ depth: Int
    ) throws -> BoundExpression {
        var constants: [Value] = []
        var alternatives: [BoundExpression] = []
        for item in items {
            let equal = try fold(binary(.equal, value, bind(item, depth: depth)))
            if case .binary(.equal, let left, let right) = equal.node, left == value, let constant = right.constant {
                constants.append(constant)
                continue
            }
            alternatives.append(equal)
            if alternatives.count > Binder.computedMemberCountMax {
                throw DukkanError(
                    .limit, "IN takes at most \(Binder.computedMemberCountMax) members that are not constants")
            }
        }
        var result = BoundExpression(.inList(value, constants, negated: false), .bool)
        if !alternatives.isEmpty {
            let computed = Binder.disjunction(alternatives[...])
            result = constants.isEmpty ? computed : BoundExpression(.binary(.or, result, computed), .bool)
        }
        return negated ? BoundExpression(.not(result), .bool) : result
    }

    /// A balanced tree, so that its depth stays small.
    private static func disjunction(_ parts: ArraySlice<BoundExpression>) -> BoundExpression {
        if parts.count == 1 { return parts[parts.startIndex] }
        let middle = (parts.startIndex + parts.endIndex) / 2
        return BoundExpression(.binary(.or, disjunction(parts[..<middle]), disjunction(parts[middle...])), .bool)
    }

    private func when(
        _ branches: [WhenBranch], _ otherwise: Expression?, _ depth: Int
    ) throws -> BoundExpression {
        let conditions = try branches.map { try condition($0.condition, "WHEN", depth) }
        let values = try branches.map { try bind($0.value, depth: depth) }
        let last = try otherwise.map { try bind($0, depth: depth) }
        let (unified, type) = try commonType(values + (last.map { [$0] } ?? []), "CASE")
        let bound = zip(conditions, unified).map { BoundExpression.Branch(condition: $0, value: $1) }
        return BoundExpression(.when(bound, otherwise: last == nil ? nil : unified.last), type)
    }

    // MARK: Types

    static func type(of value: Value) -> ScalarType {
        switch value {
        case .null: .null
        case .bool: .bool
        case .int: .int
        case .decimal(let decimal): .decimal(decimal.scale)
        case .double: .double
        case .timestamp: .timestamp
        case .date: .date
        case .string: .string
        }
    }

    func convert(_ expression: BoundExpression, _ type: ScalarType) -> BoundExpression {
        if expression.type == type { return expression }
        let converted = BoundExpression(.convert(expression), type)
        return (try? fold(converted)) ?? converted
    }

    /// Both operands in one type in which they can be compared.
    func unify(
        _ a: BoundExpression, _ b: BoundExpression, _ operation: String
    ) throws -> (BoundExpression, BoundExpression) {
        let (both, _) = try commonType([a, b], operation)
        return (both[0], both[1])
    }

    func commonType(
        _ expressions: [BoundExpression], _ operation: String
    ) throws -> ([BoundExpression], ScalarType) {
        var type = ScalarType.null
        let timed = expressions.first { $0.type == .timestamp || $0.type == .date }
        let operands =
            try timed.map { time in try expressions.map { try timeLiteral($0, beside: time) } } ?? expressions
        for operand in operands {
            switch (type, operand.type) {
            case (_, .null): break
            case (.null, let other): type = other
            case (let a, let b) where a == b: break
            case (.timestamp, .date), (.date, .timestamp): type = .timestamp
            case (let a, let b) where a.isNumber && b.isNumber:
                if a == .double || b == .double {
                    type = .double
                } else {
                    type = .decimal(max(a.scale ?? 0, b.scale ?? 0))
                }
            case (.interval, .int), (.int, .interval): type = .interval
            default:
                throw DukkanError(
                    .invalidQuery, "\(operation) cannot combine \(type.name) and \(operand.type.name)",
                    advice: type == .string || operand.type == .string
                        ? "Text stands in single quotes, numbers and columns do not." : nil)
            }
        }
        return (operands.map { $0.type == .null ? BoundExpression($0.node, type) : convert($0, type) }, type)
    }

    /// Reads a text constant as a time where a time stands beside it.
    private func timeLiteral(_ expression: BoundExpression, beside other: BoundExpression) throws -> BoundExpression {
        guard expression.type == .string, let constant = expression.constant, case .string(let text) = constant,
            other.type == .timestamp || other.type == .date
        else { return expression }
        return try context.clock.parse(text)
    }

    private func mismatch(_ operation: String, _ operand: BoundExpression) -> DukkanError {
        DukkanError(.invalidQuery, "\(operation) cannot be applied to a value of type \(operand.type.name)")
    }

    /// The constant that an expression of constants is, computed once.
    private func fold(_ bound: BoundExpression) throws -> BoundExpression {
        guard bound.constant == nil, !bound.children.isEmpty, bound.children.allSatisfy({ $0.constant != nil }) else {
            return bound
        }
        // There are no leaves, so that any row will do.
        return BoundExpression(.constant(try scalars.evaluate(bound, OneString(value: .null))), bound.type)
    }
}
