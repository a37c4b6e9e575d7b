import ArgumentParser
import Dukkan

/// `dukkan tables`.
struct TablesCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "tables", abstract: "List the tables of a store with their rows, files and times.")

    @Argument(help: "Directory of the store.")
    var store: String

    @Option(help: "table, csv, json or jsonl.")
    var format = OutputFormat.table

    func run() throws {
        let opened = try Store.open(at: store, mode: .readOnly)
        let result: QueryResult = try opened.run(.showTables)
        try result.print(as: format)
    }
}

/// `dukkan describe`.
struct DescribeCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "describe", abstract: "List the columns of a table.")

    @Argument(help: "Directory of the store.")
    var store: String

    @Argument(help: "Name of the table.")
    var table: String

    @Option(help: "table, csv, json or jsonl.")
    var format = OutputFormat.table

    func run() throws {
        let opened = try Store.open(at: store, mode: .readOnly)
        let result: QueryResult = try opened.run(.describe(table: table))
        try result.print(as: format)
    }
}

extension QueryResult {
    /// Writes a listing to standard output.
    func print(as format: OutputFormat) throws {
        let output = Output(descriptor: Terminal.standardOutput)
        switch format {
        case .json: try JSONText.write(self, elapsedMilliseconds: 0, to: output)
        case .jsonl: try JSONText.writeLines(self, to: output)
        case .csv: try CSVText.write(self, to: output)
        case .table:
            let view = ResultView(
                palette: Terminal.palette(for: Terminal.standardOutput),
                width: Terminal.width(of: Terminal.standardOutput))
            for line in view.lines(self, statement: nil) { try output.writeLine(line) }
        }
        try output.flush()
    }
}
