import DukkanFormat
import DukkanTime

extension VectorEvaluator {
    /// Copies the nulls of operands: a row is valid where all of them are.
    private func intersectNulls(_ vector: ColumnVector, _ operands: [ColumnVector]) {
        for operand in operands where operand.hasNulls {
            if !vector.hasNulls {
                vector.beginNulls()
            }
            let words = (vector.count + 63) / 64
            for w in 0..<words { vector.validity[w] &= operand.validity[w] }
        }
        guard vector.hasNulls else { return }
        // Null rows hold 0 by contract.
        let isValid = RowValidity(vector)
        if vector.kind == .doubles {
            let values = vector.doubles
            for row in 0..<vector.count where !isValid[row] { values[row] = 0 }
        } else {
            let values = vector.integers
            for row in 0..<vector.count where !isValid[row] { values[row] = 0 }
        }
    }

    func convert(_ operand: BoundExpression, _ type: ScalarType, _ rows: ExpressionRows) throws -> ColumnVector? {
        guard let from = operand.type.scale ?? (operand.type == .interval ? 0 : nil) else { return nil }
        let source = try vector(operand, rows)
        let count = rows.count
        if type == .double {
            let result = scratch(.doubles)
            result.reserve(count)
            result.count = count
            let divisor = Double(powersOfTen[from])
            let input = source.integers, output = result.doubles
            for row in 0..<count { output[row] = Double(input[row]) / divisor }
            intersectNulls(result, [source])
            return result
        }
        guard let to = type.scale, to >= from else { return nil }
        let result = scratch(.integers)
        result.reserve(count)
        result.count = count
        let factor = Int64(powersOfTen[to - from])
        let input = source.integers, output = result.integers
        var isOver = false
        for row in 0..<count {
            let (product, over) = input[row].multipliedReportingOverflow(by: factor)
            output[row] = product
            isOver = isOver || over
        }
        if isOver { throw ScalarEvaluator.overflow("a conversion to \(type.name)") }
        intersectNulls(result, [source])
        return result
    }

    func arithmetic(
        _ op: BinaryOperator, _ a: BoundExpression, _ b: BoundExpression, _ type: ScalarType, _ rows: ExpressionRows
    ) throws -> ColumnVector? {
        switch op {
        case .add, .subtract, .multiply: break
        case .divide where type == .double: break
        default: return nil
        }
        let left = try vector(a, rows), right = try vector(b, rows)
        let count = rows.count
        if type == .double {
            guard left.kind == .doubles, right.kind == .doubles else { return nil }
            let result = scratch(.doubles)
            result.reserve(count)
            result.count = count
            let x = left.doubles, y = right.doubles, output = result.doubles
            switch op {
            case .add: for row in 0..<count { output[row] = x[row] + y[row] }
            case .subtract: for row in 0..<count { output[row] = x[row] - y[row] }
            case .multiply: for row in 0..<count { output[row] = x[row] * y[row] }
            default:
                for row in 0..<count { output[row] = x[row] / y[row] }
                var hasZero = false
                for row in 0..<count { hasZero = hasZero || y[row] == 0 }
                if hasZero {
                    result.beginNulls()
                    for row in 0..<count where y[row] == 0 { result.validity[row >> 6] &= ~(1 << UInt64(row & 63)) }
                }
            }
            intersectNulls(result, [left, right])
            return result
        }
        guard left.kind == .integers, right.kind == .integers else { return nil }
        let result = scratch(.integers)
        result.reserve(count)
        result.count = count
        let x = left.integers, y = right.integers, output = result.integers
        var isOver = false
        for row in 0..<count {
            let value: Int64, over: Bool
            switch op {
            case .add: (value, over) = x[row].addingReportingOverflow(y[row])
            case .subtract: (value, over) = x[row].subtractingReportingOverflow(y[row])
            default: (value, over) = x[row].multipliedReportingOverflow(by: y[row])
            }
            output[row] = value
            isOver = isOver || over
        }
        if isOver { throw ScalarEvaluator.overflow(op.rawValue) }
        intersectNulls(result, [left, right])
        return result
    }

