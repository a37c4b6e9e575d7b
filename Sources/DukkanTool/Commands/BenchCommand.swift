import ArgumentParser
import Dukkan

/// `dukkan bench`.
struct BenchCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "bench",
        abstract: "Time statements.",
        discussion: """
            The store is opened once. Each run parses, plans, decodes and computes anew. What stays between runs is \
            what an open store keeps in memory: blocks whose checksums held, decoded dictionaries and, over several \
            parts, the order of their rows; never an answer. A run ahead of the counted ones warms that and the \
            system's file cache.

              dukkan bench shop.dukkan --file questions.dukkan --runs 5 --format json

            json writes one object for each statement: name (from the comment line above it), median_ms, min_ms, \
            rows_scanned, bytes_read, runs.
            """)

    @Argument(help: "Directory of the store.")
    var store: String

    @Option(name: .shortAndLong, help: ArgumentHelp("File with statements.", valueName: "path"))
    var file: String

    @Option(help: "Counted runs of each statement.")
    var runs = 5

    @Option(help: "table or json.")
    var format = Form.table

    @OptionGroup var limits: StoreLimits

    /// Forms of the report.
    enum Form: String, ExpressibleByArgument, CaseIterable {
        case table, json
    }

    func validate() throws {
        if !(1...100_000).contains(runs) { throw ValidationError("--runs is 1 to 100,000") }
    }

    private struct Timing {
        var name: String
        var milliseconds: [Double]
        var cost: QueryResult.Cost

        var median: Double {
            let sorted = milliseconds.sorted()
            let middle = sorted.count / 2
            return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
        }
        var minimum: Double { milliseconds.min() ?? 0 }
    }

    func run() throws {
        let parsed = try StatementText.parse(try TextFile.read(file))
        if parsed.contains(where: \.statement.changesStore) {
            throw ValidationError("bench runs statements that only read")
        }
        let opened = try Store.open(at: store, mode: .readOnly, options: limits.options)
        let output = Output(descriptor: Terminal.standardOutput)
        var timings: [Timing] = []
        for (index, statement) in parsed.enumerated() {
            let timing = try measure(statement, number: index + 1, opened)
            if format == .json {
                try output.writeLine(json(timing))
                try output.flush()
            }
            timings.append(timing)
        }
        if format == .table {
            let palette = Terminal.palette(for: Terminal.standardOutput)
            for line in table(timings).lines(palette: palette, width: Terminal.width(of: Terminal.standardOutput)) {
                try output.writeLine(line)
            }
        }
        try output.flush()
    }

    private func measure(_ parsed: ParsedStatement, number: Int, _ opened: Store) throws -> Timing {
        let clock = ContinuousClock()
        let text = parsed.text
        var milliseconds: [Double] = []
        var cost = QueryResult.Cost()
        let control = WorkControl()
        try Interruption.cancelling(control) {
            for run in 0...runs {
                let start = clock.now
                let result = try StatementText.locating(parsed) { try opened.query(text, control: control) }
                if run > 0 { milliseconds.append((clock.now - start).milliseconds) }
                cost = result.cost
            }
        }
        return Timing(name: parsed.name ?? "statement \(number)", milliseconds: milliseconds, cost: cost)
    }

    private func json(_ timing: Timing) -> String {
        let median = ValueText.fixed(timing.median, digits: 4), minimum = ValueText.fixed(timing.minimum, digits: 4)
        return "{\"name\": \(JSONText.quoted(timing.name)), \"median_ms\": \(median), \"min_ms\": \(minimum), "
            + "\"rows_scanned\": \(timing.cost.rowsScanned), \"bytes_read\": \(timing.cost.bytesRead), "
            + "\"runs\": \(timing.milliseconds.count)}"
    }

    private func table(_ timings: [Timing]) -> TextTable {
        var table = TextTable([
            .init(title: "statement", flexible: true), .init(title: "median ms", right: true),
            .init(title: "min ms", right: true), .init(title: "rows scanned", right: true),
            .init(title: "bytes read", right: true),
        ])
        table.rows = timings.map { timing in
            [
                .init(ValueText.visible(timing.name)), .init(ValueText.fixed(timing.median, digits: 2)),
                .init(ValueText.fixed(timing.minimum, digits: 2)), .init(ValueText.grouped(timing.cost.rowsScanned)),
                .init(ValueText.bytes(timing.cost.bytesRead)),
            ]
        }
        return table
    }
}
