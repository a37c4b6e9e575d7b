import Dispatch
import Synchronization

/// Runs over all morsels of a scan on up to `threads` threads, each with a worker and a state of its own.
///
/// Morsels are handed out one after the other through an atomic counter. The first error stops all workers and is thrown.
/// - Parameters:
///   - makeState: makes a worker's state.
///   - body: consumes one loaded morsel.
/// - Returns: the states of the workers that ran, in no particular order.
package func forEachMorsel<State>(
    of scan: MorselScan, threads: Int, control: WorkControl?, cost: MutexCost, makeState: @Sendable () -> State,
    body: @Sendable (MorselWorker, Int, inout State) throws -> Void
) throws -> [State] {
    let workers = max(1, min(threads, scan.morselCount))
    let next = Atomic<Int>(0)
    let isStopped = Atomic<Bool>(false)
    let outcome = Mutex<MorselOutcome<State>>(MorselOutcome())
    @Sendable func work() {
        let meter = cost.makeMeter()
        let worker = MorselWorker(scan: scan, reader: BlockReader(meter: meter))
        var state = makeState()
        do {
            while !isStopped.load(ordering: .relaxed) {
                let morsel = next.wrappingAdd(1, ordering: .relaxed).oldValue
                if morsel >= scan.morselCount { break }
                try control?.check()
                meter?.enter(.assemble)
                try worker.load(morsel)
                meter?.enter(.other)
                meter?.deliver(worker)
                try body(worker, morsel, &state)
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
        work()
    } else {
        DispatchQueue.concurrentPerform(iterations: workers) { _ in work() }
    }
    return try outcome.withLock {
        if let error = $0.error { throw error }
        let states = UncheckedTransfer(value: $0.states)
        return states
    }.value
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

    private let totals = Mutex(Totals())
    private let isMetered: Bool
    private let made = Mutex<[WorkMeter]>([])

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
