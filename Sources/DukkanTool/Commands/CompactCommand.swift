import ArgumentParser
import Dukkan

/// `dukkan compact`.
struct CompactCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "compact",
        abstract: "Rewrite small and overlapping files into large ones.",
        discussion: "Makes queries faster and the store smaller, mostly after a large import. Readers are not blocked.")

    @Argument(help: "Directory of the store.")
    var store: String

    @Argument(help: "Name of a table (default: all).")
    var table: String?

    @OptionGroup var limits: StoreLimits

    func run() throws {
        let opened = try Store.open(at: store, mode: .readWrite, options: limits.options)
        defer { opened.close() }
        let control = WorkControl()
        let done: CompactionSummary = try Interruption.cancelling(control) {
            try opened.compact(table: table, control: control)
        }
        let parts = "\(done.partsBefore) → \(done.partsAfter) parts"
        Output.note("\(store): \(parts), \(ValueText.bytes(done.bytesBefore)) → \(ValueText.bytes(done.bytesAfter))")
    }
}
