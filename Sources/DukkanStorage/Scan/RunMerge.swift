import DukkanFormat

/// A growable list of row numbers behind a stable pointer.
final class StartList {
    private(set) var pointer = UnsafeMutablePointer<UInt32>.allocate(capacity: 64)
    private var capacity = 64
    private(set) var count = 0

    deinit { pointer.deallocate() }

    func removeAll() { count = 0 }

    func reserve(_ minimum: Int) {
        guard minimum > capacity else { return }
        let grown = UnsafeMutablePointer<UInt32>.allocate(capacity: max(minimum, capacity * 2))
        grown.update(from: pointer, count: count)
        pointer.deallocate()
        pointer = grown
        capacity = max(minimum, capacity * 2)
    }

    func append(_ value: UInt32) {
        reserve(count + 1)
        pointer[count] = value
        count += 1
    }

    subscript(index: Int) -> UInt32 { pointer[index] }
}

/// The rows that one part gives to a morsel: customers, and where their rows stand among the copied rows.
final class PartRun {
    let keys: CustomerKeyList
    private let starts = StartList()
    /// One bit a row from `first` on, set where the row is deleted.
    private var deleted: [UInt64] = []
    private(set) var hasDeletes = false
    private(set) var first = 0
    private(set) var end = 0

    init(isString: Bool) {
        keys = CustomerKeyList(isString: isString)
    }

    func begin(at row: Int) {
        keys.removeAll()
        starts.removeAll()
        deleted.removeAll(keepingCapacity: true)
        hasDeletes = false
        first = row
        end = row
    }

    /// Appends customers `chosen` of a block whose rows from block row `rows` on were copied behind the run's end.
    func append(_ block: CustomerBlock, _ chosen: Range<Int>, rows: Int) {
        var chosen = chosen
        // A customer of many rows goes on from block to block.
        if keys.lastEquals(block, chosen.lowerBound) { chosen = chosen.lowerBound + 1..<chosen.upperBound }
        keys.append(block, chosen)
        for customer in chosen { starts.append(UInt32(end + Int(block.rowStarts[customer]) - rows)) }
    }

    func extendLive(_ count: Int) {
        end += count
    }

    func markDeleted(_ deletes: DeleteBitmap, firstRow: Int, count: Int) {
        let words = (end - first + count + 63) / 64
        if deleted.count < words { deleted.append(contentsOf: repeatElement(0, count: words - deleted.count)) }
        for i in 0..<count where deletes.isDeleted(firstRow + i) {
            let at = end - first + i
            deleted[at >> 6] |= 1 << UInt64(at & 63)
            hasDeletes = true
        }
        end += count
    }

    func isDeleted(_ row: Int) -> Bool {
        let at = row - first
        return at >> 6 < deleted.count && deleted[at >> 6] & (1 << UInt64(at & 63)) != 0
    }

    func rows(_ customer: Int) -> Range<Int> {
        Int(starts[customer])..<(customer + 1 < starts.count ? Int(starts[customer + 1]) : end)
    }

    /// First rows of the customers and the end, for a run that is the whole table.
    func startPointer() -> UnsafeMutablePointer<UInt32> {
        starts.append(UInt32(end))
        return starts.pointer
    }
}

/// The keys at which the runs of a merge stand.
protocol RunKeys {
    /// Negative, 0 or positive as run `a`'s key at its place is less than, equal to or greater than run `b`'s.
    func compare(_ a: Int, _ placeA: Int, _ b: Int, _ placeB: Int) -> Int
}

struct IntegerRunKeys: RunKeys {
    let bases: [UnsafePointer<Int64>]

    init(_ runs: ArraySlice<PartRun>) {
        bases = runs.map { UnsafePointer($0.keys.integers) }
    }

    @inline(__always)
    func compare(_ a: Int, _ placeA: Int, _ b: Int, _ placeB: Int) -> Int {
        let x = bases[a][placeA], y = bases[b][placeB]
        return x < y ? -1 : (x == y ? 0 : 1)
    }
}

struct StringRunKeys: RunKeys {
    let lists: [CustomerKeyList]

    init(_ runs: ArraySlice<PartRun>) {
        lists = runs.map(\.keys)
    }

    func compare(_ a: Int, _ placeA: Int, _ b: Int, _ placeB: Int) -> Int {
        lists[a].compare(placeA, lists[b], placeB)
    }
}

/// Merges the runs of several parts into the total order (customer, time, part), without deleted rows.
final class RunMerge {
    private var order: [UInt32] = []

