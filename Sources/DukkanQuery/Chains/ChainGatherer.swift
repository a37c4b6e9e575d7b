import DukkanFormat

/// Brings the rows of one customer after the other together, in the total order, and divides them into what is evaluated:
/// units, values of the breakdown, and runs of rows that may form chains.
struct ChainGatherer {
    private let usesKeys: Bool
    private let measures: Bool
    let rules: ChainRules
    private let starting: UInt32
    private let everyRow: UInt32
    private let attribution: FunnelQuery.Attribution?
    private let countsSessions: Bool
    private let isStrict: Bool
    /// Rows of the tables in the order of the query.
    private var inputs: [Input] = []
    private var cursors: [Int] = []
    private var columns: ChainColumns
    private var exclusionCount = 0
    private var stream = ChainStream()
    private var unitStream = ChainStream()
    private var unitPartition = RowPartition()
    private var unitArena = ChainArena()
    private var valuePartition = RowPartition()
    private var valueArena = ChainArena()
    private var valueKeys = GrowableBuffer<Int64>(capacity: 64)
    private var valueMasks = GrowableBuffer<UInt32>(capacity: 64)
    private var distinct: [UInt32] = []
    private var runs: ChainRuns

    /// A table's rows.
    private struct Input {
        var starts: UnsafePointer<UInt32>
        var columns: ChainColumns
        /// The masks as bytes, with room for eight more behind them; nil where they do not fit.
        var bytes: UnsafePointer<UInt8>?
    }

    init(_ program: ChainProgram) {
        let query = program.query
        usesKeys = query.holding != nil || query.session != nil
        measures = query.measure != nil
        rules = program.rules
        starting = rules.order == .any ? rules.steps : 1
        everyRow = rules.presence
        attribution = query.breakdown?.attribution
        if case .sessions = query.unit { countsSessions = true } else { countsSessions = false }
        isStrict = rules.order == .strict
        runs = ChainRuns(program)
        columns = ChainColumns(times: stream.times, masks: stream.masks, count: 0)
    }

    mutating func deallocate() {
        stream.deallocate()
        unitStream.deallocate()
        unitPartition.deallocate()
        unitArena.deallocate()
        valuePartition.deallocate()
        valueArena.deallocate()
        valueKeys.deallocate()
        valueMasks.deallocate()
        runs.deallocate()
    }

    // MARK: All at once

    /// Evaluates the customers of a range, from their rows where they lie; returns the first who takes more than that.
    ///
    /// - Parameter batch: takes what they come to.
    mutating func sweep(_ customers: Range<Int>, into batch: inout ChainBatch) -> Int {
        guard inputs.count == 1, !countsSessions, attribution.map(\.isOneValue) ?? true, var sweep = runs.sweep else {
            return customers.lowerBound
        }
        defer { runs.sweep = sweep }
        let starts = inputs[0].starts, all = inputs[0].columns, bytes = inputs[0].bytes
        let leastRow = sweep.isEntryPlain ? 2 : UInt32(1)
        var from = Int(starts[customers.lowerBound])
        for customer in customers {
            let first = from, to = Int(starts[customer + 1])
            from = to
            let union = ChainGatherer.union(all.masks, bytes, first, to)
            if union & 1 == 0 { continue }
            let columns = all.slice(first, to)
            var value = SequenceRows.nullCode
            if let attribution, let values = columns.values { value = self.value(columns, values, attribution) }
            if union & leastRow == 0 {
                sweep.appendEntries(columns, value: value, customer: customer, into: &batch)
                continue
            }
            guard sweep.take(columns, union) else { return customer }
            sweep.flush(value: value, customer: customer, into: &batch)
        }
        return customers.upperBound
    }

