import Dukkan

/// Paths: for each place in a path the ways from one item to the next, with bars.
struct PathView {
    private var rows: [(step: Value, from: Value, to: Value, count: Value, mean: Value)] = []

    private static let barWidthMax = 30

    /// Reads the long form; nil if it lacks a column.
    init?(_ result: QueryResult) {
        guard let place = result.places(of: ["step", "from", "to", "count", "mean_s"]) else { return nil }
        rows = result.rows.map { ($0[place[0]], $0[place[1]], $0[place[2]], $0[place[3]], $0[place[4]]) }
    }

    func lines(_ view: ResultView) -> [String] {
        var table = TextTable([
            .init(title: "step", right: true), .init(title: "from", flexible: true), .init(title: ""),
            .init(title: "to", flexible: true), .init(title: "paths", right: true), .init(title: ""),
            .init(title: "mean time", right: true),
        ])
        let shown = view.rowCountMax.map { min($0, rows.count) } ?? rows.count
        let most = rows.prefix(shown).reduce(0.0) { max($0, ValueText.number($1.count) ?? 0) }
        for (index, row) in rows.prefix(shown).enumerated() {
            let isFirst = index == 0 || rows[index - 1].step != row.step
            if isFirst, index > 0 { table.rows.append(table.columns.map { _ in TextTable.Cell("") }) }
            let count = ValueText.number(row.count) ?? 0
            let bar = ResultView.bar(most > 0 ? count / most : 0, width: PathView.barWidthMax)
            table.rows.append([
                .init(isFirst ? ValueText.plain(row.step) : "", style: .faint), .init(ValueText.shown(row.from)),
                .init("→", style: .faint), .init(ValueText.shown(row.to)),
                .init(ValueText.grouped(ValueText.plain(row.count))),
                .init(DisplayWidth.padded(bar, to: PathView.barWidthMax, right: false), style: .bar),
                .init(ValueText.number(row.mean).map { ValueText.duration(seconds: $0) } ?? ""),
            ])
        }
        var lines = table.lines(palette: view.palette, width: view.width)
        if shown < rows.count {
            let hidden = ValueText.grouped(rows.count - shown)
            lines.append(view.palette.apply(.faint, "… \(hidden) more rows; --rows 0 shows all"))
        }
        return lines
    }
}
