import Dukkan

/// A funnel as bars: one line for each step, one group for each value of the breakdown.
struct FunnelView {
    private struct Line {
        var step: String
        var name: String
        var reached: Value
        var dropped: Value
        var open: Value
        var fromStart: Value
        var fromPrevious: Value
        var median: Value
        var measure: Value
    }

    private var groups: [(value: Value, lines: [Line])] = []
    private let hasMeasure: Bool

    private static let columnNames = [
        "value", "step", "name", "reached", "dropped", "open", "from_start", "from_previous", "median_s",
    ]
    private static let barWidthMax = 40

    /// Reads the long form; nil if it lacks a column.
    init?(_ result: QueryResult) {
        guard let place = result.places(of: FunnelView.columnNames) else { return nil }
        let measure = result.place(of: "measure")
        hasMeasure = measure != nil
        for row in result.rows {
            let line = Line(
                step: ValueText.plain(row[place[1]]), name: ValueText.shown(row[place[2]]), reached: row[place[3]],
                dropped: row[place[4]], open: row[place[5]], fromStart: row[place[6]], fromPrevious: row[place[7]],
                median: row[place[8]], measure: measure.map { row[$0] } ?? .null)
            if groups.last?.value == row[place[0]] && line.step != groups.last?.lines.first?.step {
                groups[groups.count - 1].lines.append(line)
            } else {
                groups.append((row[place[0]], [line]))
            }
        }
    }

    func lines(_ view: ResultView) -> [String] {
        let isBroken = groups.count > 1 || groups.contains { $0.value != .null }
        let hasOpen = groups.contains { $0.lines.contains { ValueText.number($0.open) ?? 0 > 0 } }
        let barWidth = max(10, min(FunnelView.barWidthMax, (view.width ?? 120) - 70))
        var columns: [TextTable.Column] = []
        if isBroken { columns.append(.init(title: "value", flexible: true)) }
        columns += [
            .init(title: "", right: true), .init(title: "step", flexible: true), .init(title: "reached", right: true),
            .init(title: "", flexible: false), .init(title: "of first", right: true),
            .init(title: "of previous", right: true), .init(title: "dropped", right: true),
        ]
        if hasOpen { columns.append(.init(title: "open", right: true)) }
        columns.append(.init(title: "median time", right: true))
        if hasMeasure { columns.append(.init(title: "measure", right: true)) }
        var table = TextTable(columns)
        for (index, group) in groups.enumerated() {
            if index > 0 { table.rows.append(columns.map { _ in TextTable.Cell("") }) }
            for (number, line) in group.lines.enumerated() {
                var cells: [TextTable.Cell] = []
                if isBroken {
                    let isNull = group.value == .null
                    cells.append(.init(number == 0 ? ValueText.shown(group.value) : "", style: isNull ? .faint : nil))
                }
                cells += self.cells(line, barWidth: barWidth, isFirst: number == 0, hasOpen: hasOpen)
                table.rows.append(cells)
            }
        }
        return table.lines(palette: view.palette, width: view.width)
    }

    private func cells(_ line: Line, barWidth: Int, isFirst: Bool, hasOpen: Bool) -> [TextTable.Cell] {
        let share = ValueText.number(line.fromStart) ?? 0
        let bar = DisplayWidth.padded(ResultView.bar(share, width: barWidth), to: barWidth, right: false)
        var cells: [TextTable.Cell] = [
            .init(line.step, style: .faint), .init(line.name), .init(ValueText.grouped(ValueText.plain(line.reached))),
            .init(bar, style: .bar), .init(percent(line.fromStart)),
            .init(isFirst ? "" : percent(line.fromPrevious)),
            .init(ValueText.grouped(ValueText.plain(line.dropped))),
        ]
        if hasOpen { cells.append(.init(ValueText.grouped(ValueText.plain(line.open)))) }
        let median = isFirst ? nil : ValueText.number(line.median)
        cells.append(.init(median.map { ValueText.duration(seconds: $0) } ?? ""))
        if hasMeasure { cells.append(.init(ValueText.measure(line.measure))) }
        return cells
    }

    private func percent(_ value: Value) -> String {
        ValueText.number(value).map { ValueText.percent($0) } ?? ""
    }
}
