import DukkanFormat
import DukkanStorage
import DukkanTime
import Testing

@testable import DukkanQuery

/// Retention with options, lifecycle, stickiness and paths on real stores, in several parts and compacted, against the
/// reference evaluator; options are drawn pairwise, worlds are small and full of ties.
///
/// A failure prints the seed, the query and the shrunken world.
@Suite struct ActivityCampaignTests {
    #if DEBUG || DUKKAN_SANITIZED
    private static let worldsPerPart = 2
    #else
    private static let worldsPerPart = 50
    #endif
    private static let partCount = 16
    /// Of each world, in each of two layouts.
    private static let queriesPerWorld = 24

    @Test(arguments: 0..<partCount)
    func answersAreThoseOfTheDefinition(part: Int) throws {
        var counts: [String: Int] = [:]
        for number in 0..<ActivityCampaignTests.worldsPerPart {
            try check(world: number * ActivityCampaignTests.partCount + part, &counts)
        }
        for name in ["retention", "lifecycle", "stickiness", "paths"] {
            #expect(counts["telling " + name, default: 0] * 6 > counts[name, default: 0])
        }
        print("part \(part): \(counts.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" })")
    }

    /// Every pair of options that has a meaning has its turn in the draws of a release run.
    @Test func everyPairOfOptionsIsDrawn() {
        for (factors, isAllowed) in [
            (ActivityOptions.retention, ActivityOptions.isRetention), (ActivityOptions.lifecycle, { _ in true }),
            (ActivityOptions.stickiness, { _ in true }), (ActivityOptions.paths, { _ in true }),
        ] as [(OptionFactors, ([Int]) -> Bool)] {
            var covered: Set<OptionFactors.Pair> = []
            var refused: Set<OptionFactors.Pair> = []
            var random = SeededGenerator(seed: 1)
            for number in 0..<factors.pairs.count {
                let levels = factors.draw(number, &random, where: isAllowed)
                if isAllowed(levels) {
                    covered.formUnion(factors.pairs(of: levels))
                } else {
                    refused.insert(factors.pairs[number])
                }
            }
            #expect(covered.count + refused.count == factors.pairs.count)
            #expect(covered.isDisjoint(with: refused))
            // Nearly all pairs have a meaning: few are refused by name.
            #expect(refused.count * 40 < factors.pairs.count)
        }
    }

    private func check(world number: Int, _ counts: inout [String: Int]) throws {
        let seed = UInt64(number)
        var random = SeededGenerator(seed: seed &+ 991)
        let base = try #require(ISO8601.parseTime("2024-10-24")).microseconds
        let times = ActivityOptions.times(seed: seed, &random, from: base)
        let world = ActivityOptions.world(times: times, &random)
        let commits = Int(seed % 4) + 1
        let store = try EngineStore()
        try store.fill(world, commits: commits, random: &random)
        let options = ActivityOptions(times: times)
        for layout in 0..<2 {
            if layout == 1 { _ = try store.core.compact() }
            for query in 0..<ActivityCampaignTests.queriesPerWorld {
                let turn = (number * 2 + layout) * ActivityCampaignTests.queriesPerWorld + query
                let (name, statement, isRefused) = ActivityCampaignTests.statement(turn, options, &random)
                counts[isRefused ? "refused" : name, default: 0] += 1
                if isRefused {
                    checkRefusal(statement, store, seed: seed)
                } else {
                    let isTelling = compare(
                        statement, world, store, threads: 1 + query % 2, "seed \(seed), layout \(layout)")
                    if isTelling { counts["telling " + name, default: 0] += 1 }
                }
            }
        }
    }

    private static func statement(
        _ turn: Int, _ options: ActivityOptions, _ random: inout SeededGenerator
    ) -> (name: String, statement: Statement, isRefused: Bool) {
        let number = turn / 12
        switch turn % 12 {
        case 0:
            let levels = ActivityOptions.lifecycle.draw(number, &random)
            return ("lifecycle", .lifecycle(options.lifecycle(levels, &random)), false)
        case 1, 2:
            let levels = ActivityOptions.stickiness.draw(number * 2 + turn % 12 - 1, &random)
            return ("stickiness", .stickiness(options.stickiness(levels, &random)), false)
        case 3, 4, 5:
            let levels = ActivityOptions.paths.draw(number * 3 + turn % 12 - 3, &random)
            return ("paths", .paths(options.paths(levels, &random)), false)
        default:
            let levels = ActivityOptions.retention.draw(
                number * 6 + turn % 12 - 6, &random, where: ActivityOptions.isRetention)
            return (
                "retention", .retention(options.retention(levels, &random)), !ActivityOptions.isRetention(levels)
            )
        }
    }

    // MARK: Comparing

    private static func expected(_ statement: Statement, _ world: ReferenceWorld) throws -> QueryResult {
        switch statement {
        case .retention(let query): try ReferenceRetentionOptions(query, world).result()
        case .lifecycle(let query): try ReferenceLifecycle(query: query, world: world).result()
        case .stickiness(let query): try ReferenceStickiness(query: query, world: world).result()
        case .paths(let query): try ReferencePaths(query: query, world: world).result()
        default: throw ReferenceError("not a query of this campaign")
        }
    }

    /// Whether an answer says more than that nothing happened.
    private static func isTelling(_ statement: Statement, _ expected: QueryResult) -> Bool {
        guard case .retention = statement, let period = expected.columns.firstIndex(where: { $0.name == "period" }),
            let value = expected.columns.firstIndex(where: { $0.name == "value" })
        else { return !expected.rows.isEmpty }
        return expected.rows.contains { row in
            row[period] != .int(0) && ![.int(0), .double(0), .null].contains(row[value])
        }
    }

    private static func difference(
        _ statement: Statement, _ world: ReferenceWorld, _ store: EngineStore, threads: Int
    ) throws -> String? {
        try difference(statement, try expected(statement, world), store, threads: threads)
    }

    private static func difference(
        _ statement: Statement, _ expected: QueryResult, _ store: EngineStore, threads: Int
    ) throws -> String? {
        let answer = try store.run(statement, threads: threads)
        guard answer.columns.map(\.name) == expected.columns.map(\.name) else {
            return "columns \(answer.columns.map(\.name)) instead of \(expected.columns.map(\.name))"
        }
        return ReferenceEvaluator.difference(rounded(answer), rounded(expected))
    }

    /// Sums that come out as nothing but rounding are nothing.
    private static func rounded(_ result: QueryResult) -> QueryResult {
        var result = result
        result.rows = result.rows.map { row in
            row.map { value in
                if case .double(let number) = value, abs(number) < 1e-12 { return .double(0) }
                return value
            }
        }
        return result
    }

    /// Records a difference; whether the answer is telling.
    private func compare(
        _ statement: Statement, _ world: ReferenceWorld, _ store: EngineStore, threads: Int, _ place: String
    ) -> Bool {
        do {
            let expected = try ActivityCampaignTests.expected(statement, world)
            let isTelling = ActivityCampaignTests.isTelling(statement, expected)
            guard
                let difference = try ActivityCampaignTests.difference(statement, expected, store, threads: threads)
            else { return isTelling }
            var last = difference
            let smaller = world.shrunken { world in
                var random = SeededGenerator(seed: 0)
                guard let store = try? EngineStore(), (try? store.fill(world, commits: 1, random: &random)) != nil,
                    let found = try? ActivityCampaignTests.difference(statement, world, store, threads: 1)
                else { return false }
                last = found
                return true
            }
            Issue.record("\(place): \(difference)\nshrunken: \(last)\n\(statement)\n\(smaller)")
            return isTelling
        } catch {
            Issue.record("\(place): \(error)\n\(statement)")
            return false
        }
    }

    private func checkRefusal(_ statement: Statement, _ store: EngineStore, seed: UInt64) {
        do {
            _ = try store.run(statement, threads: 1)
            Issue.record("seed \(seed): not refused: \(statement)")
        } catch let error as DukkanError {
            #expect(error.code == .invalidQuery)
        } catch {
            Issue.record("seed \(seed): \(error)")
        }
    }
}
