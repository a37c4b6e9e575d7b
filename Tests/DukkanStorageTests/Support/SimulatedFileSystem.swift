import DukkanFormat
import DukkanStorage
import Synchronization
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// A file system in memory that forgets what was not made durable when its machine loses power, and that fails as told.
///
/// All of it is fixed by the seed and the faults.
final class SimulatedFileSystem: FileSystem {
    typealias Fault = SimulatedFault

    /// A mistake that a store might make, planted in the calls: a campaign that does not find it is of no use.
    enum Defect: String, Sendable, CaseIterable {
        case forgetsToSyncParts, forgetsToSyncDeletions, forgetsToSyncManifests, forgetsToSyncTheDirectoryOfParts
        case forgetsToSyncItsDirectory, takesAShortWriteForWhole, takesAShortReadForWhole, ignoresFailedSyncs

        /// Whether a file or directory is never made durable.
        func forgets(_ path: String) -> Bool {
            switch self {
            case .forgetsToSyncParts: path.hasSuffix(".part")
            case .forgetsToSyncDeletions: path.hasSuffix(".del")
            case .forgetsToSyncManifests: path.contains("/MANIFEST-")
            case .forgetsToSyncTheDirectoryOfParts: path.hasSuffix("/parts")
            case .forgetsToSyncItsDirectory: path.hasSuffix("/shop")
            default: false
            }
        }
    }

    /// The defect of the file systems made in a task.
    @TaskLocal static var defect: Defect?

    /// A call, for a failing test to print.
    struct Call: Sendable, CustomStringConvertible {
        var number: Int
        var operation: FileOperation
        var path: String
        var byteCount = 0
        var fault: SimulatedFault?

        var description: String {
            "\(number) \(operation.rawValue) \(path)" + (byteCount > 0 ? " \(byteCount) bytes" : "")
                + (fault.map { " <- \($0.name)" } ?? "")
        }
    }

    /// What the disk holds before a call.
    struct Image: Sendable {
        var call: Int
        /// What the user of the file system had set.
        var mark: Int
        var disk: SimulatedDisk
    }

    private struct OpenFile {
        var file: Int
        var path: String
    }

    private struct State {
        var disk: SimulatedDisk
        var open: [Int32: OpenFile] = [:]
        var locked: [Int: Int32] = [:]
        var nextDescriptor: Int32 = 100
        var generator: SeededGenerator
        var faults: [Int: SimulatedFault]
        var isDown = false
        /// Error number of every call, of calls that need space.
        var allFail: Int32?
        var isFull = false
        /// Error number of every call that would change something.
        var changesFail: Int32?
        var capacity: Int?
        var nextWriteFails = false
        var refusedForSpaceCount = 0
        var trace: [Call] = []
        var events: [FaultEvent] = []
        var keepsImages = false
        var images: [Image] = []
        var mark = 0
        var writtenByteCount = 0
    }

    /// The state, for one caller at a time.
    private let state: Guarded<State>
    private let defect = SimulatedFileSystem.defect

    /// - Parameter faults: what happens at the calls of these numbers, counted from 0.
    init(seed: UInt64, disk: SimulatedDisk = SimulatedDisk(), faults: [Int: SimulatedFault] = [:]) {
        state = Guarded(State(disk: disk, generator: SeededGenerator(seed: seed), faults: faults))
    }

    /// The machine after a loss of power that took all that was not synchronised.
    func restarted(seed: UInt64) -> SimulatedFileSystem {
        var generator = SeededGenerator(seed: seed)
        return SimulatedFileSystem(seed: seed, disk: disk.afterLossOfPower(.none, &generator))
    }

