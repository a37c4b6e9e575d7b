import CDukkanKernels
import DukkanFormat

/// The sum of whole numbers or decimals, how many there are, and the rows, of each group: what `sum`, `avg` and `count` of
/// one argument are read from.
///
/// Sums run in 64 bits as long as bounds from the statistics prove that they fit; before they might not, they move into
/// 128 bits.
final class IntegerSumState: AggregateState {
    private var cells = GroupArray(dukkan_group_cell())
    /// Cells of a group: several for few groups, so that neighbouring rows of one group need not wait for each other.
    private let copies: Int
    /// What has left the cells; empty until something must.
    private var wide = GroupArray<WideCell>(WideCell())
    private var groupCount = 0
    /// Largest magnitude that one value can have.
    private let magnitudeMax: UInt64
    /// Largest magnitude, and most rows, that a cell can have by now.
    private var pendingMax: UInt64 = 0
    private var pendingRows = 0
    private var isWide = false

    private struct WideCell: BitwiseCopyable {
        var sum: Int128 = 0
        var valid: Int64 = 0
        var rows: Int64 = 0
    }

    init(bounds: ClosedRange<Int64>?, groupCount: Int) {
        magnitudeMax = bounds.map { max($0.lowerBound.magnitude, $0.upperBound.magnitude) } ?? UInt64(Int64.max) + 1
        copies = (1...GroupCopies.groupCountMax).contains(groupCount) ? GroupCopies.count : 1
    }

    deinit {
        cells.deallocate()
        wide.deallocate()
    }

    func reserve(_ count: Int) {
        groupCount = max(groupCount, count)
        cells.reserve(count * copies)
        if isWide { wide.reserve(count) }
    }

    var byteCount: Int { cells.count * 16 + wide.count * 32 }

    func update(_ batch: AggregateBatch) throws {
        guard let argument = batch.argument else { return }
        let (added, isOver) = magnitudeMax.multipliedReportingOverflow(by: UInt64(max(batch.rowCount, 1)))
        if isOver || added > UInt64(Int64.max) {
            try updateWide(batch, argument)
            return
        }
        makeRoom(magnitude: added, rows: batch.rowCount)
        let validity = argument.hasNulls ? UnsafePointer(argument.validity) : nil
        switch (batch.groups, batch.selection) {
        case (nil, .all):
            let values = UnsafePointer(argument.integers)
            var total: Int64 = 0
            for row in 0..<batch.rowCount { total &+= values[row] }
            cells.pointer[0].sum &+= total
            cells.pointer[0].valid &+= UInt32(validity.map { countBits($0, 0, batch.rowCount) } ?? batch.rowCount)
            cells.pointer[0].rows &+= UInt32(batch.rowCount)
        case (let groups?, .all):
            dukkan_add_to_groups(groups, argument.integers, validity, batch.rowCount, copies, cells.pointer)
        case (let groups, .indices):
            let cells = self.cells.pointer, copies = self.copies
            let values = UnsafePointer(argument.integers), isValid = RowValidity(argument)
            batch.selection.forEach(batch.rowCount) { row in
                let cell = groups.map { Int($0[row]) * copies } ?? 0
                cells[cell].sum &+= values[row]
                cells[cell].valid &+= UInt32(truncatingIfNeeded: isValid.bit(row))
                cells[cell].rows &+= 1
            }
        }
    }

    /// Empties the cells where so much more might not fit.
    private func makeRoom(magnitude: UInt64, rows: Int) {
        if pendingMax > UInt64(Int64.max) - magnitude || pendingRows + rows > Int(UInt32.max) { flush() }
        pendingMax += magnitude
        pendingRows += rows
    }

    private func updateWide(_ batch: AggregateBatch, _ argument: ColumnVector) throws {
        flush()
        let wide = self.wide.pointer
        var isOver = false
        let isValid = RowValidity(argument), values = argument.integers
        batch.selection.forEach(batch.rowCount) { row in
            let group = batch.groups.map { Int($0[row]) } ?? 0
            wide[group].rows &+= 1
            guard isValid[row] else { return }
            let (sum, over) = wide[group].sum.addingReportingOverflow(Int128(values[row]))
            wide[group].sum = sum
            wide[group].valid &+= 1
            isOver = isOver || over
        }
        if isOver { throw ScalarEvaluator.overflow("a sum") }
    }

    /// Moves what the cells hold into 128 bits.
    private func flush() {
        isWide = true
        wide.reserve(groupCount)
        for group in 0..<groupCount {
            let held = narrow(group)
            wide.pointer[group].sum &+= held.sum
            wide.pointer[group].valid &+= held.valid
            wide.pointer[group].rows &+= held.rows
        }
        cells.pointer.update(repeating: dukkan_group_cell(), count: cells.count)
        pendingMax = 0
        pendingRows = 0
    }

    /// What the cells of a group hold together.
    private func narrow(_ group: Int) -> WideCell {
        var held = WideCell()
        for cell in group * copies..<(group + 1) * copies {
            held.sum &+= Int128(cells.pointer[cell].sum)
            held.valid &+= Int64(cells.pointer[cell].valid)
            held.rows &+= Int64(cells.pointer[cell].rows)
        }
        return held
    }

    private func total(_ group: Int) -> WideCell {
        var held = narrow(group)
        if isWide {
            held.sum &+= wide.pointer[group].sum
            held.valid &+= wide.pointer[group].valid
            held.rows &+= wide.pointer[group].rows
        }
        return held
    }

    func merge(_ other: any AggregateState, _ map: [UInt32]) throws {
        guard let other = other as? IntegerSumState else { return }
        if map.isEmpty { return }
        flush()
        for (g, target) in map.enumerated() {
            let added = other.total(g)
            let (sum, isOver) = wide.pointer[Int(target)].sum.addingReportingOverflow(added.sum)
            if isOver { throw ScalarEvaluator.overflow("a sum") }
            wide.pointer[Int(target)].sum = sum
            wide.pointer[Int(target)].valid &+= added.valid
            wide.pointer[Int(target)].rows &+= added.rows
        }
    }

    /// The exact sum of a group, unscaled, and how many values it is of.
    func sum(_ group: Int) -> (sum: Int128, count: Int64) {
        let held = total(group)
        return (held.sum, held.valid)
    }

    /// Rows of a group, those without a value too.
    func rowCount(_ group: Int) -> Int64 { total(group).rows }

    func value(_ group: Int) throws -> Value { .int(sum(group).sum) }
}

/// Into how many cells a group is split, and up to how many groups.
enum GroupCopies {
    static let count = 4
    static let groupCountMax = 1_024
}

/// An aggregate that is read from sums which are kept for several.
final class SumReader: AggregateState {
    private let sums: IntegerSumState
    private let plan: AggregatePlan

    init(_ sums: IntegerSumState, _ plan: AggregatePlan) {
        self.sums = sums
        self.plan = plan
    }

    // The sums are updated once, for all of their readers.
    func reserve(_ count: Int) {}
    func update(_ batch: AggregateBatch) {}
    func merge(_ other: any AggregateState, _ map: [UInt32]) {}
    var byteCount: Int { 0 }

    func value(_ group: Int) throws -> Value {
        if plan.function == .count {
            return .int(Int128(plan.argument == nil ? sums.rowCount(group) : sums.sum(group).count))
        }
        let (sum, count) = sums.sum(group)
        if count == 0 { return .null }
        if plan.function == .average {
            return .double(DecimalValue.double(sum, scale: plan.argument?.type.scale ?? 0) / Double(count))
        }
        return try ScalarEvaluator.value(sum, plan.type)
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
