import Dispatch
import DukkanFormat
import DukkanStorage
import Synchronization

extension Store {
    /// Runs blocking work on a thread of its own, so that the pool of `async` threads stays free, and passes the
    /// task's cancellation on to it.
    package func offload<T: Sendable>(
        _ control: WorkControl?, _ work: @escaping @Sendable (WorkControl) throws -> T
    ) async throws -> T {
        let result = Guarded<T?>(nil)
        try await offload(control ?? WorkControl()) { control in
            let found = try work(control)
            result.withLock { $0 = found }
        }
        return result.withLock { $0! }
    }

    private func offload(_ control: WorkControl, _ work: @escaping @Sendable (WorkControl) throws -> Void) async throws
    {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                DispatchQueue.global().async {
                    continuation.resume(with: Result { try work(control) })
                }
            }
        } onCancel: {
            control.cancel()
        }
    }
}
