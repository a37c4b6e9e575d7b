import CDukkanKernels
import DukkanFormat

/// `count(*)`, `count(x)` and `count(…) FILTER`.
final class CountState: AggregateState {
    private var counts: GroupArray<UInt32>
    /// Places of a group: several for few groups, so that neighbouring rows of one group need not wait for each other.
    private let copies: Int
    /// What has left the counts of 32 bits; empty until something must.
    private var wide = GroupArray<Int64>(0)
    private var groupCount = 0
    /// Most that a count can be by now.
    private var pendingRows = 0

    init(groupCount: Int) {
        counts = GroupArray(0)
        copies = (1...GroupCopies.groupCountMax).contains(groupCount) ? GroupCopies.count : 1
    }

    deinit {
        counts.deallocate()
        wide.deallocate()
    }

    func reserve(_ count: Int) {
        groupCount = max(groupCount, count)
        counts.reserve(count * copies)
        if wide.count > 0 { wide.reserve(count) }
    }

    var byteCount: Int { counts.count * 4 + wide.count * 8 }

    func update(_ batch: AggregateBatch) {
        if pendingRows + batch.rowCount > Int(UInt32.max) { flush() }
        pendingRows += batch.rowCount
        let argument = batch.argument.flatMap { $0.hasNulls ? $0 : nil }
        let counts = self.counts.pointer
        switch (batch.groups, batch.selection) {
        case (nil, .all):
            counts[0] &+= UInt32(argument.map { countBits($0.validity, 0, batch.rowCount) } ?? batch.rowCount)
        case (let groups?, .all):
            dukkan_count_groups(groups, argument?.validity, batch.rowCount, copies, counts)
        case (let groups, .indices(_, let selected)):
            guard groups != nil || argument != nil else {
                counts[0] &+= UInt32(selected)
                return
            }
            let copies = self.copies, isValid = argument.map { RowValidity($0) }
            batch.selection.forEach(batch.rowCount) { row in
                let group = groups.map { Int($0[row]) * copies } ?? 0
                counts[group] &+= isValid.map { UInt32(truncatingIfNeeded: $0.bit(row)) } ?? 1
            }
        }
    }

    private func flush() {
        wide.reserve(max(groupCount, 1))
        for group in 0..<groupCount { wide.pointer[group] &+= narrow(group) }
        counts.pointer.update(repeating: 0, count: counts.count)
        pendingRows = 0
    }

    private func narrow(_ group: Int) -> Int64 {
        var count: Int64 = 0
        for place in group * copies..<(group + 1) * copies { count &+= Int64(counts.pointer[place]) }
        return count
    }

    func merge(_ other: any AggregateState, _ map: [UInt32]) {
        guard let other = other as? CountState else { return }
        flush()
        for (g, target) in map.enumerated() { wide.pointer[Int(target)] &+= other.count(g) }
    }

    func count(_ group: Int) -> Int64 { narrow(group) &+ (wide.count > 0 ? wide.pointer[group] : 0) }

    func value(_ group: Int) -> Value { .int(Int128(count(group))) }
}

/// `count(DISTINCT customer)`: a customer's rows stand together, so a group needs to know only whom it counted last.
final class CustomerCountState: AggregateState {
    private var counts = GroupArray<Int64>(0)
    private var last = GroupArray<UInt32>(0)
    /// Number of the customer at hand among those that this worker saw, from 1.
    private var serial: UInt32 = 0
    /// Whether no customer comes back to a group that she left, because the groups follow time.
    private let isMonotone: Bool
    private var firstRows = FirstRowBits()
    private var marks = GrowableBuffer<UInt64>()

    init(isMonotone: Bool) {
        self.isMonotone = isMonotone
    }

    deinit {
        counts.deallocate()
        last.deallocate()
        firstRows.deallocate()
        marks.deallocate()
    }

    func reserve(_ count: Int) {
        counts.reserve(count)
        last.reserve(count)
    }

    var byteCount: Int { counts.count * 12 }

