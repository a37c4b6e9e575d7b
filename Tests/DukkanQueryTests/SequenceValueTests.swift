import DukkanFormat
import Testing

@testable import DukkanQuery

/// One pass for all values that a step's rows carry against the exact evaluation value by value, on customers of many rows.
@Suite struct SequenceValueTests {
    #if DEBUG || DUKKAN_SANITIZED
    private static let rowCountMax = 400
    #else
    private static let rowCountMax = 3_000
    #endif

    private struct Case {
        var plan: FunnelPlan
        var step: Int
        var tables: [[[SequenceMorsel.Row]]]

        init(seed: UInt64) throws {
            var random = SeededGenerator(seed: seed)
            let stepCount = [1, 2, 2, 3, 5, 9, 32][Int(seed % 7)]
            step = Int.random(in: 0..<stepCount, using: &random)
            let ties: [FunnelQuery.Ties] = [.favourable, .recorded, .increasing]
            plan = try FunnelPlan(
                stepCount: stepCount, window: seed % 5 == 0 ? nil : Int64.random(in: 0...400, using: &random),
                ties: ties[Int(seed / 7 % 3)], asOf: Int64.random(in: 0...4_000, using: &random),
                attribution: .step(step))
            let valueCountMax = UInt32([1, 4, 40, 3_000][Int(seed / 21 % 4)])
            let gapMax: Int64 = [60, 12, 2][Int(seed / 3 % 3)]
            let hasSeveralSteps = seed % 2 == 0
            let tableCount = stepCount == 1 ? 1 : 1 + Int(seed / 2 % 2)
            let counts = (0..<Int.random(in: 1...4, using: &random)).map { _ in
                Int.random(
                    in: 0...[30, 300, SequenceValueTests.rowCountMax][Int.random(in: 0..<3, using: &random)],
                    using: &random)
            }
            tables = (0..<tableCount).map { t in
                // Each step is of one table.
                let steps = (0..<UInt32(stepCount)).filter { Int($0) % tableCount == t }
                return counts.map { count in
                    var time = Int64.random(in: 0...50, using: &random)
                    return (0..<count).map { _ in
                        time += Int64.random(in: 0...gapMax, using: &random)
                        var mask: UInt32 = 1 << steps[Int.random(in: 0..<steps.count, using: &random)]
                        if hasSeveralSteps, Int.random(in: 0..<10, using: &random) == 0 {
                            mask |= 1 << steps[Int.random(in: 0..<steps.count, using: &random)]
                        }
                        let value = UInt32.random(in: 0...valueCountMax, using: &random)
                        return SequenceMorsel.Row(
                            time: time, mask: mask, value: value == valueCountMax ? SequenceRows.nullCode : value)
                    }
                }
            }
        }

        /// Value, step, customers, open ones and median gap, each customer and value on its own.
        func expected() -> Set<[Value]> {
            var machine = FunnelMachine(plan)
            defer { machine.deallocate() }
            let count = plan.stepCount
            var reached: [UInt32: [Int]] = [:], open = reached, gaps: [UInt32: [[Int64]]] = [:]
            for customer in tables[0].indices {
                let rows = tables.indices.flatMap { t in tables[t][customer].map { (t, $0) } }.enumerated().sorted {
                    ($0.element.1.time, $0.element.0, $0.offset) < ($1.element.1.time, $1.element.0, $1.offset)
                }.map(\.element.1)
                for value in Set(rows.lazy.filter { $0.mask & 1 << UInt32(step) != 0 }.map(\.value)) {
                    let own = rows.compactMap { row -> SequenceMorsel.Row? in
                        var row = row
                        if row.value != value { row.mask &= ~(1 << UInt32(step)) }
                        return row.mask == 0 ? nil : row
                    }
                    machine.run(own.map(\.time), own.map(\.mask), count: own.count)
                    guard machine.level > step else { continue }
                    for level in 0..<machine.level {
                        reached[value, default: Array(repeating: 0, count: count)][level] += 1
                    }
                    if machine.level < count && plan.isOpen(start: machine.latestStart) {
                        open[value, default: Array(repeating: 0, count: count)][machine.level - 1] += 1
                    }
                    for level in 1..<machine.level {
                        gaps[value, default: Array(repeating: [], count: count)][level].append(
                            machine.reported[level] - machine.reported[level - 1])
                    }
                }
            }
            return reached.reduce(into: []) { rows, entry in
                for level in 0..<count {
                    let sorted = gaps[entry.key]?[level].sorted() ?? []
                    let middle = Double(sorted.dropFirst((sorted.count - 1) / 2).first ?? 0)
                    let median = (middle + Double(sorted.dropFirst(sorted.count / 2).first ?? 0)) / 2 / 1e6
                    let value: Value = entry.key == SequenceRows.nullCode ? .null : .int(Int128(entry.key))
                    rows.insert([
                        value, .int(Int128(level + 1)), .int(Int128(entry.value[level])),
                        .int(Int128(open[entry.key]?[level] ?? 0)), sorted.isEmpty ? .null : .double(median),
                    ])
                }
            }
        }
    }

    @Test(arguments: 0..<12 as Range<UInt64>)
    func allValuesAtOnceAreThoseOfEachAlone(part: UInt64) throws {
        for number in 0..<42 {
            let seed = part * 1_000 + UInt64(number)
            let funnel = try Case(seed: seed)
            let result = SequenceMorsel(tables: funnel.tables).funnel(
                funnel.plan, workers: 1 + number % 2, customersPerCall: number % 3 == 0 ? 1 : .max,
                bytes: funnel.plan.stepCount <= 8 && number % 4 != 0
            ).result(names: [], valueType: .int, values: { .int(Int128($0)) })
            let found = Set(result.rows.map { [$0[0], $0[1], $0[3], $0[5], $0[8]] })
            let isRight = found == funnel.expected()
            #expect(isRight, "seed \(seed): \(funnel.plan)")
            if !isRight { return }
        }
    }
}
