import ArgumentParser
import Dukkan

/// `dukkan init`.
struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make an empty store.",
        discussion: """
            A store is one directory. Tables come from --schema, from CREATE TABLE, or from the first import.

              dukkan init shop.dukkan --schema commerce
              dukkan init shop.dukkan
            """)

    @Argument(help: "Directory of the store; must not exist yet, or be empty.")
    var store: String

    @Option(help: "Built-in tables to begin with: commerce.")
    var schema: BuiltInSchema?

    @Option(help: "Type of the customer keys in the built-in tables: int or string.")
    var ids = GenerateCommand.Keys.int

    /// Schemas that come with the tool.
    enum BuiltInSchema: String, ExpressibleByArgument, CaseIterable {
        case commerce
    }

    func run() throws {
        let made = try Store.create(at: store)
        if schema == .commerce {
            try made.createTables(CommerceSchema.tables(customers: ids == .int ? .int : .string))
        }
        made.close()
        let tables = schema == nil ? "no tables yet" : "tables customers, sessions, events and orders"
        Output.note("\(store): a new store, \(tables)")
    }
}
