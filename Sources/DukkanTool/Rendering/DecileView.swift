import Dukkan

/// Deciles with the share that each has of the whole.
struct DecileView {
    private var rows: [(decile: Value, customers: Value, total: Value)] = []

    /// Reads the long form; nil if it lacks a column.
    init?(_ result: QueryResult) {
        guard let place = result.places(of: ["decile", "customers", "total"]) else { return nil }
        rows = result.rows.map { ($0[place[0]], $0[place[1]], $0[place[2]]) }
    }

    func lines(_ view: ResultView) -> [String] {
        let whole = rows.reduce(0.0) { $0 + (ValueText.number($1.total) ?? 0) }
        var table = TextTable([
            .init(title: "decile", right: true), .init(title: "customers", right: true),
            .init(title: "total", right: true), .init(title: "share", right: true), .init(title: ""),
        ])
        for row in rows {
            let share = whole > 0 ? (ValueText.number(row.total) ?? 0) / whole : 0
            table.rows.append([
                .init(ValueText.plain(row.decile)), .init(ValueText.grouped(ValueText.plain(row.customers))),
                .init(ValueText.grouped(ValueText.plain(row.total))), .init(ValueText.percent(share)),
                .init(ResultView.bar(share, width: 40), style: .bar),
            ])
        }
        return table.lines(palette: view.palette, width: view.width)
    }
}
