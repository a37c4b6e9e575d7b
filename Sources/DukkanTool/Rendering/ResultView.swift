import Dukkan

/// How answers are written.
enum OutputFormat: String, CaseIterable, Sendable {
    /// For a person: aligned columns, funnel bars, a retention grid.
    case table
    /// RFC 4180, one header line.
    case csv
    /// One object for each statement.
    case json
    /// One object for each row.
    case jsonl
}

/// The table form of an answer, by what the statement was.
struct ResultView {
    var palette: Palette
    /// Cells in a line of the terminal; nil in a pipe.
    var width: Int?
    /// Most rows shown; nil for all.
    var rowCountMax: Int?
    /// Whether a retention grid shows values instead of percentages.
    var showsValues = false

    /// A bar of eighths of a cell.
    static func bar(_ share: Double, width: Int) -> String {
        guard share.isFinite, share > 0 else { return "" }
        let eighths = max(1, Int((min(share, 1) * Double(width * 8)).rounded()))
        let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        return String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
    }

    /// The lines of an answer.
    ///
    /// `statement` tells a retention's measure and time zone.
    func lines(_ result: QueryResult, statement: Statement?) -> [String] {
        switch result.shape {
        case .funnel: return FunnelView(result)?.lines(self) ?? table(result)
        case .retention: return retention(result, statement) ?? table(result)
        case .deciles: return DecileView(result)?.lines(self) ?? table(result)
        case .plan: return result.explanation?.lines.map { ValueText.visible($0) } ?? table(result)
        case .done: return []
        case .trends: return TrendView(result, statement: statement)?.lines(self) ?? table(result)
        case .histogram: return HistogramView(times: result)?.lines(self) ?? table(result)
        case .lifecycle: return LifecycleView(result, statement: statement)?.lines(self) ?? table(result)
        case .stickiness: return HistogramView(stickiness: result, statement: statement)?.lines(self) ?? table(result)
        case .paths: return PathView(result)?.lines(self) ?? table(result)
        case .segments: return segments(result, statement) ?? table(result)
        case .table, .customers: return table(result)
        }
    }

    /// A grid for each value of the split and each measure.
    private func retention(_ result: QueryResult, _ statement: Statement?) -> [String]? {
        let names = ["split", "measure"].filter { result.place(of: $0) != nil }
        if names.isEmpty { return RetentionView(result, statement: statement)?.lines(self) }
        let measure = names.firstIndex(of: "measure")
        return GroupedView(result, by: names, shape: .retention)?.lines(self) { part, heading in
            let countsCustomers = measure.map { heading[$0] == .string("customers") }
            return RetentionView(part, statement: statement, countsCustomers: countsCustomers)?.lines(self)
                ?? table(part)
        }
    }

    /// Each segment's answer as it is shown alone.
    private func segments(_ result: QueryResult, _ statement: Statement?) -> [String]? {
        let shape = statement?.shape ?? .table
        // Rows of a plain table are compared best in one.
        if shape == .table { return nil }
        return GroupedView(result, by: ["segment"], shape: shape)?.lines(self) { part, _ in
            lines(part, statement: statement)
        }
    }

    private func table(_ result: QueryResult) -> [String] {
        guard !result.columns.isEmpty else { return [] }
        var table = TextTable(
            result.columns.map { column in
                TextTable.Column(
                    title: ValueText.visible(column.name), right: isNumber(column.type),
                    flexible: column.type == .string)
            })
        let shown = rowCountMax.map { min($0, result.rows.count) } ?? result.rows.count
        table.rows = result.rows.prefix(shown).map { row in
            row.map { TextTable.Cell(ValueText.shown($0), style: $0 == .null ? .faint : nil) }
        }
        var lines = table.lines(palette: palette, width: width)
        if shown < result.rows.count {
            let hidden = ValueText.grouped(result.rows.count - shown)
            lines.append(palette.apply(.faint, "… \(hidden) more rows; --rows 0 shows all, LIMIT asks for fewer"))
        }
        return lines
    }

    private func isNumber(_ type: ColumnType) -> Bool {
        switch type {
        case .int, .decimal, .double: true
        default: false
        }
    }
}

extension Statement {
    /// What its answer for one segment is.
    fileprivate var shape: QueryResult.Shape {
        switch self {
        case .funnel(let query):
            switch query.view {
            case .steps: .funnel
            case .trends: .trends
            case .timeToConvert: .histogram
            case .customers: .customers
            }
        case .retention: .retention
        case .deciles: .deciles
        case .lifecycle: .lifecycle
        case .stickiness: .stickiness
        case .paths: .paths
        default: .table
        }
    }
}

extension QueryResult {
    /// Place of a column by name; nil if it is not there.
    func place(of name: String) -> Int? { columns.firstIndex { $0.name == name } }

    /// The places of several columns; nil unless all are there.
    func places(of names: [String]) -> [Int]? {
        let found = names.compactMap { place(of: $0) }
        return found.count == names.count ? found : nil
    }
}
