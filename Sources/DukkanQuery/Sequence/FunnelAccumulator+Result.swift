package import DukkanFormat
import DukkanStorage
import Synchronization

extension FunnelAccumulator {
    /// What one value of the breakdown comes to.
    private struct Group {
        var value: Value
        var isOther = false
        var reached: [Int]
        var open: [Int]
        /// For each step from the second.
        var gaps: [GapSummary] = []
    }

    /// The answer in long form: `value, step, name, reached, dropped, open, from_start, from_previous, median_s,
    /// mean_s`; one row a value and step.
    ///
    /// Values by customers at step 1, most first, then ascending, null last; `other` after all.
    ///
    /// - Parameters:
    ///   - names: of the steps.
    ///   - values: the value of a code; not asked when there is no breakdown.
    ///   - valueType: of the breakdown.
    ///   - top: only that many values, by the count of the last step, stand alone.
    package func result(
        names: [String], valueType: ColumnType = .string, top: Int? = nil, values: (UInt32) -> Value = { _ in .null }
    ) -> QueryResult {
        let stepCount = plan.stepCount
        let slotCount = max(reached.count / stepCount, 1)
        let groupOfSlot = groupSlots(slotCount, top: top, values: values)
        var groups: [Group] = []
        for (group, slots) in groupOfSlot.slots.enumerated() {
            let isOther = group == groupOfSlot.other
            let value: Value = isOther ? .string("other") : slots.first.map { slotValue($0, values) } ?? .null
            groups.append(
                Group(
                    value: value, isOther: isOther, reached: sums(reached, slots), open: sums(open, slots)))
        }
        for summaries in gapSummaries(groupOfSlot.group, groupCount: groups.count) {
            for group in groups.indices { groups[group].gaps.append(summaries[group]) }
        }
        var rows: [[Value]] = []
        for place in FunnelAccumulator.order(of: groups) { appendRows(of: groups[place], names, &rows) }
        return QueryResult(columns: FunnelAccumulator.columns(valueType), rows: rows, shape: .funnel)
    }

    /// The places of groups in the order of the answer.
    private static func order(of groups: [Group]) -> [Int] {
        let counts = groups.map { $0.reached.reduce(0, +) }
        return Array(groups.indices).inOrder { a, b in
            if groups[a].isOther != groups[b].isOther { return groups[b].isOther }
            if counts[a] != counts[b] { return counts[a] > counts[b] }
            return ValueOrdering.precedes(groups[a].value, groups[b].value)
        }
    }

    private static func columns(_ valueType: ColumnType) -> [QueryResult.Column] {
        [
            .init("value", valueType), .init("step", .int), .init("name", .string), .init("reached", .int),
            .init("dropped", .int), .init("open", .int), .init("from_start", .double),
            .init("from_previous", .double), .init("median_s", .double), .init("mean_s", .double),
        ]
    }

    private func slotValue(_ slot: Int, _ values: (UInt32) -> Value) -> Value {
        slot == 0 ? .null : values(UInt32(slot - 1))
    }

    /// Which slots form which row group, and the group of each slot (-1: nobody).
    ///
    /// Without a breakdown there is always one group.
    private func groupSlots(
        _ slotCount: Int, top: Int?, values: (UInt32) -> Value
    ) -> (slots: [[Int]], group: [Int], other: Int?) {
        var group = [Int](repeating: -1, count: slotCount)
        guard plan.attribution != nil else {
            group[0] = 0
            return (slots: [[0]], group: group, other: nil)
        }
        let stepCount = plan.stepCount
        let used = (0..<slotCount).filter { slot in
            (0..<stepCount).contains {
                slot * stepCount + $0 < reached.count && reached.base[slot * stepCount + $0] > 0
            }
        }
        var slots = used.map { [$0] }
        var other: Int?
        if let top, used.count > top {
            let ranked = used.map { ($0, slotValue($0, values)) }.inOrder { a, b in
                let from = reached.base[a.0 * stepCount + stepCount - 1]
                let to = reached.base[b.0 * stepCount + stepCount - 1]
                return from != to ? from > to : ValueOrdering.precedes(a.1, b.1)
            }
            slots = ranked.prefix(top).map { [$0.0] } + [ranked.dropFirst(top).map { $0.0 }]
            other = slots.count - 1
        }
        for (at, members) in slots.enumerated() {
            for slot in members { group[slot] = at }
        }
        return (slots: slots, group: group, other: other)
    }

    private func sums(_ counts: GrowableBuffer<Int>, _ slots: [Int]) -> [Int] {
        var sums = [Int](repeating: 0, count: plan.stepCount)
        for slot in slots {
            for level in 0..<plan.stepCount where slot * plan.stepCount + level < counts.count {
                sums[level] += counts.base[slot * plan.stepCount + level]
            }
        }
        return sums
    }

    /// For each step from the second and each group what its gaps come to, found by as many threads as there were workers.
    private func gapSummaries(_ groupOfSlot: [Int], groupCount: Int) -> [[GapSummary]] {
        let workers = [self] + merged
        if plan.attribution != nil {
            let steps = (0..<gaps.count).map { step in
                workers.map {
                    (UnsafeBufferPointer($0.gaps.base[step]), UnsafeBufferPointer($0.gapSlots.base[step]))
                }
            }
            return GroupedGaps(steps, groupCount: groupCount).summaries(groupOfSlot)
        }
        let summaries = Guarded([[GapSummary]](repeating: [], count: gaps.count))
        let entryCount = workers.reduce(0) { total, worker in
            (0..<gaps.count).reduce(total) { $0 + worker.gaps.base[$1].count }
        }
        let threads = entryCount < GroupedGaps.parallelCountMin ? 1 : workers.count
        Parallel.run(gaps.count, threads: threads) { step in
            let own = GapSummary(workers.map { UnsafeBufferPointer($0.gaps.base[step]) })
            summaries.withLock { $0[step] = [own] }
        }
        return summaries.withLock { $0 }
    }

    private func appendRows(of group: Group, _ names: [String], _ rows: inout [[Value]]) {
        let stepCount = plan.stepCount
        // Customers who reached at least each level.
        var reached = group.reached
        for level in stride(from: stepCount - 2, through: 0, by: -1) { reached[level] += reached[level + 1] }
        for step in 0..<stepCount {
            let isLast = step == stepCount - 1
            let gaps = step == 0 ? nil : group.gaps[step - 1]
            let median = gaps?.median.map { Value.double($0) } ?? .null
            let mean = gaps?.mean.map { Value.double($0) } ?? .null
            rows.append([
                group.value, .int(Int128(step + 1)), .string(step < names.count ? names[step] : "\(step + 1)"),
                .int(Int128(reached[step])), .int(Int128(isLast ? 0 : group.reached[step] - group.open[step])),
                .int(Int128(isLast ? 0 : group.open[step])), fraction(reached[step], of: reached[0]),
                step == 0 ? .null : fraction(reached[step], of: reached[step - 1]), median, mean,
            ])
        }
    }

    private func fraction(_ part: Int, of whole: Int) -> Value {
        whole == 0 ? .null : .double(Double(part) / Double(whole))
    }
}
