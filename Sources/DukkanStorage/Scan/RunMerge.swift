import CDukkanKernels
import DukkanFormat

/// A growable list of row numbers behind a stable pointer.
final class StartList {
    private(set) var pointer: UnsafeMutablePointer<UInt32> = KeptMemory.allocate(64)
    private var capacity = 64
    private(set) var count = 0

    deinit { KeptMemory.release(pointer, capacity) }

    func removeAll() { count = 0 }

    func reserve(_ minimum: Int) {
        guard minimum > capacity else { return }
        let wanted = max(minimum, capacity * 2)
        let grown: UnsafeMutablePointer<UInt32> = KeptMemory.allocate(wanted)
        grown.update(from: pointer, count: count)
        KeptMemory.release(pointer, capacity)
        pointer = grown
        capacity = wanted
    }

    func append(_ value: UInt32) {
        reserve(count + 1)
        pointer[count] = value
        count += 1
    }

    /// Tells that `count` row numbers were written behind ``reserve(_:)``.
    func setCount(_ count: Int) {
        precondition(count <= capacity)
        self.count = count
    }
}

/// The rows that one part gives to a morsel: customers, and where their rows stand in the run's columns.
final class PartRun {
    private let ownKeys: CustomerKeyList
    private let ownStarts = StartList()
    /// The customers of one row block as they lie there; nil where they were copied.
    private var lent: Lent?
    /// One bit a row from `first` on, set where the row is deleted.
    private var deleted: [UInt64] = []
    private(set) var hasDeletes = false
    private(set) var first = 0
    private(set) var end = 0
    /// The values: of one row block as it was decoded, or what was copied of several blocks and parts.
    private(set) var columns: [ColumnVector] = []
    /// Whether `columns` are those of one row block.
    private(set) var isBlock = false
    private(set) var part = 0
    /// The row blocks that the rows come from, and which of their rows.
    private(set) var places: [(block: Int, rows: Range<Int>)] = []

    private struct Lent {
        let block: CustomerBlock
        let chosen: Range<Int>
        /// First rows of the block's customers, and the end.
        let starts: UnsafePointer<UInt32>
    }

    init(isString: Bool) {
        ownKeys = CustomerKeyList(isString: isString)
    }

    var customerCount: Int { lent?.chosen.count ?? ownKeys.count }

    /// The least and the greatest integer key; nil without customers.
    var keyBounds: (least: Int64, greatest: Int64)? {
        let count = customerCount, keys = keys.integers
        guard count > 0 else { return nil }
        // Those of a block are known to ascend.
        if lent != nil { return (keys[0], keys[count - 1]) }
        // Those of several blocks of a damaged part may stand in any order.
        var least: Int64 = 0, greatest: Int64 = 0
        dukkan_key_bounds(keys, count, &least, &greatest)
        return (least, greatest)
    }

    /// The customers' keys as they lie; good until the run begins anew.
    var keys: CustomerKeys {
        guard let lent else { return ownKeys.keys }
        return ownKeys.keys.replacing(lent.block.keys + lent.chosen.lowerBound)
    }

    func begin(part: Int, at row: Int, of columns: [ColumnVector], isBlock: Bool) {
        self.part = part
        self.columns = columns
        self.isBlock = isBlock
        places.removeAll(keepingCapacity: true)
        lent = nil
        ownKeys.removeAll()
        ownStarts.removeAll()
        deleted.removeAll(keepingCapacity: true)
        hasDeletes = false
        first = row
        end = row
    }

    /// Appends customers `chosen` of a block whose rows from block row `rows` on stand behind the run's end.
    ///
    /// - Parameters:
    ///   - block: the block's customers.
    ///   - chosen: those appended, as places among them.
    ///   - rowStarts: the first row of each of the block's customers.
    ///   - rows: the first row of the first one appended.
    func append(_ block: CustomerBlock, _ chosen: Range<Int>, starts rowStarts: UnsafePointer<UInt32>, rows: Int) {
        var chosen = chosen
        // A customer of many rows goes on from block to block.
        if ownKeys.lastEquals(block, chosen.lowerBound) { chosen = chosen.lowerBound + 1..<chosen.upperBound }
        ownKeys.append(block, chosen)
        let held = ownStarts.count
        ownStarts.reserve(held + chosen.count)
        let output = ownStarts.pointer + held, input = rowStarts + chosen.lowerBound
        let shift = UInt32(truncatingIfNeeded: end &- rows)
        for i in 0..<chosen.count { output[i] = input[i] &+ shift }
        ownStarts.setCount(held + chosen.count)
    }

