import ArgumentParser
import Dukkan

/// `dukkan export`.
struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write all that is held of one customer.",
        discussion: """
            Every row of every table with all columns, and the segments that name the customer or that she belongs to, as \
            of one commit. Numbers keep all their digits, times are ISO 8601 in UTC.

              dukkan export shop.dukkan --customer 4711 > customer-4711.json
              dukkan export shop.dukkan --customer 4711 --format csv --out customer-4711

            With --format csv each table with rows of the customer becomes a file in the directory --out, and the segments \
            another one. A customer whom the store does not have is no failure: the tables are empty.
            """)

    /// The forms of an export.
    enum Format: String, ExpressibleByArgument, CaseIterable {
        case json, csv
    }

    @Argument(help: "Directory of the store.")
    var store: String

    @Option(parsing: .unconditional, help: ArgumentHelp("Key of the customer.", valueName: "key"))
    var customer: String

    @Option(help: "json or csv.")
    var format = Format.json

    @Option(help: ArgumentHelp("Directory for the files of --format csv.", valueName: "path"))
    var out: String?

    @OptionGroup var limits: StoreLimits

    func validate() throws {
        if (format == .csv) != (out != nil) { throw ValidationError("--format csv and --out belong together") }
    }

    func run() throws {
        let opened = try Store.open(at: store, mode: .readOnly, options: limits.options)
        let key = try opened.customerKey(customer)
        let control = WorkControl()
        let export: CustomerExport = try Interruption.cancelling(control) {
            try opened.export(customer: key, control: control)
        }
        if let out { return try write(export, into: out) }
        let output = Output(descriptor: Terminal.standardOutput)
        try JSONText.write(export, to: output)
        try output.flush()
    }

    private func write(_ export: CustomerExport, into directory: String) throws {
        try NewFile.makeDirectory(directory, isPrivate: true)
        for (number, table) in export.tables.enumerated() where !table.rows.rows.isEmpty {
            // A table's name may be anything; a file's name may not.
            let isPlain = table.name.utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0) || (0x61...0x7A).contains($0) || $0 == 0x5F
            }
            try write(table.rows, to: directory + "/" + (isPlain ? table.name : "table-\(number + 1)") + ".csv")
        }
        var segments = QueryResult(
            columns: [
                .init("segment", .string), .init("condition", .string), .init("names_customer", .bool),
                .init("contains_customer", .bool),
            ], rows: [])
        segments.rows = export.segments.map {
            [
                .string($0.name), .string($0.condition), .bool($0.namesCustomer),
                $0.containsCustomer.map { .bool($0) } ?? .null,
            ]
        }
        if !segments.rows.isEmpty { try write(segments, to: directory + "/segments of the customer.csv") }
        Output.note("\(directory): \(ValueText.grouped(export.rowCount)) rows")
    }

    private func write(_ result: QueryResult, to path: String) throws {
        let file = try NewFile(path: path, replacing: false, isPrivate: true)
        try CSVText.write(result, to: file.output)
        try file.output.flush()
    }
}

extension JSONText {
    /// An export, with a line for each row.
    static func write(_ export: CustomerExport, to output: Output) throws {
        let customer =
            switch export.customer {
            case .integer(let key): String(key)
            case .string(let key): quoted(key)
            }
        try output.writeLine("{\"store\": \(quoted(export.store)), \"generation\": \(export.generation),")
        try output.writeLine(" \"exported_at\": \"\(export.time)\", \"customer\": \(customer), \"tables\": [")
        for (number, table) in export.tables.enumerated() {
            let columns = table.rows.columns.map {
                "{\"name\": \(quoted($0.name)), \"type\": \(quoted($0.type.description))}"
            }
            try output.write("  {\"table\": \(quoted(table.name)), \"columns\": [\(columns.joined(separator: ", "))], ")
            try output.write("\"rows\": [")
            let names = table.rows.columns.map { quoted($0.name) + ": " }
            for (place, row) in table.rows.rows.enumerated() {
                let members = zip(names, row).map { $0 + text($1) }
                try output.write((place > 0 ? ",\n    {" : "\n    {") + members.joined(separator: ", ") + "}")
            }
            try output.writeLine("]}" + (number + 1 < export.tables.count ? "," : ""))
        }
        let segments = export.segments.map {
            "{\"segment\": \(quoted($0.name)), \"condition\": \(quoted($0.condition)), "
                + "\"names_customer\": \($0.namesCustomer), "
                + "\"contains_customer\": \($0.containsCustomer.map { "\($0)" } ?? "null")}"
        }
        try output.writeLine(" ], \"segments\": [\(segments.joined(separator: ", "))]}")
    }
}
