import DukkanFormat
import Testing

@testable import DukkanQuery

/// The reference of funnels with options and the older one of plain funnels, written apart, give the same answers.
@Suite struct ReferenceAgreementTests {
    #if DEBUG || DUKKAN_SANITIZED
    private static let pairs = 400
    #else
    private static let pairs = 6_000
    #endif

    @Test func `plain funnels mean the same to both references`() throws {
        for pair in 0..<Self.pairs {
            let times = [0..<3, 0..<8, 0..<30, 5..<6][pair % 4].map { Int64($0) }
            var generator = ReferenceGenerator(seed: UInt64(pair))
            let world = generator.world(customerCountMax: 4, rowCountMax: pair % 8 == 0 ? 8 : 6, times: times)
            let query = generator.funnel(times: times)
            let difference = ReferenceEvaluator.difference(
                try ReferenceFunnelOptions(query, world).result(), try ReferenceFunnel(query, world).result())
            guard let difference else { continue }
            Issue.record("seed \(pair): \(difference)\n\(query)\n\(world)")
            return
        }
    }

    /// Options that say nothing change nothing: an exclusion that no row meets, a gap without end, a preset's window.
    @Test func `options without effect have none`() throws {
        for pair in 0..<Self.pairs / 4 {
            let times = [0..<3, 0..<8, 0..<30][pair % 3].map { Int64($0) }
            var generator = ReferenceGenerator(seed: UInt64(90_000 + pair))
            let world = generator.world(customerCountMax: 4, rowCountMax: 6, times: times)
            var query = generator.funnel(times: times)
            let expected = try ReferenceFunnel(query, world).result()
            if query.steps.count > 1 {
                let nobody = Expression.binary(.equal, .column(ColumnName("kind")), .literal(.string("nobody")))
                query.exclusions = [
                    FunnelQuery.Exclusion(Step(in: query.steps[0].table, where: nobody), scope: .customer)
                ]
                query.steps[1].gapMax = .max
            }
            if query.window == nil { query.session = .literal(.int(1)) }
            let difference = ReferenceEvaluator.difference(
                try ReferenceFunnelOptions(query, world).result(), expected)
            guard let difference else { continue }
            Issue.record("seed \(pair): \(difference)\n\(query)\n\(world)")
            return
        }
    }
}
