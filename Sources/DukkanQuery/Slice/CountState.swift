import DukkanFormat

/// `count(*)`, `count(x)` and `count(…) FILTER`.
final class CountState: AggregateState {
    private var counts = GroupArray<Int64>(0)

    deinit { counts.deallocate() }

    func reserve(_ count: Int) { counts.reserve(count) }

    var byteCount: Int { counts.count * 8 }

    func update(_ batch: AggregateBatch) {
        let counts = self.counts.pointer
        guard let groups = batch.groups else {
            if let argument = batch.argument, argument.hasNulls {
                var found = 0
                let isValid = RowValidity(argument)
                batch.selection.forEach(batch.rowCount) { found &+= isValid[$0] ? 1 : 0 }
                counts[0] &+= Int64(found)
            } else {
                counts[0] &+= Int64(batch.selection.count(of: batch.rowCount))
            }
            return
        }
        if let argument = batch.argument, argument.hasNulls {
            let validity = argument.validity
            batch.selection.forEach(batch.rowCount) { row in
                counts[Int(groups[row])] &+= Int64(truncatingIfNeeded: (validity[row >> 6] &>> UInt64(row & 63)) & 1)
            }
        } else {
            batch.selection.forEach(batch.rowCount) { counts[Int(groups[$0])] &+= 1 }
        }
    }

    func merge(_ other: any AggregateState, _ map: [UInt32]) {
        guard let other = other as? CountState else { return }
        for (g, target) in map.enumerated() { counts.pointer[Int(target)] &+= other.counts.pointer[g] }
    }

    func count(_ group: Int) -> Int64 { counts.pointer[group] }

    func value(_ group: Int) -> Value { .int(Int128(counts.pointer[group])) }
}

/// `count(DISTINCT customer)`: a customer's rows stand together, so a group needs to know only whom it counted last.
final class CustomerCountState: AggregateState {
    private var counts = GroupArray<Int64>(0)
    private var last = GroupArray<UInt32>(0)
    /// Number of the customer at hand among those that this worker saw, from 1.
    private var serial: UInt32 = 0

    deinit {
        counts.deallocate()
        last.deallocate()
    }

    func reserve(_ count: Int) {
        counts.reserve(count)
        last.reserve(count)
    }

    var byteCount: Int { counts.count * 12 }

    func update(_ batch: AggregateBatch) throws {
        guard let starts = batch.starts else { return }
        if UInt64(serial) + UInt64(batch.customerCount) >= UInt64(UInt32.max) { restart() }
        let counts = self.counts.pointer, last = self.last.pointer
        let base = serial + 1
        serial += UInt32(batch.customerCount)
        switch (batch.selection, batch.groups) {
        case (.all, nil):
            for c in 0..<batch.customerCount where starts[c + 1] > starts[c] { counts[0] &+= 1 }
        case (.all, let groups?):
            for c in 0..<batch.customerCount {
                let me = base &+ UInt32(truncatingIfNeeded: c)
                for row in Int(starts[c])..<Int(starts[c &+ 1]) {
                    let group = Int(groups[row])
                    counts[group] &+= last[group] == me ? 0 : 1
                    last[group] = me
                }
            }
        case (.indices(let indices, let count), let groups):
            var c = 0
            for i in 0..<count {
                let row = indices[i]
                while starts[c &+ 1] <= row { c &+= 1 }
                let me = base &+ UInt32(truncatingIfNeeded: c)
                let group = groups.map { Int($0[Int(row)]) } ?? 0
                counts[group] &+= last[group] == me ? 0 : 1
                last[group] = me
            }
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

    func value(_ group: Int) -> Value { .int(Int128(counts.pointer[group])) }
}
