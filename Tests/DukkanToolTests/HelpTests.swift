import Foundation
import Testing

/// The help of every command, held against files beside this one.
///
/// After a wanted change: `DUKKAN_RECORD_HELP=1 swift test --filter HelpTests`, then read the difference.
struct HelpTests {
    private static let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Help")
    private static let isRecording = ProcessInfo.processInfo.environment["DUKKAN_RECORD_HELP"] != nil

    @Test(arguments: [
        "", "init", "import", "query", "tables", "describe", "inspect", "verify", "compact", "erase", "export",
        "backup", "salvage", "bench", "generate",
    ])
    func `help is as it was`(command: String) throws {
        let folder = try ToolProcess.Folder()
        let arguments = command.isEmpty ? ["--help"] : [command, "--help"]
        let ending = try ToolProcess.run(arguments, in: folder, environment: ["COLUMNS": "100"])
        #expect(ending.code == 0)
        #expect(ending.errors == "")
        let file = HelpTests.folder.appending(path: (command.isEmpty ? "dukkan" : command) + ".txt")
        if HelpTests.isRecording { try Data(ending.output.utf8).write(to: file) }
        let expected = try String(contentsOf: file, encoding: .utf8)
        #expect(
            ending.output == expected, "\(file.lastPathComponent) tells how to record a wanted change: HelpTests.swift")
    }

    @Test func `the version stands alone on a line`() throws {
        let ending = try ToolProcess.run(["--version"], in: try ToolProcess.Folder())
        #expect(ending.output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
    }
}
