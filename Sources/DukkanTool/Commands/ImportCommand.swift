import ArgumentParser
import Dukkan

/// `dukkan import`.
struct ImportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "import",
        abstract: "Load files into a table.",
        discussion: """
            Reads CSV, JSON lines, fixed-width and blank-separated text, also compressed with gzip; - is standard \
            input. All files of a call are one transaction: after a bad row or Ctrl-C nothing of it is in the store. A \
            table that does not exist yet is made from the first file, with the types found in it.

              dukkan import shop.dukkan orders orders.csv
              dukkan import shop.dukkan orders orders.csv.gz --map "Order ID=order_id" --rejects bad-orders.csv
              dukkan import shop.dukkan sales sales.csv --customer client --time sold_at --time-zone Africa/Cairo
              zcat visits.jsonl.gz | dukkan import shop.dukkan visits -
            """)

    @Argument(help: "Directory of the store.")
    var store: String

    @Argument(help: "Name of the table.")
    var table: String

    @Argument(help: "Files, or - for standard input.")
    var files: [String]

    @OptionGroup(title: "Form of the input")
    var form: InputFormOptions

    @OptionGroup(title: "Columns and rows")
    var columns: InputColumnOptions

    @OptionGroup var limits: StoreLimits

    @Flag(help: "Show what would be imported, the form and the types found, and change nothing.")
    var dryRun = false

    @Flag(help: "No progress, no report.")
    var quiet = false

    func run() throws {
        let options = try importOptions()
        if dryRun { return try InferenceReport.show(files: files, table: table, options: options) }
        let opened = try Store.open(at: store, mode: .readWrite, options: limits.options)
        defer { opened.close() }
        let feed = ImportFeed(table: table, isQuiet: quiet)
        defer { feed.clear() }
        let control = WorkControl(progress: { feed.show($0) })
        let report: ImportReport = try Interruption.cancelling(control) {
            try opened.importFiles(files, into: table, options: options, control: control) { made in
                feed.clear()
                if !quiet { InferenceReport.noteNewTable(made, file: files[0]) }
            }
        }
        feed.clear()
        if !quiet { note(report, seconds: feed.elapsed) }
    }

    private func importOptions() throws -> ImportOptions {
        var options = ImportOptions()
        try form.apply(to: &options)
        try columns.apply(to: &options)
        options.threads = limits.threads
        return options
    }

    private func note(_ report: ImportReport, seconds: Double) {
        let palette = Terminal.palette(for: Terminal.standardError)
        for column in report.addedColumns {
            Output.note("\(table): added column \(ValueText.visible(column.name)) \(column.type)")
        }
        if !report.ignoredColumns.isEmpty {
            let names = report.ignoredColumns.map(ValueText.visible).joined(separator: ", ")
            Output.note("\(table): left out \(names)")
        }
        for warning in report.warnings {
            Output.note(warning, after: palette.apply(.warning, "warning:") + " ")
        }
        let rows = report.rowsImported
        var text = "\(table): \(ValueText.grouped(rows)) \(rows == 1 ? "row" : "rows") imported"
        text += " in \(ValueText.duration(seconds: seconds))"
        if seconds > 0.1 && rows > 0 { text += ", \(ValueText.grouped(Int(Double(rows) / seconds))) rows/s" }
        if report.rowsDropped > 0 {
            text += "; \(ValueText.grouped(report.rowsDropped)) without a customer left out"
        }
        Output.note(text)
    }
}

/// Turns the progress of an import into a line for a person.
final class ImportFeed: @unchecked Sendable {  // The importer reports from one thread at a time.
    private let line: ProgressLine
    private let table: String

    init(table: String, isQuiet: Bool) {
        self.table = table
        line = ProgressLine(isQuiet: isQuiet)
    }

    var elapsed: Double { line.elapsed }

    func show(_ progress: WorkControl.Progress) {
        line.show(text(progress))
    }

    func clear() {
        line.clear()
    }

    private func text(_ progress: WorkControl.Progress) -> String {
        let seconds = max(line.elapsed, 1e-3)
        var text = "\(table): \(ValueText.grouped(progress.rowsDone)) rows, \(ValueText.bytes(progress.bytesDone))"
        text += ", \(ValueText.grouped(Int(Double(progress.rowsDone) / seconds))) rows/s"
        if let total = progress.bytesTotal, total > 0, progress.bytesDone > 0 {
            let share = min(1, Double(progress.bytesDone) / Double(total))
            text += ", \(ValueText.percent(share))"
            if share > 0.02 && share < 1 {
                text += ", \(ValueText.duration(seconds: seconds * (1 - share) / share)) left"
            }
        }
        return text
    }
}
