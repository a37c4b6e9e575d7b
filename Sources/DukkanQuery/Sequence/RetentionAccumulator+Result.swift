import DukkanFormat

extension RetentionAccumulator {
    /// The answer in long form: `cohort, period, size, value, complete`; cohorts with any customer, ascending, and for
    /// each the periods that begin by `as of`, zero cells too.
    package func result() -> QueryResult {
        let axis = plan.axis
        let totals = doubleSums?.totals() ?? .init()
        var rows: [[Value]] = []
        for cohort in 0..<cohortCount {
            let size = size(ofCohort: cohort)
            guard size > 0 else { continue }
            let label = axis.label(cohort)
            for k in 0..<min(plan.periodCount, cohortCount - cohort) {
                // The axis ends with the period that holds `as of`, the only one that is not over.
                let isComplete = cohort + k < cohortCount - 1
                let value: Value = plan.maturedOnly && !isComplete ? .null : cell(cohort, k, totals)
                rows.append([label, .int(Int128(k)), .int(Int128(size)), value, .bool(isComplete)])
            }
        }
        let valueType: ColumnType
        switch plan.measure {
        case .customers: valueType = .int
        case .sum(let type): valueType = type
        case .average: valueType = .double
        }
        return QueryResult(
            columns: [
                .init("cohort", axis.rule.period == .hour ? .timestamp : .date), .init("period", .int),
                .init("size", .int), .init("value", valueType), .init("complete", .bool),
            ], rows: rows, shape: .retention)
    }

    private func size(ofCohort cohort: Int) -> Int {
        if case .customers = plan.measure { return sizes[cohort] + Int(counts[cohort * cellsPerCohort]) }
        return sizes[cohort]
    }

    private func cell(_ cohort: Int, _ k: Int, _ totals: [Int: Double]) -> Value {
        let at = cohort * cellsPerCohort + k
        switch plan.measure {
        case .customers:
            return .int(Int128(k == 0 ? Int64(size(ofCohort: cohort)) : counts[at]))
        case .sum(.double):
            return .double(totals[at] ?? 0)
        case .sum(.decimal(let scale)):
            return .decimal(DecimalValue(unscaled: sums?[at] ?? 0, scale: scale))
        case .sum:
            return .int(sums?[at] ?? 0)
        case .average where counts[at] == 0:
            return .null
        case .average(.double):
            return .double((totals[at] ?? 0) / Double(counts[at]))
        case .average(.decimal(let scale)):
            return .double(DecimalValue.double(sums?[at] ?? 0, scale: scale) / Double(counts[at]))
        case .average:
            return .double(Double(sums?[at] ?? 0) / Double(counts[at]))
        }
    }
}
