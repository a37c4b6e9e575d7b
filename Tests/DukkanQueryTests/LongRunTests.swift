import Testing

@testable import DukkanQuery

/// Runs of rows that are long go through a machine that sees each row once; it finds what following each start finds.
@Suite struct LongRunTests {
    private struct Generator {
        var state: UInt64

        mutating func number(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
    }

    @Test func `a long run comes to what its starts come to`() throws {
        var generator = Generator(state: 7)
        for _ in 0..<4_000 {
            let stepCount = 2 + generator.number(3)
            var query = FunnelQuery((0..<stepCount).map { _ in Step(in: "events") })
            query.window = [nil, 0, 2, 5][generator.number(4)]
            query.ties = [.favourable, .increasing][generator.number(2)]
            let count = 1 + generator.number(12)
            let instants = [3, 12, 40][generator.number(3)]
            let times = (0..<count).map { _ in Int64(generator.number(instants)) }.sorted()
            let masks = (0..<count).map { _ in UInt32(1 + generator.number((1 << stepCount) - 1)) }
            try check(query, times, masks, asOf: Int64(instants), generator.number(count)..<count)
        }
    }

    private func check(
        _ query: FunnelQuery, _ times: [Int64], _ masks: [UInt32], asOf: Int64, _ starts: Range<Int>
    ) throws {
        // Starts of one time belong together, as those of one period do.
        let from = times.firstIndex(of: times[starts.lowerBound]) ?? 0
        let starts = from..<starts.upperBound
        let rules = ChainRules(query, asOf: asOf)
        var evaluator = ChainEvaluator(rules)
        defer { evaluator.deallocate() }
        var machine = try #require(ChainEvaluator.machine(rules))
        defer { machine.deallocate() }
        var links = ChainLinks()
        defer { links.deallocate() }
        let none: [Int64] = [0], noMask: [UInt32] = [0]
        times.withUnsafeBufferPointer { times in
            masks.withUnsafeBufferPointer { masks in
                none.withUnsafeBufferPointer { none in
                    noMask.withUnsafeBufferPointer { noMask in
                        let rows = ChainRows(
                            times: times.baseAddress!, masks: masks.baseAddress!, count: times.count,
                            exclusionTimes: none.baseAddress!, exclusionMasks: noMask.baseAddress!, exclusionCount: 0)
                        let expected = evaluator.run(rows, starts: starts)
                        evaluator.trace(rows, expected, into: &links)
                        let chain = (0..<expected.level).map { links.times[$0] }
                        let found = evaluator.runLong(rows, starts: starts, &machine)
                        evaluator.trace(rows, found, into: &links)
                        #expect(found.level == expected.level)
                        #expect(found.isOpen == expected.isOpen)
                        #expect((0..<found.level).map { links.times[$0] } == chain)
                    }
                }
            }
        }
    }
}
