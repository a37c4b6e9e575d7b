import DukkanFormat
import DukkanStorage
import DukkanTime
import Testing

@testable import DukkanQuery

/// The whole engine on real stores, in several parts and compacted, against the reference evaluator.
///
/// A failure prints the seed, the query and the world.
@Suite struct EngineAgainstReferenceTests {
    #if DEBUG || DUKKAN_SANITIZED
    private static let worldsPerPart = 4
    #else
    private static let worldsPerPart = 60
    #endif
    private static let queriesPerWorld = 24

    @Test(arguments: 0..<8)
    func answersAreThoseOfTheDefinition(part: Int) throws {
        for number in 0..<EngineAgainstReferenceTests.worldsPerPart {
            let seed = UInt64(part * 10_000 + number)
            try check(seed: seed)
        }
    }

    private func check(seed: UInt64) throws {
        var generator = ReferenceGenerator(seed: seed)
        var random = SeededGenerator(seed: seed &+ 77)
        let base = try #require(ISO8601.parseTime("2024-10-20")).microseconds
        let step: Int64 = [1, 1_200_000_000, 250_000_000_000][Int(seed % 3)]
        let times = (0..<[4, 16, 40][Int(seed / 3 % 3)]).map { base + Int64($0) * step }
        let customers = [3, 8, 60][Int(seed / 9 % 3)]
        var world = generator.world(customerCountMax: customers, rowCountMax: 7, times: times)
        for table in world.tables.keys.sorted() { world.tables[table]?.rows.shuffle(using: &random) }
        let store = try EngineStore()
        try store.fill(world, commits: Int(seed % 5) + 1, random: &random)
        for number in 0..<EngineAgainstReferenceTests.queriesPerWorld {
            let statement = statement(number, &generator, times)
            compare(statement, world, store, seed: seed, threads: 1 + number % 2, layout: "parts")
        }
        _ = try store.core.compact()
        for number in 0..<EngineAgainstReferenceTests.queriesPerWorld {
            let statement = statement(number, &generator, times)
            compare(statement, world, store, seed: seed, threads: 1 + number % 2, layout: "compacted")
        }
    }

    private func statement(_ number: Int, _ generator: inout ReferenceGenerator, _ times: [Int64]) -> Statement {
        switch number % 4 {
        case 0: return .funnel(generator.funnel(times: times))
        case 1:
            let zones = [nil, "Africa/Cairo", "America/New_York", "Asia/Kolkata"]
            return .retention(
                generator.retention(
                    times: times, period: Period.allCases[number / 4 % 4], zone: zones[number / 4 % zones.count]))
        case 2: return .select(generator.slice(times: times))
        default:
            return .deciles(
                DecileQuery(
                    by: Aggregate(
                        .sum, of: .column(ColumnName("amount", in: "orders")), table: "orders",
                        filter: generator.filter())))
        }
    }

    private func compare(
        _ statement: Statement, _ world: ReferenceWorld, _ store: EngineStore, seed: UInt64, threads: Int,
        layout: String
    ) {
        do {
            let answer = try store.run(statement, threads: threads)
            let expected = try ReferenceEvaluator.run(statement, world)
            if let difference = ReferenceEvaluator.difference(answer, expected) {
                Issue.record("seed \(seed), \(layout): \(difference)\n\(statement)\n\(world)\n\(answer.rows)")
            }
        } catch {
            Issue.record("seed \(seed), \(layout): \(error)\n\(statement)")
        }
    }
}