    /// Makes customers `chosen` of a block those of the run, which has begun at the first one's first row, as they lie;
    /// strings are copied.
    func lend(_ block: CustomerBlock, _ chosen: Range<Int>, starts rowStarts: UnsafePointer<UInt32>) {
        if ownKeys.isString {
            append(block, chosen, starts: rowStarts, rows: end)
        } else {
            lent = Lent(block: block, chosen: chosen, starts: rowStarts)
        }
    }

    /// The keys in a list of the run's own.
    func keyList() -> CustomerKeyList {
        if let lent {
            self.lent = nil
            append(lent.block, lent.chosen, starts: lent.starts, rows: end)
        }
        return ownKeys
    }

    /// Tells where rows come from.
    func note(_ block: Int, _ rows: Range<Int>) { places.append((block, rows)) }

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

    /// The run as it lies, for a merge; good until it begins anew.
    ///
    /// - Parameter timeSlot: place of the time among the columns; nil where times do not matter.
    func lane(timeSlot: Int?) -> RunLane {
        ownStarts.reserve(ownStarts.count + 1)
        ownStarts.pointer[ownStarts.count] = UInt32(end)
        return RunLane(
            starts: lent.map { $0.starts + $0.chosen.lowerBound } ?? UnsafePointer(ownStarts.pointer), first: first,
            times: timeSlot.map { UnsafePointer(columns[$0].integers) },
            deleted: hasDeletes ? deleted.withUnsafeBufferPointer { $0 } : nil)
    }

    /// First rows of the customers and the end, counted from the run's first row, for a run that is the whole table and
    /// has a list of its own.
    func startPointer() -> UnsafeMutablePointer<UInt32> {
        ownStarts.append(UInt32(end))
        let pointer = ownStarts.pointer, shift = UInt32(first)
        if shift > 0 { for place in 0..<ownStarts.count { pointer[place] -= shift } }
        return pointer
    }
}

/// A run as a merge sees it.
struct RunLane {
    /// First rows of the customers, and the end.
    let starts: UnsafePointer<UInt32>
    /// The run's first row.
    let first: Int
    /// Times of the rows; nil where they do not matter.
    let times: UnsafePointer<Int64>?
    /// One bit a row from `first` on, set where the row is deleted; nil where none is.
    let deleted: UnsafeBufferPointer<UInt64>?

    @inline(__always)
    func isDeleted(_ row: Int) -> Bool {
        guard let deleted else { return false }
        let at = row &- first
        return at >> 6 < deleted.count && deleted[at >> 6] & (1 << UInt64(at & 63)) != 0
    }

    @inline(__always)
    func rows(_ place: UInt32) -> Range<Int> { Int(starts[Int(place)])..<Int(starts[Int(place) + 1]) }
}

/// Memory for what a merge makes of a morsel, which holds nothing from one to the next.
private struct MergeBuffer<Element: BitwiseCopyable> {
    private(set) var base: UnsafeMutablePointer<Element> = KeptMemory.allocate(64)
    private var capacity = 64

    /// Makes room for elements; keeps none.
    mutating func reserve(_ count: Int) {
        guard count > capacity else { return }
        deallocate()
        capacity = count + count / 2
        base = KeptMemory.allocate(capacity)
    }

    func deallocate() { KeptMemory.release(base, capacity) }
}

/// Merges the runs of several parts into the total order (customer, time, part), without deleted rows.
final class RunMerge {
    private var order: [UInt32] = []
    private var customers = MergeBuffer<dukkan_run_customer>()
    private var merged = MergeBuffer<dukkan_run_customer>()
    /// For each key of a range where its customers begin.
    private var heads = MergeBuffer<UInt32>()
    /// For each key of a range how many runs have it and how many rows, and then where its runs of rows go.
    private var cells = MergeBuffer<UInt64>()
    /// Rows in their order, as runs of consecutive ones.
    private var rowRuns = MergeBuffer<dukkan_row_run>()

    /// Copied rows in total order.
    struct Rows {
        /// Runs of consecutive rows, one behind the other; good until the next call.
        var runs: UnsafeBufferPointer<dukkan_row_run>
        var count: Int
    }

