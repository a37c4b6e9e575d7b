#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What one thread does for a query: how long it is at which stage, how many rows pass, and what it reads of which column.
///
/// Each moment belongs to one stage, the one entered last, so that the times of a thread add up to its time. Costs a look
/// at the clock at each change of stage, a few for each morsel and block; without a meter nothing but a test for nil.
package final class WorkMeter: @unchecked Sendable {  // Sendable: its thread's own, and read when that has ended.
    /// What a thread can be at; the layers above add their own, up to ``countMax``.
    package struct Stage: Hashable, Sendable {
        package let place: Int

        package init(place: Int) {
            precondition((0..<Stage.countMax).contains(place))
            self.place = place
        }

        package static let countMax = 32
        /// Between the stages.
        package static let other = Stage(place: 0)
        /// Putting together the rows of a morsel: merging parts, copying, numbering strings anew, joining customers.
        package static let assemble = Stage(place: 1)
        /// The next one is free for the layers above.
        package static let freePlace = 2
    }

    /// Blocks of one column of one file; of its customer directory under that name.
    package struct ColumnWork: Sendable {
        package let file: ObjectIdentifier
        package let column: String
        package var blocks = 0
        package var dictionaries = 0
        package var bytesRead = 0
        package var bytesDecoded = 0
        package var rows = 0
        package var readNanoseconds = 0
        package var checkNanoseconds = 0
        package var decodeNanoseconds = 0
    }

    private struct ColumnKey: Hashable {
        var file: ObjectIdentifier
        var column: String
    }

    /// Nanoseconds at each stage; reading blocks is not in them but in ``columns``.
    package private(set) var nanoseconds = [Int](repeating: 0, count: Stage.countMax)
    package private(set) var rowsIn = [Int](repeating: 0, count: Stage.countMax)
    package private(set) var rowsOut = [Int](repeating: 0, count: Stage.countMax)
    package private(set) var columns: [ColumnWork] = []
    /// Rows that each table of the scan delivered.
    package private(set) var delivered: [Int] = []
    package private(set) var customers = 0
    package private(set) var morsels = 0
    /// What the layers above count by a number of their own.
    package private(set) var tallies: [Int] = []

    private var places = [ColumnKey: Int]()
    private var stage = Stage.other
    private var mark = WorkMeter.now()
    private let processorMark = WorkMeter.processorNow()
    /// How long the thread had a processor, once it has ended: less than its time where others had it.
    package private(set) var processorNanoseconds = 0
    private var open: (column: Int, checkNanoseconds: Int)?

    package init() {}

    private static let origin = ContinuousClock.now

    private static func now() -> Int {
        let (seconds, attoseconds) = (ContinuousClock.now - origin).components
        return Int(seconds) * 1_000_000_000 + Int(attoseconds / 1_000_000_000)
    }

    private static func processorNow() -> Int {
        var time = timespec()
        guard clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time) == 0 else { return 0 }
        return Int(time.tv_sec) * 1_000_000_000 + Int(time.tv_nsec)
    }

    /// Ends the thread's work; called on the thread that made the meter.
    package func end() {
        enter(.other)
        processorNanoseconds = WorkMeter.processorNow() - processorMark
    }

    /// Time since the last change.
    private func lap() -> Int {
        let now = WorkMeter.now()
        defer { mark = now }
        return now - mark
    }

    /// Ends a stage and begins another; returns the one that was ended, for coming back to it.
    @discardableResult
    package func enter(_ next: Stage) -> Stage {
        nanoseconds[stage.place] += lap()
        defer { stage = next }
        return stage
    }

    /// Counts rows that a stage took and gave.
    package func count(_ stage: Stage, in taken: Int, out given: Int) {
        rowsIn[stage.place] += taken
        rowsOut[stage.place] += given
    }

    /// Counts something that the layers above have a number for.
    package func tally(_ number: Int, _ count: Int) {
        if tallies.count <= number { tallies.append(contentsOf: repeatElement(0, count: number + 1 - tallies.count)) }
        tallies[number] += count
    }

    // MARK: Blocks

    func beginRead(_ file: PartFile, _ column: String) {
        nanoseconds[stage.place] += lap()
        let key = ColumnKey(file: ObjectIdentifier(file), column: column)
        let place = places[key] ?? columns.count
        if place == columns.count {
            places[key] = place
            columns.append(ColumnWork(file: key.file, column: column))
        }
        open = (place, 0)
    }

    func endRead(byteCount: Int, isDictionary: Bool) {
        guard let open else { return }
        columns[open.column].readNanoseconds += lap()
        columns[open.column].bytesRead += byteCount
        if isDictionary { columns[open.column].dictionaries += 1 } else { columns[open.column].blocks += 1 }
    }

    /// The checksum of the open block holds.
    func endCheck() {
        open?.checkNanoseconds += lap()
    }

    func endDecode(rowCount: Int, byteCount: Int) {
        guard let open else { return }
        columns[open.column].checkNanoseconds += open.checkNanoseconds
        columns[open.column].decodeNanoseconds += lap()
        columns[open.column].rows += rowCount
        columns[open.column].bytesDecoded += byteCount
        self.open = nil
    }

    // MARK: Morsels

    func deliver(_ worker: MorselWorker) {
        if delivered.isEmpty { delivered = worker.tables.map { _ in 0 } }
        for (table, rows) in worker.tables.enumerated() { delivered[table] += rows.rowCount }
        customers += worker.customerCount - (worker.continuesCustomer ? 1 : 0)
        morsels += 1
    }
}
