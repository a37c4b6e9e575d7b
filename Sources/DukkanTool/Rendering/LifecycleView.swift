import Dukkan

/// A lifecycle: for each period who came and who stayed away, and a bar of the active ones.
struct LifecycleView {
    private var rows: [(period: Value, counts: [Value], isComplete: Bool)] = []
    private let label: PeriodLabel

    private static let names = ["new", "returning", "resurrecting", "dormant", "open"]
    private static let barWidthMax = 30

    /// Reads the long form; nil if it lacks a column.
    init?(_ result: QueryResult, statement: Statement?) {
        guard let first = result.place(of: "period"), let last = result.place(of: "complete"),
            let place = result.places(of: LifecycleView.names)
        else { return nil }
        var period: Period?
        if case .lifecycle(let query) = statement { period = query.period }
        label = PeriodLabel(period, options: statement?.options)
        rows = result.rows.map { row in (row[first], place.map { row[$0] }, row[last] == .bool(true)) }
    }

    func lines(_ view: ResultView) -> [String] {
        func number(_ value: Value) -> Double { ValueText.number(value) ?? 0 }
        func active(_ counts: [Value]) -> Double { counts.prefix(3).reduce(0) { $0 + number($1) } }
        let most = rows.reduce(0.0) { max($0, active($1.counts)) }
        let hasOpen = rows.contains { number($0.counts[4]) > 0 }
        var columns: [TextTable.Column] = [.init(title: "period")]
        columns += LifecycleView.names.prefix(hasOpen ? 5 : 4).map { .init(title: $0, right: true) }
        columns += [.init(title: "active", right: true), .init(title: "")]
        var table = TextTable(columns)
        for row in rows {
            var cells: [TextTable.Cell] = [.init(label.text(row.period) + (row.isComplete ? "" : "*"))]
            cells += row.counts.prefix(hasOpen ? 5 : 4).map {
                .init(ValueText.grouped(ValueText.plain($0)), style: number($0) == 0 ? .faint : nil)
            }
            let total = active(row.counts)
            cells.append(.init(ValueText.grouped(ValueText.fixed(total, digits: 0))))
            let bar = ResultView.bar(most > 0 ? total / most : 0, width: LifecycleView.barWidthMax)
            cells.append(.init(bar, style: .bar))
            table.rows.append(cells)
        }
        var lines = table.lines(palette: view.palette, width: view.width)
        if rows.contains(where: { !$0.isComplete }) {
            lines.append(view.palette.apply(.faint, "* the period was not over at the end of the data"))
        }
        return lines
    }
}
