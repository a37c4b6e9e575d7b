import Dukkan

/// What was found out about a file, for a person.
enum InferenceReport {
    /// Shows the form and the types of files without importing them.
    static func show(files: [String], table: String, options: ImportOptions) throws {
        let output = Output(descriptor: Terminal.standardOutput)
        let palette = Terminal.palette(for: Terminal.standardOutput)
        for file in files {
            let found = try Store.inferSchema(of: file, table: table, options: options)
            try output.writeLine("\(ValueText.visible(file)): \(form(found))")
            for line in columns(found).lines(palette: palette, width: Terminal.width(of: Terminal.standardOutput)) {
                try output.writeLine("  " + line)
            }
            for note in found.notes { try output.writeLine("  " + ValueText.visible(note)) }
        }
        try output.flush()
    }

    /// Tells on standard error that an import makes a table.
    static func noteNewTable(_ schema: TableSchema, file: String) {
        Output.note("\(schema.name) is new; its columns, found in \(file):")
        var table = TextTable([.init(title: ""), .init(title: ""), .init(title: "")])
        table.showsTitles = false
        table.rows = schema.columns.map { column in
            let role: String =
                switch column.role {
                case .attribute: ""
                case .customer: "CUSTOMER"
                case .time: "TIME"
                case .unique: "UNIQUE"
                }
            return [.init(ValueText.visible(column.name)), .init(column.type.description), .init(role)]
        }
        for line in table.lines(palette: .plain, width: nil) { Output.note("  " + line) }
    }

    private static func form(_ found: InferredSchema) -> String {
        var text: String
        switch found.format {
        case .automatic: text = "text"
        case .separated:
            let separator = found.separator.map { $0 == "\t" ? "tab" : String($0) } ?? ","
            text = "values separated by \(separator), \(found.hasHeader ? "with" : "without") a header"
        case .jsonLines: text = "JSON lines"
        case .blankSeparated: text = "words separated by blanks"
        case .fixedWidth: text = "fields at fixed places"
        }
        let rows = ValueText.grouped(found.rowCount)
        text += found.isWhole ? "; \(rows) rows" : "; types from the first \(rows) rows"
        return text
    }

    private static func columns(_ found: InferredSchema) -> TextTable {
        var table = TextTable([
            .init(title: "column"), .init(title: "type"), .init(title: "role"), .init(title: "empty", right: true),
            .init(title: "example", flexible: true),
        ])
        table.rows = found.columns.map { column in
            let place = found.table?.column(named: column.name)
            let role: String =
                switch place.flatMap({ found.table?.columns[$0].role }) {
                case .customer: "customer"
                case .time: "time"
                case .unique: "unique"
                case .attribute, nil: ""
                }
            return [
                .init(ValueText.visible(column.name)), .init(column.type.description), .init(role),
                .init(ValueText.grouped(column.nullCount)), .init(ValueText.visible(column.example)),
            ]
        }
        return table
    }
}
