import ArgumentParser
import Dukkan

extension ShopRows.Table: ExpressibleByArgument {}

/// `dukkan generate`.
struct GenerateCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate",
        abstract: "Make up a shop's year as CSV files.",
        discussion: """
            Writes customers.csv, sessions.csv, events.csv and orders.csv: a year of sessions with their events and \
            orders, rows in order of time, the same for the same seed. Two million sessions make about seven million \
            events, more than half a gigabyte.

              dukkan generate shop-data --sessions 100000
              dukkan generate --table events --sessions 1000 | head
            """)

    @Argument(help: "Directory to write to; made if it is not there. Without it --table goes to standard output.")
    var directory: String?

    @Option(help: "Number of sessions.")
    var sessions = 100_000

    @Option(help: "Seed; another one makes another shop.")
    var seed: UInt64 = 1

    @Option(help: "Customer keys: int or string.")
    var ids = Keys.int

    @Option(help: "Only this table: customers, sessions, events or orders.")
    var table: ShopRows.Table?

    @Flag(help: "Replace files that are there.")
    var force = false

    @Flag(help: "No progress on the terminal.")
    var quiet = false

    /// Types of customer keys.
    enum Keys: String, ExpressibleByArgument, CaseIterable {
        case int, string
    }

    private static let sessionCountMax = 1_000_000_000

    func validate() throws {
        if !(1...GenerateCommand.sessionCountMax).contains(sessions) {
            throw ValidationError("--sessions is 1 to \(GenerateCommand.sessionCountMax)")
        }
        if directory == nil && table == nil {
            throw ValidationError("name a directory, or one table with --table to write it to standard output")
        }
    }

    func run() throws {
        let shop = Shop(sessions: sessions, seed: seed, stringCustomers: ids == .string)
        let line = ProgressLine(isQuiet: quiet)
        let wanted = table.map { [$0] } ?? ShopRows.Table.allCases
        var outputs: [ShopRows.Table: Output] = [:]
        if let directory {
            try NewFile.makeDirectory(directory)
            var files: [NewFile] = []
            for table in wanted {
                let file = try NewFile(path: "\(directory)/\(table.rawValue).csv", replacing: force)
                files.append(file)
                outputs[table] = file.output
            }
            let counts = try write(shop, to: outputs, line)
            for file in files { try file.output.flush() }
            line.clear()
            for table in wanted {
                let rows = ValueText.grouped(counts[table] ?? 0)
                Output.note("\(directory)/\(table.rawValue).csv: \(rows) rows")
            }
        } else if let table {
            outputs[table] = Output(descriptor: Terminal.standardOutput)
            _ = try write(shop, to: outputs, line)
            try outputs[table]?.flush()
            line.clear()
        }
    }

    private func write(
        _ shop: Shop, to outputs: [ShopRows.Table: Output], _ line: ProgressLine
    ) throws -> ShopGenerator.Counts {
        let sinks = outputs.mapValues { output in { (bytes: [UInt8]) in try output.write(bytes) } }
        let generator = ShopGenerator(shop: shop, sinks: sinks) { done, all in
            line.show("\(ValueText.grouped(done)) of \(ValueText.grouped(all)) sessions")
        }
        return try generator.run()
    }
}