    /// The bits of all masks of a range.
    @inline(__always)
    private static func union(
        _ masks: UnsafePointer<UInt32>, _ bytes: UnsafePointer<UInt8>?, _ from: Int, _ to: Int
    ) -> UInt32 {
        guard let bytes else {
            var union: UInt32 = 0
            for row in from..<to { union |= masks[row] }
            return union
        }
        // Eight at a time; there is room behind the last.
        let words = UnsafeRawPointer(bytes)
        var union: UInt64 = 0
        var row = from
        while row < to {
            let word = words.loadUnaligned(fromByteOffset: row, as: UInt64.self), count = to &- row
            union |= count >= 8 ? word : word & ((1 &<< UInt64(truncatingIfNeeded: count &* 8)) &- 1)
            row &+= 8
        }
        union |= union &>> 32
        union |= union &>> 16
        union |= union &>> 8
        return UInt32(truncatingIfNeeded: union & 0xFF)
    }

    // MARK: Rows of a customer

    /// Takes the tables of a morsel.
    mutating func begin(_ tables: [ChainTableRows]) {
        inputs = tables.map { table in
            var columns = ChainColumns(times: table.times.base, masks: table.masks.base, count: 0)
            if attribution != nil { columns.values = UnsafePointer(table.values.base) }
            if usesKeys { columns.keys = UnsafePointer(table.keys.base) }
            if countsSessions { columns.units = UnsafePointer(table.units.base) }
            if measures { columns.sources = UnsafePointer(table.sources.base) }
            return Input(starts: table.starts.base, columns: columns, bytes: table.narrowMasks)
        }
        cursors = inputs.map { _ in 0 }
    }

    /// Gathers a customer's rows; false where no chain begins among them.
    mutating func load(_ customer: Int) -> Bool {
        var union: UInt32 = 0
        if inputs.count == 1 {
            let from = Int(inputs[0].starts[customer]), to = Int(inputs[0].starts[customer + 1])
            let masks = inputs[0].columns.masks
            for row in from..<to { union |= masks[row] }
            guard union & starting != 0 else { return false }
            var all = inputs[0].columns.slice(from, to)
            all.base = 0
            columns = all
        } else {
            for input in inputs {
                let masks = input.columns.masks
                for row in Int(input.starts[customer])..<Int(input.starts[customer + 1]) { union |= masks[row] }
            }
            guard union & starting != 0 else { return false }
            merge(customer)
        }
        exclusionCount = 0
        if union & (rules.excluding | everyRow) != 0 {
            columns = stream.separate(
                columns, steps: rules.steps, presence: rules.presence, excluding: rules.excluding)
            exclusionCount = stream.exclusionCount
        }
        return true
    }

    /// Merges the rows of several tables; at one time those of earlier tables come first.
    private mutating func merge(_ customer: Int) {
        stream.removeAll()
        for (t, input) in inputs.enumerated() { cursors[t] = Int(input.starts[customer]) }
        while true {
            var chosen = -1
            var earliest = Int64.max
            for (t, input) in inputs.enumerated() where cursors[t] < Int(input.starts[customer + 1]) {
                let time = input.columns.times[cursors[t]]
                if chosen < 0 || time < earliest {
                    chosen = t
                    earliest = time
                }
            }
            guard chosen >= 0 else { break }
            stream.append(inputs[chosen].columns, cursors[chosen])
            cursors[chosen] += 1
        }
        columns = stream.columns(like: inputs[0].columns)
    }

    // MARK: Units and values

    /// Evaluates the customer.
    mutating func evaluate(_ sink: ChainSink) throws {
        guard countsSessions, let units = columns.units else {
            try evaluateUnit(columns, stream.exclusions(exclusionCount), 0, sink)
            return
        }
        unitPartition.run(units, masks: nil, count: columns.count)
        let partition = unitPartition
        for i in 0..<partition.groups.count {
            let group = partition.groups.base[i]
            let order = UnsafePointer(partition.order.base + group.from)
            let own =
                partition.isContiguous
                ? columns.slice(group.from, group.to)
                : unitArena.gather(columns, order, group.to - group.from)
            let exclusions =
                exclusionCount == 0
                ? stream.exclusions(0) : unitStream.exclusions(of: stream, exclusionCount, group.key)
            try evaluateUnit(own, exclusions, group.key, sink)
        }
    }