    deinit {
        customers.deallocate()
        merged.deallocate()
        heads.deallocate()
        cells.deallocate()
        rowRuns.deallocate()
    }

    /// Rows of `count` from `from` that are not deleted, as places from 0.
    func liveRows(_ deletes: DeleteBitmap, from: Int, count: Int) -> UnsafeBufferPointer<UInt32> {
        order.removeAll(keepingCapacity: true)
        for i in 0..<count where !deletes.isDeleted(from + i) { order.append(UInt32(i)) }
        return order.withUnsafeBufferPointer { $0 }  // `order` stays as it is until the next call.
    }

    /// The rows of all runs in total order; fills the customers and their first rows.
    ///
    /// O(rows + customers of all runs × log runs).
    /// - Parameters:
    ///   - runs: the runs, by the order of their parts.
    ///   - timeSlot: place of the time among the columns; nil where times do not matter.
    ///   - countsOnly: whether nothing is asked but how many rows each customer has: there are no runs of rows then.
    ///   - keys: gets the customers.
    ///   - starts: gets the first row of each, and the end.
    func merge(
        _ runs: ArraySlice<PartRun>, timeSlot: Int?, countsOnly: Bool, keys: CustomerKeyList, starts: StartList
    ) -> Rows {
        let lanes = runs.map { $0.lane(timeSlot: timeSlot) }
        let lists = runs.map(\.keys)
        let counts = runs.map(\.customerCount)
        let total = counts.reduce(0, +)
        keys.removeAll()
        keys.reserve(total + 1)
        starts.reserve(total + 1)
        let rowCount = runs.reduce(0) { $0 + $1.end - $1.first }
        let range = keys.isString ? nil : RunMerge.closeRange(runs, total, rowCount)
        let isPlain = !keys.isString && timeSlot == nil && lanes.allSatisfy { $0.deleted == nil }
        if isPlain, let range { return orderCloseRows(range, lists, counts, lanes, countsOnly, keys, starts) }
        // Each row may be a run of its own; empty ones are overwritten by the next, or stand last.
        makeRoom(runs: rowCount + 1)
        mergeCustomers(lists, counts, total, range)
        if isPlain { return orderRows(total, lanes, keys, starts) }
        return lanes.withUnsafeBufferPointer { lanes in
            lists.withUnsafeBufferPointer { lists in
                appendRows(total, lanes, lists, timeSlot != nil, keys, starts)
            }
        }
    }

    private func makeRoom(runs count: Int) {
        rowRuns.reserve(count)
    }

    /// Puts the customers of all runs into `customers`, by key and run.
    private func mergeCustomers(
        _ lists: [CustomerKeys], _ counts: [Int], _ total: Int, _ range: (least: Int64, length: Int)?
    ) {
        customers.reserve(total)
        merged.reserve(total)
        // Two lists are as soon merged.
        if let range, lists.count > 2 {
            sortCustomers(range, lists, counts)
            return
        }
        var borders = [0]
        for (run, keys) in lists.enumerated() {
            let output = customers.base + borders[run], count = counts[run]
            let number = UInt32(run)
            for place in 0..<count {
                output[place] = dukkan_run_customer(
                    key: keys.integers[place], run: number, place: UInt32(truncatingIfNeeded: place))
            }
            borders.append(borders[run] + count)
        }
        // Neighbours are merged, so that runs stay in order where keys are equal.
        while borders.count > 2 {
            var joined = [0]
            var at = 0
            while at + 1 < borders.count {
                let middle = borders[at + 1], end = at + 2 < borders.count ? borders[at + 2] : middle
                mergeNeighbours(borders[at], middle, end, lists)
                joined.append(end)
                at += 2
            }
            swap(&customers, &merged)
            borders = joined
        }
    }

    /// Keys of a range at most for each customer where they are counted out instead of compared.
    private static let rangePerCustomer = 4

    /// The least key of several runs and how far it is to the greatest, where they lie close together.
    private static func closeRange(
        _ runs: ArraySlice<PartRun>, _ total: Int, _ rowCount: Int
    ) -> (least: Int64, length: Int)? {
        guard runs.count > 1, total > 0, total < Int(UInt32.max), rowCount < Int(UInt32.max) else { return nil }
        var least = Int64.max, greatest = Int64.min
        for case let bounds? in runs.map(\.keyBounds) {
            (least, greatest) = (min(least, bounds.least), max(greatest, bounds.greatest))
        }
        let (range, isOver) = greatest.subtractingReportingOverflow(least)
        return isOver || range >= RunMerge.rangePerCustomer * total ? nil : (least, Int(range))
    }

