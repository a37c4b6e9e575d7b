import DukkanStorage

/// Times between steps that several workers found, brought together by groups of slots.
struct GroupedGaps {
    /// The times that one worker found of one step, and the slot of each.
    typealias Part = (times: UnsafeBufferPointer<Int64>, slots: UnsafeBufferPointer<UInt32>)

    /// Fewer times are looked into faster than threads wake up.
    static let parallelCountMin = 1 << 15
    /// Groups that a thread looks into at once.
    private static let groupsAtOnce = 8

    private let parts: [Part]
    /// The step of each part.
    private let stepOfPart: [Int]
    private let stepCount: Int
    private let groupCount: Int
    private let threads: Int

    /// - Parameters:
    ///   - steps: the parts of each step, ascending.
    ///   - groupCount: number of groups.
    init(_ steps: [[Part]], groupCount: Int) {
        parts = steps.flatMap { $0 }
        stepOfPart = steps.indices.flatMap { [Int](repeating: $0, count: steps[$0].count) }
        stepCount = steps.count
        self.groupCount = groupCount
        let count = parts.reduce(0) { $0 + $1.times.count }
        threads = count < GroupedGaps.parallelCountMin ? 1 : steps.map(\.count).max() ?? 1
    }

    /// What the times of each step and group come to.
    ///
    /// O(times), shared by as many threads as there were workers.
    ///
    /// - Parameter groupOfSlot: the group of each slot; of slots that have no time, anything.
    func summaries(_ groupOfSlot: [Int]) -> [[GapSummary]] {
        let cellCount = stepCount * groupCount
        let summaries = groupOfSlot.withUnsafeBufferPointer { groupOfSlot in
            withUnsafeTemporaryAllocation(of: Int.self, capacity: max(parts.count * groupCount, 1)) { next in
                withUnsafeTemporaryAllocation(of: Int.self, capacity: cellCount + 1) { starts in
                    count(groupOfSlot, next)
                    place(next, starts)
                    return withUnsafeTemporaryAllocation(of: Int64.self, capacity: max(starts[cellCount], 1)) { times in
                        scatter(groupOfSlot, next, times)
                        return summarize(times, starts)
                    }
                }
            }
        }
        return (0..<stepCount).map { Array(summaries[$0 * groupCount..<($0 + 1) * groupCount]) }
    }

    /// Counts the times of each part by group.
    private func count(_ groupOfSlot: UnsafeBufferPointer<Int>, _ counts: UnsafeMutableBufferPointer<Int>) {
        nonisolated(unsafe) let parts = parts, groupOfSlot = groupOfSlot, counts = counts
        let groupCount = groupCount
        Parallel.run(parts.count, threads: threads) { part in
            let own = UnsafeMutableBufferPointer(rebasing: counts[part * groupCount..<(part + 1) * groupCount])
            own.initialize(repeating: 0)
            for slot in parts[part].slots { own[groupOfSlot[Int(slot)]] &+= 1 }
        }
    }

    /// Turns counts into the place where the times of a part and group begin, and writes down where those of each step and
    /// group do: one behind the other.
    private func place(_ counts: UnsafeMutableBufferPointer<Int>, _ starts: UnsafeMutableBufferPointer<Int>) {
        var total = 0, firstPart = 0
        for step in 0..<stepCount {
            var endPart = firstPart
            while endPart < parts.count && stepOfPart[endPart] == step { endPart += 1 }
            for group in 0..<groupCount {
                starts.initializeElement(at: step * groupCount + group, to: total)
                for part in firstPart..<endPart {
                    let count = counts[part * groupCount + group]
                    counts[part * groupCount + group] = total
                    total += count
                }
            }
            firstPart = endPart
        }
        starts.initializeElement(at: stepCount * groupCount, to: total)
    }

    /// Copies the times to where those of their step and group lie together.
    private func scatter(
        _ groupOfSlot: UnsafeBufferPointer<Int>, _ next: UnsafeMutableBufferPointer<Int>,
        _ times: UnsafeMutableBufferPointer<Int64>
    ) {
        nonisolated(unsafe) let parts = parts, groupOfSlot = groupOfSlot, next = next, times = times
        let groupCount = groupCount
        Parallel.run(parts.count, threads: threads) { part in
            let own = UnsafeMutableBufferPointer(rebasing: next[part * groupCount..<(part + 1) * groupCount])
            let from = parts[part]
            for i in 0..<from.times.count {
                let group = groupOfSlot[Int(from.slots[i])]
                times.initializeElement(at: own[group], to: from.times[i])
                own[group] &+= 1
            }
        }
    }

    private func summarize(
        _ times: UnsafeMutableBufferPointer<Int64>, _ starts: UnsafeMutableBufferPointer<Int>
    ) -> [GapSummary] {
        let cellCount = stepCount * groupCount
        return [GapSummary](unsafeUninitializedCapacity: cellCount) { summaries, initializedCount in
            nonisolated(unsafe) let times = UnsafeBufferPointer(times), starts = starts, summaries = summaries
            let atOnce = GroupedGaps.groupsAtOnce
            Parallel.run((cellCount + atOnce - 1) / atOnce, threads: threads) { task in
                for cell in task * atOnce..<min((task + 1) * atOnce, cellCount) {
                    let own = UnsafeBufferPointer(rebasing: times[starts[cell]..<starts[cell + 1]])
                    summaries.initializeElement(at: cell, to: GapSummary([own]))
                }
            }
            initializedCount = cellCount
        }
    }
}
