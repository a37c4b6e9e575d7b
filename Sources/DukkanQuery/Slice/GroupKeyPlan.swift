import DukkanFormat
import DukkanStorage
import DukkanTime

/// How the groups of a slice are numbered.
enum GroupingPlan: Sendable {
    /// No `GROUP BY`: one group.
    case single
    /// The number is a mixed-radix number of the keys' digits.
    case dense([DenseKey], groupCount: Int)
    /// Numbers are given out by a hash table.
    case hashed

    /// One key of a dense numbering.
    ///
    /// Its last digit, `size`, is null.
    struct DenseKey: Sendable {
        enum Digits: Sendable {
            case codes(StringDictionary)
            /// The value less `low`.
            case integers(low: Int64)
            /// Periods of one length, from the first of them.
            case periods(EqualPeriods)
        }
        var digits: Digits
        var size: Int
        /// What the digits are made of where it is not the key itself.
        var source: BoundExpression?
        var radix: Int { size + 1 }
    }

    /// Groups of a dense numbering at most.
    static let denseGroupCountMax = 1 << 21

    init(_ keys: [BoundExpression], _ plan: ScanPlan, rowCount: Int) {
        if keys.isEmpty {
            self = .single
            return
        }
        var dense: [DenseKey] = []
        var product = 1
        let bounds = IntegerBounds(plan, table: 0)
        for key in keys {
            guard let digits = GroupingPlan.digits(key, plan, bounds) else {
                self = .hashed
                return
            }
            dense.append(digits)
            product =
                product.multipliedReportingOverflow(by: digits.radix).overflow
                ? Int.max : product * digits.radix
            // A sparse table would cost more to clear and to walk than hashing costs.
            if product > GroupingPlan.denseGroupCountMax || product > max(65_536, rowCount) {
                self = .hashed
                return
            }
        }
        self = .dense(dense, groupCount: product)
    }

    private static func digits(_ key: BoundExpression, _ plan: ScanPlan, _ bounds: IntegerBounds) -> DenseKey? {
        if key.type == .string {
            guard case .column(let slot) = key.node, let dictionary = plan.scan.sharedDictionary(0, column: slot) else {
                return nil
            }
            return DenseKey(digits: .codes(dictionary), size: dictionary.count)
        }
        if let periods = EqualPeriods(key, plan, bounds) {
            return DenseKey(digits: .periods(periods), size: periods.count, source: periods.source)
        }
        guard key.type != .double, let range = bounds.of(key) else { return nil }
        let (span, isOver) = range.upperBound.subtractingReportingOverflow(range.lowerBound)
        guard !isOver, span < Int64(denseGroupCountMax) else { return nil }
        return DenseKey(digits: .integers(low: range.lowerBound), size: Int(span) + 1)
    }
}

/// Bounds of whole-number expressions from the statistics of the parts: no row leaves them.
struct IntegerBounds {
    private let tables: [TableSnapshot]
    private let plan: ScanPlan
    private let table: Int

    init(_ plan: ScanPlan, table: Int) {
        self.plan = plan
        self.table = table
        tables = plan.tables
    }

    func of(_ expression: BoundExpression) -> ClosedRange<Int64>? {
        if let constant = expression.constant {
            guard let whole = ScalarEvaluator.unscaled(constant), let value = Int64(exactly: whole) else { return nil }
            return value...value
        }
        switch expression.node {
        case .column(let slot): return column(slot)
        case .segment: return 0...1
        case .convert(let operand):
            guard let from = operand.type.scale, let to = expression.type.scale, let range = of(operand) else {
                return nil
            }
            let factor = powersOfTen[max(0, to - from)]
            return narrow(Int128(range.lowerBound) * factor, Int128(range.upperBound) * factor)
        case .negate(let operand):
            return of(operand).flatMap { narrow(-Int128($0.upperBound), -Int128($0.lowerBound)) }
        case .binary(let op, let a, let b) where expression.type.physical == .integers:
            if expression.type == .bool { return 0...1 }
            guard let left = of(a), let right = of(b) else { return nil }
            return combine(op, left, right)
        case .call(let function, let arguments): return call(function, arguments)
        case .not, .inList, .like, .isNull: return 0...1
        default: return nil
        }
    }

    private func narrow(_ low: Int128, _ high: Int128) -> ClosedRange<Int64>? {
        guard let least = Int64(exactly: low), let most = Int64(exactly: high) else { return nil }
        return least...most
    }

    private func combine(
        _ op: BinaryOperator, _ a: ClosedRange<Int64>, _ b: ClosedRange<Int64>
    ) -> ClosedRange<Int64>? {
        let (al, ah, bl, bh) = (
            Int128(a.lowerBound), Int128(a.upperBound), Int128(b.lowerBound), Int128(b.upperBound)
        )
        switch op {
        // Null rows hold 0 in vectors, so a range of a product or sum includes what zeros give.
        case .add: return narrow(al + bl, ah + bh)
        case .subtract: return narrow(al - bh, ah - bl)
        case .multiply:
            let corners = [al * bl, al * bh, ah * bl, ah * bh]
            return narrow(corners.min() ?? 0, corners.max() ?? 0)
        default: return nil
        }
    }

    private func call(_ function: ScalarFunction, _ arguments: [BoundExpression]) -> ClosedRange<Int64>? {
        switch function {
        case .quarter: return 1...4
        case .month: return 1...12
        case .day: return 1...31
        case .hour: return 0...23
        case .minute: return 0...59
        case .weekday: return 1...7
        case .dateTrunc:
            guard case .string(let unit)? = arguments[0].constant, unit != "hour", unit != "minute",
                let times = of(arguments[1])
            else { return nil }
            let clock = plan.clock
            func first(_ time: Int64) -> Int64? {
                guard case .date(let date)? = try? clock.truncate(Timestamp(microseconds: time), unit) else {
                    return nil
                }
                return date.days
            }
            guard let low = first(times.lowerBound), let high = first(times.upperBound), low <= high else {
                return nil
            }
            return low...high
        default: return nil
        }
    }

    private func column(_ slot: Int) -> ClosedRange<Int64>? {
        let snapshot = tables[table]
        let name = snapshot.schema.columns[plan.scan.requests[table].columns[slot]].name
        var low = Int64.max, high = Int64.min
        for part in snapshot.parts {
            guard let place = part.column(forSchemaColumn: name) else { continue }
            let statistics = part.footer.columns[place].statistics
            if statistics.nullCount == part.footer.rowCount { continue }
            low = min(low, statistics.minimum)
            high = max(high, statistics.maximum)
        }
        return low <= high ? low...high : 0...0
    }
}
