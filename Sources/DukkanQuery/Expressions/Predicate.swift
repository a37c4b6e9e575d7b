import DukkanFormat
import Synchronization

/// A condition compiled to kernels over vectors.
///
/// It selects the rows for which the condition is true; rows where it is null or false are alike, so negation is
/// pushed down to the leaves.
indirect enum Predicate: Sendable {
    case all
    case none
    case and([Predicate])
    case or([Predicate])
    case range(slot: Int, low: Int64, high: Int64)
    /// A condition over one string leaf: a table over its dictionary's codes.
    case strings(StringCondition)
    case segment(Int, isIn: Bool)
    case isNull(BoundExpression, negated: Bool)
    case compare(BinaryOperator, BoundExpression, BoundExpression)
    /// Anything else: computed row by row; true or, negated, false.
    case rows(BoundExpression, negated: Bool)

    init(_ condition: BoundExpression, negated: Bool = false) {
        if let constant = condition.constant {
            self = constant == .bool(!negated) ? .all : .none
            return
        }
        switch condition.node {
        case .not(let operand):
            self = Predicate(operand, negated: !negated)
        case .binary(.and, let a, let b):
            let parts = [Predicate(a, negated: negated), Predicate(b, negated: negated)]
            self = negated ? Predicate.union(parts) : Predicate.intersection(parts)
        case .binary(.or, let a, let b):
            let parts = [Predicate(a, negated: negated), Predicate(b, negated: negated)]
            self = negated ? Predicate.intersection(parts) : Predicate.union(parts)
        case .segment(let place):
            self = .segment(place, isIn: !negated)
        case .isNull(let operand, let inner):
            self = .isNull(operand, negated: inner != negated)
        default:
            self = Predicate.leaf(condition, negated)
        }
    }

    private static func leaf(_ condition: BoundExpression, _ negated: Bool) -> Predicate {
        if let strings = StringCondition(condition, negated: negated) { return .strings(strings) }
        if case .binary(let op, let a, let b) = condition.node, let kept = comparison(op, negated) {
            let plain = BoundExpression(.binary(kept, a, b), .bool)
            if let range = IntegerRange(plain) { return .range(slot: range.slot, low: range.low, high: range.high) }
            // NaN answers no comparison but <>, so a negated order of doubles is not the opposite order.
            let isDouble = a.type == .double || b.type == .double
            if !(negated && isDouble), a.type != .string { return .compare(kept, a, b) }
        }
        if case .column(let slot) = condition.node, condition.type == .bool {
            return .range(slot: slot, low: negated ? 0 : 1, high: negated ? 0 : 1)
        }
        return .rows(condition, negated: negated)
    }

    /// The comparison that is true exactly where a comparison (or its negation) is, among non-null values; nil: not one.
    private static func comparison(_ op: BinaryOperator, _ negated: Bool) -> BinaryOperator? {
        switch op {
        case .equal: negated ? .notEqual : .equal
        case .notEqual: negated ? .equal : .notEqual
        case .less: negated ? .greaterOrEqual : .less
        case .lessOrEqual: negated ? .greater : .lessOrEqual
        case .greater: negated ? .lessOrEqual : .greater
        case .greaterOrEqual: negated ? .less : .greaterOrEqual
        default: nil
        }
    }

    private static func intersection(_ parts: [Predicate]) -> Predicate {
        var flat: [Predicate] = []
        for part in parts {
            switch part {
            case .none: return .none
            case .all: break
            case .and(let inner): flat += inner
            default: flat.append(part)
            }
        }
        flat = mergeRanges(flat)
        return flat.isEmpty ? .all : (flat.count == 1 ? flat[0] : .and(flat))
    }

    /// Two bounds on one column are one range.
    private static func mergeRanges(_ parts: [Predicate]) -> [Predicate] {
        var merged: [Predicate] = []
        for part in parts {
            if case .range(let slot, let low, let high) = part,
                let at = merged.firstIndex(where: { if case .range(slot, _, _) = $0 { true } else { false } }),
                case .range(_, let otherLow, let otherHigh) = merged[at]
            {
                let (least, most) = (max(low, otherLow), min(high, otherHigh))
                merged[at] = .range(slot: slot, low: least <= most ? least : 1, high: least <= most ? most : 0)
            } else {
                merged.append(part)
            }
        }
        return merged
    }

    private static func union(_ parts: [Predicate]) -> Predicate {
        var flat: [Predicate] = []
        for part in parts {
            switch part {
            case .all: return .all
            case .none: break
            case .or(let inner): flat += inner
            default: flat.append(part)
            }
        }
        return flat.isEmpty ? .none : (flat.count == 1 ? flat[0] : .or(flat))
    }
}

