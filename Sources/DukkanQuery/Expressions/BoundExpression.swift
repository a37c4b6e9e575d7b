import DukkanFormat

/// An expression whose names and types are resolved.
struct BoundExpression: Sendable, Hashable {
    indirect enum Node: Sendable, Hashable {
        case constant(Value)
        /// A column of the table's rows, as a place among the scan's requested columns.
        case column(Int)
        /// The row's customer key.
        case customer
        /// A column looked up from another table for each row, as a place among the binding's lookups.
        case lookup(Int)
        /// Whether the row's customer is in a segment, as a place among the binding's segments.
        case segment(Int)
        /// A key of the group, behind the aggregation.
        case groupKey(Int)
        /// An aggregate of the group or of the customer, behind the aggregation.
        case aggregate(Int)
        case not(BoundExpression)
        case negate(BoundExpression)
        case binary(BinaryOperator, BoundExpression, BoundExpression)
        case inList(BoundExpression, [Value], negated: Bool)
        case like(BoundExpression, LikePattern, negated: Bool)
        case isNull(BoundExpression, negated: Bool)
        case when([Branch], otherwise: BoundExpression?)
        case call(ScalarFunction, [BoundExpression])
        /// To the expression's own type, which is wider: int to decimal to double, date to timestamp.
        case convert(BoundExpression)
    }

    struct Branch: Sendable, Hashable {
        var condition: BoundExpression
        var value: BoundExpression
    }

    var node: Node
    var type: ScalarType

    init(_ node: Node, _ type: ScalarType) {
        self.node = node
        self.type = type
    }

    var constant: Value? {
        if case .constant(let value) = node { return value }
        return nil
    }

    /// The expressions directly within.
    var children: [BoundExpression] {
        switch node {
        case .constant, .column, .customer, .lookup, .segment, .groupKey, .aggregate: []
        case .not(let a), .negate(let a), .convert(let a): [a]
        case .inList(let a, _, _), .like(let a, _, _), .isNull(let a, _): [a]
        case .binary(_, let a, let b): [a, b]
        case .when(let branches, let otherwise):
            branches.flatMap { [$0.condition, $0.value] } + (otherwise.map { [$0] } ?? [])
        case .call(_, let arguments): arguments
        }
    }

    /// Shows the expression and all within it.
    func visit(_ look: (BoundExpression) -> Void) {
        look(self)
        for child in children { child.visit(look) }
    }

    /// Whether the condition holds anywhere in the tree.
    func contains(_ condition: (BoundExpression) -> Bool) -> Bool {
        condition(self) || children.contains { $0.contains(condition) }
    }
}

/// A function of values, by the name that the language calls it.
enum ScalarFunction: String, Sendable, Hashable, CaseIterable {
    case dateTrunc = "date_trunc"
    case year, quarter, month, day, hour, minute, weekday
    case lower, upper, trim, length, substring
    case startsWith = "starts_with"
    case coalesce, nullif, abs, round, floor, ceil, greatest, least, bin
}

/// A compiled `LIKE` pattern: `%` any text, `_` one character, `\` quotes the next.
struct LikePattern: Sendable, Hashable {
    enum Element: Sendable, Hashable {
        case any
        case one
        case literal(UInt8)
    }

    let elements: [Element]
    let caseInsensitive: Bool
    /// The text that every match contains, when the pattern is `%text%`.
    private let infix: [UInt8]?

    init(_ pattern: String, caseInsensitive: Bool) {
        var elements: [Element] = []
        var isQuoted = false
        for byte in (caseInsensitive ? pattern.lowercased() : pattern).utf8 {
            if isQuoted {
                elements.append(.literal(byte))
                isQuoted = false
            } else if byte == UInt8(ascii: "\\") {
                isQuoted = true
            } else if byte == UInt8(ascii: "%") {
                if elements.last != .any { elements.append(.any) }
            } else if byte == UInt8(ascii: "_") {
                elements.append(.one)
            } else {
                elements.append(.literal(byte))
            }
        }
        self.elements = elements
        self.caseInsensitive = caseInsensitive
        let inner = elements.dropFirst().dropLast().compactMap { element -> UInt8? in
            if case .literal(let byte) = element { byte } else { nil }
        }
        let isInfix = elements.count >= 3 && elements.first == .any && elements.last == .any
        infix = isInfix && inner.count == elements.count - 2 ? inner : nil
    }

    func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        if caseInsensitive {
            // Case folding can change the length outside ASCII, so it needs the text as a whole.
            if text.allSatisfy({ $0 < 0x80 }) {
                let lower = text.map { $0 >= 0x41 && $0 <= 0x5A ? $0 | 0x20 : $0 }
                return lower.withUnsafeBufferPointer { matchesExactly($0) }
            }
            var lower = String(decoding: text, as: UTF8.self).lowercased()
            return lower.withUTF8 { matchesExactly($0) }
        }
        return matchesExactly(text)
    }

    private func matchesExactly(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        if let infix { return LikePattern.contains(text, infix) }
        // Greedy with one point to fall back to, the last `%`: O(text × pattern), no recursion.
        var t = 0, p = 0
        var fallbackPattern = -1, fallbackText = 0
        while t < text.count {
            if p < elements.count {
                switch elements[p] {
                case .any:
                    fallbackPattern = p + 1
                    fallbackText = t
                    p += 1
                    continue
                case .one:
                    t += 1
                    while t < text.count, text[t] & 0xC0 == 0x80 { t += 1 }  // the rest of one UTF-8 character
                    p += 1
                    continue
                case .literal(let byte) where byte == text[t]:
                    t += 1
                    p += 1
                    continue
                case .literal: break
                }
            }
            if fallbackPattern < 0 { return false }
            fallbackText += 1
            t = fallbackText
            p = fallbackPattern
        }
        while p < elements.count, elements[p] == .any { p += 1 }
        return p == elements.count
    }

    private static func contains(_ text: UnsafeBufferPointer<UInt8>, _ infix: [UInt8]) -> Bool {
        let last = text.count - infix.count
        if last < 0 { return false }
        return infix.withUnsafeBufferPointer { infix in
            var start = 0
            while start <= last {
                if text[start] == infix[0] {
                    var i = 1
                    while i < infix.count, text[start + i] == infix[i] { i += 1 }
                    if i == infix.count { return true }
                }
                start += 1
            }
            return false
        }
    }
}
