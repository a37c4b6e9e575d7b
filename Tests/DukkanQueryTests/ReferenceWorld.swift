import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// Rows in memory that the reference evaluator works on.
///
/// Written for plainness: everything is a loop over rows.
struct ReferenceWorld {
    struct Row: Hashable {
        /// Nil: null.
        var customer: CustomerKey?
        var time: Int64
        /// The other columns; a column that is absent is null.
        var values: [String: Value] = [:]
    }

    struct Table {
        var customerColumn = "customer"
        var timeColumn = "time"
        /// In the order of ingest.
        var rows: [Row] = []
    }

    var tables: [String: Table] = [:]

    /// The latest time in some tables, 0 when they are empty.
    func latestTime(in names: [String]) -> Int64 {
        names.flatMap { tables[$0]?.rows.map(\.time) ?? [] }.max() ?? 0
    }

    /// The end of knowledge of a query over some tables.
    func asOf(_ options: QueryOptions, tables names: [String]) throws -> Int64 {
        guard let expression = options.asOf else { return latestTime(in: names) }
        let zone = try ReferenceWorld.zone(options)
        guard case .literal(let value) = expression, let time = ReferenceWorld.time(value, zone) else {
            throw ReferenceError("AS OF is not a time")
        }
        return time
    }

    static func zone(_ options: QueryOptions) throws -> TimeZoneRules {
        try options.timeZone.map { try TimeZoneRules(named: $0) } ?? .utc
    }

    /// Every customer of some tables, null left out, in ascending order.
    func customers(of names: [String]) -> [CustomerKey] {
        Set(names.flatMap { tables[$0]?.rows.compactMap(\.customer) ?? [] }).sorted { a, b in
            switch (a, b) {
            case (.integer(let a), .integer(let b)): a < b
            case (.string(let a), .string(let b)): a.utf8.lexicographicallyPrecedes(b.utf8)
            case (.integer, .string): true
            case (.string, .integer): false
            }
        }
    }

    /// The time that a literal stands for, nil for other values.
    static func time(_ value: Value, _ zone: TimeZoneRules) -> Int64? {
        switch value {
        case .timestamp(let time):
            return time.microseconds
        case .date(let date):
            return zone.utc(fromLocal: date.days * CivilCalendar.microsecondsPerDay)
        case .string(let text):
            guard let parsed = ISO8601.parseTime(text) else { return nil }
            return parsed.hasOffset ? parsed.microseconds : zone.utc(fromLocal: parsed.microseconds)
        default:
            return nil
        }
    }
}

/// What the reference evaluator does not know.
struct ReferenceError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) {
        self.description = description
    }
}

/// Filters and columns of one table's rows, by SQL's three-valued logic.
struct ReferenceExpressions {
    var table: ReferenceWorld.Table
    var zone: TimeZoneRules
    var asOf: Int64

    /// Whether a filter is true; no filter always is.
    func isTrue(_ filter: Expression?, _ row: ReferenceWorld.Row) throws -> Bool {
        guard let filter else { return true }
        return try value(filter, row) == .bool(true)
    }

    func value(_ expression: Expression, _ row: ReferenceWorld.Row) throws -> Value {
        switch expression {
        case .literal(let value): return value
        case .now: return .timestamp(Timestamp(microseconds: asOf))
        case .column(let name): return column(name.name, row)
        case .not(let inner): return not(try value(inner, row))
        case .binary(.and, let a, let b): return and(try value(a, row), try value(b, row))
        case .binary(.or, let a, let b): return not(and(not(try value(a, row)), not(try value(b, row))))
        case .binary(let comparison, let a, let b):
            return try compare(comparison, try value(a, row), try value(b, row))
        case .between(let inner, let low, let high, let negated):
            let middle = try value(inner, row)
            let inside = and(
                try compare(.greaterOrEqual, middle, try value(low, row)),
                try compare(.lessOrEqual, middle, try value(high, row)))
            return negated ? not(inside) : inside
        case .inList(let inner, let items, let negated):
            var found = Value.bool(false)
            for item in items {
                let equal = try compare(.equal, try value(inner, row), try value(item, row))
                found = not(and(not(found), not(equal)))
            }
            return negated ? not(found) : found
        case .isNull(let inner, let negated):
            return .bool((try value(inner, row) == .null) != negated)
        case .call("date_trunc", let arguments) where arguments.count == 2:
            return try truncated(try value(arguments[1], row), to: try value(arguments[0], row))
        default:
            throw ReferenceError("the reference evaluator does not know \(expression)")
        }
    }

    /// The begin of a period in UTC.
    private func truncated(_ time: Value, to unit: Value) throws -> Value {
        guard case .timestamp(let time) = time, case .string(let unit) = unit else { return .null }
        func floor(_ length: Int64) -> Int64 {
            let rest = time.microseconds % length
            return time.microseconds - (rest < 0 ? rest + length : rest)
        }
        let days = floor(86_400_000_000) / 86_400_000_000
        switch unit {
        case "minute": return .timestamp(Timestamp(microseconds: floor(60_000_000)))
        case "hour": return .timestamp(Timestamp(microseconds: floor(3_600_000_000)))
        case "day": return .date(CivilDate(days: days))
        // 1970-01-01 was a Thursday, the fourth day of a week.
        case "week": return .date(CivilDate(days: days - ((days + 3) % 7 + 7) % 7))
        default: throw ReferenceError("the reference evaluator does not know periods of a \(unit)")
        }
    }

    private func column(_ name: String, _ row: ReferenceWorld.Row) -> Value {
        if name == "time" || name == table.timeColumn { return .timestamp(Timestamp(microseconds: row.time)) }
        if name == "customer" || name == table.customerColumn {
            switch row.customer {
            case .integer(let key): return .int(Int128(key))
            case .string(let key): return .string(key)
            case nil: return .null
            }
        }
        return row.values[name] ?? .null
    }

    private func not(_ a: Value) -> Value {
        if case .bool(let a) = a { return .bool(!a) }
        return .null
    }

    private func and(_ a: Value, _ b: Value) -> Value {
        if a == .bool(false) || b == .bool(false) { return .bool(false) }
        return a == .null || b == .null ? .null : .bool(true)
    }

    private func compare(_ comparison: BinaryOperator, _ a: Value, _ b: Value) throws -> Value {
        if a == .null || b == .null { return .null }
        let less = try precedes(a, b), greater = try precedes(b, a)
        switch comparison {
        case .equal: return .bool(!less && !greater)
        case .notEqual: return .bool(less || greater)
        case .less: return .bool(less)
        case .lessOrEqual: return .bool(!greater)
        case .greater: return .bool(greater)
        case .greaterOrEqual: return .bool(!less)
        default: throw ReferenceError("the reference evaluator does not know \(comparison)")
        }
    }

    private func precedes(_ a: Value, _ b: Value) throws -> Bool {
        switch (a, b) {
        case (.bool(let a), .bool(let b)): return !a && b
        case (.int(let a), .int(let b)): return a < b
        case (.string(let a), .string(let b)): return a.utf8.lexicographicallyPrecedes(b.utf8)
        case (.timestamp, _), (_, .timestamp), (.date, _), (_, .date):
            if let a = ReferenceWorld.time(a, zone), let b = ReferenceWorld.time(b, zone) { return a < b }
        default:
            if let a = number(a), let b = number(b) { return a < b }
        }
        throw ReferenceError("the reference evaluator cannot compare \(a) and \(b)")
    }

    private func number(_ value: Value) -> Double? {
        switch value {
        case .int(let number): Double(number)
        case .decimal(let number): number.double
        case .double(let number): number
        default: nil
        }
    }
}
