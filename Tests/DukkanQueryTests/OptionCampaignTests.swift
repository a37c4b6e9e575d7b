import DukkanFormat
import DukkanStorage
import DukkanTime
import Foundation
import Synchronization
import Testing

@testable import DukkanQuery

/// Funnels with options, drawn pairwise, on real stores against the reference evaluator.
///
/// A failure prints the seed and the smallest world and query found that still fail. `DUKKAN_CAMPAIGN` sets how many
/// pairs of data and query are asked.
@Suite struct OptionCampaignTests {
    private static let parts = 0..<16
    private static let queriesPerWorld = 48
    #if DEBUG || DUKKAN_SANITIZED
    private static let pairsMin = 16 * 96
    #else
    private static let pairsMin = 64_000
    #endif
    private static let worldsPerPart: Int = {
        let asked = ProcessInfo.processInfo.environment["DUKKAN_CAMPAIGN"].flatMap { Int($0) }
        let perWorld = 2 * queriesPerWorld
        return ((asked ?? pairsMin) + parts.count * perWorld - 1) / (parts.count * perWorld)
    }()

    @Test(arguments: parts)
    func `funnels with options are those of the definition`(part: Int) throws {
        var options = PairwiseOptions()
        var tally = CampaignTally()
        for number in 0..<Self.worldsPerPart {
            let size = (customers: 12, rows: 7)
            try check(seed: UInt64(part * 1_000_000 + number), size, &tally) { kind, random in
                kind == .refused ? options.refused(using: &random) : options.next(using: &random)
            }
            if tally.failures >= 3 { break }
        }
        if Self.worldsPerPart >= 20 && tally.failures == 0 {
            #expect(options.leastCount >= 20, "a pair of options was drawn only \(options.leastCount) times")
        }
        tally.finish(of: Self.parts.count, "funnels with options", pairsOfLevels: options.pairCount)
    }

    /// The options that ``ChainSweep`` evaluates, on customers with more rows.
    @Test(arguments: parts)
    func `funnels that one pass may evaluate are those of the definition`(part: Int) throws {
        var tally = CampaignTally()
        for number in 0..<max(Self.worldsPerPart / 4, 1) {
            let size = (customers: 8, rows: [7, 14, 28][number % 3])
            try check(seed: UInt64(900_000_000 + part * 1_000_000 + number), size, &tally) { _, random in
                OptionRow.ofOnePass(using: &random)
            }
            if tally.failures >= 3 { break }
        }
        // Both ways must have been taken: the pass over all customers, and what it leaves.
        let taken = ChainSweep.taken.load(ordering: .relaxed), left = ChainSweep.left.load(ordering: .relaxed)
        let isLong = Self.worldsPerPart >= 20
        #expect(taken > (isLong ? tally.pairs : 0), "one pass evaluated only \(taken) customers")
        #expect(left > 0 || !isLong, "no customer took more than a pass")
        tally.finish(of: Self.parts.count, "funnels of one pass")
    }

    private enum RowKind { case allowed, refused }

    private func check(
        seed: UInt64, _ size: (customers: Int, rows: Int), _ tally: inout CampaignTally,
        _ next: (RowKind, inout SeededGenerator) -> OptionRow
    ) throws {
        let base = try #require(ISO8601.parseTime("2024-10-20")).microseconds
        let step: Int64 = [1, 1_200_000_000, 40_000_000_000, 250_000_000_000][Int(seed % 4)]
        let times = (0..<[3, 8, 30][Int(seed / 4 % 3)]).map { base + Int64($0) * step }
        var generator = OptionGenerator(seed: seed, times: times)
        let world = generator.world(customerCountMax: size.customers, rowCountMax: size.rows)
        let store = try EngineStore()
        try store.fill(world, commits: Int(seed % 5) + 1, random: &generator.random)
        for layout in ["parts", "compacted"] {
            if layout == "compacted" { _ = try store.core.compact() }
            for number in 0..<Self.queriesPerWorld {
                let threads = 1 + number % 2
                if number % 16 == 15 {
                    refuse(next(.refused, &generator.random), &generator, store, seed: seed, &tally)
                    continue
                }
                let row = next(.allowed, &generator.random)
                let query = generator.funnel(row)
                tally.add(row)
                guard let difference = difference(query, world, store, threads: threads) else { continue }
                tally.failures += 1
                var shrinking = CampaignShrinking(query: query, world: world, threads: threads)
                shrinking.run()
                Issue.record(
                    """
                    seed \(seed), \(layout): \(difference)
                    smallest: \(shrinking.difference)
                    \(shrinking.query)
                    \(shrinking.world)
                    """)
                if tally.failures >= 3 { return }
            }
        }
    }

