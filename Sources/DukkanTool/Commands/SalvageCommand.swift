import ArgumentParser
import Dukkan

/// `dukkan salvage`.
struct SalvageCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "salvage",
        abstract: "Copy what can still be read of a damaged store into a new one.",
        discussion: """
            Takes every row whose columns are all intact, and lists what is lost. The damaged store is not written to. Its \
            manifest may be damaged or missing: then the tables are called table_1, table_2, … and segments are lost.

              dukkan salvage shop.dukkan saved.dukkan
              dukkan salvage shop.dukkan saved.dukkan --null-damaged --format json > lost.json

            Ends with 2 if something is lost or cannot be known.
            """)

    @Argument(help: "Directory of the damaged store.")
    var store: String

    @Argument(help: "Directory of the new store; must not exist yet, or be empty.")
    var output: String

    @Flag(help: "Keep rows with damaged values, with nulls for these, where the column may be null.")
    var nullDamaged = false

    @Option(help: "text or json.")
    var format = ReportFormat.text

    @OptionGroup var limits: StoreLimits

    func run() throws {
        let control = WorkControl()
        let done = try Interruption.cancelling(control) {
            try Store.salvage(
                at: store, into: output, nullingDamaged: nullDamaged, options: limits.options, control: control)
        }
        let stream = Output(descriptor: Terminal.standardOutput)
        switch format {
        case .json: try stream.writeLine(JSONText.text(done))
        case .text: for line in lines(done) { try stream.writeLine(line) }
        }
        try stream.flush()
        if !done.isComplete { throw ExitCode(FailureReport.Code.incomplete) }
    }

    private func lines(_ done: SalvageSummary) -> [String] {
        var lines = done.notes.map { ValueText.visible($0) }
        for loss in done.losses {
            let place = [loss.file, loss.block.map { "block \($0)" }].compactMap { $0 }.joined(separator: ", ")
            let rows = loss.rowCount.map { "\(ValueText.grouped($0)) rows" } ?? "an unknown number of rows"
            let columns = loss.columns.isEmpty ? "" : " (\(loss.columns.joined(separator: ", ")))"
            lines.append(
                ValueText.visible(
                    "\(loss.table), \(place): \(rows) \(loss.isNulled ? "with nulls" : "lost")\(columns): \(loss.reason)"
                ))
        }
        if done.untoldLossCount > 0 { lines.append("\(ValueText.grouped(done.untoldLossCount)) more") }
        for table in done.tables {
            lines.append(
                "\(ValueText.visible(table.name)): \(ValueText.grouped(table.rowsSaved)) rows saved, "
                    + "\(ValueText.grouped(table.rowsWithNulls)) of them with nulls, "
                    + "\(ValueText.grouped(table.rowsLost)) lost")
        }
        return lines
    }
}

extension JSONText {
    /// What a salvage did, in one line.
    static func text(_ done: SalvageSummary) -> String {
        let tables = done.tables.map {
            "{\"table\": \(quoted($0.name)), \"rows_saved\": \($0.rowsSaved), \"rows_with_nulls\": \($0.rowsWithNulls), "
                + "\"rows_lost\": \($0.rowsLost)}"
        }
        let losses = done.losses.map {
            "{\"table\": \(quoted($0.table)), \"file\": \(quoted($0.file)), \"block\": \(optional($0.block)), "
                + "\"rows\": \(optional($0.rowCount)), \"columns\": [\($0.columns.map(quoted).joined(separator: ", "))], "
                + "\"reason\": \(quoted($0.reason)), \"nulled\": \($0.isNulled)}"
        }
        return "{\"tables\": [\(tables.joined(separator: ", "))], \"losses\": [\(losses.joined(separator: ", "))], "
            + "\"untold_losses\": \(done.untoldLossCount), "
            + "\"notes\": [\(done.notes.map(quoted).joined(separator: ", "))]}"
    }

    /// A finding of a verification.
    static func text(_ finding: StoreFinding) -> String {
        "{\"file\": \(finding.place.file.map(quoted) ?? "null"), \"column\": \(finding.place.column.map(quoted) ?? "null"), "
            + "\"block\": \(optional(finding.place.block)), \"offset\": \(optional(finding.place.offset)), "
            + "\"message\": \(quoted(finding.message)), \"damage\": \(finding.isDamage)}"
    }

    private static func optional(_ number: Int?) -> String { number.map { "\($0)" } ?? "null" }
}
