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
    private let period: Period?
    private let rules: TimeZoneRules

    private static let columnNames = ["cohort", "period", "size", "value", "complete"]

    /// Reads the long form; nil if it lacks a column.
    init?(_ result: QueryResult, statement: Statement?) {
        guard let place = result.places(of: RetentionView.columnNames) else { return nil }
        if case .retention(let query) = statement {
            countsCustomers = query.measure == .customers
            period = query.period
            rules = query.options.timeZone.flatMap { try? TimeZoneRules(named: $0) } ?? .utc
        } else {
            countsCustomers = result.columns[place[3]].type == .int
            period = nil
            rules = .utc
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
            columns.append(.init(title: "\(period.map(letter) ?? "")\(index)", right: true))
        }
        var table = TextTable(columns)
        let strongest = self.strongest()
        var hasOpen = false
        for cohort in cohorts {
            var row: [TextTable.Cell] = [
                .init(label(cohort.start)), .init(ValueText.grouped(ValueText.plain(cohort.size))),
            ]
            for index in 0..<periodCount {
                guard let cell = cohort.cells[index] else {
                    row.append(.init(""))
                    continue
                }
                hasOpen = hasOpen || !cell.isComplete
                let share = share(cell, of: cohort)
                let text =
                    showsShares ? share.map { ValueText.fixed($0 * 100, digits: 1) + "%" } ?? "" : shown(cell.value)
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

    private func shown(_ value: Value) -> String {
        if case .double(let number) = value { return ValueText.grouped(ValueText.fixed(number, digits: 2)) }
        return ValueText.grouped(ValueText.plain(value))
    }

    /// A cohort's begin in the query's time zone: the month, the day, or the hour.
    private func label(_ start: Value) -> String {
        if case .date = start, period == .month { return String(ValueText.shown(start).prefix(7)) }
        guard case .timestamp(let time) = start else { return ValueText.shown(start) }
        let local = time.microseconds + rules.offset(at: time.microseconds)
        let text = Timestamp(microseconds: local).description
        switch period {
        case .month: return String(text.prefix(7))
        case .hour: return String(text.prefix(13)).replacing("T", with: " ") + "h"
        case .day, .week: return String(text.prefix(10))
        case nil: return ValueText.plain(start)
        }
    }

    private func letter(_ period: Period) -> String {
        switch period {
        case .hour: "h"
        case .day: "d"
        case .week: "w"
        case .month: "m"
        }
    }
}
