import DukkanFormat

/// `sum` and `avg` of whole numbers and decimals, exact.
///
/// Sums run in 64 bits as long as bounds from the statistics prove that they fit; before they might not, they move into
/// 128 bits.
final class IntegerSumState: AggregateState {
    private let type: ScalarType
    private let scale: Int
    private var sums = GroupArray<Int64>(0)
    private var counts = GroupArray<Int64>(0)
    private var wide = GroupArray<Int128>(0)
    /// Largest magnitude that one value can have.
    private let magnitudeMax: UInt64
    /// Largest magnitude that a 64-bit sum can have by now.
    private var pendingMax: UInt64 = 0
    private var isWide = false

    init(_ plan: AggregatePlan, bounds: ClosedRange<Int64>?) {
        type = plan.type
        scale = plan.argument?.type.scale ?? 0
        magnitudeMax = bounds.map { max($0.lowerBound.magnitude, $0.upperBound.magnitude) } ?? UInt64(Int64.max) + 1
    }

    deinit {
        sums.deallocate()
        counts.deallocate()
        wide.deallocate()
    }

    func reserve(_ count: Int) {
        sums.reserve(count)
        counts.reserve(count)
        if isWide { wide.reserve(count) }
    }

    var byteCount: Int { sums.count * (isWide ? 32 : 16) }

    func update(_ batch: AggregateBatch) throws {
        guard let argument = batch.argument else { return }
        let (added, isOver) = magnitudeMax.multipliedReportingOverflow(by: UInt64(max(batch.rowCount, 1)))
        if isOver || added > UInt64(Int64.max) {
            try updateWide(batch, argument)
            return
        }
        if pendingMax &+ added > UInt64(Int64.max) || pendingMax > UInt64(Int64.max) - added { flush() }
        pendingMax += added
        updateNarrow(batch, argument)
    }

    private func updateNarrow(_ batch: AggregateBatch, _ argument: ColumnVector) {
        let sums = self.sums.pointer, counts = self.counts.pointer
        let values = UnsafePointer(argument.integers)
        let validity = UnsafePointer(argument.validity)
        let count = batch.rowCount
        switch (batch.groups, argument.hasNulls) {
        case (nil, let hasNulls):
            var total: Int64 = 0, found: Int64 = 0
            if case .all = batch.selection {
                for row in 0..<count { total &+= values[row] }
                found = Int64(hasNulls ? countBits(validity, 0, count) : count)
            } else {
                batch.selection.forEach(count) { row in
                    total &+= values[row]
                    found &+= hasNulls ? Int64(truncatingIfNeeded: (validity[row >> 6] &>> UInt64(row & 63)) & 1) : 1
                }
            }
            sums[0] &+= total
            counts[0] &+= found
        case (let groups?, false):
            batch.selection.forEach(count) { row in
                let group = Int(groups[row])
                sums[group] &+= values[row]
                counts[group] &+= 1
            }
        case (let groups?, true):
            batch.selection.forEach(count) { row in
                let group = Int(groups[row])
                sums[group] &+= values[row]
                counts[group] &+= Int64(truncatingIfNeeded: (validity[row >> 6] &>> UInt64(row & 63)) & 1)
            }
        }
    }

    private func updateWide(_ batch: AggregateBatch, _ argument: ColumnVector) throws {
        flush()
        let wide = self.wide.pointer, counts = self.counts.pointer
        var isOver = false
        let isValid = RowValidity(argument), values = argument.integers
        batch.selection.forEach(batch.rowCount) { row in
            guard isValid[row] else { return }
            let group = batch.groups.map { Int($0[row]) } ?? 0
            let (sum, over) = wide[group].addingReportingOverflow(Int128(values[row]))
            wide[group] = sum
            isOver = isOver || over
            counts[group] &+= 1
        }
        if isOver { throw ScalarEvaluator.overflow("a sum") }
    }

    /// Moves the 64-bit sums into the 128-bit ones.
    private func flush() {
        isWide = true
        wide.reserve(sums.count)
        for g in 0..<sums.count {
            wide.pointer[g] &+= Int128(sums.pointer[g])
            sums.pointer[g] = 0
        }
        pendingMax = 0
    }

    func merge(_ other: any AggregateState, _ map: [UInt32]) throws {
        guard let other = other as? IntegerSumState else { return }
        if map.isEmpty { return }
        flush()
        other.flush()
        for (g, target) in map.enumerated() {
            let (sum, isOver) = wide.pointer[Int(target)].addingReportingOverflow(other.wide.pointer[g])
            if isOver { throw ScalarEvaluator.overflow("a sum") }
            wide.pointer[Int(target)] = sum
            counts.pointer[Int(target)] &+= other.counts.pointer[g]
        }
    }

    /// The exact sum of a group, unscaled; nil over no values.
    func sum(_ group: Int) -> Int128? {
        if counts.pointer[group] == 0 { return nil }
        return (isWide ? wide.pointer[group] : 0) + Int128(sums.pointer[group])
    }

    func value(_ group: Int) throws -> Value {
        guard let sum = sum(group) else { return .null }
        if type == .double {
            return .double(DecimalValue.double(sum, scale: scale) / Double(counts.pointer[group]))
        }
        return try ScalarEvaluator.value(sum, type)
    }
}

/// `sum` and `avg` of doubles, exact until the last rounding.
final class DoubleSumState: AggregateState {
    private let isAverage: Bool
    private var sums: [ExactDoubleSum] = []
    private var counts: [Int64] = []

    init(isAverage: Bool) {
        self.isAverage = isAverage
    }

    func reserve(_ count: Int) {
        while sums.count < count {
            sums.append(ExactDoubleSum())
            counts.append(0)
        }
    }

    var byteCount: Int { sums.count * 600 }

    func update(_ batch: AggregateBatch) {
        guard let argument = batch.argument else { return }
        let values = UnsafePointer(argument.doubles)
        let isValid = RowValidity(argument)
        batch.selection.forEach(batch.rowCount) { row in
            guard isValid[row] else { return }
            let group = batch.groups.map { Int($0[row]) } ?? 0
            sums[group].add(values[row])
            counts[group] &+= 1
        }
    }

    func merge(_ other: any AggregateState, _ map: [UInt32]) {
        guard let other = other as? DoubleSumState else { return }
        for (g, target) in map.enumerated() where other.counts[g] > 0 {
            sums[Int(target)].add(other.sums[g])
            counts[Int(target)] += other.counts[g]
        }
    }

    func value(_ group: Int) -> Value {
        if counts[group] == 0 { return .null }
        return .double(isAverage ? sums[group].value / Double(counts[group]) : sums[group].value)
    }
}
