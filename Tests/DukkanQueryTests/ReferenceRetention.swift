import DukkanFormat
import DukkanTime

@testable import DukkanQuery

/// Retention by the definition: for each cohort and period a look at every customer and row.
struct ReferenceRetention {
    let query: RetentionQuery
    let world: ReferenceWorld
    let asOf: Int64
    let zone: TimeZoneRules

    init(_ query: RetentionQuery, _ world: ReferenceWorld) throws {
        self.query = query
        self.world = world
        zone = try ReferenceWorld.zone(query.options)
        asOf = try world.asOf(query.options, tables: [query.start.table, query.returning.table])
    }

    // MARK: Periods

    /// The number of a time's period; consecutive periods have consecutive numbers.
    func period(_ time: Int64) -> Int64 {
        let local = time + zone.offset(at: time)
        let day = CivilCalendar.floorDays(microseconds: local)
        switch query.period {
        case .hour:
            // Hours are told apart in the hour that a change repeats; only the minutes of the offset shift them.
            let hour = CivilCalendar.microsecondsPerHour
            let shifted = time + (zone.offset(at: time) % hour + hour) % hour
            return shifted >= 0 ? shifted / hour : (shifted - hour + 1) / hour
        case .day:
            return day
        case .week:
            let monday = day - CivilCalendar.weekday(days: day)
            let first = query.options.weekStartsOnSunday ? day - (CivilCalendar.weekday(days: day) + 1) % 7 : monday
            return (first + 700_000) / 7
        case .month:
            let civil = CivilCalendar.civil(days: day)
            return civil.year * 12 + civil.month - 1
        }
    }

    /// The first instant of a period.
    func start(ofPeriod number: Int64) -> Int64 {
        let day: Int64
        switch query.period {
        case .hour:
            let hour = CivilCalendar.microsecondsPerHour
            return number * hour - (zone.offset(at: number * hour) % hour + hour) % hour
        case .day: day = number
        case .week: day = number * 7 - 700_000 + (query.options.weekStartsOnSunday ? 3 : 4)
        case .month: day = CivilCalendar.days(year: number / 12, month: number % 12 + 1, day: 1)
        }
        return zone.utc(fromLocal: day * CivilCalendar.microsecondsPerDay)
    }

    func label(_ number: Int64) -> Value {
        let start = start(ofPeriod: number)
        if query.period == .hour { return .timestamp(Timestamp(microseconds: start)) }
        // Noon of the first day is on that day whatever the clock does at midnight.
        let noon = start + CivilCalendar.microsecondsPerDay / 2
        return .date(CivilDate(days: CivilCalendar.floorDays(microseconds: noon + zone.offset(at: noon))))
    }

    // MARK: Rows

    private func rows(_ step: Step, of customer: CustomerKey) throws -> [ReferenceWorld.Row] {
        let table = world.tables[step.table] ?? ReferenceWorld.Table()
        let expressions = ReferenceExpressions(table: table, zone: zone, asOf: asOf)
        return try table.rows.filter { row in
            try row.customer == customer && row.time <= asOf && expressions.isTrue(step.filter, row)
                && expressions.isTrue(query.filter, row)
        }
    }

    /// The cohorts of a customer, each with the time at which she started in it.
    private func cohorts(of customer: CustomerKey) throws -> [Int64: Int64] {
        let times = try rows(query.start, of: customer).map(\.time).sorted()
        var cohorts: [Int64: Int64] = [:]
        for time in query.cohorts == .firstTime ? Array(times.prefix(1)) : times {
            if cohorts[period(time)] == nil { cohorts[period(time)] = time }
        }
        return cohorts
    }

    // MARK: Answer

    func result() throws -> QueryResult {
        let customers = world.customers(of: [query.start.table, query.returning.table])
        var members: [Int64: [(start: Int64, returns: [ReferenceWorld.Row])]] = [:]
        for customer in customers {
            let returns = try rows(query.returning, of: customer)
            for (cohort, start) in try cohorts(of: customer) {
                members[cohort, default: []].append((start, returns))
            }
        }
        var answer: [[Value]] = []
        for (cohort, members) in members.sorted(by: { $0.key < $1.key }) {
            for k in 0..<Int64(query.periodCount) where start(ofPeriod: cohort + k) <= asOf {
                let isComplete = start(ofPeriod: cohort + k + 1) <= asOf
                var value = try cell(cohort, k, members)
                if query.maturedOnly && !isComplete { value = .null }
                answer.append([
                    label(cohort), .int(Int128(k)), .int(Int128(members.count)), value, .bool(isComplete),
                ])
            }
        }
        return QueryResult(
            columns: ["cohort", "period", "size", "value", "complete"].map { .init($0, .int) }, rows: answer,
            shape: .retention)
    }

    private func cell(
        _ cohort: Int64, _ k: Int64, _ members: [(start: Int64, returns: [ReferenceWorld.Row])]
    ) throws -> Value {
        let expression: Expression
        switch query.measure {
        case .customers:
            if k == 0 { return .int(Int128(members.count)) }
            return .int(Int128(members.filter { $0.returns.contains { period($0.time) == cohort + k } }.count))
        case .sum(let measured), .average(let measured):
            expression = measured
        }
        let expressions = ReferenceExpressions(
            table: world.tables[query.returning.table] ?? ReferenceWorld.Table(), zone: zone, asOf: asOf)
        var values: [Value] = []
        for member in members {
            for row in member.returns where row.time >= member.start && period(row.time) == cohort + k {
                let value = try expressions.value(expression, row)
                if value != .null { values.append(value) }
            }
        }
        let total = ReferenceSum(values)
        if case .sum = query.measure { return total.value ?? .int(0) }
        return total.double.map { .double($0 / Double(values.count)) } ?? .null
    }
}

/// A sum of values of one type.
struct ReferenceSum {
    /// Nil over no values.
    var value: Value?

    init(_ values: [Value]) {
        for next in values {
            switch (value, next) {
            case (nil, _): value = next
            case (.int(let a), .int(let b)): value = .int(a + b)
            case (.decimal(let a), .decimal(let b)):
                value = .decimal(DecimalValue(unscaled: a.unscaled + b.unscaled, scale: a.scale))
            case (.double(let a), .double(let b)): value = .double(a + b)
            default: preconditionFailure("values of different types")
            }
        }
    }

    var double: Double? {
        switch value {
        case .int(let number): Double(number)
        case .decimal(let number): number.double
        case .double(let number): number
        default: nil
        }
    }
}
