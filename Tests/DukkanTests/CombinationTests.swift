import Dukkan
import Foundation
import Testing

/// Options that have no meaning together are refused by name, as the table in `docs/semantics.md` says.
///
/// The cases are text, `Queries/combinations.txt`.
struct CombinationTests {
    struct Case: CustomTestStringConvertible, Sendable {
        var name: String
        var statement: String
        var refusal: String
        var testDescription: String { name }
    }

    static let cases: [Case] = {
        let file = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Queries/combinations.txt")
        let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
        return text.components(separatedBy: "\n## ").dropFirst().map { block in
            let parts = block.components(separatedBy: "\n----\n")
            let head = parts[0].split(separator: "\n", maxSplits: 1).map(String.init)
            return Case(
                name: head[0], statement: head[1], refusal: parts[1].trimmingCharacters(in: .whitespacesAndNewlines))
        }
    }()

    private let folder = StoreFolder()

    @Test(arguments: cases)
    func `what has no meaning is refused by name`(item: Case) throws {
        let store = try Store.create(at: folder.path)
        _ = try store.query(
            "CREATE TABLE events (customer INT CUSTOMER, t TIMESTAMP TIME, event STRING, session_id INT, "
                + "device STRING, value DECIMAL(2))")
        _ = try store.query("CREATE TABLE orders (customer INT CUSTOMER, t TIMESTAMP TIME, revenue DECIMAL(2))")
        let error = #expect(throws: DukkanError.self) { try store.query(item.statement) }
        #expect(error?.message.contains(item.refusal) == true, "\(item.statement)\n\(error.map { "\($0)" } ?? "")")
    }

    @Test func `the table of refusals is read`() {
        #expect(Self.cases.count >= 40)
    }
}
