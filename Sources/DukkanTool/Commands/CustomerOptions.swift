import ArgumentParser
import Dukkan

/// The forms of a report on one action: lines for a person, or one JSON object.
enum ReportFormat: String, ExpressibleByArgument, CaseIterable {
    case text, json
}

/// Whose data is meant.
struct CustomerOptions: ParsableArguments {
    // A key may be a negative number, which looks like an option.
    @Option(
        parsing: .unconditionalSingleValue,
        help: ArgumentHelp("Key of a customer; may be given several times.", valueName: "key"))
    var customer: [String] = []

    @Option(help: ArgumentHelp("File with one key on each line.", valueName: "path"))
    var customers: String?

    func validate() throws {
        if customer.isEmpty && customers == nil { throw ValidationError("say who with --customer or --customers") }
    }

    /// The keys, as the store's customers are.
    func keys(of store: Store) throws -> [CustomerKey] {
        var texts = customer
        if let customers {
            texts += try TextFile.read(customers).split(whereSeparator: \.isNewline).map(String.init)
        }
        return try texts.map { try store.customerKey($0) }
    }
}