    var callCount: Int { state.withLock { $0.trace.count } }
    var openCount: Int { state.withLock { $0.open.count } }
    var writtenByteCount: Int { state.withLock { $0.writtenByteCount } }
    var calls: [Call] { state.withLock { $0.trace } }
    var trace: [String] { calls.map(\.description) }
    /// Faults that have happened.
    var events: [FaultEvent] { state.withLock { $0.events } }
    /// Whether the machine or the process has ended.
    var isDown: Bool { state.withLock { $0.isDown } }
    var disk: SimulatedDisk { state.withLock { $0.disk } }
    /// Bytes of all files that have a name or are open.
    var usedByteCount: Int { state.withLock { $0.disk.usedByteCount(open: $0.open.values.lazy.map(\.file)) } }
    /// Bytes of all files that have a name.
    var namedByteCount: Int { state.withLock { $0.disk.usedByteCount(open: []) } }
    func byteCount(of path: String) -> Int {
        state.withLock { state in state.disk.names[path].map { state.disk.byteCount($0) } ?? 0 }
    }
    var fileNames: [String] { state.withLock { $0.disk.names.keys.sorted() } }
    /// Calls that were refused because the disk was full.
    var refusedForSpaceCount: Int { state.withLock { $0.refusedForSpaceCount } }

    /// What happens at a call that is to come.
    func plan(_ fault: SimulatedFault, at call: Int) { state.withLock { $0.faults[call] = fault } }

    /// Ends the faults that go on, and those that have not happened.
    func heal() {
        state.withLock {
            $0.faults = [:]
            $0.allFail = nil
            $0.isFull = false
            $0.capacity = nil
            $0.nextWriteFails = false
        }
    }

    /// From now on every call that would change something fails.
    func refuseChanges(_ number: Int32) { state.withLock { $0.changesFail = number } }

    /// Bytes that the disk has room for; nil: any number.
    func setCapacity(_ byteCount: Int?) { state.withLock { $0.capacity = byteCount } }

    /// A number that images carry.
    func setMark(_ mark: Int) { state.withLock { $0.mark = mark } }

    /// Keeps what is on the disk before each call from now on, where it differs from that before the last one.
    func keepImages() { state.withLock { $0.keepsImages = true } }

    /// The images kept, and one of this moment.
    func takeImages() -> [Image] {
        state.withLock { state in
            SimulatedFileSystem.keepImage(&state)
            return state.images
        }
    }

    private static func keepImage(_ state: inout State) {
        if let last = state.images.last, last.disk.version == state.disk.version, last.mark == state.mark { return }
        state.images.append(Image(call: state.trace.count, mark: state.mark, disk: state.disk))
    }

    /// Changes the bytes of a file behind the store's back.
    func damage(_ path: String, _ change: (inout [UInt8]) -> Void) {
        state.withLock { state in
            guard let file = state.disk.names[path] else { return }
            state.disk.damage(file, change)
        }
    }

    // MARK: Calls

    /// How a call goes on.
    private enum Course {
        case plain, half, oneByte, thenFails(Int32)
        case failedSync(SimulatedDisk.PageLoss)
        case failedDirectorySync
    }

    /// The fault of a call, decided where it was left to chance.
    private static func choose(_ state: inout State, _ number: Int, _ operation: FileOperation) -> SimulatedFault? {
        guard let fault = state.faults[number], fault == .any else { return state.faults[number] }
        if !operation.changesDisk && Int.random(in: 0..<4, using: &state.generator) > 0 {
            if state.faults[number + 1] == nil { state.faults[number + 1] = .any }
            return nil
        }
        let faults = SimulatedFault.possible(at: operation)
        return faults[Int.random(in: 0..<faults.count, using: &state.generator)]
    }

