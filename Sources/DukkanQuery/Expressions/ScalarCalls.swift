import DukkanFormat
import DukkanTime

extension ScalarEvaluator {
    /// Computes a function of values.
    func call(_ function: ScalarFunction, _ arguments: [Value], _ type: ScalarType) throws -> Value {
        switch function {
        case .coalesce: return arguments.first { $0 != .null } ?? .null
        case .nullif:
            return arguments[0] != .null && ScalarEvaluator.compare(arguments[0], arguments[1]) == 0
                ? .null : arguments[0]
        case .greatest, .least:
            var best = Value.null
            for argument in arguments where argument != .null {
                guard best != .null else {
                    best = argument
                    continue
                }
                let order = ScalarEvaluator.compare(argument, best) ?? 0
                if function == .greatest ? order > 0 : order < 0 { best = argument }
            }
            return best
        default: break
        }
        if arguments.contains(.null) { return .null }
        switch function {
        case .dateTrunc:
            guard case .string(let unit) = arguments[0], case .timestamp(let time) = arguments[1] else { return .null }
            return try clock.truncate(time, unit)
        case .year, .quarter, .month, .day, .hour, .minute, .weekday:
            guard case .timestamp(let time) = arguments[0] else { return .null }
            return .int(Int128(clock.field(function, of: time)))
        case .lower, .upper, .trim, .length, .substring, .startsWith: return text(function, arguments)
        default: return try number(function, arguments, type)
        }
    }

    private func text(_ function: ScalarFunction, _ arguments: [Value]) -> Value {
        guard case .string(let text) = arguments[0] else { return .null }
        switch function {
        case .lower: return .string(text.lowercased())
        case .upper: return .string(text.uppercased())
        case .trim:
            let inner = text.drop { $0 == " " }
            return .string(String(inner.reversed().drop { $0 == " " }.reversed()))
        case .length: return .int(Int128(text.unicodeScalars.count))
        case .startsWith:
            guard case .string(let prefix) = arguments[1] else { return .null }
            return .bool(text.utf8.starts(with: prefix.utf8))
        default:
            guard case .int(let wide) = arguments[1] else { return .null }
            // Wide enough for every text, and far from where sums overflow.
            let start = Int128(Int64(clamping: wide))
            let scalars = Array(text.unicodeScalars)
            let first = max(0, min(Int128(scalars.count), start - 1))
            var end = Int128(scalars.count)
            if arguments.count == 3, case .int(let length) = arguments[2] {
                end = max(first, min(end, (start - 1) + max(0, min(length, Int128(Int64.max)))))
            }
            var result = String.UnicodeScalarView()
            result.append(contentsOf: scalars[Int(first)..<Int(end)])
            return .string(String(result))
        }
    }

    private func number(_ function: ScalarFunction, _ arguments: [Value], _ type: ScalarType) throws -> Value {
        if case .double(let value) = arguments[0] {
            switch function {
            case .abs: return .double(Swift.abs(value))
            case .floor: return .double(value.rounded(.down))
            case .ceil: return .double(value.rounded(.up))
            case .round:
                guard case .int(let digits) = arguments[1] else { return .null }
                let power = Double(powersOfTen[Int(digits)])
                let scaled = (value * power).rounded(.toNearestOrAwayFromZero) / power
                return .double(scaled.isFinite ? scaled : value)
            default:
                guard case .double(let width) = arguments[1], width > 0 else { return .null }
                return .double((value / width).rounded(.down) * width)
            }
        }
        guard let value = ScalarEvaluator.unscaled(arguments[0]) else { return .null }
        var scale = 0
        if case .decimal(let decimal) = arguments[0] { scale = decimal.scale }
        switch function {
        case .abs: return try ScalarEvaluator.value(value < 0 ? ScalarEvaluator.negated(value) : value, type)
        case .floor: return .int(ScalarEvaluator.floorDivide(value, powersOfTen[scale]))
        case .ceil:
            let floor = ScalarEvaluator.floorDivide(value, powersOfTen[scale])
            return .int(scale == 0 || value % powersOfTen[scale] == 0 ? floor : floor + 1)
        case .round:
            guard case .int(let digits) = arguments[1] else { return .null }
            if Int(digits) >= scale {
                let (wide, isOver) = value.multipliedReportingOverflow(by: powersOfTen[Int(digits) - scale])
                if isOver { throw ScalarEvaluator.overflow("round") }
                return try ScalarEvaluator.value(wide, type)
            }
            let unit = powersOfTen[scale - Int(digits)]
            let (quotient, remainder) = value.quotientAndRemainder(dividingBy: unit)
            let isUp = remainder.magnitude >= unit.magnitude - remainder.magnitude
            return try ScalarEvaluator.value(isUp ? quotient + (value < 0 ? -1 : 1) : quotient, type)
        default:
            guard let width = ScalarEvaluator.unscaled(arguments[1]), width > 0 else { return .null }
            let (lower, isOver) = ScalarEvaluator.floorDivide(value, width).multipliedReportingOverflow(by: width)
            if isOver { throw ScalarEvaluator.overflow("bin") }
            return try ScalarEvaluator.value(lower, type)
        }
    }

    static func floorDivide(_ value: Int128, _ divisor: Int128) -> Int128 {
        let (quotient, remainder) = value.quotientAndRemainder(dividingBy: divisor)
        return remainder < 0 ? quotient - 1 : quotient
    }
}
