import Dispatch
import DukkanFormat
import Synchronization

/// Runs pieces of work on several threads, the calling one among them.
package enum Parallel {
    /// Values that a thread should copy at least: waking it costs as much.
    private static let copiesPerThreadMin = 1 << 17

    /// Threads, of `threads`, that are worth waking to copy `count` values.
    static func threads(_ threads: Int, copying count: Int) -> Int { min(threads, 1 + count / copiesPerThreadMin) }

    /// Calls `body` for 0 ..< count, on up to `threads` threads, and returns when all are done.
    package static func run(_ count: Int, threads: Int, _ body: @Sendable (Int) -> Void) {
        if threads <= 1 || count <= 1 {
            for index in 0..<count { body(index) }
            return
        }
        let next = Next()
        DispatchQueue.concurrentPerform(iterations: min(threads, count)) { _ in
            while true {
                let index = next.take()
                if index >= count { return }
                body(index)
            }
        }
    }

    /// The same for work that may fail: the failure of the lowest index is thrown when all are done; work of higher
    /// indexes may be left out then.
    static func runThrowing(_ count: Int, threads: Int, _ body: @Sendable (Int) throws -> Void) throws {
        if threads <= 1 || count <= 1 {
            for index in 0..<count { try body(index) }
            return
        }
        let failure = Guarded<(index: Int, error: any Error)?>(nil)
        run(count, threads: threads) { index in
            if failure.withLock({ $0 != nil && $0!.index < index }) { return }
            do {
                try body(index)
            } catch {
                failure.withLock { if $0 == nil || index < $0!.index { $0 = (index, error) } }
            }
        }
        if let (_, error) = failure.withLock({ $0 }) { throw error }
    }

    private final class Next: Sendable {
        private let value = Atomic<Int>(0)
        func take() -> Int { value.wrappingAdd(1, ordering: .relaxed).oldValue }
    }
}