    private mutating func evaluateUnit(
        _ columns: ChainColumns, _ exclusions: ChainExclusions, _ session: Int64,
        _ sink: ChainSink
    ) throws {
        var outcome = ChainOutcome()
        outcome.session = session
        guard let attribution, let values = columns.values else {
            try runs.evaluate(columns, exclusions, outcome, sink)
            return
        }
        switch attribution {
        case .first, .last, .stepFirst:
            outcome.value = value(columns, values, attribution)
            try runs.evaluate(columns, exclusions, outcome, sink)
        case .step(let step):
            try evaluateEachValue(columns, values, ofStep: step, exclusions, outcome, sink)
        case .all:
            try evaluateEachValueAlone(columns, values, exclusions, outcome, sink)
        }
    }

    /// The one value that she stands under.
    private func value(
        _ columns: ChainColumns, _ values: UnsafePointer<UInt32>, _ attribution: FunnelQuery.Attribution
    ) -> UInt32 {
        let masks = columns.masks, null = SequenceRows.nullCode
        switch attribution {
        case .first:
            for row in 0..<columns.count where masks[row] & rules.steps != 0 && values[row] != null {
                return values[row]
            }
        case .last:
            for row in (0..<columns.count).reversed() where masks[row] & rules.steps != 0 && values[row] != null {
                return values[row]
            }
        case .stepFirst(let step):
            for row in 0..<columns.count where masks[row] & (1 &<< UInt32(step)) != 0 { return values[row] }
        case .step, .all: break
        }
        return null
    }

    /// Once for each value that rows of a step carry: rows of other values do not count as that step.
    private mutating func evaluateEachValue(
        _ columns: ChainColumns, _ values: UnsafePointer<UInt32>, ofStep step: Int, _ exclusions: ChainExclusions,
        _ outcome: ChainOutcome, _ sink: ChainSink
    ) throws {
        let bit: UInt32 = 1 &<< UInt32(step)
        distinct.removeAll(keepingCapacity: true)
        for row in 0..<columns.count where columns.masks[row] & bit != 0 {
            if distinct.last != values[row] { distinct.append(values[row]) }
        }
        if distinct.count > 1 {
            distinct.sort()
            var kept = 1
            for i in 1..<distinct.count where distinct[i] != distinct[kept - 1] {
                distinct[kept] = distinct[i]
                kept += 1
            }
            distinct.removeLast(distinct.count - kept)
        }
        valueMasks.reserve(columns.count)
        for i in 0..<distinct.count {
            let value = distinct[i]
            for row in 0..<columns.count {
                valueMasks.base[row] = values[row] == value ? columns.masks[row] : columns.masks[row] & ~bit
            }
            var own = columns
            own.masks = UnsafePointer(valueMasks.base)
            var outcome = outcome
            outcome.value = value
            try runs.evaluate(own, exclusions, outcome, sink)
        }
    }

    /// Once for each value, over the rows that carry it.
    private mutating func evaluateEachValueAlone(
        _ columns: ChainColumns, _ values: UnsafePointer<UInt32>, _ exclusions: ChainExclusions,
        _ outcome: ChainOutcome, _ sink: ChainSink
    ) throws {
        valueKeys.reserve(columns.count)
        for row in 0..<columns.count { valueKeys.base[row] = Int64(values[row]) }
        valuePartition.run(valueKeys.base, masks: columns.masks, count: columns.count)
        let partition = valuePartition
        for i in 0..<partition.groups.count {
            let group = partition.groups.base[i]
            var outcome = outcome
            outcome.value = UInt32(truncatingIfNeeded: group.key)
            let own: ChainColumns
            if isStrict {
                // Rows of other values stand between.
                valueMasks.reserve(columns.count)
                for row in 0..<columns.count {
                    valueMasks.base[row] = values[row] == outcome.value ? columns.masks[row] : 0
                }
                var masked = columns
                masked.masks = UnsafePointer(valueMasks.base)
                own = masked
            } else {
                own = valueArena.gather(columns, partition.order.base + group.from, group.to - group.from)
            }
            try runs.evaluate(own, exclusions, outcome, sink)
        }
    }
}
