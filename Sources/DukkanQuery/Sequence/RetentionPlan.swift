package import DukkanFormat

/// What a retention asks of the kernel, bound to numbers.
package struct RetentionPlan: Sendable {
    /// What a cell counts.
    package enum Measure: Sendable {
        /// Customers with a return row.
        case customers
        /// The sum over return rows; the values come with the rows, of this type.
        case sum(ColumnType)
        /// Their average, from the exact sum.
        case average(ColumnType)
    }

    /// The calendar periods from the first row's to the one that holds `as of`.
    package let axis: PeriodAxis
    /// k = 0 …< periodCount.
    package let periodCount: Int
    /// Which cohorts a customer belongs to.
    package let cohorts: RetentionQuery.Cohorts
    /// What a cell counts.
    package let measure: Measure
    /// Whether cells of periods not over at `as of` are null.
    package let maturedOnly: Bool

    /// Most cells, cohorts × periods: the answer can have a row for each.
    package static let cellCountMax = 8_000_000

    /// Makes a plan.
    ///
    /// - Parameters:
    ///   - earliest: no row is earlier; rows that are do not count. Nil when there are no rows.
    ///   - asOf: the end of knowledge; rows later do not count.
    /// - Throws: `invalid_query` for a number of periods out of range or times outside years 1 to 9999, `limit` for more
    ///   than ``cellCountMax`` cells.
    package init(
        _ rule: PeriodRule, periodCount: Int, cohorts: RetentionQuery.Cohorts = .firstTime,
        measure: Measure = .customers, maturedOnly: Bool = false, earliest: Int64?, asOf: Int64
    ) throws {
        guard (1...RetentionQuery.periodCountMax).contains(periodCount) else {
            throw DukkanError(
                .invalidQuery, "retention is for 1 to \(RetentionQuery.periodCountMax) periods, not \(periodCount)")
        }
        axis = try PeriodAxis(rule, covering: min(earliest ?? asOf, asOf)...asOf)
        guard axis.count * min(periodCount, axis.count) <= RetentionPlan.cellCountMax else {
            throw DukkanError(
                .limit,
                "\(axis.count) cohorts of \(periodCount) periods: more than \(RetentionPlan.cellCountMax) cells",
                advice: "choose longer periods, fewer of them, or a shorter range of time")
        }
        self.periodCount = periodCount
        self.cohorts = cohorts
        self.measure = measure
        self.maturedOnly = maturedOnly
    }

    /// Cells held for a cohort: a period past the axis begins after `as of`.
    var cellsPerCohort: Int { min(periodCount, axis.count) }
}
