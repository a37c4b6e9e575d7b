#if DUKKAN_SANITIZED
#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A value that one thread at a time may touch, as the thread sanitizer sees it.
///
/// On Linux it does not see the lock of `Synchronization` and takes everything within it for a race, so that real ones
/// would have to be found among thousands.
package final class Guarded<Value>: @unchecked Sendable {  // Sendable: `value` is touched only while `turn` is held.
    private let turn = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    package init(_ value: consuming Value) {
        self.value = value
        pthread_mutex_init(turn, nil)
    }

    deinit {
        pthread_mutex_destroy(turn)
        turn.deallocate()
    }

    package func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(turn)
        defer { pthread_mutex_unlock(turn) }
        return try body(&value)
    }
}
#else
package import Synchronization

/// A value that one thread at a time may touch.
package typealias Guarded<Value: ~Copyable> = Mutex<Value>
#endif
