import ArgumentParser
import Dukkan

/// `dukkan backup`.
struct BackupCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup",
        abstract: "Copy a store while it is in use, or list its copies.",
        discussion: """
            The copy is a store: open it, or to restore copy its directory back. Done again to the same place it copies only \
            what is new, and removes what the store has no more. If it is interrupted the copy of before stands.

              dukkan backup shop.dukkan /backup/shop.dukkan
              dukkan backup shop.dukkan --list
              dukkan backup shop.dukkan --forget /backup/old.dukkan

            --list marks the copies that may still have customers who were erased since.
            """)

    @Argument(help: "Directory of the store.")
    var store: String

    @Argument(help: "Directory of the copy: new, empty, or an earlier copy of this store.")
    var copy: String?

    @Flag(help: "List the copies that the store remembers.")
    var list = false

    @Option(help: ArgumentHelp("Forget a copy that does not exist any more.", valueName: "path"))
    var forget: String?

    @Option(help: "text or json.")
    var format = ReportFormat.text

    func validate() throws {
        if [copy != nil, list, forget != nil].count(where: { $0 }) != 1 {
            throw ValidationError("say where to copy to, or --list, or --forget")
        }
    }

    func run() throws {
        let opened = try Store.open(at: store, mode: .readOnly)
        let output = Output(descriptor: Terminal.standardOutput)
        if let copy {
            let control = WorkControl()
            let done: BackupSummary = try Interruption.cancelling(control) {
                try opened.backup(to: copy, control: control)
            }
            try write(done, to: output)
        } else if let forget {
            try opened.forgetCopy(at: forget)
        } else {
            try write(try opened.copies(), to: output)
        }
        try output.flush()
    }

    private func write(_ done: BackupSummary, to output: Output) throws {
        switch format {
        case .json: try output.writeLine(JSONText.text(done))
        case .text:
            try output.writeLine(
                "\(ValueText.visible(done.path)): generation \(done.generation), \(done.filesCopied) files copied "
                    + "(\(ValueText.bytes(done.bytesCopied))), \(done.filesKept) kept "
                    + "(\(ValueText.bytes(done.bytesKept))), \(done.filesRemoved) removed")
            if !done.isRecorded {
                Output.note("dukkan: the store could not note this copy, so that an erasure will not name it")
            }
        }
    }

    private func write(_ copies: [StoreCopyInformation], to output: Output) throws {
        switch format {
        case .json: try output.writeLine("[" + copies.map(JSONText.text).joined(separator: ", ") + "]")
        case .text:
            if copies.isEmpty { try output.writeLine("no copies are known") }
            for copy in copies {
                let mark = copy.mayHoldErased ? "  may have erased customers: run the backup again" : ""
                try output.writeLine(
                    "\(ValueText.visible(copy.path))  generation \(copy.generation), \(copy.time)\(mark)")
            }
        }
    }
}

extension JSONText {
    /// What a backup did, in one line.
    static func text(_ done: BackupSummary) -> String {
        "{\"store\": \(quoted(done.store)), \"path\": \(quoted(done.path)), \"generation\": \(done.generation), "
            + "\"previous_generation\": \(done.previousGeneration.map { "\($0)" } ?? "null"), "
            + "\"files_copied\": \(done.filesCopied), \"bytes_copied\": \(done.bytesCopied), "
            + "\"files_kept\": \(done.filesKept), \"bytes_kept\": \(done.bytesKept), "
            + "\"files_removed\": \(done.filesRemoved), \"recorded\": \(done.isRecorded)}"
    }
}
