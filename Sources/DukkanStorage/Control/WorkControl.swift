package import DukkanFormat
import Synchronization

/// Cancellation, deadline and progress of one long call.
///
/// Hand the same object to the call and keep it: any thread may cancel it. It serves one call at a time.
public final class WorkControl: Sendable {
    /// How far a call has come.
    public struct Progress: Sendable, Hashable {
        /// Rows handled so far.
        public var rowsDone: Int
        /// Rows to handle, if that is known.
        public var rowsTotal: Int?
        /// Bytes handled so far.
        public var bytesDone: Int
        /// Bytes to handle, if that is known.
        public var bytesTotal: Int?

        /// Makes a state of progress.
        public init(rowsDone: Int, rowsTotal: Int? = nil, bytesDone: Int, bytesTotal: Int? = nil) {
            self.rowsDone = rowsDone
            self.rowsTotal = rowsTotal
            self.bytesDone = bytesDone
            self.bytesTotal = bytesTotal
        }
    }

    private let cancelled = Atomic<Bool>(false)
    private let deadline: ContinuousClock.Instant?
    private let progress: (@Sendable (Progress) -> Void)?

    /// Makes a control.
    ///
    /// - Parameters:
    ///   - deadline: the call fails with `deadline` when it runs longer than this.
    ///   - progress: is told how far the call has come, now and then, on the thread that works.
    public init(deadline: ContinuousClock.Instant? = nil, progress: (@Sendable (Progress) -> Void)? = nil) {
        self.deadline = deadline
        self.progress = progress
    }

    /// Asks the call to stop; it then throws `cancelled` at its next step and leaves the store as it was.
    public func cancel() {
        cancelled.store(true, ordering: .relaxed)
    }

    /// Whether ``cancel()`` was called.
    public var isCancelled: Bool { cancelled.load(ordering: .relaxed) }

    /// Throws where the call was cancelled or its deadline is past.
    ///
    /// Called at least once for every block of work.
    package func check() throws(DukkanError) {
        if cancelled.load(ordering: .relaxed) { throw DukkanError(.cancelled, "the caller cancelled the operation") }
        if let deadline, ContinuousClock.now > deadline {
            throw DukkanError(.deadline, "the deadline passed before the operation ended")
        }
    }

    package func report(_ state: Progress) {
        progress?(state)
    }
}
