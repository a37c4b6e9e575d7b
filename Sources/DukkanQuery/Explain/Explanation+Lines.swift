import DukkanFormat

extension Explanation {
    /// The explanation for a person: the tree of operators, the cost of each beside it, totals below.
    ///
    /// Meant for letters of one width.
    public var lines: [String] {
        var sheet = PlanSheet(isAnalyzed: analysis != nil, total: PlanSheet.time(of: root))
        sheet.add(root, head: "", body: "")
        return sheet.lines + footer()
    }

    /// The answer that an `EXPLAIN` statement gives: the lines as rows.
    public var result: QueryResult {
        var result = QueryResult(
            columns: [QueryResult.Column("plan", .string)], rows: lines.map { [.string($0)] }, shape: .plan)
        result.explanation = self
        if let analysis { result.cost = analysis.cost }
        return result
    }

    private func footer() -> [String] {
        guard let analysis else {
            let budget = ExplanationText.bytes(memoryBudgetBytes)
            return ["", "on up to \(threads) thread\(threads == 1 ? "" : "s"), memory budget \(budget)"]
        }
        let phases = analysis.phases
        func ms(_ duration: Duration) -> String { ExplanationText.milliseconds(duration) + " ms" }
        var parts = [
            "parse " + ms(phases.parse), "plan " + ms(phases.plan), "run " + ms(phases.run),
            "merge " + ms(phases.merge), "answer " + ms(phases.answer),
        ]
        if let render = phases.render { parts.append("render " + ms(render)) }
        let columns = Explanation.columns(of: root)
        let cost = analysis.cost
        let decoded = ExplanationText.bytes(columns.reduce(0) { $0 + $1.bytesDecoded })
        func each(_ times: [Duration]) -> String {
            times.map { ExplanationText.milliseconds($0) }.joined(separator: " + ") + " ms"
        }
        var lines = ["", "time: \(ms(phases.total)) = " + parts.joined(separator: ", ")]
        if !analysis.threadTimes.isEmpty {
            lines.append(
                "threads: \(analysis.threadTimes.count), at work \(each(analysis.threadTimes)), "
                    + "of it on a processor \(each(analysis.processorTimes))")
        }
        if analysis.countingTime > .zero {
            lines.append(
                "counting for this report: \(ms(analysis.countingTime)), in the threads' time but in no operator's")
        }
        lines.append(
            "read: \(ExplanationText.bytes(cost.bytesRead)) in \(ExplanationText.grouped(cost.blocksDecoded)) blocks, "
                + "\(decoded) decoded; \(ExplanationText.grouped(cost.blocksPruned)) row blocks pruned")
        lines.append(
            "answer: \(ExplanationText.grouped(analysis.rowCount)) rows; memory budget "
                + ExplanationText.bytes(memoryBudgetBytes))
        return lines
    }

    /// The columns of all tables below an operator.
    static func columns(of operation: Operator) -> [Column] {
        operation.columns + operation.inputs.flatMap { columns(of: $0) }
    }
}

/// The tree with aligned columns of figures.
private struct PlanSheet {
    private struct Entry {
        var text: String
        var figures: [String] = []
    }

    let isAnalyzed: Bool
    let total: Duration
    private var entries: [Entry] = []

    init(isAnalyzed: Bool, total: Duration) {
        self.isAnalyzed = isAnalyzed
        self.total = total
        if isAnalyzed {
            entries.append(Entry(text: "operator", figures: ["time", "share", "rows in", "rows out", "per thread"]))
        }
    }

    /// A longer list has a line for each of its items.
    private static let listWidthMax = 80

    static func time(of operation: Explanation.Operator) -> Duration {
        operation.inputs.reduce(operation.work?.time ?? .zero) { $0 + time(of: $1) }
    }

