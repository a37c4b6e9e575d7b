/// Mean and median of the time from one step to the next, seconds.
struct GapSummary: Sendable {
    private(set) var mean: Double?
    private(set) var median: Double?

    init(_ parts: [UnsafeBufferPointer<Int64>]) {
        let quantile = ExactQuantile(parts)
        guard quantile.count > 0 else { return }
        mean = Double(quantile.sum) / Double(quantile.count) / 1e6
        median = quantile.interpolated(0.5).map { $0 / 1e6 }
    }

    /// The summary of each group of slots.
    ///
    /// - Parameters:
    ///   - parts: times, and the slot of each.
    ///   - groupOfSlot: the group of each slot.
    static func grouped(
        _ parts: [(times: UnsafeBufferPointer<Int64>, slots: UnsafeBufferPointer<UInt32>)], _ groupOfSlot: [Int],
        groupCount: Int
    ) -> [GapSummary] {
        var ends = [Int](repeating: 0, count: groupCount)
        for part in parts {
            for i in 0..<part.slots.count { ends[groupOfSlot[Int(part.slots[i])]] += 1 }
        }
        var total = 0
        for group in 0..<groupCount {
            total += ends[group]
            ends[group] = total
        }
        // The times of a group lie together, written from its end on down.
        return withUnsafeTemporaryAllocation(of: Int64.self, capacity: max(total, 1)) { copy in
            var next = ends
            for part in parts {
                for i in 0..<part.times.count {
                    let group = groupOfSlot[Int(part.slots[i])]
                    next[group] -= 1
                    copy[next[group]] = part.times[i]
                }
            }
            return (0..<groupCount).map { group in
                GapSummary([UnsafeBufferPointer(rebasing: copy[next[group]..<ends[group]])])
            }
        }
    }
}
