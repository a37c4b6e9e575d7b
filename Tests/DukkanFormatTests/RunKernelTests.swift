import CDukkanKernels
import Testing

/// Customers of several lists come in order by key, and of equal keys by list.
@Suite struct RunKernelTests {
    @Test(arguments: [1, 2, 3, 20])
    func customersAreCountedOutInOrder(runCount: Int) {
        var random = SplitMix(seed: UInt64(runCount))
        for least in [Int64.min, -40, 0, Int64.max - 300] {
            let lists = (0..<runCount).map { _ in
                (0..<Int.random(in: 0...50, using: &random)).map { _ in
                    least + Int64.random(in: 0...300, using: &random)
                }
            }
            let expected = lists.enumerated().flatMap { run, keys in
                keys.enumerated().map { (key: $1, run: run, place: $0) }
            }.sorted { ($0.key, $0.run, $0.place) < ($1.key, $1.run, $1.place) }
            var found = [dukkan_run_customer](repeating: dukkan_run_customer(), count: expected.count)
            var heads = [UInt32](repeating: 0, count: 301)
            let memory = lists.map { keys in
                let pointer = UnsafeMutablePointer<Int64>.allocate(capacity: keys.count + 1)
                pointer.initialize(from: keys, count: keys.count)
                return pointer
            }
            defer { for pointer in memory { pointer.deallocate() } }
            dukkan_sort_run_customers(
                memory.map { UnsafePointer($0) }, lists.map(\.count), runCount, least, 300, &heads, &found)
            #expect(found.map(\.key) == expected.map(\.key))
            #expect(found.map { Int($0.run) } == expected.map(\.run))
            #expect(found.map { Int($0.place) } == expected.map(\.place))
            checkRows(found, runCount)
            for (keys, pointer) in zip(lists, memory) where !keys.isEmpty {
                var low: Int64 = 0, high: Int64 = 0
                dukkan_key_bounds(pointer, keys.count, &low, &high)
                #expect(low == keys.min())
                #expect(high == keys.max())
            }
        }
    }

    /// The rows of customers in order, of whom some have none.
    private func checkRows(_ customers: [dukkan_run_customer], _ runCount: Int) {
        var random = SplitMix(seed: UInt64(customers.count))
        let starts = (0..<runCount).map { _ in
            (0..<52).reduce(into: [UInt32.random(in: 0...9, using: &random)]) { starts, _ in
                starts.append(starts[starts.count - 1] + UInt32.random(in: 0...2, using: &random))
            }
        }
        let memory = starts.map { starts in
            let pointer = UnsafeMutablePointer<UInt32>.allocate(capacity: starts.count)
            pointer.initialize(from: starts, count: starts.count)
            return pointer
        }
        defer { for pointer in memory { pointer.deallocate() } }
        var keys: [Int64] = [], firstRows: [UInt32] = [], runs: [[UInt32]] = [], rowCount: UInt32 = 0
        for customer in customers {
            if keys.last != customer.key {
                keys.append(customer.key)
                firstRows.append(rowCount)
            }
            let own = starts[Int(customer.run)], place = Int(customer.place)
            let count = own[place + 1] - own[place]
            if count > 0 { runs.append([own[place], count, customer.run]) }
            rowCount += count
        }
        firstRows.append(rowCount)
        var foundKeys = [Int64](repeating: 0, count: customers.count + 1)
        var foundFirstRows = [UInt32](repeating: 0, count: customers.count + 1)
        var foundRuns = [dukkan_row_run](repeating: dukkan_row_run(), count: customers.count + 1)
        let order = dukkan_order_rows(
            customers, customers.count, memory.map { UnsafePointer($0) }, &foundKeys, &foundFirstRows, &foundRuns)
        #expect(order.customers == keys.count && order.rows == Int(rowCount))
        #expect(Array(foundKeys.prefix(order.customers)) == keys)
        #expect(Array(foundFirstRows.prefix(order.customers + 1)) == firstRows)
        #expect(foundRuns.prefix(order.runs).map { [$0.first, $0.count, $0.source] } == runs)
    }

    /// Lists whose keys lie close together give the same customers and rows in one call, with and without runs.
    @Test(arguments: [1, 2, 3, 20])
    func closeCustomersAreOrderedAtOnce(listCount: Int) {
        var random = SplitMix(seed: UInt64(100 + listCount))
        for least in [Int64.min, -40, 0, Int64.max - 300] {
            var lists: [(keys: UnsafeMutablePointer<Int64>, starts: UnsafeMutablePointer<UInt32>, count: Int)] = []
            defer {
                for list in lists {
                    list.keys.deallocate()
                    list.starts.deallocate()
                }
            }
            var rows: [(key: Int64, list: Int, first: UInt32, count: UInt32)] = []
            for list in 0..<listCount {
                let count = Int.random(in: 0...50, using: &random)
                let keys = UnsafeMutablePointer<Int64>.allocate(capacity: count + 1)
                let starts = UnsafeMutablePointer<UInt32>.allocate(capacity: count + 1)
                starts[0] = UInt32.random(in: 0...9, using: &random)
                for place in 0..<count {
                    keys[place] = least + Int64.random(in: 0...300, using: &random)
                    starts[place + 1] = starts[place] + UInt32.random(in: 0...3, using: &random)
                    rows.append((keys[place], list, starts[place], starts[place + 1] - starts[place]))
                }
                lists.append((keys, starts, count))
            }
            let sorted = rows.enumerated().sorted { ($0.element.key, $0.offset) < ($1.element.key, $1.offset) }
                .map(\.element)
            var keys: [Int64] = [], firstRows: [UInt32] = [], rowCount: UInt32 = 0
            for row in sorted {
                if keys.last != row.key {
                    keys.append(row.key)
                    firstRows.append(rowCount)
                }
                rowCount += row.count
            }
            firstRows.append(rowCount)
            for hasRuns in [true, false] {
                var cells = [UInt64](repeating: 0, count: 301)
                var foundKeys = [Int64](repeating: 0, count: rows.count + 1)
                var foundFirstRows = [UInt32](repeating: 0, count: rows.count + 1)
                var runs = [dukkan_row_run](repeating: dukkan_row_run(), count: rows.count)
                let order = runs.withUnsafeMutableBufferPointer { runs in
                    dukkan_order_close_rows(
                        lists.map { UnsafePointer($0.keys) }, lists.map { UnsafePointer($0.starts) },
                        lists.map(\.count), listCount, least, 300, &cells, &foundKeys, &foundFirstRows,
                        hasRuns ? runs.baseAddress : nil)
                }
                #expect(order.customers == keys.count && order.rows == Int(rowCount) && order.runs == rows.count)
                #expect(Array(foundKeys.prefix(order.customers)) == keys)
                #expect(Array(foundFirstRows.prefix(order.customers + 1)) == firstRows)
                if hasRuns {
                    #expect(
                        runs.map { [$0.first, $0.count, $0.source] }
                            == sorted.map { [$0.first, $0.count, UInt32($0.list)] })
                }
            }
        }
    }
}