    /// Counts a call and decides how it goes on.
    private static func begin(
        _ state: inout State, _ operation: FileOperation, _ path: String, _ byteCount: Int
    ) throws(SystemCallError) -> Course {
        if state.isDown { throw SystemCallError(EIO) }
        if state.keepsImages { keepImage(&state) }
        let number = state.trace.count
        let fault = choose(&state, number, operation)
        state.trace.append(Call(number: number, operation: operation, path: path, byteCount: byteCount, fault: fault))
        if let fault { state.events.append(FaultEvent(call: number, operation: operation, fault: fault)) }
        if operation == .write && state.nextWriteFails {
            state.nextWriteFails = false
            throw SystemCallError(ENOSPC)
        }
        switch fault {
        case nil, .any: break
        case .crash, .death:
            state.isDown = true
            throw SystemCallError(EIO)
        case .failure(let number): throw SystemCallError(number)
        case .failuresFromHere(let number): state.allFail = number
        case .fullFromHere: state.isFull = true
        case .interruption: throw SystemCallError(EINTR)
        case .failureAfterwards(let number): return .thenFails(number)
        case .short: return .half
        case .shortest: return .oneByte
        case .shortThenFull:
            state.nextWriteFails = true
            return .half
        case .failedSync(let loss): return .failedSync(loss)
        case .failedDirectorySync: return .failedDirectorySync
        }
        if let number = state.allFail { throw SystemCallError(number) }
        if let number = state.changesFail, operation.changesDisk { throw SystemCallError(number) }
        if state.isFull && operation.takesSpace { throw SystemCallError(ENOSPC) }
        return .plain
    }

    private func call<Result>(
        _ operation: FileOperation, _ path: String, byteCount: Int = 0,
        _ body: (inout State, Course) throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        try run { state throws(SystemCallError) in
            let course = try SimulatedFileSystem.begin(&state, operation, path, byteCount)
            let result = try body(&state, course)
            if case .thenFails(let number) = course { throw SystemCallError(number) }
            return result
        }
    }

    /// The same for a call of an open file.
    private func call<Result>(
        _ operation: FileOperation, _ file: FileDescriptor, byteCount: Int = 0,
        _ body: (inout State, Int, Course) throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        try run { state throws(SystemCallError) in
            let held = state.open[file.number]
            let course = try SimulatedFileSystem.begin(&state, operation, held?.path ?? "?", byteCount)
            guard let held else { throw SystemCallError(EBADF) }
            let result = try body(&state, held.file, course)
            if case .thenFails(let number) = course { throw SystemCallError(number) }
            return result
        }
    }

    private func run<Result>(
        _ body: (inout State) throws(SystemCallError) -> Result
    ) throws(SystemCallError) -> Result {
        var outcome: Swift.Result<Result, SystemCallError>?
        state.withLock { state in
            do throws(SystemCallError) {
                outcome = .success(try body(&state))
            } catch {
                outcome = .failure(error)
            }
        }
        return try outcome!.get()
    }

