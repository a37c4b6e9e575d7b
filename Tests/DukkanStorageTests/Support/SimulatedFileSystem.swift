import DukkanFormat
import DukkanStorage
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file system in memory that forgets what was not made durable when its machine crashes.
///
/// Files and names are kept twice: as the running system sees them, and as they are on the disk. A crash ends every further
/// call; `restarted` then is the machine after the loss of power. All of it is fixed by the seed.
final class SimulatedFileSystem: FileSystem {
    /// What happens at a call.
    enum Fault: Sendable, Hashable {
        /// The machine loses power before the call.
        case crash
        /// The call fails with an error number and does nothing.
        case failure(Int32)
        /// The call is interrupted; made again it succeeds.
        case interruption
        /// A read or a write does half of what was asked.
        case short
    }

    /// What of a file's bytes that were not synchronised is on the disk after a crash.
    enum Unsynchronised: Sendable, CaseIterable {
        case lost, half, kept
    }

    private final class File {
        var bytes: [UInt8] = []
        var durable: [UInt8] = []
    }

    private struct State {
        var files: [Int: File] = [:]
        /// Names as the running system sees them, and as they are on the disk.
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        var directories: Set<String> = []
        var durableDirectories: Set<String> = []
        var open: [Int32: (file: Int, isLock: Bool)] = [:]
        var locked: [Int: Int32] = [:]
        var nextFile = 1
        var nextDescriptor: Int32 = 100
        var generator: SeededGenerator
        var callCount = 0
        var faults: [Int: Fault]
        var isDown = false
        var unsynchronised: Unsynchronised
        /// Names of the calls, for a failing test to print.
        var trace: [String] = []
        var writtenByteCount = 0
    }

    /// The state, for one caller at a time.
    private final class Guarded: @unchecked Sendable {  // Sendable: `value` is touched only while `turn` is held.
        // The thread sanitizer knows this lock; that of Synchronization it does not see on Linux.
        private let turn = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
        private var value: State

        init(_ value: State) {
            self.value = value
            pthread_mutex_init(turn, nil)
        }

        deinit {
            pthread_mutex_destroy(turn)
            turn.deallocate()
        }

        func withLock<Result>(_ body: (inout State) -> Result) -> Result {
            pthread_mutex_lock(turn)
            defer { pthread_mutex_unlock(turn) }
            return body(&value)
        }
    }

    private let state: Guarded

    /// - Parameter faults: what happens at the calls of these numbers, counted from 0.
    init(seed: UInt64, faults: [Int: Fault] = [:], unsynchronised: Unsynchronised = .lost) {
        state = Guarded(
            State(generator: SeededGenerator(seed: seed), faults: faults, unsynchronised: unsynchronised))
    }

    var callCount: Int { state.withLock { $0.callCount } }
    var openCount: Int { state.withLock { $0.open.count } }
    var writtenByteCount: Int { state.withLock { $0.writtenByteCount } }
    var trace: [String] { state.withLock { $0.trace } }
    /// Bytes of all files that have a name.
    var namedByteCount: Int {
        state.withLock { state in state.names.values.reduce(0) { $0 + (state.files[$1]?.bytes.count ?? 0) } }
    }
    var fileNames: [String] { state.withLock { $0.names.keys.sorted() } }
    var lastCall: String { state.withLock { $0.trace.last ?? "" } }

    /// The machine after a loss of power: only what was durable is there, and nobody has a file open.
    func restarted(seed: UInt64, faults: [Int: Fault] = [:]) -> SimulatedFileSystem {
        let machine = SimulatedFileSystem(seed: seed, faults: faults)
        let (names, directories) = state.withLock { old in
            var names: [String: [UInt8]] = [:]
            for (name, number) in old.durableNames {
                guard let file = old.files[number] else { continue }
                let kept =
                    switch old.unsynchronised {
                    case .lost: file.durable.count
                    case .half: file.durable.count + max(0, file.bytes.count - file.durable.count) / 2
                    case .kept: file.bytes.count
                    }
                names[name] = Array(file.bytes[..<max(kept, min(file.durable.count, file.bytes.count))])
            }
            return (names, old.durableDirectories)
        }
        machine.state.withLock { new in
            for (name, bytes) in names {
                let file = File()
                file.bytes = bytes
                file.durable = bytes
                new.files[new.nextFile] = file
                new.names[name] = new.nextFile
                new.nextFile += 1
            }
            new.durableNames = new.names
            new.directories = directories
            new.durableDirectories = directories
        }
        return machine
    }

