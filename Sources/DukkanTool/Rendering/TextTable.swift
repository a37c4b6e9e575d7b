/// Text cells in aligned columns, as a person reads them.
struct TextTable {
    /// One column.
    struct Column {
        /// The heading.
        var title: String
        /// Numbers stand on the right.
        var right = false
        /// Whether the column may be cut to fit the terminal.
        var flexible = false
    }

    /// A cell with an optional style that colours it without changing its width.
    struct Cell {
        var text: String
        var style: Style?

        init(_ text: String, style: Style? = nil) {
            self.text = text
            self.style = style
        }
    }

    var columns: [Column]
    var rows: [[Cell]] = []
    /// Whether a line of titles and a rule stand on top.
    var showsTitles = true

    init(_ columns: [Column]) {
        self.columns = columns
    }

    private static let gap = "  "
    private static let flexibleWidthMin = 8

    /// The lines of the table.
    ///
    /// `width` is the terminal's; nil where output has no width.
    func lines(palette: Palette, width: Int?) -> [String] {
        let widths = fittedWidths(width)
        var result: [String] = []
        if showsTitles {
            let titles = columns.map { Cell($0.title, style: .heading) }
            result.append(line(titles, widths, palette))
            let rule = widths.map { String(repeating: "─", count: $0) }.joined(separator: TextTable.gap)
            result.append(palette.apply(.faint, rule))
        }
        for row in rows { result.append(line(row, widths, palette)) }
        return result
    }

    private func line(_ cells: [Cell], _ widths: [Int], _ palette: Palette) -> String {
        var text = ""
        for (index, cell) in cells.enumerated() {
            if index > 0 { text += TextTable.gap }
            let fitted = DisplayWidth.fitted(cell.text, to: widths[index])
            let isLast = index == cells.count - 1 && !columns[index].right
            let padded =
                isLast && cell.style?.isBackground != true
                ? fitted : DisplayWidth.padded(fitted, to: widths[index], right: columns[index].right)
            text += cell.style.map { palette.apply($0, padded) } ?? padded
        }
        while text.hasSuffix(" ") { text.removeLast() }
        return text
    }

    private func fittedWidths(_ limit: Int?) -> [Int] {
        var widths = columns.indices.map { index in
            rows.reduce(showsTitles ? DisplayWidth.of(columns[index].title) : 0) {
                max($0, DisplayWidth.of($1[index].text))
            }
        }
        guard let limit else { return widths }
        let gaps = TextTable.gap.count * max(0, columns.count - 1)
        while widths.reduce(gaps, +) > limit {
            let candidates = columns.indices.filter {
                columns[$0].flexible && widths[$0] > TextTable.flexibleWidthMin
            }
            guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
        }
        return widths
    }
}
