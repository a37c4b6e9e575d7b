import Dukkan

/// A funnel by periods of entry: a line for each period, a column for each step.
struct TrendView {
    private struct Line {
        var period: Value
        var reached: [Value] = []
        var share: Value = .null
        var measure: Value = .null
    }

    private var groups: [(value: Value, lines: [Line])] = []
    private var names: [String] = []
    private let label: PeriodLabel
    private let hasMeasure: Bool

    private static let barWidthMax = 30

    /// Reads the long form; nil if it lacks a column.
    init?(_ result: QueryResult, statement: Statement?) {
        guard let place = result.places(of: ["period", "value", "step", "name", "reached", "from_start"]) else {
            return nil
        }
        let measure = result.place(of: "measure")
        hasMeasure = measure != nil
        var period: Period?
        if case .funnel(let query) = statement, case .trends(let asked) = query.view { period = asked }
        label = PeriodLabel(period, options: statement?.options)
        // The answer goes by period, then by value; a person compares the periods of one value.
        var known: [Value: Int] = [:]
        for row in result.rows {
            guard case .int(let number) = row[place[2]], let step = Int(exactly: number), step > 0 else { return nil }
            if step > names.count { names.append(ValueText.shown(row[place[3]])) }
            let value = row[place[1]]
            let group = known[value] ?? groups.count
            if group == groups.count {
                known[value] = group
                groups.append((value, []))
            }
            if step == 1 { groups[group].lines.append(Line(period: row[place[0]])) }
            guard !groups[group].lines.isEmpty else { return nil }
            let last = groups[group].lines.count - 1
            groups[group].lines[last].reached.append(row[place[4]])
            groups[group].lines[last].share = row[place[5]]
            // Only the line of the measured step has it.
            if let measure, row[measure] != .null { groups[group].lines[last].measure = row[measure] }
        }
        guard groups.allSatisfy({ $0.lines.allSatisfy { $0.reached.count == names.count } }) else { return nil }
    }

    func lines(_ view: ResultView) -> [String] {
        let isBroken = groups.count > 1 || groups.contains { $0.value != .null }
        var columns: [TextTable.Column] = [.init(title: "period")]
        if isBroken { columns.insert(.init(title: "value", flexible: true), at: 0) }
        columns += names.map { .init(title: $0, right: true, flexible: true) }
        if hasMeasure { columns.append(.init(title: "measure", right: true)) }
        columns += [.init(title: "of first", right: true), .init(title: "")]
        var table = TextTable(columns)
        let strongest = groups.flatMap(\.lines).reduce(0.0) { max($0, ValueText.number($1.share) ?? 0) }
        for (index, group) in groups.enumerated() {
            if index > 0 { table.rows.append(columns.map { _ in TextTable.Cell("") }) }
            for (number, line) in group.lines.enumerated() {
                let share = ValueText.number(line.share)
                var cells: [TextTable.Cell] = [.init(label.text(line.period))]
                if isBroken { cells.insert(.init(number == 0 ? ValueText.shown(group.value) : ""), at: 0) }
                cells += line.reached.map { .init(ValueText.grouped(ValueText.plain($0))) }
                if hasMeasure { cells.append(.init(ValueText.measure(line.measure))) }
                cells.append(.init(share.map { ValueText.percent($0) } ?? ""))
                let length = strongest > 0 ? (share ?? 0) / strongest : 0
                cells.append(.init(ResultView.bar(length, width: TrendView.barWidthMax), style: .bar))
                table.rows.append(cells)
            }
        }
        return table.lines(palette: view.palette, width: view.width)
    }
}
