import DukkanFormat

extension FunnelTally {
    /// A value of the breakdown, or all values past the largest.
    struct ValueGroup {
        var value: Value
        var isOther = false
        /// Slots of its values.
        var valueSlots: [Int]
        /// Units that entered.
        var entered = 0
    }

    /// What one line group, a value in a period, comes to.
    private struct Cell {
        var reached: [Int]
        var stopped: [Int]
        var open: [Int]
        var measured: Value = .null
    }

    /// The answer as the query wants it.
    ///
    /// - Parameter numberings: of the values.
    func result(_ numberings: ChainWorker.Numberings) -> QueryResult {
        let groups = valueGroups { numberings.values.value($0) }
        switch program.query.view {
        case .steps: return steps(groups)
        case .trends: return trends(groups)
        case .timeToConvert(_, _, let bins): return histogram(groups, bins)
        case .customers: return customers(groups)
        }
    }

    var valueType: ColumnType { program.valueType?.column ?? .string }

    // MARK: Values

    /// Values by units at step 1, most first, then ascending, null last; `other` after all.
    ///
    /// Without a breakdown there is always one group.
    private func valueGroups(_ values: (UInt32) -> Value) -> [ValueGroup] {
        let slotCount = stopped.count / stepCount / bucketCount
        guard hasValues else { return [ValueGroup(value: .null, valueSlots: slotCount > 0 ? [0] : [])] }
        var used: [ValueGroup] = []
        for slot in 0..<slotCount {
            let entered = count(stopped, slot, 0..<stepCount)
            guard entered > 0 else { continue }
            used.append(
                ValueGroup(value: slot == 0 ? .null : values(UInt32(slot - 1)), valueSlots: [slot], entered: entered))
        }
        if let top = program.query.breakdown?.top, used.count > top {
            let ranked = used.map { ($0, count(stopped, $0.valueSlots[0], stepCount - 1..<stepCount)) }.inOrder {
                a, b in
                a.1 != b.1 ? a.1 > b.1 : ValueOrdering.precedes(a.0.value, b.0.value)
            }
            let others = ranked.dropFirst(top).map(\.0)
            used = ranked.prefix(top).map(\.0)
            used.append(
                ValueGroup(
                    value: .string("other"), isOther: true, valueSlots: others.flatMap(\.valueSlots),
                    entered: others.reduce(0) { $0 + $1.entered }))
        }
        return used.inOrder { a, b in
            if a.isOther != b.isOther { return b.isOther }
            return a.entered != b.entered ? a.entered > b.entered : ValueOrdering.precedes(a.value, b.value)
        }
    }

    /// Units of a value slot over all periods that stopped at steps of a range.
    private func count(_ counts: GrowableBuffer<Int>, _ valueSlot: Int, _ steps: Range<Int>) -> Int {
        var total = 0
        for bucket in 0..<bucketCount {
            let at = (valueSlot * bucketCount + bucket) * stepCount
            for step in steps { total += counts.base[at + step] }
        }
        return total
    }

    /// The group of each slot of all periods, where each period has groups of its own.
    func groupOfSlot(_ groups: [ValueGroup]) -> [Int] {
        var groupOfSlot = [Int](repeating: 0, count: stopped.count / stepCount)
        for (g, group) in groups.enumerated() {
            for slot in group.valueSlots {
                for bucket in 0..<bucketCount { groupOfSlot[slot * bucketCount + bucket] = g * bucketCount + bucket }
            }
        }
        return groupOfSlot
    }

    // MARK: Lines of steps

    private func steps(_ groups: [ValueGroup]) -> QueryResult {
        let summaries = gapSummaries(groups)
        let sums = measuredDoubles()
        var rows: [[Value]] = []
        for (g, group) in groups.enumerated() {
            appendLines(of: group, 0, summaries.map { $0[g * bucketCount] }, sums, [], &rows)
        }
        return QueryResult(columns: columns([]), rows: rows, shape: .funnel)
    }

    private func trends(_ groups: [ValueGroup]) -> QueryResult {
        let period: QueryResult.Column
        if let axis = program.axis {
            period = .init("period", axis.rule.period == .hour ? .timestamp : .date)
        } else {
            period = .init("period", .date)
        }
        var rows: [[Value]] = []
        if let axis = program.axis, let first = firstBucket(groups) {
            let summaries = gapSummaries(groups)
            let sums = measuredDoubles()
            for bucket in first..<axis.count {
                for (g, group) in groups.enumerated() {
                    let own = summaries.map { $0[g * bucketCount + bucket] }
                    appendLines(of: group, bucket, own, sums, [axis.label(bucket)], &rows)
                }
            }
        }
        return QueryResult(columns: columns([period]), rows: rows, shape: .trends)
    }

