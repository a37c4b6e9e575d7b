import DukkanFormat
import DukkanTime
import Testing

@testable import DukkanQuery

/// The kernels against the reference evaluator on random small worlds.
///
/// A failure prints the seed and the smallest world found that still fails.
@Suite struct SequenceAgainstReferenceTests {
    #if DEBUG || DUKKAN_SANITIZED
    private static let pairsPerPart = 60
    #else
    private static let pairsPerPart = 4_000
    #endif
    private static let parts = 0..<16

    private func difference(_ answer: () throws -> QueryResult, _ expected: () throws -> QueryResult) -> String? {
        do {
            return ReferenceEvaluator.difference(try answer(), try expected())
        } catch {
            return "\(error)"
        }
    }

    @Test(arguments: parts)
    func funnelsAreThoseOfTheDefinition(part: Int) throws {
        for pair in 0..<SequenceAgainstReferenceTests.pairsPerPart {
            let seed = UInt64(part * 1_000_000 + pair)
            var generator = ReferenceGenerator(seed: seed)
            let times = [0..<3, 0..<8, 0..<30, 5..<6][pair % 4].map { Int64($0) }
            let world = generator.world(customerCountMax: 4, rowCountMax: pair % 8 == 0 ? 9 : 6, times: times)
            let query = generator.funnel(times: times)
            let fails = { (world: ReferenceWorld) in
                let binding = SequenceBinding(
                    world: world, workers: 1 + pair % 3, customersPerCall: 1 + pair % 4, bytes: pair % 2 == 0,
                    longRowCount: pair / 2 % 2 == 0 ? 0 : FunnelAccumulator.longRowCount)
                return self.difference(
                    { try binding.run(query) }, { try ReferenceEvaluator.run(.funnel(query), world) })
            }
            guard fails(world) != nil else { continue }
            let small = world.shrunken { fails($0) != nil }
            Issue.record("seed \(seed): \(fails(small) ?? "")\n\(query)\n\(small)")
            return
        }
    }

    @Test(arguments: parts)
    func retentionIsThatOfTheDefinition(part: Int) throws {
        let base = try #require(ISO8601.parseTime("2024-10-20")).microseconds
        let zones = [nil, "Africa/Cairo", "America/New_York", "Asia/Kolkata"]
        for pair in 0..<SequenceAgainstReferenceTests.pairsPerPart / 8 {
            let seed = UInt64(part * 1_000_000 + pair)
            var generator = ReferenceGenerator(seed: seed)
            let period = Period.allCases[pair % 4]
            let step: Int64 = [1_200, 36_000, 250_000, 1_000_000][pair % 4] * 1_000_000
            let times = (0..<16).map { base + Int64($0) * step }
            let world = generator.world(customerCountMax: 5, rowCountMax: 10, times: times)
            let query = generator.retention(times: times, period: period, zone: zones[(pair / 4) % 4])
            let fails = { (world: ReferenceWorld) in
                let binding = SequenceBinding(world: world, workers: 1 + pair % 3, customersPerCall: 1 + pair % 4)
                return self.difference(
                    { try binding.run(query) }, { try ReferenceEvaluator.run(.retention(query), world) })
            }
            guard fails(world) != nil else { continue }
            let small = world.shrunken { fails($0) != nil }
            Issue.record("seed \(seed): \(fails(small) ?? "")\n\(query)\n\(small)")
            return
        }
    }
}