    func update(_ batch: AggregateBatch) throws {
        guard batch.hasCustomers else { return }
        if batch.continuesCustomer {
            // She keeps her number.
            serial &-= 1
        } else if serial >= CustomerCountState.restartSerial {
            restart()
        }
        let before = serial, base = serial + 1
        serial += UInt32(batch.customerCount)
        if let customers = batch.customers {
            countRows(batch, customers, base)
        } else if let starts = batch.starts {
            if case .all = batch.selection {
                countAll(batch, starts, before: before)
            } else {
                countSelected(batch, starts, base)
            }
        }
    }

    /// Leaves room for more customers than the pieces of a morsel can have.
    private static let restartSerial = UInt32(1) << 31

    /// All rows of the customers.
    private func countAll(_ batch: AggregateBatch, _ starts: UnsafePointer<UInt32>, before: UInt32) {
        let counts = self.counts.pointer
        guard let groups = batch.groups else {
            countAll(batch.customerCount, starts, before, isPiece: batch.isPiece)
            return
        }
        let count = batch.rowCount
        if batch.firstRowBits == nil { firstRows.mark(starts, batch.customerCount) }
        let firsts = batch.firstRowBits ?? UnsafePointer(firstRows.words.base)
        marks.reserve((count + 63) / 64)
        dukkan_mark_changes(groups, firsts, count, marks.base)
        if isMonotone && !batch.isPiece {
            dukkan_count_marks(groups, marks.base, count, counts)
        } else {
            _ = dukkan_count_marked_customers(groups, marks.base, firsts, count, before, last.pointer, counts)
        }
    }

    /// The customers of the one group; only those of pieces may come again.
    private func countAll(
        _ customerCount: Int, _ starts: UnsafePointer<UInt32>, _ before: UInt32, isPiece: Bool
    ) {
        let counts = self.counts.pointer, last = self.last.pointer
        if !isPiece {
            for c in 0..<customerCount where starts[c + 1] > starts[c] { counts[0] &+= 1 }
            return
        }
        for c in 0..<customerCount where starts[c + 1] > starts[c] {
            let me = before &+ 1 &+ UInt32(truncatingIfNeeded: c)
            counts[0] &+= last[0] == me ? 0 : 1
            last[0] = me
        }
    }

    /// Rows that know their customer.
    private func countRows(_ batch: AggregateBatch, _ customers: UnsafePointer<UInt32>, _ base: UInt32) {
        let counts = self.counts.pointer, last = self.last.pointer
        guard case .indices(let indices, let count) = batch.selection else {
            dukkan_count_row_customers(batch.groups, customers, batch.rowCount, base, last, counts)
            return
        }
        for i in 0..<count {
            let row = Int(indices[i]), me = base &+ customers[row]
            let group = batch.groups.map { Int($0[row]) } ?? 0
            counts[group] &+= last[group] == me ? 0 : 1
            last[group] = me
        }
    }

    /// Some rows of the customers.
    private func countSelected(_ batch: AggregateBatch, _ starts: UnsafePointer<UInt32>, _ base: UInt32) {
        guard case .indices(let indices, let count) = batch.selection else { return }
        let counts = self.counts.pointer, last = self.last.pointer
        var c = 0
        for i in 0..<count {
            let row = indices[i]
            while starts[c &+ 1] <= row { c &+= 1 }
            let me = base &+ UInt32(truncatingIfNeeded: c)
            let group = batch.groups.map { Int($0[Int(row)]) } ?? 0
            counts[group] &+= last[group] == me ? 0 : 1
            last[group] = me
        }
    }

    /// Begins the serial numbers anew, which no morsel crosses.
    private func restart() {
        serial = 0
        last.pointer.update(repeating: 0, count: last.count)
    }

    func merge(_ other: any AggregateState, _ map: [UInt32]) {
        guard let other = other as? CustomerCountState else { return }
        // Every customer is in one morsel only, so no two workers counted the same.
        for (g, target) in map.enumerated() { counts.pointer[Int(target)] &+= other.counts.pointer[g] }
    }

    func count(_ group: Int) -> Int64 { counts.pointer[group] }

    func value(_ group: Int) -> Value { .int(Int128(counts.pointer[group])) }
}
