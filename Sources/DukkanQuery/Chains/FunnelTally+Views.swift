import DukkanFormat
import DukkanTime

extension FunnelTally {
    // MARK: Time to convert

    /// Most bins where their number is not said.
    private static let chosenBinCountMax = 60
    /// Seconds of a bin where all times are the same.
    private static let binWidthDefault: Int64 = 60

    /// Lines of bins, for each value those of its own times; none where nobody got so far.
    func histogram(_ groups: [ValueGroup], _ bins: Int?) -> QueryResult {
        let groupOfSlot = groupOfSlot(groups)
        var times = [[Int64]](repeating: [], count: groups.count)
        for i in 0..<conversions.count {
            times[groupOfSlot[Int(conversionSlots.base[i])]].append(conversions.base[i])
        }
        var rows: [[Value]] = []
        for (group, times) in zip(groups, times) { appendBins(group.value, times, bins, &rows) }
        return QueryResult(
            columns: [
                .init("value", valueType), .init("bin", .int), .init("from_s", .int), .init("to_s", .int),
                .init("customers", .int), .init("mean_s", .double),
            ], rows: rows, shape: .histogram)
    }

    private func appendBins(_ value: Value, _ times: [Int64], _ bins: Int?, _ rows: inout [[Value]]) {
        guard let least = times.min(), let greatest = times.max() else { return }
        let second: Int64 = 1_000_000
        var count = bins ?? 1
        if bins == nil {
            // The cube root, rounded up.
            while count * count * count < times.count && count < FunnelTally.chosenBinCountMax { count += 1 }
        }
        let length = Int64(count) * second
        let range = greatest - least
        let width = max(range / length + (range % length > 0 ? 1 : 0), 0)
        let step = width == 0 ? FunnelTally.binWidthDefault : width
        let first = least / second
        var counts = [Int](repeating: 0, count: count + 1)
        var sums = [Int128](repeating: 0, count: count + 1)
        for time in times {
            let bin = Int((time / second - first) / step)
            guard bin <= count else { continue }
            counts[bin] += 1
            sums[bin] += Int128(time)
        }
        for bin in 0...count {
            let mean: Value = counts[bin] == 0 ? .null : .double(Double(sums[bin]) / Double(counts[bin]) / 1e6)
            let from = Int128(first) + Int128(bin) * Int128(step)
            rows.append([
                value, .int(Int128(bin + 1)), .int(from), .int(from + Int128(step)), .int(Int128(counts[bin])), mean,
            ])
        }
    }

    // MARK: Customers

    /// Lines of customers, ascending; of one customer by session, value and entry.
    func customers(_ groups: [ValueGroup]) -> QueryResult {
        guard let listing else { return QueryResult(columns: [], rows: [], shape: .customers) }
        var values = [Int: Value]()
        for group in groups {
            for slot in group.valueSlots { values[slot] = group.value }
        }
        let sorted = listed.inOrder { a, b in
            if a.customer != b.customer { return ValueOrdering.precedes(a.customer, b.customer) }
            if a.session != b.session { return ValueOrdering.precedes(a.session, b.session) }
            // Several values may show as one: those past the largest.
            let value = values[a.valueSlot] ?? .null, other = values[b.valueSlot] ?? .null
            if value != other { return ValueOrdering.precedes(value, other) }
            return (a.entered ?? 0, a.reached ?? 0) < (b.entered ?? 0, b.reached ?? 0)
        }
        let isOfSessions = program.unitType != nil
        func time(_ time: Int64?) -> Value { time.map { .timestamp(Timestamp(microseconds: $0)) } ?? .null }
        let rows = sorted.map { unit -> [Value] in
            (isOfSessions ? [unit.session] : [])
                + [
                    unit.customer, values[unit.valueSlot] ?? .null, .int(Int128(listing.step + 1)),
                    .string(program.stepNames[listing.step]), time(unit.entered), time(unit.reached),
                ]
        }
        var columns: [QueryResult.Column] = [
            .init("customer", program.customerType), .init("value", valueType), .init("step", .int),
            .init("name", .string), .init("entered", .timestamp), .init("reached_at", .timestamp),
        ]
        if let type = program.unitType { columns.insert(.init("session", type.column), at: 0) }
        return QueryResult(columns: columns, rows: rows, shape: .customers)
    }
}