    /// Calendar functions of a time column.
    func time(
        _ function: ScalarFunction, _ arguments: [BoundExpression], _ rows: ExpressionRows
    ) throws -> ColumnVector? {
        let count = rows.count
        switch function {
        case .dateTrunc:
            guard case .string(let unit)? = arguments[0].constant else { return nil }
            let source = try vector(arguments[1], rows)
            let result = scratch(.integers)
            result.reserve(count)
            result.count = count
            try truncate(source.integers, count, unit, result.integers)
            intersectNulls(result, [source])
            return result
        case .year, .quarter, .month, .day, .hour, .minute, .weekday:
            let source = try vector(arguments[0], rows)
            let result = scratch(.integers)
            result.reserve(count)
            result.count = count
            let clock = scalars.clock
            let input = source.integers, output = result.integers
            for row in 0..<count {
                output[row] = clock.field(function, of: Timestamp(microseconds: input[row]))
            }
            intersectNulls(result, [source])
            return result
        default: return nil
        }
    }

    private func truncate(
        _ times: UnsafePointer<Int64>, _ count: Int, _ unit: String, _ output: UnsafeMutablePointer<Int64>
    ) throws {
        let clock = scalars.clock
        if clock.zone.isUTC, unit == "day" {
            // A literal, so that the division becomes a multiplication.
            for row in 0..<count {
                let time = times[row]
                let quotient = time / 86_400_000_000
                output[row] = quotient &- (time < quotient &* 86_400_000_000 ? 1 : 0)
            }
            return
        }
        // Neighbouring rows often share a day, and the calendar is dear.
        var lastDay = Int64.min, lastResult: Int64 = 0
        let isDate = unit != "hour" && unit != "minute"
        for row in 0..<count {
            let time = Timestamp(microseconds: times[row])
            if isDate {
                let days = CivilCalendar.floorDays(
                    microseconds: time.microseconds &+ clock.zone.offset(at: time.microseconds))
                if days != lastDay {
                    lastDay = days
                    lastResult = clock.firstDay(of: unit, holding: days)
                }
                output[row] = lastResult
            } else {
                output[row] = Int64(ScalarEvaluator.unscaled(try clock.truncate(time, unit)) ?? 0)
            }
        }
    }

    /// `CASE`: the last branch first, so that the first one that holds wins.
    func when(
        _ branches: [BoundExpression.Branch], _ otherwise: BoundExpression?, _ type: ScalarType,
        _ rows: ExpressionRows
    ) throws -> ColumnVector {
        let count = rows.count
        let result = scratch(type.physical)
        result.fillNulls(count)
        var dictionary = StringConcatenation()
        func assign(_ value: BoundExpression, _ bits: Bits?) throws {
            let source = try vector(value, rows)
            let shift = source.kind == .codes ? dictionary.append(source.dictionary ?? .empty) : 0
            let present = RowValidity(source)
            for row in 0..<count where bits?[row] ?? true {
                let isValid = present[row]
                let mask: UInt64 = 1 << UInt64(row & 63)
                if isValid { result.validity[row >> 6] |= mask } else { result.validity[row >> 6] &= ~mask }
                switch result.kind {
                case .integers: result.integers[row] = source.integers[row]
                case .doubles: result.doubles[row] = source.doubles[row]
                case .codes: result.codes[row] = isValid ? source.codes[row] + shift : 0
                }
            }
        }
        if count > 0 {
            if let otherwise { try assign(otherwise, nil) }
            for branch in branches.reversed() {
                let bits = scratchBits()
                try select(Predicate(branch.condition), rows, into: bits)
                try assign(branch.value, bits)
            }
        }
        if result.kind == .codes { result.dictionary = dictionary.dictionary() }
        return result
    }
}

/// Dictionaries one behind the other; strings may appear twice.
private struct StringConcatenation {
    private var offsets: [UInt32] = [0]
    private var bytes: [UInt8] = []

    /// Adds a dictionary's strings and returns what to add to its codes.
    mutating func append(_ dictionary: StringDictionary) -> UInt32 {
        let shift = UInt32(offsets.count - 1)
        let base = UInt32(bytes.count)
        bytes.append(contentsOf: dictionary.bytes)
        for offset in dictionary.offsets.dropFirst() { offsets.append(base + offset) }
        return shift
    }

    func dictionary() -> StringDictionary {
        StringDictionary(offsets: offsets, bytes: bytes, isSorted: false)
    }
}
