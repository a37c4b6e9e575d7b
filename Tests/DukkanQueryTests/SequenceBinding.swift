import DukkanFormat

@testable import DukkanQuery

/// Runs the kernels on a world: filters by the reference's expressions, everything else as the engine does it.
struct SequenceBinding {
    let world: ReferenceWorld
    /// Number of accumulators that are merged, and customers in one call.
    var workers = 1
    var customersPerCall = Int.max
    var bytes = false
    /// Rows from which on a customer counts as one of many rows.
    var longRowCount = FunnelAccumulator.longRowCount

    /// The rows of a table by customer, in the order (time, ingest).
    private func streams(_ name: String, _ customers: [CustomerKey], asOf: Int64) -> [[ReferenceWorld.Row]] {
        let rows = world.tables[name]?.rows ?? []
        return customers.map { customer in
            let own = rows.enumerated().filter { $0.element.customer == customer && $0.element.time <= asOf }
            return own.sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(\.element)
        }
    }

    // MARK: Funnels

    func run(_ query: FunnelQuery) throws -> QueryResult {
        let reference = try ReferenceFunnel(query, world)
        let plan = try FunnelPlan(
            stepCount: query.steps.count, window: query.window, ties: query.ties, asOf: reference.asOf,
            attribution: query.breakdown?.attribution)
        var codes: [Value: UInt32] = [:], values: [Value] = []
        let customers = world.customers(of: reference.tableNames)
        let tables = try reference.tableNames.map { name in
            let expressions = ReferenceExpressions(
                table: world.tables[name] ?? ReferenceWorld.Table(), zone: try ReferenceWorld.zone(query.options),
                asOf: reference.asOf)
            return try streams(name, customers, asOf: reference.asOf).map { rows in
                try rows.map { row in
                    let steps = try reference.steps(matchedBy: row, name, expressions)
                    var bound = SequenceMorsel.Row(time: row.time, mask: steps.reduce(0) { $0 | 1 << UInt32($1) })
                    let value = try query.breakdown.map { try expressions.value($0.expression, row) } ?? .null
                    if value != .null {
                        if codes[value] == nil {
                            codes[value] = UInt32(values.count)
                            values.append(value)
                        }
                        bound.value = codes[value] ?? SequenceRows.nullCode
                    }
                    return bound
                }
            }
        }
        let found = SequenceMorsel(tables: tables).funnel(
            plan, workers: workers, customersPerCall: customersPerCall, bytes: bytes, longRowCount: longRowCount)
        return found.result(
            names: query.steps.enumerated().map { $0.element.name ?? "\($0.offset + 1)" }, top: query.breakdown?.top
        ) { values[Int($0)] }
    }

    // MARK: Retention

    func run(_ query: RetentionQuery) throws -> QueryResult {
        let reference = try ReferenceRetention(query, world)
        let names =
            query.start.table == query.returning.table
            ? [query.start.table] : [query.start.table, query.returning.table]
        let customers = world.customers(of: names)
        let measure: RetentionPlan.Measure
        switch query.measure {
        case .customers: measure = .customers
        case .sum: measure = .sum(.decimal(scale: 2))
        case .average: measure = .average(.decimal(scale: 2))
        }
        let earliest = names.flatMap { world.tables[$0]?.rows.map(\.time) ?? [] }.min()
        let plan = try RetentionPlan(
            PeriodRule(query.period, weekStartsOnSunday: query.options.weekStartsOnSunday, zone: reference.zone),
            periodCount: query.periodCount, cohorts: query.cohorts, measure: measure, maturedOnly: query.maturedOnly,
            earliest: earliest, asOf: reference.asOf)
        let accumulators = (0..<workers).map { _ in RetentionAccumulator(plan) }
        var first = 0, call = 0
        while first < customers.count {
            let end = min(customers.count, first + min(customersPerCall, customers.count))
            let part = Array(customers[first..<end])
            try withRows(names[0], part, query, reference) { start in
                if names.count == 1 {
                    accumulators[call % workers].add(customerCount: part.count, morsel: call, start: start)
                } else {
                    try withRows(names[1], part, query, reference) { returning in
                        accumulators[call % workers].add(
                            customerCount: part.count, morsel: call, start: start, returning: returning)
                    }
                }
            }
            first = end
            call += 1
        }
        for other in accumulators.dropFirst() { accumulators[0].merge(other) }
        return accumulators[0].result()
    }

    private func withRows(
        _ name: String, _ customers: [CustomerKey], _ query: RetentionQuery, _ reference: ReferenceRetention,
        _ body: (RetentionRows) throws -> Void
    ) throws {
        let table = world.tables[name] ?? ReferenceWorld.Table()
        let expressions = ReferenceExpressions(table: table, zone: reference.zone, asOf: reference.asOf)
        var starts: [UInt32] = [0], times: [Int64] = [], masks: [UInt8] = [], values: [Int64] = []
        var validity = [UInt64](repeating: 0, count: table.rows.count / 64 + 1)
        for rows in streams(name, customers, asOf: reference.asOf) {
            for row in rows {
                let isAllowed = try expressions.isTrue(query.filter, row)
                let isStart = try isAllowed && name == query.start.table && expressions.isTrue(query.start.filter, row)
                let isReturn =
                    try isAllowed && name == query.returning.table && expressions.isTrue(query.returning.filter, row)
                masks.append((isStart ? RetentionRows.startBit : 0) | (isReturn ? RetentionRows.returnBit : 0))
                if case .decimal(let amount) = row.values["amount"] {
                    validity[times.count >> 6] |= 1 << UInt64(times.count & 63)
                    values.append(Int64(amount.unscaled))
                } else {
                    values.append(0)
                }
                times.append(row.time)
            }
            starts.append(UInt32(times.count))
        }
        times.append(0)
        values.append(0)
        let isEverything = !masks.contains { $0 != RetentionRows.startBit | RetentionRows.returnBit }
        masks.append(0)
        try starts.withUnsafeBufferPointer { starts in
            try times.withUnsafeBufferPointer { times in
                try masks.withUnsafeBufferPointer { masks in
                    try values.withUnsafeBufferPointer { values in
                        try validity.withUnsafeBufferPointer { validity in
                            guard let startsBase = starts.baseAddress, let timesBase = times.baseAddress,
                                let valuesBase = values.baseAddress
                            else { return }
                            try body(
                                RetentionRows(
                                    rowStarts: startsBase, times: timesBase,
                                    masks: isEverything ? nil : masks.baseAddress,
                                    values: .integers(valuesBase, validity: validity.baseAddress)))
                        }
                    }
                }
            }
        }
    }
}
