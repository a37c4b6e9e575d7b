import CDukkanKernels
import DukkanFormat
import DukkanStorage

/// The rows of a morsel that a slice's filter leaves, one behind the other, with the columns that its groups and aggregates
/// read: everything behind the filter runs over whole vectors and never looks at a row that is out.
///
/// Each worker has its own. For scans of one table without lookups and segments.
final class SliceRows {
    private var conjuncts: ConjunctOrder
    private var tests: FormTests
    private let slots: [Int]
    private let countsCustomers: Bool
    private var firstRows = FirstRowBits()
    private var rowCustomers = GrowableBuffer<UInt32>(capacity: 64)
    /// Whether the last customer of the piece looked at last is that of the batch handed out last.
    private var carriesCustomer = false

    /// - Parameters:
    ///   - slots: the columns that are read behind the filter.
    ///   - countsCustomers: whether the customers of the rows matter.
    init(_ filter: Predicate, slots: [Int], countsCustomers: Bool, columnCost: (Int) -> Double) {
        conjuncts = ConjunctOrder(filter, columnCost: columnCost)
        // A column that is read behind the filter too is decoded once and for all.
        tests = FormTests(count: conjuncts.count, except: slots)
        self.slots = slots
        self.countsCustomers = countsCustomers
    }

    deinit {
        firstRows.deallocate()
        rowCustomers.deallocate()
    }

    /// The rows left of the morsel loaded, and what aggregates need of them; nil where none are.
    func select(_ frame: MorselFrame) throws -> (ExpressionRows, AggregateBatch)? {
        let rows = try frame.rows(0)
        let worker = frame.worker
        let continues = worker.continuesCustomer && carriesCustomer
        // Of a piece with no rows left, unless it has other customers.
        carriesCustomer = continues && worker.customerCount == 1
        if rows.count == 0 { return nil }
        let bits = frame.evaluator.scratchBits()
        let count = try conjuncts.select(rows, frame.evaluator, into: bits) {
            try worker.require(0, column: $0)
        } shortcut: { predicate, number, bits in
            try tests.decide(number, predicate, frame.evaluator, into: bits, rows.count) {
                worker.scan.sharedDictionary(0, column: $0)
            } select: { test, slot, words in
                try worker.select(test, table: 0, column: slot, into: words)
            }
        }
        if !conjuncts.isEmpty { frame.meter?.count(.filter, in: rows.count, out: count) }
        if count == 0 { return nil }
        carriesCustomer = true
        if count == rows.count {
            for slot in slots { try worker.require(0, column: slot) }
            var batch = AggregateBatch(
                rowCount: count, selection: .all, starts: frame.starts(0), customerCount: worker.customerCount)
            batch.firstRowBits = worker.tables[0].firstRowBits
            batch.isPiece = worker.isPiece
            batch.continuesCustomer = continues
            return (rows, batch)
        }
        let selected = SelectedRows(words: UnsafePointer(bits.words), count: count)
        let left = ExpressionRows()
        left.count = count
        left.columns = rows.columns
        for slot in slots { left.columns[slot] = try worker.selected(selected, table: 0, column: slot) }
        if let customer = rows.customer {
            let vector = frame.evaluator.scratch(customer.kind)
            vector.assign(selected, of: customer)
            left.customer = vector
        }
        var batch = AggregateBatch(rowCount: count, selection: .all, customerCount: worker.customerCount)
        batch.isPiece = worker.isPiece
        batch.continuesCustomer = continues
        if countsCustomers, let starts = frame.starts(0) {
            batch.customers = customers(
                worker.tables[0].firstRowBits, starts, worker.customerCount, selected, of: rows.count)
        }
        return (left, batch)
    }

    /// The number of each selected row's customer among those of the morsel that have rows.
    private func customers(
        _ firstRowBits: UnsafePointer<UInt64>?, _ starts: UnsafePointer<UInt32>, _ customerCount: Int,
        _ selected: SelectedRows, of rowCount: Int
    ) -> UnsafePointer<UInt32> {
        if firstRowBits == nil { firstRows.mark(starts, customerCount) }
        // The kernel writes two more.
        rowCustomers.reserve(selected.count + 2)
        let firsts = firstRowBits ?? UnsafePointer(firstRows.words.base)
        dukkan_number_runs(firsts, selected.words, rowCount, rowCustomers.base)
        return UnsafePointer(rowCustomers.base)
    }
}