    func open(_ path: String, for use: FileUse) throws(SystemCallError) -> FileDescriptor {
        let operation: FileOperation =
            switch use {
            case .reading: .open
            case .creating: .create
            case .locking: .openLock
            }
        return try call(operation, path) { state, course throws(SystemCallError) in
            var number = state.disk.names[path]
            if use == .reading && number == nil { throw SystemCallError(ENOENT) }
            if use == .creating && number != nil { throw SystemCallError(EEXIST) }
            if number == nil {
                guard state.disk.directories.contains(SimulatedDisk.directory(of: path)) else {
                    throw SystemCallError(ENOENT)
                }
                number = state.disk.make(path)
            }
            // A call that fails gives no descriptor.
            if case .thenFails = course { return FileDescriptor(-1) }
            state.nextDescriptor += 1
            state.open[state.nextDescriptor] = OpenFile(file: number!, path: path)
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
        try call(.size, file) { state, number, _ in state.disk.byteCount(number) }
    }

    func read(_ file: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: Int)
        throws(SystemCallError) -> Int
    {
        try call(.read, file, byteCount: buffer.count) { state, number, course in
            let bytes = state.disk.bytes(number)
            let whole = min(buffer.count, max(0, bytes.count - offset))
            let count = SimulatedFileSystem.length(course, whole)
            if count == 0 { return 0 }
            bytes.withUnsafeBytes {
                buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[offset..<offset + count]))
            }
            return defect == .takesAShortReadForWhole ? whole : count
        }
    }

    func write(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer) throws(SystemCallError) -> Int {
        try call(.write, file, byteCount: bytes.count) { state, number, course throws(SystemCallError) in
            var count = SimulatedFileSystem.length(course, bytes.count)
            if let capacity = state.capacity {
                let used = state.disk.usedByteCount(open: state.open.values.lazy.map(\.file))
                if used >= capacity && count > 0 {
                    state.refusedForSpaceCount += 1
                    throw SystemCallError(ENOSPC)
                }
                count = min(count, capacity - used)
            }
            state.disk.append(UnsafeRawBufferPointer(rebasing: bytes[..<count]), to: number)
            state.writtenByteCount += count
            return defect == .takesAShortWriteForWhole ? bytes.count : count
        }
    }

    func replace(
        _ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer, at offset: Int
    ) throws(SystemCallError) -> Int {
        try call(.replace, file, byteCount: bytes.count) { state, number, course in
            let count = SimulatedFileSystem.length(course, bytes.count)
            state.disk.replace(UnsafeRawBufferPointer(rebasing: bytes[..<count]), in: number, at: offset)
            return defect == .takesAShortWriteForWhole ? bytes.count : count
        }
    }

    private static func length(_ course: Course, _ count: Int) -> Int {
        switch course {
        case .half: count > 1 ? count / 2 : count
        case .oneByte: min(1, count)
        default: count
        }
    }

    func synchronize(_ file: FileDescriptor) throws(SystemCallError) {
        let path = state.withLock { $0.open[file.number]?.path ?? "" }
        if defect?.forgets(path) == true { return }
        try call(.sync, file) { state, number, course throws(SystemCallError) in
            if case .failedSync(let loss) = course {
                state.disk.failToSynchronize(number, loss, &state.generator)
                if defect == .ignoresFailedSyncs { return }
                throw SystemCallError(EIO)
            }
            state.disk.synchronize(number)
        }
    }

    func synchronizeDirectory(_ path: String) throws(SystemCallError) {
        if defect?.forgets(path) == true { return }
        try call(.syncDirectory, path) { state, course throws(SystemCallError) in
            guard state.disk.directories.contains(path) else { throw SystemCallError(ENOENT) }
            if case .failedDirectorySync = course {
                state.disk.failToSynchronizeDirectory(path, &state.generator)
                throw SystemCallError(EIO)
            }
            state.disk.synchronizeDirectory(path)
        }
    }

    func lock(_ file: FileDescriptor) throws(SystemCallError) -> Bool {
        try call(.lock, file) { state, number, _ in
            if let holder = state.locked[number], holder != file.number { return false }
            state.locked[number] = file.number
            return true
        }
    }

    func rename(_ path: String, to newPath: String) throws(SystemCallError) {
        try call(.rename, path) { state, _ throws(SystemCallError) in
            guard state.disk.names[path] != nil else { throw SystemCallError(ENOENT) }
            state.disk.rename(path, to: newPath)
        }
    }

    func remove(_ path: String) throws(SystemCallError) {
        try call(.remove, path) { state, _ throws(SystemCallError) in
            guard state.disk.names[path] != nil else { throw SystemCallError(ENOENT) }
            state.disk.remove(path)
        }
    }

    func createDirectory(_ path: String) throws(SystemCallError) {
        try call(.makeDirectory, path) { state, _ throws(SystemCallError) in
            if state.disk.directories.contains(path) { throw SystemCallError(EEXIST) }
            state.disk.makeDirectory(path)
        }
    }

    func list(_ path: String) throws(SystemCallError) -> [String] {
        try call(.list, path) { state, _ throws(SystemCallError) in
            guard state.disk.directories.contains(path) else { throw SystemCallError(ENOENT) }
            let all = Array(state.disk.names.keys) + Array(state.disk.directories)
            return all.filter { $0.hasPrefix(path + "/") }.map { String($0.dropFirst(path.count + 1)) }
                .filter { !$0.contains("/") }.sorted()
        }
    }

    func random() -> UInt64 { state.withLock { $0.generator.next() } }
}
