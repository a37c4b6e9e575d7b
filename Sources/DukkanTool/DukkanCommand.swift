import ArgumentParser
import Dukkan

/// The `dukkan` command: one subcommand for each thing a person does with a store.
@main
struct DukkanCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "dukkan",
        abstract: "An analytics store for shops: funnels, cohort retention and segment slices from one directory.",
        discussion: """
            A first session, from made-up data to an answer:

              dukkan generate shop-data --sessions 100000
              dukkan init shop.dukkan --schema commerce
              dukkan import shop.dukkan sessions shop-data/sessions.csv
              dukkan query shop.dukkan "SELECT country, count(*) FROM sessions GROUP BY country"

            Exit codes: 0 success, 1 failure, 2 done but not in full, 64 wrong usage, 65 bad rows in the input, 130 interrupted.
            """,
        version: DukkanVersion.text,
        subcommands: [
            InitCommand.self, ImportCommand.self, QueryCommand.self, TablesCommand.self, DescribeCommand.self,
            InspectCommand.self, VerifyCommand.self, CompactCommand.self, EraseCommand.self, ExportCommand.self,
            BackupCommand.self, SalvageCommand.self, BenchCommand.self, GenerateCommand.self,
        ])

    /// Runs the tool: the one place where errors become messages and exit codes.
    static func main() {
        Interruption.ignoreBrokenPipes()
        do {
            try rejectUnknownCommand()
            var command = try parseAsRoot()
            try command.run()
        } catch {
            FailureReport.exit(with: error)
        }
    }
}

extension DukkanCommand {
    /// A misspelled subcommand is told with the nearest one; ArgumentParser would call it an unexpected argument.
    private static func rejectUnknownCommand() throws {
        guard CommandLine.arguments.count > 1, let word = CommandLine.arguments.dropFirst().first,
            !word.hasPrefix("-"), word != "help"
        else { return }
        let names = configuration.subcommands.map { $0._commandName }
        guard !names.contains(word) else { return }
        let near = NearName.nearest(to: word, among: names).first
        throw ValidationError("there is no command '\(word)'" + (near.map { "; did you mean '\($0)'?" } ?? ""))
    }
}

/// The release that this is.
enum DukkanVersion {
    static let text = "0.1.0"
}
