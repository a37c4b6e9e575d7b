import Dukkan

/// A retention as a grid: a line for each cohort, a column for each period since.
struct RetentionView {
    private struct Cell {
        var value: Value
        var isComplete: Bool
    }

    private struct Cohort {
        var start: Value
        var size: Value
        var cells: [Int: Cell] = [:]
    }

    private var cohorts: [Cohort] = []
    private var periodCount = 0
    private let countsCustomers: Bool
    private let label: PeriodLabel
    /// Last period of each column, where columns are spans of several.
    private var spans: [Int] = []

    private static let columnNames = ["cohort", "period", "size", "value", "complete"]

    /// Reads the long form; nil if it lacks a column.
    ///
    /// - Parameter countsCustomers: whether the cells are customers; nil: as the statement says.
    init?(_ result: QueryResult, statement: Statement?, countsCustomers: Bool? = nil) {
        guard let place = result.places(of: RetentionView.columnNames) else { return nil }
        if case .retention(let query) = statement {
            self.countsCustomers = countsCustomers ?? (query.measures == [.customers])
            label = PeriodLabel(query.period, options: query.options)
            var last = 0
            for bracket in query.brackets {
                last += bracket
                spans.append(last)
            }
        } else {
            self.countsCustomers = countsCustomers ?? (result.columns[place[3]].type == .int)
            label = PeriodLabel(nil, options: nil)
        }
        for row in result.rows {
            guard case .int(let number) = row[place[1]], let period = Int(exactly: number) else { return nil }
            if cohorts.last?.start != row[place[0]] {
                cohorts.append(Cohort(start: row[place[0]], size: row[place[2]]))
            }
            cohorts[cohorts.count - 1].cells[period] = Cell(
                value: row[place[3]], isComplete: row[place[4]] == .bool(true))
            periodCount = max(periodCount, period + 1)
        }
    }

    func lines(_ view: ResultView) -> [String] {
        let showsShares = countsCustomers && !view.showsValues
        var columns: [TextTable.Column] = [.init(title: "cohort"), .init(title: "size", right: true)]
        for index in 0..<periodCount {
            columns.append(.init(title: title(index), right: true))
        }
        var table = TextTable(columns)
        let strongest = self.strongest()
        var hasOpen = false
        for cohort in cohorts {
            var row: [TextTable.Cell] = [
                .init(label.text(cohort.start)), .init(ValueText.grouped(ValueText.plain(cohort.size))),
            ]
            for index in 0..<periodCount {
                guard let cell = cohort.cells[index] else {
                    row.append(.init(""))
                    continue
                }
                hasOpen = hasOpen || !cell.isComplete
                let share = share(cell, of: cohort)
                let text =
                    showsShares
                    ? share.map { ValueText.fixed($0 * 100, digits: 1) + "%" } ?? "" : ValueText.measure(cell.value)
                let strength = strongest > 0 ? (share ?? 0) / strongest : 0
                let style: Style? = index == 0 && countsCustomers ? .faint : .shade(strength)
                row.append(.init(text + (cell.isComplete ? " " : "*"), style: style))
            }
            table.rows.append(row)
        }
        if countsCustomers && showsShares && cohorts.count > 1 { table.rows.append(averages()) }
        var lines = table.lines(palette: view.palette, width: nil)
        if hasOpen { lines.append(view.palette.apply(.faint, "* the period was not over at the end of the data")) }
        return lines
    }

    /// The last line: shares over all cohorts, weighted by size, complete cells only.
    private func averages() -> [TextTable.Cell] {
        var row: [TextTable.Cell] = [.init("all, weighted", style: .faint), .init("")]
        for index in 0..<periodCount {
            var returned = 0.0, size = 0.0
            for cohort in cohorts {
                guard let cell = cohort.cells[index], cell.isComplete else { continue }
                returned += ValueText.number(cell.value) ?? 0
                size += ValueText.number(cohort.size) ?? 0
            }
            row.append(.init(size > 0 ? ValueText.fixed(returned / size * 100, digits: 1) + "% " : ""))
        }
        return row
    }

    /// The share that a cell is shaded by: of the cohort's size for customers, the value itself for sums.
    private func share(_ cell: Cell, of cohort: Cohort) -> Double? {
        guard let value = ValueText.number(cell.value) else { return nil }
        guard countsCustomers else { return value }
        guard let size = ValueText.number(cohort.size), size > 0 else { return nil }
        return value / size
    }

    /// The largest share, past the first period for customers: what the strongest shade stands for.
    private func strongest() -> Double {
        var result = 0.0
        for cohort in cohorts {
            for (index, cell) in cohort.cells where index > 0 || !countsCustomers {
                result = max(result, share(cell, of: cohort) ?? 0)
            }
        }
        return result
    }

    /// The heading of a column: its period, or its first and last.
    private func title(_ index: Int) -> String {
        guard index > 0, index <= spans.count else { return "\(label.letter)\(index)" }
        let first = (index == 1 ? 0 : spans[index - 2]) + 1, last = spans[index - 1]
        return "\(label.letter)\(first)" + (last > first ? "–\(last)" : "")
    }
}