    /// Puts the customers in order where their keys lie close together.
    private func sortCustomers(_ range: (least: Int64, length: Int), _ lists: [CustomerKeys], _ counts: [Int]) {
        heads.reserve(range.length + 1)
        let base = heads.base, output = customers.base
        base.update(repeating: 0, count: range.length + 1)
        dukkan_sort_run_customers(
            lists.map { Optional($0.integers) }, counts, counts.count, range.least, range.length, base, output)
    }

    /// The rows of customers whose keys lie close together, where neither times nor deleted rows matter.
    private func orderCloseRows(
        _ range: (least: Int64, length: Int), _ lists: [CustomerKeys], _ counts: [Int], _ lanes: [RunLane],
        _ countsOnly: Bool, _ keys: CustomerKeyList, _ starts: StartList
    ) -> Rows {
        cells.reserve(range.length + 1)
        cells.base.update(repeating: 0, count: range.length + 1)
        if !countsOnly { makeRoom(runs: counts.reduce(0, +)) }
        let order = dukkan_order_close_rows(
            lists.map { Optional($0.integers) }, lanes.map { Optional($0.starts) }, counts, counts.count, range.least,
            range.length, cells.base, keys.integers, starts.pointer, countsOnly ? nil : rowRuns.base)
        keys.setCount(order.customers)
        starts.setCount(order.customers + 1)
        return Rows(
            runs: UnsafeBufferPointer(start: rowRuns.base, count: countsOnly ? 0 : order.runs),
            count: order.rows)
    }

    /// Merges `from ..< middle` and `middle ..< end` of `customers` into `merged`.
    private func mergeNeighbours(_ from: Int, _ middle: Int, _ end: Int, _ lists: [CustomerKeys]) {
        let input = UnsafePointer(customers.base), output = merged.base + from
        guard lists[0].isString else {
            dukkan_merge_run_customers(input + from, middle - from, input + middle, end - middle, output)
            return
        }
        lists.withUnsafeBufferPointer { lists in
            var a = from, b = middle, at = 0
            while a < middle && b < end {
                let order = lists[Int(input[b].run)].compare(
                    Int(input[b].place), lists[Int(input[a].run)], Int(input[a].place))
                let takesB = order < 0
                output[at] = input[takesB ? b : a]
                b &+= takesB ? 1 : 0
                a &+= takesB ? 0 : 1
                at &+= 1
            }
            (output + at).update(from: input + a, count: middle - a)
            (output + at + middle - a).update(from: input + b, count: end - b)
        }
    }

    /// Writes the rows of each customer into `rowRuns` where neither times nor deleted rows matter.
    private func orderRows(
        _ customerCount: Int, _ lanes: [RunLane], _ keys: CustomerKeyList, _ starts: StartList
    ) -> Rows {
        let order = dukkan_order_rows(
            customers.base, customerCount, lanes.map { Optional($0.starts) }, keys.integers, starts.pointer,
            rowRuns.base)
        keys.setCount(order.customers)
        starts.setCount(order.customers + 1)
        return Rows(runs: UnsafeBufferPointer(start: rowRuns.base, count: order.runs), count: order.rows)
    }