/// A condition whose only leaf is one string column: decided once for each string of the dictionary, not for each row.
final class StringCondition: Sendable {
    let leaf: BoundExpression
    private let condition: BoundExpression
    private let negated: Bool
    private let tables = Guarded<[(StringDictionary, CodeTable)]>([])

    /// Dictionaries remembered at once: one for the whole scan, or one a morsel for each of a few threads.
    private static let tableCountMax = 16

    /// Which codes meet the condition.
    final class CodeTable: Sendable {
        /// 1 for a code that meets the condition; one entry more than strings, so that code 0 is always there.
        let flags: [UInt8]
        let matchCount: Int
        /// The code, where it is only one.
        let only: UInt32?
        let nullMatches: Bool

        init(flags: [UInt8], nullMatches: Bool) {
            self.flags = flags
            self.nullMatches = nullMatches
            matchCount = flags.count { $0 == 1 }
            only = matchCount == 1 ? flags.firstIndex(of: 1).map { UInt32($0) } : nil
        }
    }

    init?(_ condition: BoundExpression, negated: Bool) {
        guard let leaf = StringCondition.onlyStringLeaf(condition) else { return nil }
        self.leaf = leaf
        self.condition = condition
        self.negated = negated
    }

    /// The one leaf of an expression, where it is a string column; nil otherwise.
    static func onlyStringLeaf(_ expression: BoundExpression) -> BoundExpression? {
        var leaves: Set<BoundExpression> = []
        func collect(_ expression: BoundExpression) {
            switch expression.node {
            case .column, .lookup, .customer, .segment, .aggregate, .groupKey: leaves.insert(expression)
            default: for child in expression.children { collect(child) }
            }
        }
        collect(expression)
        guard leaves.count == 1, let leaf = leaves.first, leaf.type == .string else { return nil }
        switch leaf.node {
        case .column, .lookup, .customer: return leaf
        default: return nil
        }
    }

    func table(_ dictionary: StringDictionary, _ scalars: ScalarEvaluator) throws -> CodeTable {
        if let known = tables.withLock({ $0.first { $0.0 === dictionary }?.1 }) { return known }
        let made = try make(dictionary, scalars)
        tables.withLock {
            if $0.count >= StringCondition.tableCountMax { $0.removeFirst() }
            $0.append((dictionary, made))
        }
        return made
    }

    private func make(_ dictionary: StringDictionary, _ scalars: ScalarEvaluator) throws -> CodeTable {
        var flags = [UInt8](repeating: 0, count: dictionary.count + 1)
        let nullMatches = try scalars.evaluate(condition, OneString(value: .null)) == .bool(!negated)
        if case .binary(.equal, let a, let b) = condition.node, !negated, a == leaf, dictionary.isSorted,
            case .string(let text)? = b.constant
        {
            if let code = dictionary.code(of: text) { flags[code] = 1 }
        } else if case .like(let operand, let pattern, let isNot) = condition.node, operand == leaf {
            for code in 0..<dictionary.count {
                flags[code] = dictionary.withBytes(code) { pattern.matches($0) } != (isNot != negated) ? 1 : 0
            }
        } else {
            for code in 0..<dictionary.count {
                let value = try scalars.evaluate(condition, OneString(value: .string(dictionary.string(code))))
                flags[code] = value == .bool(!negated) ? 1 : 0
            }
        }
        return CodeTable(flags: flags, nullMatches: nullMatches)
    }
}

/// A row whose only leaf has one value.
struct OneString: ScalarRow {
    let value: Value
    func value(_ leaf: BoundExpression) throws -> Value { value }
}
