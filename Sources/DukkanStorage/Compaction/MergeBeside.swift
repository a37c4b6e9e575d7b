import Dispatch
import DukkanFormat
import Synchronization

/// A merge that runs beside the writer's calls, on a thread of its own.
///
/// It reads parts of a snapshot, which never change, and makes files that no manifest names. A later commit takes them
/// up, or they are removed. Its files are durable when it has ended.
final class MergeBeside: PartMaking, @unchecked Sendable {
    // Sendable: what the work changes is read by others only after `hasEnded`, which is set last.
    /// The table and the parts as they were when the merge began.
    let table: Manifest.Table
    let inputs: [Manifest.Part]
    /// Deleted rows of each input when the merge began.
    let deletedCounts: [Int]
    let isCut: Bool

    /// Time between two looks whether someone who waits has given up.
    private static let checkInterval = DispatchTimeInterval.milliseconds(20)

    private let task: MergeTask
    private let partsPath: String
    private let fileSystem: any FileSystem
    private let loader: SnapshotLoader
    private let numbers: FileNumbers
    private let control: WorkControl
    private let end = DispatchGroup()
    private let ended = Atomic<Bool>(false)

    private(set) var result: Result<MergeTask.Outcome, any Error> = .failure(DukkanError(.cancelled, "not begun"))
    /// Files made, by name, those of a failed merge too.
    private(set) var names: [String] = []
    private(set) var files: [PartIdentifier: PartFile] = [:]
    private(set) var writtenByteCount = 0

    /// The control of `task` is the one that ``stop()`` cancels.
    init(_ merge: CompactionPolicy.Merge, table: Manifest.Table, parts: [PartHandle], of writer: Writer) {
        control = WorkControl()
        self.table = table
        inputs = parts.map(\.entry)
        deletedCounts = parts.map { $0.deletes?.deletedCount ?? 0 }
        isCut = merge.isCut
        // One thread: the others are for those who wait for an answer or a commit.
        task = MergeTask(
            table: table, parts: parts, isCut: merge.isCut, isThorough: false, windows: writer.windows,
            memoryBudgetBytes: writer.options.memoryBudgetBytes, threads: 1, control: control)
        partsPath = writer.partsPath
        fileSystem = writer.fileSystem
        loader = writer.loader
        numbers = writer.fileNumbers
    }

    /// Whether nothing of it runs any more.
    var hasEnded: Bool { ended.load(ordering: .acquiring) }

    /// Begins.
    ///
    /// - Parameters:
    ///   - isDeferred: the whole merge happens in this call.
    ///   - onEnd: called when it has ended otherwise, on its thread.
    func begin(isDeferred: Bool, onEnd: @escaping @Sendable () -> Void) {
        if isDeferred {
            work()
            return
        }
        end.enter()
        // A queue of its own has a thread as soon as it needs one, whatever the others do.
        DispatchQueue(label: "dukkan.merge").async {
            self.work()
            self.end.leave()
            onEnd()
        }
    }

    private func work() {
        result = Result { try task.run(by: self) }
        ended.store(true, ordering: .releasing)
    }

    /// Returns when it has ended.
    ///
    /// Throws `cancelled` or `deadline` where that comes first.
    func wait(control: WorkControl?) throws {
        while end.wait(timeout: .now() + MergeBeside.checkInterval) == .timedOut { try control?.check() }
    }

    /// Ends it early; returns when it has ended.
    func stop() {
        control.cancel()
        end.wait()
    }

    /// Removes the files that it made.
    func removeFiles() {
        files = [:]
        for name in names { try? fileSystem.removeFile(partsPath.appending(name: name)) }
        names = []
    }

    func beginPart(
        table: Manifest.Table, dictionaries: [StringDictionary?], rowCount: Int, isQuick: Bool, isThorough: Bool,
        threads: Int
    ) throws -> PartDraft {
        let file = numbers.next()
        names.append(StoreLayout.partName(table: table.number, file: file))
        // A failed sync concerns files that nothing stands on yet, so that the writer may go on without them.
        return try PartDraft(
            table: table, file: file, dictionaries: dictionaries,
            options: PartOptions(thorough: isThorough, quick: !isThorough && isQuick, workers: threads),
            rowCount: rowCount, in: partsPath, fileSystem, onFailedSync: { _ in })
    }

    func finishPart(_ draft: PartDraft, order: ClosedRange<UInt64>) throws -> Manifest.Part {
        let summary = try draft.output.finish()
        writtenByteCount += summary.byteCount
        try draft.output.synchronize()
        let entry = draft.entry(summary, order: order)
        files[draft.identifier] = try draft.opened(entry, loader)
        return entry
    }
}

/// Numbers of files, each given once.
final class FileNumbers: Sendable {
    private let upcomingNumber: Atomic<UInt64>

    init(upcoming: UInt64) {
        upcomingNumber = Atomic(upcoming)
    }

    /// The number that the next call of ``next()`` gives.
    var upcoming: UInt64 { upcomingNumber.load(ordering: .relaxed) }

    /// Gives no number up to this one any more.
    func skip(_ number: UInt64) {
        upcomingNumber.max(number + 1, ordering: .relaxed)
    }

    func next() -> UInt64 { upcomingNumber.wrappingAdd(1, ordering: .relaxed).oldValue }
}