    /// The first period shown: the one from which entries count, else that of the first entry.
    private func firstBucket(_ groups: [ValueGroup]) -> Int? {
        if program.query.enteredFrom != nil { return 0 }
        return (0..<bucketCount).first { bucket in
            groups.contains { group in
                group.valueSlots.contains { slot in
                    let at = (slot * bucketCount + bucket) * stepCount
                    return (0..<stepCount).contains { stopped.base[at + $0] > 0 }
                }
            }
        }
    }

    private func columns(_ first: [QueryResult.Column]) -> [QueryResult.Column] {
        var columns: [QueryResult.Column] =
            first + [
                .init("value", valueType), .init("step", .int), .init("name", .string), .init("reached", .int),
                .init("dropped", .int), .init("open", .int), .init("from_start", .double),
                .init("from_previous", .double), .init("median_s", .double), .init("mean_s", .double),
            ]
        if let measure = program.query.measure {
            let type = program.measureType?.column ?? .double
            columns.append(.init("measure", measure.function == .sum ? type : .double))
        }
        return columns
    }

    private func cell(_ group: ValueGroup, _ bucket: Int, _ sums: [Int: Double]) -> Cell {
        var stopped = [Int](repeating: 0, count: stepCount)
        var open = stopped, reached = stopped
        for slot in group.valueSlots {
            let at = (slot * bucketCount + bucket) * stepCount
            for step in 0..<stepCount {
                stopped[step] += self.stopped.base[at + step]
                open[step] += self.open.base[at + step]
                if tracksPassing { reached[step] += passed.base[at + step] }
            }
        }
        if !tracksPassing {
            reached = stopped
            for step in stride(from: stepCount - 2, through: 0, by: -1) { reached[step] += reached[step + 1] }
        }
        return Cell(reached: reached, stopped: stopped, open: open, measured: measured(group, bucket, sums))
    }

    private func appendLines(
        of group: ValueGroup, _ bucket: Int, _ gaps: [GapSummary], _ sums: [Int: Double], _ first: [Value],
        _ rows: inout [[Value]]
    ) {
        let cell = cell(group, bucket, sums)
        var previous = 0
        for step in 0..<stepCount {
            let isLast = step == stepCount - 1
            let gap = step > 0 && step < gaps.count ? gaps[step] : nil
            var row =
                first + [
                    group.value, .int(Int128(step + 1)), .string(program.stepNames[step]),
                    .int(Int128(cell.reached[step])), .int(Int128(isLast ? 0 : cell.stopped[step] - cell.open[step])),
                    .int(Int128(isLast ? 0 : cell.open[step])), fraction(cell.reached[step], of: cell.reached[0]),
                    step == 0 ? .null : fraction(cell.reached[step], of: cell.reached[previous]),
                    gap?.median.map { .double($0) } ?? .null, gap?.mean.map { .double($0) } ?? .null,
                ]
            if let measure = program.query.measure { row.append(measure.step == step ? cell.measured : .null) }
            rows.append(row)
            if !program.query.steps[step].isOptional { previous = step }
        }
    }

    private func fraction(_ part: Int, of whole: Int) -> Value {
        whole == 0 ? .null : .double(Double(part) / Double(whole))
    }

    /// For each step and each group and period what the gaps come to.
    private func gapSummaries(_ groups: [ValueGroup]) -> [[GapSummary]] {
        let workers = [self] + merged
        let steps = (0..<stepCount).map { step in
            workers.map { (UnsafeBufferPointer($0.gaps.base[step]), UnsafeBufferPointer($0.gapSlots.base[step])) }
        }
        return GroupedGaps(steps, groupCount: groups.count * bucketCount).summaries(groupOfSlot(groups))
    }

    // MARK: Measures

    /// Sums of doubles by slot, added up in the order of morsels.
    private func measuredDoubles() -> [Int: Double] {
        var totals = [Int: CompensatedSum]()
        for partial in doubleSums.inOrder(by: { ($0.slot, $0.morsel) < ($1.slot, $1.morsel) }) {
            totals[partial.slot, default: CompensatedSum()].add(partial.sum)
        }
        return totals.mapValues(\.value)
    }

    private func measured(_ group: ValueGroup, _ bucket: Int, _ sums: [Int: Double]) -> Value {
        guard let measure = program.query.measure, let type = program.measureType?.column else { return .null }
        var count = 0
        var whole: Int128 = 0
        var double = CompensatedSum()
        for slot in group.valueSlots {
            let at = slot * bucketCount + bucket
            count += measuredCounts.base[at]
            whole += measuredSums.base[at]
            double.add(sums[at] ?? 0)
        }
        if measure.function == .average && count == 0 { return .null }
        switch (type, measure.function) {
        case (.double, .sum): return .double(double.value)
        case (.double, .average): return .double(double.value / Double(count))
        case (.decimal(let scale), .sum): return .decimal(DecimalValue(unscaled: whole, scale: scale))
        case (.decimal(let scale), .average):
            return .double(DecimalValue.double(whole, scale: scale) / Double(count))
        case (_, .sum): return .int(whole)
        case (_, .average): return .double(Double(whole) / Double(count))
        }
    }
}