    /// Rows of `count` from `from` that are not deleted, as places from 0.
    func liveRows(_ deletes: DeleteBitmap, from: Int, count: Int) -> UnsafeBufferPointer<UInt32> {
        order.removeAll(keepingCapacity: true)
        for i in 0..<count where !deletes.isDeleted(from + i) { order.append(UInt32(i)) }
        return order.withUnsafeBufferPointer { $0 }  // `order` stays as it is until the next call.
    }

    /// The copied rows in total order; fills the customers and their first rows.
    ///
    /// O(rows × log parts).
    func merge(
        _ runs: ArraySlice<PartRun>, times: UnsafePointer<Int64>?, keys: CustomerKeyList, starts: StartList
    ) -> UnsafeBufferPointer<UInt32> {
        order.removeAll(keepingCapacity: true)
        keys.removeAll()
        starts.removeAll()
        if keys.isString {
            merge(runs, StringRunKeys(runs), times, keys, starts)
        } else {
            merge(runs, IntegerRunKeys(runs), times, keys, starts)
        }
        starts.append(UInt32(order.count))
        return order.withUnsafeBufferPointer { $0 }  // `order` stays as it is until the next call.
    }

    private func merge(
        _ runs: ArraySlice<PartRun>, _ source: some RunKeys, _ times: UnsafePointer<Int64>?, _ keys: CustomerKeyList,
        _ starts: StartList
    ) {
        var positions = runs.map { _ in 0 }
        let counts = runs.map(\.keys.count)
        var heap: [Int] = []
        for r in runs.indices where counts[r] > 0 { RunMerge.push(r, &heap, positions, source) }
        var group: [Int] = []
        while let least = heap.first {
            group.removeAll(keepingCapacity: true)
            let customer = positions[least]
            keys.append(runs[least].keys, customer)
            starts.append(UInt32(order.count))
            // The heap yields equal keys in the order of the runs, which is the order of ingest.
            while let top = heap.first, source.compare(top, positions[top], least, customer) == 0 {
                group.append(top)
                RunMerge.pop(&heap, positions, source)
            }
            appendRows(group, positions, runs, times)
            for r in group {
                positions[r] += 1
                if positions[r] < counts[r] { RunMerge.push(r, &heap, positions, source) }
            }
        }
    }

    private func appendRows(
        _ group: [Int], _ positions: [Int], _ runs: ArraySlice<PartRun>, _ times: UnsafePointer<Int64>?
    ) {
        if group.count == 1 || times == nil {
            for r in group { appendLive(runs[r], runs[r].rows(positions[r])) }
            return
        }
        guard let times else { return }
        var ranges = group.map { runs[$0].rows(positions[$0]) }
        let isDisjoint = zip(ranges, ranges.dropFirst()).allSatisfy {
            $0.isEmpty || $1.isEmpty || times[$0.upperBound - 1] <= times[$1.lowerBound]
        }
        if isDisjoint {
            for (r, range) in zip(group, ranges) { appendLive(runs[r], range) }
            return
        }
        while true {
            var least = -1
            for i in ranges.indices where !ranges[i].isEmpty {
                if least < 0 || times[ranges[i].lowerBound] < times[ranges[least].lowerBound] { least = i }
            }
            if least < 0 { return }
            let row = ranges[least].lowerBound
            if !runs[group[least]].isDeleted(row) { order.append(UInt32(row)) }
            ranges[least] = row + 1..<ranges[least].upperBound
        }
    }

    private func appendLive(_ run: PartRun, _ range: Range<Int>) {
        if run.hasDeletes {
            for row in range where !run.isDeleted(row) { order.append(UInt32(row)) }
        } else {
            for row in range { order.append(UInt32(row)) }
        }
    }

    // A binary heap of runs by (key, run).

    @inline(__always)
    private static func precedes(_ a: Int, _ b: Int, _ positions: [Int], _ source: some RunKeys) -> Bool {
        let order = source.compare(a, positions[a], b, positions[b])
        return order < 0 || (order == 0 && a < b)
    }

    private static func push(_ run: Int, _ heap: inout [Int], _ positions: [Int], _ source: some RunKeys) {
        heap.append(run)
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            if !precedes(heap[child], heap[parent], positions, source) { break }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private static func pop(_ heap: inout [Int], _ positions: [Int], _ source: some RunKeys) {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count {
                if precedes(heap[child], heap[least], positions, source) { least = child }
            }
            if least == parent { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