    /// Writes the rows of each customer into `rowRuns`.
    private func appendRows(
        _ customerCount: Int, _ lanes: UnsafeBufferPointer<RunLane>, _ lists: UnsafeBufferPointer<CustomerKeys>,
        _ timesMatter: Bool, _ keys: CustomerKeyList, _ starts: StartList
    ) -> Rows {
        let entries = UnsafePointer(customers.base)
        var output = Output(runs: rowRuns.base)
        let firstRows = starts.pointer
        let isString = keys.isString
        let integers = keys.integers
        var at = 0, customer = 0
        while at < customerCount {
            let entry = entries[at]
            if isString {
                keys.append(lists[Int(entry.run)], Int(entry.place))
            } else {
                integers[customer] = entry.key
            }
            firstRows[customer] = UInt32(truncatingIfNeeded: output.rowCount)
            customer &+= 1
            let group = output, groupStart = at
            var lastTime = Int64.min, isInOrder = true
            repeat {
                let run = entries[at].run
                let lane = lanes[Int(run)], rows = lane.rows(entries[at].place)
                if let times = lane.times, !rows.isEmpty {
                    isInOrder = isInOrder && times[rows.lowerBound] >= lastTime
                    lastTime = times[rows.upperBound &- 1]
                }
                output.append(rows, lane, run)
                at &+= 1
            } while at < customerCount && entries[at].key == entry.key
                && (!isString
                    || lists[Int(entries[at].run)].compare(
                        Int(entries[at].place), lists[Int(entry.run)], Int(entry.place)) == 0)
            if timesMatter && !isInOrder {
                output = group
                RunMerge.appendByTime(entries + groupStart, at - groupStart, lanes, &output)
            }
        }
        firstRows[customer] = UInt32(truncatingIfNeeded: output.rowCount)
        starts.setCount(customer + 1)
        if !isString { keys.setCount(customer) }
        return Rows(
            runs: UnsafeBufferPointer(start: output.runs, count: output.runCount), count: output.rowCount)
    }

    /// Runs of rows as they are written.
    private struct Output {
        let runs: UnsafeMutablePointer<dukkan_row_run>
        var runCount = 0
        var rowCount = 0

        @inline(__always)
        mutating func append(_ rows: Range<Int>, _ lane: RunLane, _ run: UInt32) {
            if lane.deleted == nil {
                append(rows, run)
                return
            }
            var from = rows.lowerBound
            while from < rows.upperBound {
                var to = from
                while to < rows.upperBound && !lane.isDeleted(to) { to &+= 1 }
                append(from..<to, run)
                from = to &+ 1
            }
        }

        @inline(__always)
        private mutating func append(_ rows: Range<Int>, _ run: UInt32) {
            runs[runCount] = dukkan_row_run(
                first: UInt32(truncatingIfNeeded: rows.lowerBound), count: UInt32(truncatingIfNeeded: rows.count),
                source: run)
            runCount &+= rows.isEmpty ? 0 : 1
            rowCount &+= rows.count
        }
    }

    /// What is left of one run's rows of a customer, at least one.
    private struct TimedRows {
        let times: UnsafePointer<Int64>
        var row: Int
        let end: Int
        let run: UInt32
        /// Of the next row.
        var time: Int64
    }

    /// The rows of one customer whose runs overlap in time, by time and run.
    private static func appendByTime(
        _ entries: UnsafePointer<dukkan_run_customer>, _ count: Int, _ lanes: UnsafeBufferPointer<RunLane>,
        _ output: inout Output
    ) {
        withUnsafeTemporaryAllocation(of: TimedRows.self, capacity: count) { heads in
            var held = 0
            for i in 0..<count {
                let run = entries[i].run, rows = lanes[Int(run)].rows(entries[i].place)
                guard !rows.isEmpty, let times = lanes[Int(run)].times else { continue }
                heads.initializeElement(
                    at: held,
                    to: TimedRows(
                        times: times, row: rows.lowerBound, end: rows.upperBound, run: run,
                        time: times[rows.lowerBound]))
                held += 1
            }
            while held > 1 {
                // The run with the earliest row, and the one that follows it: the first goes on up to the second.
                var least = 0, second = 1
                if heads[1].time < heads[0].time { (least, second) = (1, 0) }
                var place = 2
                while place < held {
                    let time = heads[place].time
                    if time < heads[least].time {
                        second = least
                        least = place
                    } else if time < heads[second].time {
                        second = place
                    }
                    place &+= 1
                }
                let head = heads[least], bound = heads[second].time
                // Of equal times the rows of the older part come first.
                let last = least < second ? bound : bound &- 1
                var row = head.row &+ 1
                while row < head.end && head.times[row] <= last { row &+= 1 }
                output.append(head.row..<row, lanes[Int(head.run)], head.run)
                if row < head.end {
                    heads[least].row = row
                    heads[least].time = head.times[row]
                } else {
                    held &-= 1
                    for place in least..<held { heads[place] = heads[place &+ 1] }
                }
            }
            if held == 1 { output.append(heads[0].row..<heads[0].end, lanes[Int(heads[0].run)], heads[0].run) }
        }
    }
}
