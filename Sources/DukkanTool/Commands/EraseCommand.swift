import ArgumentParser
import Dukkan

/// `dukkan erase`.
struct EraseCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "erase",
        abstract: "Erase customers: their rows, their keys and every value that only they had.",
        discussion: """
            When it returns they are in no file of the store, and no crash brings them back; before that everything has \
            happened or nothing. The receipt that it writes names no customer. Backups may still have them: it lists those \
            that the store remembers; run `dukkan backup` to them again.

              dukkan erase shop.dukkan --customer 4711
              dukkan erase shop.dukkan --customers asked-for.txt --receipt 2026-11-receipt.json

            Customers whom the store does not have are no failure. Ends with 2 if files were found in the store's directory \
            that are not a store's: they were not looked at.
            """)

    @Argument(help: "Directory of the store.")
    var store: String

    @OptionGroup var chosen: CustomerOptions

    @Option(help: "text or json.")
    var format = ReportFormat.text

    @Option(help: ArgumentHelp("File to keep the receipt in, as JSON; must not exist yet.", valueName: "path"))
    var receipt: String?

    @OptionGroup var limits: StoreLimits

    func run() throws {
        let opened = try Store.open(at: store, mode: .readWrite, options: limits.options)
        defer { opened.close() }
        let keys = try chosen.keys(of: opened)
        // A receipt that cannot be written must be known before anything is gone.
        let file = try receipt.map { try NewFile(path: $0, replacing: false, isPrivate: true) }
        let control = WorkControl()
        let done: ErasureReceipt = try Interruption.cancelling(control) {
            try opened.erase(customers: keys, control: control)
        }
        let text = JSONText.text(done)
        if let file {
            try file.output.writeLine(text)
            try file.output.flush()
        }
        let output = Output(descriptor: Terminal.standardOutput)
        switch format {
        case .json: try output.writeLine(text)
        case .text: for line in ErasureView.lines(done, store: store) { try output.writeLine(line) }
        }
        try output.flush()
        if !done.notExamined.isEmpty { throw ExitCode(FailureReport.Code.incomplete) }
    }
}

/// An erasure's receipt for a person.
enum ErasureView {
    static func lines(_ receipt: ErasureReceipt, store: String) -> [String] {
        let asked = ValueText.grouped(receipt.customersAsked), found = ValueText.grouped(receipt.customersFound)
        var lines = [
            "\(ValueText.visible(store)): \(found) of \(asked) customers found, \(rows(receipt.rows)) erased",
            "  store       \(receipt.store)", "  time        \(receipt.time)", "  generation  \(receipt.generation)",
        ]
        for table in receipt.tables {
            let files = [
                ("rewritten", table.partsRewritten), ("new", table.partsWritten), ("dropped", table.partsDropped),
                ("cleaned", table.partsCleaned),
            ].filter { !$0.1.isEmpty }.map { "\($0.0) \(shortened($0.1))" }
            guard table.rows + table.replacedRows > 0 || !files.isEmpty else { continue }
            var line = "  \(ValueText.visible(table.name)): \(rows(table.rows))"
            if table.replacedRows > 0 { line += " and \(ValueText.grouped(table.replacedRows)) replaced before" }
            lines.append(line + (files.isEmpty ? "" : "; files " + files.joined(separator: ", ")))
        }
        if receipt.bytesWritten > 0 { lines.append("  \(ValueText.bytes(receipt.bytesWritten)) written") }
        if !receipt.copies.isEmpty {
            lines.append("These backups may still have them; `dukkan backup` to the same place makes them anew:")
            lines += receipt.copies.map {
                "  \(ValueText.visible($0.path))  (generation \($0.generation), \($0.time))"
            }
        }
        if !receipt.notExamined.isEmpty {
            lines.append("Not a store's files, and not looked at:")
            lines += receipt.notExamined.map { "  " + ValueText.visible($0) }
        }
        return lines
    }

    private static func rows(_ count: Int) -> String { "\(ValueText.grouped(count)) \(count == 1 ? "row" : "rows")" }

    private static func shortened(_ numbers: [UInt64]) -> String {
        let shown = numbers.prefix(8).map { String($0) }.joined(separator: " ")
        return numbers.count > 8 ? "\(shown) … (\(numbers.count))" : shown
    }
}

extension JSONText {
    /// A receipt, in one line.
    static func text(_ receipt: ErasureReceipt) -> String {
        let tables = receipt.tables.map {
            "{\"table\": \(quoted($0.name)), \"rows\": \($0.rows), \"replaced_rows\": \($0.replacedRows), "
                + "\"parts_rewritten\": \($0.partsRewritten), \"parts_written\": \($0.partsWritten), "
                + "\"parts_dropped\": \($0.partsDropped), \"parts_cleaned\": \($0.partsCleaned)}"
        }
        return "{\"store\": \(quoted(receipt.store)), \"time\": \"\(receipt.time)\", "
            + "\"generation\": \(receipt.generation), \"customers_asked\": \(receipt.customersAsked), "
            + "\"customers_found\": \(receipt.customersFound), \"rows\": \(receipt.rows), "
            + "\"tables\": [\(tables.joined(separator: ", "))], \"bytes_written\": \(receipt.bytesWritten), "
            + "\"copies\": [\(receipt.copies.map(text).joined(separator: ", "))], "
            + "\"not_examined\": [\(receipt.notExamined.map(quoted).joined(separator: ", "))]}"
    }

    /// A backup that a store remembers.
    static func text(_ copy: StoreCopyInformation) -> String {
        "{\"path\": \(quoted(copy.path)), \"generation\": \(copy.generation), \"time\": \"\(copy.time)\", "
            + "\"may_hold_erased\": \(copy.mayHoldErased)}"
    }
}
