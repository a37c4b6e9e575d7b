import ArgumentParser
import Dukkan

/// `dukkan inspect`.
struct InspectCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "inspect",
        abstract: "Show how every column is written, and what it costs.",
        discussion: """
            For each part and column: the encodings of its blocks, bytes, bits for each row, and the ratio of the values' \
            size in memory to their size in the file. Reads and checks every block.

              dukkan inspect shop.dukkan
              dukkan inspect shop.dukkan orders-00000017
            """)

    @Argument(help: "Directory of the store.")
    var store: String

    @Argument(help: "Name of a part (default: all).")
    var part: String?

    @Option(help: "table, csv, json or jsonl.")
    var format = OutputFormat.table

    func run() throws {
        let opened = try Store.open(at: store, mode: .readOnly)
        var result = try opened.inspection(part: part)
        if format == .table {
            for row in result.rows.indices {
                for column in [7, 8] {
                    guard case .double(let number) = result.rows[row][column] else { continue }
                    result.rows[row][column] = .string(ValueText.fixed(number, digits: 2))
                }
            }
        }
        try result.print(as: format)
    }
}
