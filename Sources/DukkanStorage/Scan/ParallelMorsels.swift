import Dispatch
import DukkanFormat
import Synchronization

/// Runs over all morsels of a scan on up to `threads` threads, each with a worker and a state of its own.
///
/// Each worker goes through a range of its own, and then takes from the ends of the others': neighbouring morsels often need
/// the same row blocks, which are decoded once where one worker reads both. Row blocks that span the morsels of several
/// workers are read before, once for all of them. Heavy morsels come before all others. The first error stops all workers
/// and is thrown.
/// - Parameters:
///   - makeState: makes a worker's state.
///   - body: consumes one loaded morsel, or one piece of it.
/// - Returns: the states of the workers that ran, in no particular order.
package func forEachMorsel<State>(
    of scan: MorselScan, threads: Int, control: WorkControl?, cost: MutexCost, makeState: @Sendable () -> State,
    body: @Sendable (MorselWorker, Int, inout State) throws -> Void
) throws -> [State] {
    let workers = max(1, min(threads, scan.morselCount))
    let shared = workers > 1 ? SharedBlocks(scan, workers: workers) : nil
    let shares = MorselShares(count: scan.morselCount, heavy: scan.heavyMorsels, workers: workers)
    let isStopped = Atomic<Bool>(false)
    let outcome = Guarded<MorselOutcome<State>>(MorselOutcome())
    @Sendable func work(_ number: Int) {
        let meter = cost.makeMeter()
        let worker = MorselWorker(scan: scan, reader: BlockReader(meter: meter, usesCache: true))
        var state = makeState()
        do {
            if let shared {
                meter?.enter(.assemble)
                try worker.readShared(shared) {
                    isStopped.load(ordering: .relaxed)
                } check: {
                    try control?.check()
                }
                meter?.enter(.other)
            }
            while !isStopped.load(ordering: .relaxed) {
                guard let morsel = shares.next(number) else { break }
                meter?.enter(.assemble)
                try worker.load(morsel)
                repeat {
                    try control?.check()
                    meter?.enter(.other)
                    meter?.deliver(worker)
                    try body(worker, morsel, &state)
                    meter?.enter(.assemble)
                } while try worker.loadNextPiece()
                meter?.enter(.other)
            }
        } catch {
            isStopped.store(true, ordering: .relaxed)
            outcome.withLock { if $0.error == nil { $0.error = error } }
        }
        meter?.end()
        cost.add(worker.reader)
        let finished = UncheckedTransfer(value: state)
        outcome.withLock { $0.states.append(finished.value) }
    }
    if workers == 1 {
        work(0)
    } else {
        DispatchQueue.concurrentPerform(iterations: workers) { work($0) }
    }
    return try outcome.withLock {
        if let error = $0.error { throw error }
        let states = UncheckedTransfer(value: $0.states)
        return states
    }.value
}

/// Which morsels are still to be read, in a range for each worker.
private final class MorselShares: Sendable {
    /// What is left of a range: its first morsel in the low half, the one behind its last in the high half.
    private final class Share: Sendable {
        let left: Atomic<UInt64>
        init(_ range: Range<Int>) { left = Atomic(UInt64(range.upperBound) << 32 | UInt64(range.lowerBound)) }

        /// Takes the first morsel, or the last one.
        func take(first: Bool) -> Int? {
            var held = left.load(ordering: .relaxed)
            while true {
                let from = held & 0xFFFF_FFFF, end = held >> 32
                if from >= end { return nil }
                let rest = first ? end << 32 | (from + 1) : (end - 1) << 32 | from
                let (done, original) = left.compareExchange(expected: held, desired: rest, ordering: .relaxed)
                if done { return Int(first ? from : end - 1) }
                held = original
            }
        }
    }

    private let shares: [Share]
    /// Handed out before the shares, of which they are left out.
    private let heavy: [Int]
    private let isHeavy: [Bool]
    private let takenHeavyCount = Atomic<Int>(0)

    init(count: Int, heavy: [Int], workers: Int) {
        self.heavy = heavy
        var isHeavy = [Bool](repeating: false, count: count)
        for morsel in heavy { isHeavy[morsel] = true }
        self.isHeavy = isHeavy
        shares = (0..<workers).map { Share(count * $0 / workers..<count * ($0 + 1) / workers) }
    }

    /// The next morsel for a worker; nil when none is left.
    func next(_ worker: Int) -> Int? {
        if takenHeavyCount.load(ordering: .relaxed) < heavy.count {
            let place = takenHeavyCount.wrappingAdd(1, ordering: .relaxed).oldValue
            if place < heavy.count { return heavy[place] }
        }
        while let own = shares[worker].take(first: true) {
            if !isHeavy[own] { return own }
        }
        for step in 1..<max(1, shares.count) {
            while let other = shares[(worker + step) % shares.count].take(first: false) {
                if !isHeavy[other] { return other }
            }
        }
        return nil
    }
}

private struct MorselOutcome<State> {
    var states: [State] = []
    var error: (any Error)?
}

/// Carries a value from the one thread that made it to the one that takes it over.
private struct UncheckedTransfer<Value>: @unchecked Sendable {  // Never used by two threads at a time.
    let value: Value
}

/// What the workers of a query read, added up.
package final class MutexCost: Sendable {
    private struct Totals {
        var bytesRead = 0
        var blocksDecoded = 0
        var rowsScanned = 0
    }

    private let totals = Guarded(Totals())
    private let isMetered: Bool
    private let made = Guarded<[WorkMeter]>([])

    /// - Parameter isMetered: whether readers get a ``WorkMeter`` each.
    package init(isMetered: Bool = false) {
        self.isMetered = isMetered
    }

    /// A meter for one thread; nil where nothing is measured.
    package func makeMeter() -> WorkMeter? {
        guard isMetered else { return nil }
        let meter = WorkMeter()
        made.withLock { $0.append(meter) }
        return meter
    }

    /// The meters of all threads, for when they have ended.
    package var meters: [WorkMeter] { made.withLock { $0 } }

    package func add(_ reader: BlockReader) {
        let (bytes, blocks, rows) = (reader.bytesRead, reader.blocksDecoded, reader.rowsScanned)
        totals.withLock {
            $0.bytesRead += bytes
            $0.blocksDecoded += blocks
            $0.rowsScanned += rows
        }
    }

    package var values: (bytesRead: Int, blocksDecoded: Int, rowsScanned: Int) {
        totals.withLock { ($0.bytesRead, $0.blocksDecoded, $0.rowsScanned) }
    }
}