    private func difference(
        _ query: FunnelQuery, _ world: ReferenceWorld, _ store: EngineStore, threads: Int
    ) -> String? {
        do {
            let answer = try store.run(.funnel(query), threads: threads)
            return ReferenceEvaluator.difference(answer, try ReferenceEvaluator.run(.funnel(query), world))
        } catch {
            return "\(error)"
        }
    }

    /// What the table of combinations refuses must be refused, by name.
    private func refuse(
        _ asked: OptionRow, _ generator: inout OptionGenerator, _ store: EngineStore, seed: UInt64,
        _ tally: inout CampaignTally
    ) {
        let query = generator.funnel(asked)
        var row = asked
        // An exclusion from the first to the last step is the plain form.
        if row[.exclusion] == 4, query.steps.count == 2 { row[.exclusion] = 1 }
        guard row.isRefused else { return }
        tally.refused += 1
        do {
            let answer = try store.run(.funnel(query), threads: 1)
            tally.failures += 1
            Issue.record("seed \(seed): not refused: \(row.names)\n\(query)\n\(answer.rows)")
        } catch let error as DukkanError {
            #expect(error.code == .invalidQuery, "\(error)")
            #expect(
                error.message.contains("has no meaning") || error.message.contains("needs WITHIN")
                    || error.message.contains("MEASURING is for"), "\(error)")
        } catch {
            Issue.record("\(error)")
        }
    }

    /// Conditions on customers of every kind, asked through a funnel and through deciles.
    @Test(arguments: parts)
    func `segments are those of the definition`(part: Int) throws {
        var tally = CampaignTally()
        let base = try #require(ISO8601.parseTime("2024-10-20")).microseconds
        for number in 0..<max(Self.worldsPerPart / 4, 1) {
            let seed = UInt64(500_000_000 + part * 1_000_000 + number)
            let step: Int64 = [1_200_000_000, 40_000_000_000, 250_000_000_000][number % 3]
            let times = (0..<[8, 30][number % 2]).map { base + Int64($0) * step }
            var generator = OptionGenerator(seed: seed, times: times)
            let world = generator.world(customerCountMax: 12, rowCountMax: 7)
            let store = try EngineStore()
            try store.fill(world, commits: number % 4 + 1, random: &generator.random)
            for query in 0..<Self.queriesPerWorld {
                let condition = generator.condition()
                var funnel = FunnelQuery([
                    Step("first", in: "events"), Step("second", in: "orders", where: generator.filter()),
                ])
                funnel.options.segment = condition
                if query % 3 == 0 { funnel.options.asOf = generator.instant() }
                tally.add([OptionGenerator.name(condition)])
                guard let difference = difference(funnel, world, store, threads: 1 + query % 2) else { continue }
                tally.failures += 1
                var shrinking = CampaignShrinking(query: funnel, world: world, threads: 1 + query % 2)
                shrinking.run()
                Issue.record(
                    """
                    seed \(seed): \(difference)
                    smallest: \(shrinking.difference)
                    \(shrinking.query)
                    \(shrinking.world)
                    """)
                if tally.failures >= 3 { break }
            }
            if tally.failures >= 3 { break }
        }
        tally.finish(of: Self.parts.count, "segments")
    }
}
