import Dukkan

/// An answer in parts, one below the other, each under a heading: by segment, by value of a split, by measure.
struct GroupedView {
    private var parts: [(heading: [Value], result: QueryResult)] = []

    /// Takes an answer apart by columns.
    ///
    /// The parts come in the order in which they begin. Nil if a column is not there.
    init?(_ result: QueryResult, by names: [String], shape: QueryResult.Shape) {
        guard let places = result.places(of: names) else { return nil }
        let rest = result.columns.indices.filter { !places.contains($0) }
        var known: [[Value]: Int] = [:]
        for row in result.rows {
            let heading = places.map { row[$0] }
            let part = known[heading] ?? parts.count
            if part == parts.count {
                known[heading] = part
                let columns = rest.map { result.columns[$0] }
                parts.append((heading, QueryResult(columns: columns, rows: [], shape: shape)))
            }
            parts[part].result.rows.append(rest.map { row[$0] })
        }
    }

    /// The lines of all parts; `show` gives those of one.
    func lines(_ view: ResultView, _ show: (QueryResult, [Value]) -> [String]) -> [String] {
        var lines: [String] = []
        for part in parts {
            if !lines.isEmpty { lines.append("") }
            let heading = part.heading.map { ValueText.shown($0) }.joined(separator: " · ")
            lines.append(view.palette.apply(.heading, heading))
            lines += show(part.result, part.heading)
        }
        return lines
    }
}
