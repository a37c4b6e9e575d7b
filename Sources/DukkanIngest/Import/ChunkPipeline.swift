import Dispatch

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// What one thread does with chunks.
protocol ChunkWork: AnyObject {
    /// Works on a chunk, at the same time as other threads do on others.
    func process(_ chunk: Chunk) throws
    /// Hands over what `process` made of the chunk. Calls come in the order of the input, one at a time.
    func deliver(_ chunk: Chunk) throws
}

/// Reads an input in chunks, has several threads work on them, and collects the results in the order of the input.
///
/// Each thread holds one chunk at a time, so memory is bounded by the number of threads. The error of the earliest chunk is
/// the one that is thrown.
final class ChunkPipeline: @unchecked Sendable {  // Sendable: the state is guarded by the two locks below.
    private let reader: ChunkReader
    private let works: [any ChunkWork]
    private var readLock = pthread_mutex_t()
    private var turnLock = pthread_mutex_t()
    private var turnCame = pthread_cond_t()
    /// Guarded by `readLock`.
    private var isAtEnd = false
    private var chunkCount = 0
    /// Guarded by `turnLock`: the chunk to be delivered next, and what went wrong.
    private var turn = 0
    private var failure: (any Error)?

    init(reader: ChunkReader, works: [any ChunkWork]) {
        self.reader = reader
        self.works = works
        pthread_mutex_init(&readLock, nil)
        pthread_mutex_init(&turnLock, nil)
        pthread_cond_init(&turnCame, nil)
    }

    deinit {
        pthread_mutex_destroy(&readLock)
        pthread_mutex_destroy(&turnLock)
        pthread_cond_destroy(&turnCame)
    }

    /// Runs to the end of the input, or to the first error, which is thrown.
    func run() throws {
        if works.count == 1 {
            loop(0)
        } else {
            DispatchQueue.concurrentPerform(iterations: works.count) { loop($0) }
        }
        if let failure { throw failure }
    }

    private func loop(_ worker: Int) {
        let work = works[worker]
        let chunk = Chunk(capacity: 0)
        while true {
            var error: (any Error)?
            pthread_mutex_lock(&readLock)
            if isAtEnd {
                pthread_mutex_unlock(&readLock)
                return
            }
            do {
                if try !reader.next(into: chunk) { isAtEnd = true }
            } catch let caught {
                error = caught
                isAtEnd = true
            }
            let isDone = isAtEnd && error == nil && chunk.count == 0
            let index = chunkCount
            chunkCount += 1
            pthread_mutex_unlock(&readLock)
            if isDone { return }
            if error == nil {
                do { try work.process(chunk) } catch let caught { error = caught }
            }
            guard takeTurn(index) else { break }
            if error == nil {
                do { try work.deliver(chunk) } catch let caught { error = caught }
            }
            passTurn(error)
            if error != nil { break }
        }
        pthread_mutex_lock(&readLock)
        isAtEnd = true
        pthread_mutex_unlock(&readLock)
    }

    /// Waits until all chunks before this one are delivered; false when one of them failed.
    private func takeTurn(_ index: Int) -> Bool {
        pthread_mutex_lock(&turnLock)
        defer { pthread_mutex_unlock(&turnLock) }
        while turn != index, failure == nil { pthread_cond_wait(&turnCame, &turnLock) }
        return failure == nil
    }

    private func passTurn(_ error: (any Error)?) {
        pthread_mutex_lock(&turnLock)
        if let error { failure = error } else { turn += 1 }
        pthread_cond_broadcast(&turnCame)
        pthread_mutex_unlock(&turnLock)
    }
}
