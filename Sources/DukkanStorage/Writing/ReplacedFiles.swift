import Dispatch
import DukkanFormat
import Synchronization

/// The files that a generation does not need any more, on their way out.
///
/// No generation stands on them and a failure leaves them to the next writer, so that whoever commits need not wait for the
/// file system to free them. They go on a thread of their own, which has ended before the transaction is rolled back, or the
/// store verified, compacted or closed; a few commits may come before that. Names are never used twice, so nothing else
/// meets them.
final class ReplacedFiles: Sendable {
    /// In the order in which they go.
    private let paths: [String]
    private let fileSystem: any FileSystem
    /// The generation before: where nobody else reads it, its files are closed with it.
    private let snapshot: Guarded<Snapshot?>
    private let isBegun = Atomic<Bool>(false)
    private let end = DispatchGroup()

    init(_ paths: [String], of snapshot: Snapshot, _ fileSystem: any FileSystem) {
        self.paths = paths
        self.snapshot = Guarded(snapshot)
        self.fileSystem = fileSystem
    }

    /// Begins to remove them; where the file system allows no calls beside others, or one thread is all, they are removed
    /// when this returns.
    ///
    /// - Parameters:
    ///   - threads: of the store.
    ///   - queue: where they wait for those of the generations before.
    func begin(threads: Int, on queue: DispatchQueue) {
        if isBegun.exchange(true, ordering: .relaxed) { return }
        guard threads > 1, fileSystem.allowsCallsBeside else {
            remove()
            return
        }
        end.enter()
        queue.async {
            self.remove()
            self.end.leave()
        }
    }

    /// Whether they are removed.
    var isOver: Bool { isBegun.load(ordering: .relaxed) && end.wait(timeout: .now()) == .success }

    /// Returns when they are removed.
    func finish() {
        if isBegun.exchange(true, ordering: .relaxed) {
            end.wait()
        } else {
            remove()
        }
    }

    private func remove() {
        for path in paths { try? fileSystem.removeFile(path) }
        let last = snapshot.withLock { held in
            defer { held = nil }
            return held
        }
        // Its files are closed here, outside the lock.
        _ = last
    }
}
