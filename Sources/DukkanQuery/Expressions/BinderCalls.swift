import DukkanFormat

extension Binder {
    /// Resolves a function's name and checks its arguments.
    func call(_ name: String, _ arguments: [BoundExpression]) throws -> BoundExpression {
        let aliases = [
            "substr": "substring", "dayofweek": "weekday", "dow": "weekday", "ceiling": "ceil", "len": "length",
        ]
        let lower = name.lowercased()
        guard let function = ScalarFunction(rawValue: aliases[lower] ?? lower) else {
            throw context.notFound("function", name, among: ScalarFunction.allCases.map(\.rawValue))
        }
        func need(_ counts: ClosedRange<Int>) throws {
            if !counts.contains(arguments.count) {
                throw DukkanError(
                    .invalidQuery,
                    "\(function.rawValue) takes \(counts.lowerBound == counts.upperBound ? "\(counts.lowerBound)" : "\(counts.lowerBound) to \(counts.upperBound)") arguments, not \(arguments.count)"
                )
            }
        }
        func need(_ index: Int, _ kind: String, _ isRight: (ScalarType) -> Bool) throws {
            let type = arguments[index].type
            if type != .null && !isRight(type) {
                throw DukkanError(
                    .invalidQuery, "argument \(index + 1) of \(function.rawValue) is a \(type.name), needed is \(kind)")
            }
        }
        switch function {
        case .dateTrunc:
            try need(2...2)
            return try dateTrunc(arguments)
        case .year, .quarter, .month, .day, .hour, .minute, .weekday:
            try need(1...1)
            let time = try asTime(arguments[0], function.rawValue)
            return BoundExpression(.call(function, [time]), .int)
        case .lower, .upper, .trim:
            try need(1...1)
            try need(0, "text") { $0 == .string }
            return BoundExpression(.call(function, arguments), .string)
        case .length:
            try need(1...1)
            try need(0, "text") { $0 == .string }
            return BoundExpression(.call(function, arguments), .int)
        case .substring:
            try need(2...3)
            try need(0, "text") { $0 == .string }
            for i in 1..<arguments.count { try need(i, "a whole number") { $0 == .int } }
            return BoundExpression(.call(function, arguments), .string)
        case .startsWith:
            try need(2...2)
            for i in 0..<2 { try need(i, "text") { $0 == .string } }
            return BoundExpression(.call(function, arguments), .bool)
        case .coalesce, .greatest, .least:
            try need(1...100)
            let (unified, type) = try commonType(arguments, function.rawValue)
            return BoundExpression(.call(function, unified), type)
        case .nullif:
            try need(2...2)
            let (a, b) = try unify(arguments[0], arguments[1], "nullif")
            return BoundExpression(.call(function, [a, b]), a.type)
        case .abs:
            try need(1...1)
            try need(0, "a number") { $0.isNumber || $0 == .interval }
            return BoundExpression(.call(function, arguments), arguments[0].type)
        case .floor, .ceil:
            try need(1...1)
            try need(0, "a number") { $0.isNumber }
            return BoundExpression(.call(function, arguments), arguments[0].type == .double ? .double : .int)
        case .round:
            try need(1...2)
            try need(0, "a number") { $0.isNumber }
            return try round(arguments)
        case .bin:
            try need(2...2)
            for i in 0..<2 { try need(i, "a number") { $0.isNumber } }
            let (a, b) = try unify(arguments[0], arguments[1], "bin")
            return BoundExpression(.call(function, [a, b]), a.type)
        }
    }

    private func dateTrunc(_ arguments: [BoundExpression]) throws -> BoundExpression {
        guard case .string(let unit)? = arguments[0].constant else {
            throw DukkanError(.invalidQuery, "the first argument of date_trunc is a period in quotes, as 'day'")
        }
        let known = ["minute", "hour", "day", "week", "month", "quarter", "year"]
        guard known.contains(unit.lowercased()) else { throw context.notFound("period", unit, among: known) }
        let time = try asTime(arguments[1], "date_trunc")
        let unitConstant = BoundExpression(.constant(.string(unit.lowercased())), .string)
        let isShort = unit.lowercased() == "hour" || unit.lowercased() == "minute"
        return BoundExpression(.call(.dateTrunc, [unitConstant, time]), isShort ? .timestamp : .date)
    }

    private func asTime(_ argument: BoundExpression, _ function: String) throws -> BoundExpression {
        switch argument.type {
        case .timestamp, .null: return argument
        case .date: return convert(argument, .timestamp)
        case .string:
            if case .string(let text)? = argument.constant { return convert(try context.clock.parse(text), .timestamp) }
        default: break
        }
        throw DukkanError(.invalidQuery, "\(function) needs a time, not a value of type \(argument.type.name)")
    }

    private func round(_ arguments: [BoundExpression]) throws -> BoundExpression {
        var digits = 0
        if arguments.count == 2 {
            guard case .int(let value)? = arguments[1].constant, (0...18).contains(value) else {
                throw DukkanError(.invalidQuery, "the second argument of round is a number of digits from 0 to 18")
            }
            digits = Int(value)
        }
        let places = BoundExpression(.constant(.int(Int128(digits))), .int)
        let type: ScalarType =
            arguments[0].type == .double ? .double : (digits == 0 ? .int : .decimal(digits))
        return BoundExpression(.call(.round, [arguments[0], places]), type)
    }
}
