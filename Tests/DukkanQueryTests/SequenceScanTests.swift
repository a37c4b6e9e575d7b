import DukkanFormat
import Testing

@testable import DukkanQuery

/// The fast scan over whole morsels against the exact evaluation customer by customer, on customers with many rows.
@Suite struct SequenceScanTests {
    private struct Case {
        var plan: FunnelPlan
        var customers: [[SequenceMorsel.Row]]

        init(seed: UInt64) throws {
            var random = SeededGenerator(seed: seed)
            let stepCount = [1, 2, 3, 4, 8, 9, 32][Int(seed % 7)]
            let window: Int64? = seed % 5 == 0 ? nil : Int64.random(in: 0...400, using: &random)
            let ties: [FunnelQuery.Ties] = [.favourable, .recorded, .increasing]
            plan = try FunnelPlan(
                stepCount: stepCount, window: window, ties: ties[Int(seed / 7 % 3)],
                asOf: Int64.random(in: 0...4_000, using: &random))
            // From hardly any row at the time of another to nearly all.
            let gapMax: Int64 = [60, 12, 2][Int(seed / 3 % 3)]
            let density = Int.random(in: 1...9, using: &random)
            customers = (0..<Int.random(in: 1...60, using: &random)).map { _ in
                var time = Int64.random(in: 0...50, using: &random)
                let count = Int.random(in: 0...[3, 20, 300][Int.random(in: 0..<3, using: &random)], using: &random)
                return (0..<count).map { _ in
                    time += Int64.random(in: 0...gapMax, using: &random)
                    var mask: UInt32 = 0
                    if Int.random(in: 0..<10, using: &random) < density {
                        mask = 1 << UInt32.random(in: 0..<UInt32(stepCount), using: &random)
                        if Int.random(in: 0..<10, using: &random) == 0 {
                            mask |= 1 << UInt32.random(in: 0..<UInt32(stepCount), using: &random)
                        }
                    }
                    return SequenceMorsel.Row(time: time, mask: mask)
                }
            }
        }

        /// Step, customers, open ones and mean gap, one customer after the other.
        func expected() -> [[Value]] {
            var machine = FunnelMachine(plan)
            defer { machine.deallocate() }
            let count = plan.stepCount
            var reached = [Int](repeating: 0, count: count), open = reached
            var gaps = [[Int64]](repeating: [], count: count)
            for customer in customers {
                let rows = customer.filter { $0.mask != 0 }
                machine.run(rows.map(\.time), rows.map(\.mask), count: rows.count)
                guard machine.level > 0 else { continue }
                for step in 0..<machine.level { reached[step] += 1 }
                if machine.level < count && plan.isOpen(start: machine.latestStart) { open[machine.level - 1] += 1 }
                for step in 1..<machine.level { gaps[step].append(machine.reported[step] - machine.reported[step - 1]) }
            }
            return (0..<count).map { step in
                let sorted = gaps[step].sorted()
                let middle = Double(sorted.dropFirst((sorted.count - 1) / 2).first ?? 0)
                let median = (middle + Double(sorted.dropFirst(sorted.count / 2).first ?? 0)) / 2 / 1e6
                return [
                    .int(Int128(reached[step])), .int(Int128(open[step])), sorted.isEmpty ? .null : .double(median),
                ]
            }
        }
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func theScanFindsWhatTheExactEvaluationFinds(part: UInt64) throws {
        for number in 0..<60 {
            let seed = part * 1_000 + UInt64(number)
            let funnel = try Case(seed: seed)
            let morsel = SequenceMorsel(tables: [funnel.customers])
            let result = morsel.funnel(
                funnel.plan, workers: 1 + number % 2, customersPerCall: number % 3 == 0 ? 7 : .max,
                bytes: funnel.plan.stepCount <= 8 && number % 4 != 0
            ).result(names: [])
            let found = QueryResult(
                columns: [.init("reached", .int), .init("open", .int), .init("median_s", .double)],
                rows: result.rows.map { [$0[3], $0[5], $0[8]] })
            let expected = QueryResult(columns: found.columns, rows: funnel.expected())
            let difference = ReferenceEvaluator.difference(found, expected)
            #expect(difference == nil, "seed \(seed): \(funnel.plan)")
            if difference != nil { return }
        }
    }

    @Test(arguments: 0..<6 as Range<UInt64>)
    func customersInPiecesCountAsThoseInOne(part: UInt64) throws {
        for number in 0..<60 {
            let seed = part * 1_000 + UInt64(number)
            let funnel = try Case(seed: seed)
            var random = SeededGenerator(seed: seed)
            let attributions: [FunnelQuery.Attribution?] = [nil, .first, .last, .stepFirst(funnel.plan.stepCount - 1)]
            let plan = try FunnelPlan(
                stepCount: funnel.plan.stepCount, window: funnel.plan.window, ties: funnel.plan.ties,
                asOf: funnel.plan.asOf, attribution: attributions[number % 4])
            let customers = funnel.customers.map { rows in
                rows.map { row in
                    var row = row
                    row.value = [0, 1, 2, SequenceRows.nullCode][Int.random(in: 0..<4, using: &random)]
                    return row
                }
            }
            let morsel = SequenceMorsel(tables: [customers])
            let bytes = plan.stepCount <= 8 && number % 3 != 0
            let longest = [1, 5, 100][number % 3]
            let pieces = morsel.funnel(plan, pieceRowCounts: { .random(in: 1...longest, using: &random) }, bytes: bytes)
            let found = pieces.result(names: [], values: { .int(Int128($0)) })
            let expected = morsel.funnel(plan, bytes: bytes).result(names: [], values: { .int(Int128($0)) })
            #expect(found.rows == expected.rows, "seed \(seed): \(plan)")
            if found.rows != expected.rows { return }
        }
    }
}
