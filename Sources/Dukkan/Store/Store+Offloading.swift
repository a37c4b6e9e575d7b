import Dispatch
import DukkanStorage

extension Store {
    /// Runs blocking work on a thread of its own, so that the pool of `async` threads stays free, and passes the
    /// task's cancellation on to it.
    package func offload<T: Sendable>(
        _ control: WorkControl?, _ work: @escaping @Sendable (WorkControl) throws -> T
    ) async throws -> T {
        let control = control ?? WorkControl()
        return try await withTaskCancellationHandler {
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
