import Testing

@testable import DukkanQuery

/// Means and medians of times in groups, as sorting tells them.
@Suite struct GroupedGapsTests {
    /// Times of one worker and step.
    private struct Part {
        var times: [Int64] = []
        var slots: [UInt32] = []
    }

    private static func parts(_ count: Int, slots: Int, _ random: inout SeededGenerator) -> Part {
        var part = Part()
        for _ in 0..<count {
            // Few and many different times, near and far apart.
            let time = Int64.random(in: 0...(Bool.random(using: &random) ? 9 : 1 << 50), using: &random)
            part.times.append(time)
            part.slots.append(UInt32.random(in: 0..<UInt32(slots), using: &random))
        }
        return part
    }

    private static func expected(_ times: [Int64]) -> (mean: Double?, median: Double?) {
        guard !times.isEmpty else { return (nil, nil) }
        let sorted = times.sorted()
        let low = sorted[(sorted.count - 1) / 2], high = sorted[sorted.count / 2]
        let sum = times.reduce(Int128(0)) { $0 + Int128($1) }
        return (
            Double(sum) / Double(times.count) / 1e6, (Double(low) + (Double(high) - Double(low)) * 0.5) / 1e6
        )
    }

    /// Below and above the number from which on several threads work; workers that found nothing; a group without times.
    @Test(arguments: [[0, 0], [40, 0, 3], [20_000, 30_000, 0], [GroupedGaps.parallelCountMin]])
    func timesComeTogetherByGroup(_ counts: [Int]) {
        var random = SeededGenerator(seed: UInt64(counts.reduce(1, +)))
        let slotCount = 40, groupCount = 7
        // No slot belongs to the last group.
        let groupOfSlot = (0..<slotCount).map { $0 % (groupCount - 1) }
        let steps = (0..<3).map { step in
            counts.map { GroupedGapsTests.parts($0 / (step + 1), slots: slotCount, &random) }
        }
        let buffers = steps.map { parts in
            parts.map { part -> GroupedGaps.Part in
                let times = UnsafeMutableBufferPointer<Int64>.allocate(capacity: part.times.count)
                let slots = UnsafeMutableBufferPointer<UInt32>.allocate(capacity: part.slots.count)
                _ = times.initialize(from: part.times)
                _ = slots.initialize(from: part.slots)
                return (UnsafeBufferPointer(times), UnsafeBufferPointer(slots))
            }
        }
        defer {
            for part in buffers.joined() {
                part.times.deallocate()
                part.slots.deallocate()
            }
        }
        let summaries = GroupedGaps(buffers, groupCount: groupCount).summaries(groupOfSlot)
        #expect(summaries.count == 3 && summaries.allSatisfy { $0.count == groupCount })
        for (step, parts) in steps.enumerated() {
            var times = [[Int64]](repeating: [], count: groupCount)
            for part in parts {
                for (time, slot) in zip(part.times, part.slots) { times[groupOfSlot[Int(slot)]].append(time) }
            }
            for group in 0..<groupCount {
                let expected = GroupedGapsTests.expected(times[group])
                #expect(summaries[step][group].mean == expected.mean, "step \(step), group \(group)")
                #expect(summaries[step][group].median == expected.median, "step \(step), group \(group)")
            }
        }
    }
}
