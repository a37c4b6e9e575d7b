import DukkanFormat
import DukkanStorage

/// What a funnel with options found for one unit of a customer under one value: pointers are borrowed.
struct ChainOutcome {
    /// Number of the breakdown's value, ``SequenceRows/nullCode`` for none.
    var value = SequenceRows.nullCode
    /// Number of the period of entry.
    var bucket: UInt32 = 0
    /// The unit, where sessions are counted.
    var session: Int64 = 0
    /// Steps reached, from 1.
    var level = 0
    /// Steps on the reported chain.
    var steps: UInt32 = 0
    /// Whether some chain may still get further.
    var isOpen = false
    /// For each step on the chain its time; where only levels are known, none.
    var times: UnsafePointer<Int64>?
    /// Row of the measured table that serves the measured step; ``ChainOutcome/noRow`` where it is not on the chain.
    var measuredRow = ChainOutcome.noRow

    static let noRow = UInt32.max

    /// Whether a customer stands there.
    func stands(_ standing: FunnelQuery.Standing, at step: Int) -> Bool {
        switch standing {
        case .reached: steps & (1 << UInt32(step)) != 0
        case .dropped: level == step + 1 && !isOpen && !isComplete
        case .open: level == step + 1 && isOpen
        }
    }

    /// Whether nothing is left to reach.
    var isComplete = false
}

/// Who takes the outcomes of customers one by one.
///
/// An object and no closure: what is handed a closure is compiled once more for each, tens of kilobytes in all.
final class ChainSink {
    /// The customer at hand.
    var customer = 0
    private let body: (_ customer: Int, _ outcome: ChainOutcome) throws -> Void

    init(_ body: @escaping (_ customer: Int, _ outcome: ChainOutcome) throws -> Void) {
        self.body = body
    }

    /// Takes an outcome of the customer at hand.
    func take(_ outcome: ChainOutcome) throws { try body(customer, outcome) }
}

/// Evaluates a funnel with options over the customers of morsels; one for each thread.
final class ChainWorker {
    private let program: ChainProgram
    private let numbers: ChainTableRows.Numbers
    private let tables: [ChainTableRows]
    private var gatherer: ChainGatherer
    private var customerCount = 0
    private var batch = ChainBatch()

    /// Numbers of values, alike for all threads.
    struct Numberings: Sendable {
        var values = ValueNumbering()
        let keys = ValueNumbering()
        let sessions = ValueNumbering()
        let units = ValueNumbering()
    }

    init(_ program: ChainProgram, _ numberings: Numberings) {
        self.program = program
        numbers = ChainTableRows.Numbers(
            values: ValueNumbering.Cache(numberings.values), keys: ValueNumbering.Cache(numberings.keys),
            sessions: ValueNumbering.Cache(numberings.sessions), units: ValueNumbering.Cache(numberings.units))
        tables = program.stepTables.map { ChainTableRows(program, $0) }
        gatherer = ChainGatherer(program)
    }

    /// For a condition, which shows no values.
    convenience init(_ program: ChainProgram, _ numbering: ValueNumbering) {
        self.init(program, Numberings(values: numbering))
    }

    deinit {
        gatherer.deallocate()
        batch.deallocate()
    }

    /// Takes the loaded morsel: which steps its rows match, and what tells runs apart.
    func load(_ frame: MorselFrame) throws {
        customerCount = frame.worker.customerCount
        numbers.pairs.removeAll()
        guard customerCount > 0 else { return }
        for table in tables { try table.load(frame, numbers, stepCount: program.rules.stepCount) }
    }

    /// Calls for the units of customers, for many at once where it can; what is told is borrowed for the call.
    func forEachOutcome(
        _ each: (ChainBatch) throws -> Void, _ body: (_ customer: Int, _ outcome: ChainOutcome) throws -> Void
    ) throws {
        try withoutActuallyEscaping(body) { body in try forEachOutcome(each, ChainSink(body)) }
    }

    private func forEachOutcome(_ each: (ChainBatch) throws -> Void, _ sink: ChainSink) throws {
        // A copy of what holds only pointers, so that nothing goes through the object for each row.
        var gatherer = gatherer, batch = batch
        defer { (self.gatherer, self.batch) = (gatherer, batch) }
        gatherer.begin(tables)
        batch.removeAll()
        var customer = 0
        while customer < customerCount {
            let end = min(customer + ChainWorker.batchCustomerCount, customerCount)
            while customer < end {
                customer = gatherer.sweep(customer..<end, into: &batch)
                guard customer < end else { break }
                if gatherer.load(customer) {
                    sink.customer = customer
                    try gatherer.evaluate(sink)
                }
                customer += 1
            }
            try each(batch)
            batch.removeAll()
        }
    }

    /// Customers whose outcomes are told at once.
    private static let batchCustomerCount = 1_024

    /// Calls for each unit of each customer; the outcome is borrowed for the call.
    func forEachOutcome(_ body: (_ customer: Int, _ outcome: ChainOutcome) throws -> Void) throws {
        try forEachOutcome({ try $0.forEach(body) }, body)
    }

    /// Writes 1 for customers who stand at a step, and 0 for the others.
    func membership(
        _ standing: FunnelQuery.Standing, step: Int, into flags: UnsafeMutablePointer<Int64>
    ) throws {
        flags.update(repeating: 0, count: customerCount)
        try forEachOutcome { customer, outcome in
            if outcome.stands(standing, at: step) { flags[customer] = 1 }
        }
    }
}
