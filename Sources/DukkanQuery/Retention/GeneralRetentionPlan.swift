import DukkanFormat

/// What a retention with options asks, bound to numbers: its calendar and the cells that a return falls into.
struct GeneralRetentionPlan: Sendable {
    /// What a cell of a measure adds up.
    enum Measure: Sendable {
        /// Customers.
        case customers
        /// Values of this type; with `isAverage` divided by their number.
        case values(ColumnType, isAverage: Bool)

        /// The type of the measure in the answer.
        func type(isPerCustomer: Bool) -> ColumnType {
            switch self {
            case .customers: .int
            case .values(let type, let isAverage): isAverage || isPerCustomer ? .double : type
            }
        }

        var isExact: Bool {
            if case .values(let type, _) = self { return type != .double }
            return false
        }

        var isDouble: Bool {
            if case .values(.double, _) = self { return true }
            return false
        }
    }

    /// The calendar periods from the first row's to the one that holds `as of`.
    let axis: PeriodAxis
    let asOf: Int64
    let cohorts: RetentionQuery.Cohorts
    /// Length of a period where they count from the customer's own start row, else nil.
    let rollingLength: Int64?
    let isOnOrAfter: Bool
    let isRunning: Bool
    let isPerCustomer: Bool
    let returnCountMin: Int
    let maturedOnly: Bool
    let measures: [Measure]
    /// First k of each cell, and of what follows the last one.
    let cellStarts: [Int]
    /// Cells that can begin by `as of`: those past them are in no answer.
    let cellCount: Int
    /// The cell of each k that cells cover; nil: cell k.
    let cellOfPeriod: [UInt32]?

    /// - Parameter measures: in the order of the query.
    init(
        _ query: RetentionQuery, _ rule: PeriodRule, measures: [Measure], earliest: Int64, asOf: Int64
    ) throws {
        let axis = try PeriodAxis(rule, covering: min(earliest, asOf)...asOf)
        self.axis = axis
        self.asOf = asOf
        cohorts = query.cohorts
        rollingLength = query.isRolling ? GeneralRetentionPlan.length(of: query.period) : nil
        isOnOrAfter = query.isOnOrAfter
        isRunning = query.isRunning
        isPerCustomer = query.isPerCustomer
        returnCountMin = query.returnCountMin
        maturedOnly = query.maturedOnly
        self.measures = measures
        var starts = [0, 1]
        for cell in 1..<max(query.periodCount, 1) {
            starts.append(starts[cell] + (query.brackets.isEmpty ? 1 : query.brackets[cell - 1]))
        }
        cellStarts = starts
        // No customer has a k past this: periods of fixed length may be one more than the calendar has.
        var lastPeriod = axis.count - 1
        if let length = rollingLength { lastPeriod = Int((asOf - axis.starts[0]) / length) }
        cellCount = (0..<query.periodCount).count { starts[$0] <= lastPeriod }
        if query.brackets.isEmpty {
            cellOfPeriod = nil
        } else {
            var cells: [UInt32] = []
            for cell in 0..<cellCount {
                let end = min(starts[cell + 1], lastPeriod + 1)
                cells += repeatElement(UInt32(cell), count: max(end - starts[cell], 0))
            }
            cellOfPeriod = cells
        }
    }

    /// Microseconds of a period where all are equally long.
    private static func length(of period: Period) -> Int64 {
        switch period {
        case .hour: 3_600_000_000
        case .day: 86_400_000_000
        // Months are refused.
        case .week, .month: 604_800_000_000
        }
    }

    /// Places for cells of a cohort: one more for what returns after the last.
    var stride: Int { cellCount + 1 }

    /// Whether a cell of a cohort is in the answer: it begins by `as of`.
    func exists(_ cell: Int, cohort: Int) -> Bool {
        if let length = rollingLength {
            return axis.starts[cohort] + Int64(cellStarts[cell]) * length <= asOf
        }
        return cohort + cellStarts[cell] < axis.count
    }

    /// Whether a cell of a cohort is over at `as of`, for all of its customers.
    func isComplete(_ cell: Int, cohort: Int) -> Bool {
        if let length = rollingLength {
            // The customers of a cohort start up to its end. A bracket may be longer than time.
            let (span, isOver) = length.multipliedReportingOverflow(by: Int64(cellStarts[cell + 1]))
            return !isOver && axis.starts[cohort + 1] <= asOf && span <= asOf - axis.starts[cohort + 1]
        }
        // The axis ends with the period that holds `as of`, the only one that is not over.
        return cohort + cellStarts[cell + 1] < axis.count
    }

    /// Cells of the answer, as the cohorts' rows are held; more than this are refused.
    static let cellCountMax = RetentionPlan.cellCountMax
}
