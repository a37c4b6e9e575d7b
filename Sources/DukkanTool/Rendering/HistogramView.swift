import Dukkan

/// Counts by bins, as bars: how long conversions took, or in how many periods customers were active.
struct HistogramView {
    private struct Line {
        var label: String
        var count: Value
    }

    private var groups: [(value: Value, lines: [Line])] = []
    private let title: String

    private static let barWidthMax = 40

    /// Reads the long form of `TIME TO CONVERT`; nil if it lacks a column.
    init?(times result: QueryResult) {
        guard let place = result.places(of: ["value", "from_s", "to_s", "customers"]) else { return nil }
        title = "time"
        for row in result.rows {
            guard let from = ValueText.number(row[place[1]]), let to = ValueText.number(row[place[2]]) else {
                return nil
            }
            let line = Line(
                label: "\(HistogramView.span(from)) – \(HistogramView.span(to))", count: row[place[3]])
            if groups.last?.value != row[place[0]] || groups.isEmpty { groups.append((row[place[0]], [])) }
            groups[groups.count - 1].lines.append(line)
        }
    }

    /// Reads the long form of `STICKINESS`; nil if it lacks a column.
    init?(stickiness result: QueryResult, statement: Statement?) {
        guard let place = result.places(of: ["periods", "customers"]) else { return nil }
        var isCumulative = false
        if case .stickiness(let query) = statement { isCumulative = query.isCumulative }
        title = "periods"
        let lines = result.rows.map {
            Line(label: ValueText.plain($0[place[0]]) + (isCumulative ? " or more" : ""), count: $0[place[1]])
        }
        groups = [(.null, lines)]
    }

    /// A span in whole seconds; none is `0 s`.
    private static func span(_ seconds: Double) -> String {
        seconds == 0 ? "0 s" : ValueText.duration(seconds: seconds)
    }

    func lines(_ view: ResultView) -> [String] {
        let isBroken = groups.count > 1 || groups.contains { $0.value != .null }
        var columns: [TextTable.Column] = [
            .init(title: title, right: true), .init(title: "customers", right: true), .init(title: ""),
        ]
        if isBroken { columns.insert(.init(title: "value", flexible: true), at: 0) }
        var table = TextTable(columns)
        for (index, group) in groups.enumerated() {
            if index > 0 { table.rows.append(columns.map { _ in TextTable.Cell("") }) }
            let most = group.lines.reduce(0.0) { max($0, ValueText.number($1.count) ?? 0) }
            for (number, line) in group.lines.enumerated() {
                let count = ValueText.number(line.count) ?? 0
                var cells: [TextTable.Cell] = [
                    .init(line.label), .init(ValueText.grouped(ValueText.plain(line.count))),
                    .init(ResultView.bar(most > 0 ? count / most : 0, width: HistogramView.barWidthMax), style: .bar),
                ]
                if isBroken { cells.insert(.init(number == 0 ? ValueText.shown(group.value) : ""), at: 0) }
                table.rows.append(cells)
            }
        }
        return table.lines(palette: view.palette, width: view.width)
    }
}