    /// - Parameters:
    ///   - head: what stands before the operator's own line.
    ///   - body: what stands before the lines below it.
    mutating func add(_ operation: Explanation.Operator, head: String, body: String) {
        let title = operation.subject.isEmpty ? operation.name : "\(operation.name): \(operation.subject)"
        entries.append(Entry(text: head + title, figures: operation.work.map { figures($0) } ?? []))
        let below = body + (operation.inputs.isEmpty ? "   " : "│  ")
        for line in facts(operation) { entries.append(Entry(text: below + line)) }
        for line in columns(operation) { entries.append(Entry(text: below + line)) }
        for (index, input) in operation.inputs.enumerated() {
            let isLast = index == operation.inputs.count - 1
            add(input, head: body + (isLast ? "└─ " : "├─ "), body: body + (isLast ? "   " : "│  "))
        }
    }

    private func figures(_ work: Explanation.Work) -> [String] {
        let share = total > .zero ? work.time / total : 0
        let own = work.threadTimes.map { ExplanationText.milliseconds($0) }
        return [
            ExplanationText.milliseconds(work.time) + " ms", ExplanationText.fixed(share * 100, 1) + " %",
            work.rowsIn.map { ExplanationText.grouped($0) } ?? "",
            work.rowsOut.map { ExplanationText.grouped($0) } ?? "",
            own.count > 1 && work.threadTimes.contains { $0 > .zero } ? own.joined(separator: " + ") : "",
        ]
    }

    private func facts(_ operation: Explanation.Operator) -> [String] {
        var counts: [String] = []
        var lines: [String] = []
        for fact in operation.facts {
            switch fact.content {
            case .count(let count): counts.append("\(fact.name) \(ExplanationText.grouped(count))")
            case .bytes(let count): counts.append("\(fact.name) \(ExplanationText.bytes(count))")
            case .text(let text): lines.append("\(fact.name): \(text)")
            case .texts(let texts):
                let line = "\(fact.name): " + texts.joined(separator: ", ")
                if texts.count > 1, line.count > PlanSheet.listWidthMax {
                    lines.append("\(fact.name):")
                    lines += texts.map { "  " + $0 }
                } else {
                    lines.append(line)
                }
            }
        }
        return (counts.isEmpty ? [] : [counts.joined(separator: ", ")]) + lines
    }

    private func columns(_ operation: Explanation.Operator) -> [String] {
        guard !operation.columns.isEmpty else { return [] }
        var rows = [
            isAnalyzed
                ? ["column", "blocks", "read", "decoded", "read ms", "check ms", "decode ms"]
                : ["column", "blocks", "to read"]
        ]
        for column in operation.columns {
            rows.append(
                isAnalyzed
                    ? [
                        column.name, ExplanationText.grouped(column.blocksRead),
                        ExplanationText.bytes(column.bytesRead),
                        ExplanationText.bytes(column.bytesDecoded), ExplanationText.milliseconds(column.readTime),
                        ExplanationText.milliseconds(column.checkTime), ExplanationText.milliseconds(column.decodeTime),
                    ]
                    : [
                        column.name, ExplanationText.grouped(column.blocksPlanned),
                        ExplanationText.bytes(column.bytesPlanned),
                    ])
        }
        return PlanSheet.aligned(rows)
    }

    var lines: [String] {
        let width = entries.reduce(0) { max($0, $1.figures.isEmpty ? 0 : $1.text.count) }
        let figures = PlanSheet.aligned(entries.map { [""] + $0.figures }.filter { $0.count > 1 })
        var next = 0
        return entries.map { entry in
            if entry.figures.isEmpty { return entry.text }
            defer { next += 1 }
            return entry.text + String(repeating: " ", count: width - entry.text.count) + figures[next]
        }
    }

    /// Cells in columns: the first to the left, the others to the right.
    private static func aligned(_ rows: [[String]]) -> [String] {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in
            rows.reduce(0) { max($0, column < $1.count ? $1[column].count : 0) }
        }
        return rows.map { row in
            var line = ""
            for (column, cell) in row.enumerated() {
                let fill = String(repeating: " ", count: widths[column] - cell.count)
                line += column == 0 ? cell + fill : "  " + fill + cell
            }
            while line.hasSuffix(" ") { line.removeLast() }
            return line
        }
    }
}
