import ArgumentParser
import Dukkan

extension OutputFormat: ExpressibleByArgument {}

/// `dukkan query`.
struct QueryCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "query",
        abstract: "Ask questions.",
        discussion: """
            Statements come from the command line, from --file, or from standard input; several are separated by \
            semicolons. docs/language.md has the language.

              dukkan query shop.dukkan "SELECT country, count(*) FROM orders GROUP BY country"
              dukkan query shop.dukkan "FUNNEL a = sessions, b = orders WITHIN 7 DAYS"
              dukkan query shop.dukkan --file questions.dukkan --format json
              dukkan query shop.dukkan --format csv < question.dukkan > answer.csv

            Of --format: table is for people; csv writes a header line; json writes one object for each statement, \
            {"columns": [{"name", "type"}], "rows": [[…]], "elapsed_ms": …}; jsonl writes one object for each row.
            """)

    @Argument(help: "Directory of the store.")
    var store: String

    @Argument(help: "One or more statements.")
    var statements: String?

    @Option(name: .shortAndLong, help: ArgumentHelp("File with statements.", valueName: "path"))
    var file: String?

    @Option(help: "table, csv, json or jsonl.")
    var format = OutputFormat.table

    @Option(help: "Most rows that the table form shows on a terminal; 0 for all.")
    var rows = 200

    @Flag(help: "In retention grids, values instead of percentages.")
    var values = false

    @Option(help: "Seconds after which a statement is given up.")
    var timeout: Double?

    @OptionGroup var limits: StoreLimits

    func validate() throws {
        if statements != nil && file != nil {
            throw ValidationError("statements come from the command line or from --file, not from both")
        }
        if let timeout, !(timeout > 0 && timeout < 1e9) { throw ValidationError("--timeout is more than 0 seconds") }
        if rows < 0 { throw ValidationError("--rows is 0 or more") }
    }

    func run() throws {
        let text = try StatementText.read(statements: statements, file: file)
        let parsed = try StatementText.parse(text)
        let opened = try Store.open(
            at: store, mode: parsed.contains { $0.statement.changesStore } ? .readWrite : .readOnly,
            options: limits.options)
        let output = Output(descriptor: Terminal.standardOutput)
        for (index, one) in parsed.enumerated() {
            let clock = ContinuousClock()
            let start = clock.now
            let control = WorkControl(deadline: timeout.map { start + .seconds($0) })
            let result = try Interruption.cancelling(control) {
                try StatementText.locating(one) {
                    guard case .explain = one.statement else { return try opened.run(one, control: control) }
                    return try explain(one, opened, control)
                }
            }
            let elapsed = (clock.now - start).milliseconds
            try write(result, of: one, number: index, count: parsed.count, elapsed: elapsed, to: output)
            try output.flush()
        }
    }

    /// The answer of an `EXPLAIN`; of `EXPLAIN ANALYZE` with the time that the query's own answer takes as text.
    private func explain(_ parsed: ParsedStatement, _ store: Store, _ control: WorkControl) throws -> QueryResult {
        var (explanation, answer) = try store.explain(parsed, control: control)
        if case .explain(analyze: true, let query) = parsed.statement {
            var shown = parsed
            shown.statement = query
            let clock = ContinuousClock()
            let start = clock.now
            let output = Output(descriptor: nil)
            try write(answer, of: shown, number: 0, count: 1, elapsed: 0, to: output)
            try output.flush()
            explanation.analysis?.phases.render = clock.now - start
        }
        return explanation.result
    }

    private func write(
        _ result: QueryResult, of parsed: ParsedStatement, number: Int, count: Int, elapsed: Double, to output: Output
    ) throws {
        switch format {
        case .json: try JSONText.write(result, elapsedMilliseconds: elapsed, to: output)
        case .jsonl: try JSONText.writeLines(result, to: output)
        case .csv:
            guard !result.columns.isEmpty else { return }
            if number > 0 { try output.writeLine() }
            try CSVText.write(result, to: output)
        case .table:
            let isTerminal = Terminal.isTerminal(Terminal.standardOutput)
            let palette = Terminal.palette(for: Terminal.standardOutput)
            let view = ResultView(
                palette: palette, width: Terminal.width(of: Terminal.standardOutput),
                rowCountMax: isTerminal && rows > 0 ? rows : nil, showsValues: values)
            if count > 1 {
                if number > 0 { try output.writeLine() }
                if let name = parsed.name { try output.writeLine(palette.apply(.heading, name)) }
            }
            for line in view.lines(result, statement: parsed.statement) { try output.writeLine(line) }
            if isTerminal { try output.writeLine(palette.apply(.faint, footer(result, elapsed))) }
        }
    }

    private func footer(_ result: QueryResult, _ elapsed: Double) -> String {
        let time = ValueText.duration(seconds: elapsed / 1000)
        guard result.shape != .done else { return "done in \(time)" }
        let count = result.rows.count
        return "\(ValueText.grouped(count)) \(count == 1 ? "row" : "rows") in \(time)"
    }
}

extension Statement {
    /// Whether the statement needs the store open for writing.
    var changesStore: Bool {
        switch self {
        case .defineSegment, .dropSegment, .createTable, .dropTable, .addColumn: true
        default: false
        }
    }
}
