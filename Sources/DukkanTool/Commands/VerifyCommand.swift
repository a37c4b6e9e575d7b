import ArgumentParser
import Dukkan

/// `dukkan verify`.
struct VerifyCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify",
        abstract: "Read every byte of a store and check every checksum and every rule.",
        discussion: """
            Finds all damage, of every block of every file, and works where the store is too damaged to be opened. Writes a \
            line for each finding, or with --format json one object for each; ends with 1 if there is damage.
            """)

    @Argument(help: "Directory of the store.")
    var store: String

    @Option(help: "text or json.")
    var format = ReportFormat.text

    @OptionGroup var limits: StoreLimits

    func run() throws {
        let line = ProgressLine()
        defer { line.clear() }
        let feed = VerificationFeed(line)
        let control = WorkControl(progress: { feed.show($0) })
        let findings: [StoreFinding] = try Interruption.cancelling(control) {
            try Store.verify(at: store, options: limits.options, control: control)
        }
        line.clear()
        let output = Output(descriptor: Terminal.standardOutput)
        for finding in findings {
            try output.writeLine(format == .json ? JSONText.text(finding) : ValueText.visible("\(finding)"))
        }
        let damages = findings.count { $0.isDamage }
        if damages == 0 && format == .text {
            let tables = try Store.open(at: store, mode: .readOnly, options: limits.options).tables()
            let rows = ValueText.grouped(tables.reduce(0) { $0 + $1.rowCount })
            let bytes = ValueText.bytes(tables.reduce(0) { $0 + $1.byteCount })
            try output.writeLine(
                "\(ValueText.visible(store)): all is well: \(tables.count) tables, \(rows) rows, \(bytes)")
        }
        try output.flush()
        if damages > 0 {
            throw DukkanError(
                .corrupt, "\(store): \(damages) \(damages == 1 ? "place is" : "places are") damaged",
                advice: "restore the store from a backup, import its data anew, or see what `dukkan salvage` can save")
        }
    }
}

/// Shows how far a verification has come.
private final class VerificationFeed: @unchecked Sendable {  // Reports come from one thread at a time.
    private let line: ProgressLine

    init(_ line: ProgressLine) {
        self.line = line
    }

    func show(_ progress: WorkControl.Progress) {
        line.show("\(ValueText.bytes(progress.bytesDone)) checked")
    }
}
