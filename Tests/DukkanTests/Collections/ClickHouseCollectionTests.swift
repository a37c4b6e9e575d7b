import Dukkan
import Foundation
import Testing

/// Every case of ClickHouse's own test of `windowFunnel` that can be said, as a statement on a store.
@Suite(.enabled(if: CaseCollections.directory != nil, Comment(rawValue: CaseCollections.isAbsent)))
struct ClickHouseCollectionTests {
    private static let modes: Set = [
        "strict_order", "strict_deduplication", "strict_increase", "strict_once", "allow_reentry",
    ]

    /// Of a condition: `in` some values, or an inclusive `range`.
    private static func condition(_ description: CaseValue) throws -> String {
        switch description["op"]?.string {
        case "in":
            let values = description["v"]?.list ?? []
            let literals = values.map { $0.double == nil ? CollectionStatements.quoted($0.text) : $0.text }
            return "e IN (\(literals.joined(separator: ", ")))"
        case "range":
            let bounds = [description["lo"].map { "e >= \($0.text)" }, description["hi"].map { "e <= \($0.text)" }]
            guard let text = CollectionStatements.all(bounds.compactMap { $0 }) else {
                return "e IS NOT NULL"
            }
            return text
        case let other: throw CannotBeSaid("there is no condition \(other ?? "")")
        }
    }

    private static func statement(_ item: CollectionCase) throws -> String {
        try item.checkFields(["conds", "window", "modes", "expected_level", "level_engine_26_9_2_1"])
        let steps = try (item.fields["conds"]?.list ?? []).map { "events WHERE \(try condition($0))" }
        let modes = (item.fields["modes"]?.list ?? []).map(\.text)
        if let unknown = modes.first(where: { !Self.modes.contains($0) }) {
            throw CannotBeSaid("there is no mode \(unknown)")
        }
        let window = item.fields["window"]?.text ?? "0"
        return "FUNNEL \(steps.joined(separator: ", ")) WITHIN \(window) SECONDS PRESET CLICKHOUSE"
            + (modes.isEmpty ? "" : " MODES (\(modes.joined(separator: ", ")))")
    }

    private static func level(_ item: CollectionCase) throws -> Int {
        let events = item.fields["events"]?.list ?? []
        let isNumber = events.contains { $0["e"]?.double != nil }
        let rows = events.map { event -> [String: CaseValue] in
            let time = Timestamp(microseconds: Int64((event["t"]?.double ?? 0) * 1e6))
            return ["customer": .text("one"), "time": .text("\(time)"), "e": event["e"] ?? .null]
        }
        let store = try CollectionStore(columns: [("e", isNumber ? "INT" : "STRING")], rows: rows)
        let answer = try store.ask(try statement(item))
        return answer.rows.filter { answer.number("reached", $0) == 1 }.count
    }

    private static func reason(_ item: CollectionCase) -> String? {
        do {
            _ = try statement(item)
            return nil
        } catch let error as CannotBeSaid {
            return error.reason
        } catch {
            return nil
        }
    }

    private static let said = CaseCollections.clickHouse.filter { reason($0) == nil }
    private static let stable = said.filter { $0.fields["status"]?.string == "stable" }

    @Test(arguments: stable)
    func `the level is that of ClickHouse`(item: CollectionCase) throws {
        let level = try Self.level(item)
        let statement = try Self.statement(item)
        #expect(level == item.fields["expected_level"]?.int, "\(statement)")
    }

    /// Cases in which releases of ClickHouse differ are asked and told, not judged.
    @Test(arguments: said.filter { $0.fields["status"]?.string != "stable" })
    func `where releases differ the level is told`(item: CollectionCase) throws {
        let level = try Self.level(item)
        let levels = [item.fields["expected_level"]?.int, item.fields["level_engine_26_9_2_1"]?.int]
        print("\(item.testDescription): \(level), in their test \(levels[0] ?? -1), in 26.9.2.1 \(levels[1] ?? -1)")
        let stepCount = item.fields["conds"]?.list.count ?? 0
        #expect(level >= 0 && level <= stepCount)
    }

    @Test func `no case is left out in silence`() {
        CaseSummary(CaseCollections.clickHouse, reason: Self.reason).report()
    }
}
