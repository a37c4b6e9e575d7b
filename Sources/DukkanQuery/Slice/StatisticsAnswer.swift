import DukkanFormat
import DukkanStorage

/// Answers whole-table aggregates from the parts' statistics, without reading a block.
struct StatisticsAnswer {
    private let aggregates: [AggregatePlan]
    private let table: TableSnapshot
    private let columns: [Int]

    /// Nil where the rows must be looked at: a filter, groups, deleted rows, expressions, rows after `as of`.
    init?(_ slice: SliceRun, _ scope: GroupScope, _ plan: ScanPlan) throws {
        guard slice.filter == nil, scope.keys.isEmpty, plan.tables.count == 1 else { return nil }
        table = plan.tables[0]
        columns = plan.scan.requests[0].columns
        aggregates = scope.aggregates
        guard table.parts.allSatisfy({ $0.deletes == nil }) else { return nil }
        for aggregate in aggregates {
            guard aggregate.filter == nil else { return nil }
            switch (aggregate.function, aggregate.argument?.node) {
            case (.count, nil), (.count, .column?): break
            case (.sum, .column?), (.average, .column?), (.minimum, .column?), (.maximum, .column?):
                guard aggregate.argument?.type.physical == .integers else { return nil }
            default: return nil
            }
        }
    }

    /// Each aggregate's one value; nil where a part lacks a sum.
    func values() throws -> [[Value]]? {
        var result: [[Value]] = []
        for aggregate in aggregates {
            guard let value = try value(aggregate) else { return nil }
            result.append([value])
        }
        return result
    }

    private func value(_ aggregate: AggregatePlan) throws -> Value? {
        guard let argument = aggregate.argument, case .column(let slot) = argument.node else {
            return .int(Int128(table.parts.reduce(0) { $0 + $1.footer.rowCount }))
        }
        let name = table.schema.columns[columns[slot]].name
        var count = 0
        var sum = Int128(0)
        var low = Int64.max, high = Int64.min
        for part in table.parts {
            guard let place = part.column(forSchemaColumn: name) else { continue }
            let statistics = part.footer.columns[place].statistics
            let valid = part.footer.rowCount - statistics.nullCount
            if valid == 0 { continue }
            count += valid
            low = min(low, statistics.minimum)
            high = max(high, statistics.maximum)
            if aggregate.function == .sum || aggregate.function == .average {
                guard let own = statistics.sum else { return nil }
                let (total, isOver) = sum.addingReportingOverflow(own)
                if isOver { return nil }
                sum = total
            }
        }
        switch aggregate.function {
        case .count: return .int(Int128(count))
        case _ where count == 0: return .null
        case .sum: return try ScalarEvaluator.value(sum, aggregate.type)
        case .average: return .double(DecimalValue.double(sum, scale: argument.type.scale ?? 0) / Double(count))
        case .minimum: return try ScalarEvaluator.value(Int128(low), aggregate.type)
        default: return try ScalarEvaluator.value(Int128(high), aggregate.type)
        }
    }
}