    /// Changes the bytes of a file behind the store's back.
    func damage(_ path: String, _ change: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard let number = state.names[path], let file = state.files[number] else { return }
            change(&file.bytes)
            file.durable = file.bytes
        }
    }

    // MARK: Calls

    private static let down = SystemCallError(EIO)

    /// Counts a call; returns whether a read or a write is to be short.
    private func begin(_ state: inout State, _ name: String) throws(SystemCallError) -> Bool {
        if state.isDown { throw SimulatedFileSystem.down }
        let number = state.callCount
        state.callCount += 1
        state.trace.append("\(number) \(name)")
        switch state.faults[number] {
        case nil: return false
        case .crash:
            state.isDown = true
            throw SimulatedFileSystem.down
        case .failure(let number): throw SystemCallError(number)
        case .interruption: throw SystemCallError(EINTR)
        case .short: return true
        }
    }

    private func call<Result>(
        _ name: String, _ body: (inout State, Bool) throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        var outcome: Swift.Result<Result, SystemCallError>?
        state.withLock { state in
            do throws(SystemCallError) {
                let isShort = try begin(&state, name)
                outcome = .success(try body(&state, isShort))
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome!.get()
    }

    func open(_ path: String, for use: FileUse) throws(SystemCallError) -> FileDescriptor {
        try call("open \(path)") { state, _ throws(SystemCallError) in
            var number = state.names[path]
            switch use {
            case .reading:
                if number == nil { throw SystemCallError(ENOENT) }
            case .creating:
                if number != nil { throw SystemCallError(EEXIST) }
            case .locking: break
            }
            if number == nil {
                number = state.nextFile
                state.nextFile += 1
                state.files[number!] = File()
                state.names[path] = number
            }
            state.nextDescriptor += 1
            state.open[state.nextDescriptor] = (number!, use == .locking)
            return FileDescriptor(state.nextDescriptor)
        }
    }

    func close(_ file: FileDescriptor) {
        state.withLock { state in
            guard let held = state.open.removeValue(forKey: file.number) else {
                Issue.closedTwice()
                return
            }
            if state.locked[held.file] == file.number { state.locked[held.file] = nil }
        }
    }

    func byteCount(_ file: FileDescriptor) throws(SystemCallError) -> Int {
        try call("size") { state, _ throws(SystemCallError) in
            guard let held = state.open[file.number] else { throw SystemCallError(EBADF) }
            return state.files[held.file]?.bytes.count ?? 0
        }
    }

    func read(_ file: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: Int)
        throws(SystemCallError) -> Int
    {
        try call("read \(buffer.count) at \(offset)") { state, isShort throws(SystemCallError) in
            guard let held = state.open[file.number], let content = state.files[held.file] else {
                throw SystemCallError(EBADF)
            }
            var count = min(buffer.count, max(0, content.bytes.count - offset))
            if isShort && count > 1 { count /= 2 }
            content.bytes.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
            }
            return count
        }
    }

    func write(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer) throws(SystemCallError) -> Int {
        try call("write \(bytes.count)") { state, isShort throws(SystemCallError) in
            guard let held = state.open[file.number], let content = state.files[held.file] else {
                throw SystemCallError(EBADF)
            }
            let count = isShort && bytes.count > 1 ? bytes.count / 2 : bytes.count
            content.bytes.append(contentsOf: bytes[..<count])
            state.writtenByteCount += count
            return count
        }
    }

    func synchronize(_ file: FileDescriptor) throws(SystemCallError) {
        try call("sync") { state, _ throws(SystemCallError) in
            guard let held = state.open[file.number], let content = state.files[held.file] else {
                throw SystemCallError(EBADF)
            }
            content.durable = content.bytes
        }
    }

    func synchronizeDirectory(_ path: String) throws(SystemCallError) {
        try call("sync directory \(path)") { state, _ throws(SystemCallError) in
            func isInside(_ name: String) -> Bool {
                let folder = path == "/" ? path : path + "/"
                return name.hasPrefix(folder) && !name.dropFirst(folder.count).contains("/")
            }
            state.durableNames = state.durableNames.filter { !isInside($0.key) }
            for (name, file) in state.names where isInside(name) { state.durableNames[name] = file }
            for name in state.directories where isInside(name) { state.durableDirectories.insert(name) }
        }
    }

    func lock(_ file: FileDescriptor) throws(SystemCallError) -> Bool {
        try call("lock") { state, _ throws(SystemCallError) in
            guard let held = state.open[file.number] else { throw SystemCallError(EBADF) }
            if let holder = state.locked[held.file], holder != file.number { return false }
            state.locked[held.file] = file.number
            return true
        }
    }

    func rename(_ path: String, to newPath: String) throws(SystemCallError) {
        try call("rename \(path)") { state, _ throws(SystemCallError) in
            guard let file = state.names.removeValue(forKey: path) else { throw SystemCallError(ENOENT) }
            state.names[newPath] = file
        }
    }

    func remove(_ path: String) throws(SystemCallError) {
        try call("remove \(path)") { state, _ throws(SystemCallError) in
            if state.names.removeValue(forKey: path) == nil { throw SystemCallError(ENOENT) }
        }
    }

    func createDirectory(_ path: String) throws(SystemCallError) {
        try call("make directory \(path)") { state, _ throws(SystemCallError) in
            if !state.directories.insert(path).inserted { throw SystemCallError(EEXIST) }
        }
    }

    func list(_ path: String) throws(SystemCallError) -> [String] {
        try call("list \(path)") { state, _ throws(SystemCallError) in
            guard state.directories.contains(path) else { throw SystemCallError(ENOENT) }
            let all = Array(state.names.keys) + Array(state.directories)
            return all.filter { $0.hasPrefix(path + "/") }.map { String($0.dropFirst(path.count + 1)) }
                .filter { !$0.contains("/") }.sorted()
        }
    }

    func random() -> UInt64 { state.withLock { $0.generator.next() } }
}
