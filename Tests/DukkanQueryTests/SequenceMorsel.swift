@testable import DukkanQuery

/// Rows of several tables for some customers, as the scan would hand them to the sequence kernels.
struct SequenceMorsel {
    struct Row {
        var time: Int64
        var mask: UInt32
        var value: UInt32 = SequenceRows.nullCode
    }

    /// `tables[t][c]`: rows of customer c in table t, in order.
    var tables: [[[Row]]]

    /// Runs a funnel over it, cut into calls of at most `customersPerCall` customers spread over `workers` accumulators.
    func funnel(
        _ plan: FunnelPlan, workers: Int = 1, customersPerCall: Int = .max, bytes: Bool = false,
        longRowCount: Int = FunnelAccumulator.longRowCount
    ) -> FunnelAccumulator {
        let accumulators = (0..<workers).map { _ in FunnelAccumulator(plan, longRowCount: longRowCount) }
        let customerCount = tables.first?.count ?? 0
        var customer = 0, call = 0
        while customer < customerCount {
            let end = min(customerCount, customer + min(customersPerCall, customerCount))
            hand(customer..<end, bytes: bytes) {
                accumulators[call % workers].add(customerCount: end - customer, tables: $0)
            }
            customer = end
            call += 1
        }
        for other in accumulators.dropFirst() { accumulators[0].merge(other) }
        return accumulators[0]
    }

    /// Runs a funnel over the only table, whose rows come in pieces that are cut without regard to customers.
    func funnel(_ plan: FunnelPlan, pieceRowCounts: () -> Int, bytes: Bool = false) -> FunnelAccumulator {
        let accumulator = FunnelAccumulator(plan)
        var customer = 0, taken = 0, continues = false
        let customers = tables[0]
        while customer < customers.count {
            var piece: [[Row]] = [], left = pieceRowCounts()
            var isCut = false
            while customer < customers.count, !isCut {
                let rest = customers[customer].dropFirst(taken)
                isCut = rest.count > left
                piece.append(Array(rest.prefix(left)))
                left -= min(left, rest.count)
                (customer, taken) = isCut ? (customer, taken + piece[piece.count - 1].count) : (customer + 1, 0)
                if left == 0 { break }
            }
            SequenceMorsel(tables: [piece]).hand(0..<piece.count, bytes: bytes) {
                accumulator.addPiece(
                    customerCount: piece.count, table: $0[0], continues: continues, isLast: customer == customers.count)
            }
            continues = isCut
        }
        return accumulator
    }

    private func hand(_ customers: Range<Int>, bytes: Bool, _ body: ([SequenceRows]) -> Void) {
        var handed: [SequenceRows] = []
        var memory: [UnsafeMutableRawPointer] = []
        defer { for pointer in memory { pointer.deallocate() } }
        func copy<T>(_ values: [T]) -> UnsafePointer<T> {
            let pointer = UnsafeMutablePointer<T>.allocate(capacity: max(values.count, 1))
            pointer.initialize(from: values, count: values.count)
            memory.append(UnsafeMutableRawPointer(pointer))
            return UnsafePointer(pointer)
        }
        for table in tables {
            var starts: [UInt32] = [0]
            var rows: [Row] = []
            for customer in customers {
                rows += table[customer]
                starts.append(UInt32(rows.count))
            }
            handed.append(
                SequenceRows(
                    rowStarts: copy(starts), times: copy(rows.map(\.time)),
                    masks: bytes ? .bytes(copy(rows.map { UInt8($0.mask) })) : .words(copy(rows.map(\.mask))),
                    values: copy(rows.map(\.value))))
        }
        body(handed)
    }
}
