#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What the store asks a file system for.
enum FileOperation: String, Sendable, CaseIterable {
    case open, create, openLock, size, read, write, replace, sync, syncDirectory, lock, rename, remove, makeDirectory,
        list

    var changesNames: Bool {
        switch self {
        case .create, .openLock, .rename, .remove, .makeDirectory: true
        default: false
        }
    }

    var changesDisk: Bool {
        changesNames || self == .write || self == .replace || self == .sync || self == .syncDirectory
    }

    /// Whether it needs space on the disk.
    var takesSpace: Bool { self == .create || self == .write || self == .replace || self == .makeDirectory }
}

/// What happens at a call.
enum SimulatedFault: Sendable, Hashable {
    /// One of those possible at the call, by chance; calls that change nothing are mostly let through, and the next is hit.
    case any
    /// The machine loses power before the call.
    case crash
    /// The process ends before the call; the machine goes on.
    case death
    /// The call fails with an error number and does nothing.
    case failure(Int32)
    /// The call does what it should and reports a failure.
    case failureAfterwards(Int32)
    /// This call and all after it fail, until the disk is well again.
    case failuresFromHere(Int32)
    /// Nothing that needs space works from this call on, until there is space again.
    case fullFromHere
    /// The call is interrupted; made again it succeeds.
    case interruption
    /// A read or a write does half of what was asked.
    case short
    /// A read or a write does one byte of what was asked.
    case shortest
    /// A write does half of what was asked, and the next one fails for want of space.
    case shortThenFull
    /// A synchronisation of a file fails.
    case failedSync(SimulatedDisk.PageLoss)
    /// A synchronisation of a directory fails, and some of the changes have reached the disk.
    case failedDirectorySync

    /// All that can happen at a call of some kind.
    static func possible(at operation: FileOperation) -> [SimulatedFault] {
        var faults: [SimulatedFault] = [
            .failure(EIO), .failure(ENOSPC), .interruption, .failuresFromHere(EIO), .death, .crash,
        ]
        switch operation {
        case .open, .openLock: faults.append(.failure(EMFILE))
        case .read: faults += [.short, .shortest]
        case .write: faults += [.short, .shortest, .shortThenFull, .failureAfterwards(EIO)]
        case .replace: faults += [.short, .shortest, .failureAfterwards(EIO)]
        case .sync:
            faults.removeFirst()
            faults += SimulatedDisk.PageLoss.allCases.map { .failedSync($0) } + [.failureAfterwards(EIO)]
        case .syncDirectory: faults += [.failedDirectorySync, .failureAfterwards(EIO)]
        default: break
        }
        if operation.changesNames { faults += [.failureAfterwards(EIO), .failureAfterwards(EINTR)] }
        if operation.takesSpace { faults.append(.fullFromHere) }
        return faults
    }

    /// Whether the store must not notice.
    var isHarmless: Bool { self == .interruption || self == .short || self == .shortest }

    /// Whether later calls fail as well.
    var goesOn: Bool {
        switch self {
        case .failuresFromHere, .fullFromHere: true
        default: false
        }
    }

    /// Whether it is a synchronisation that did not do its work.
    func isFailedSync(at operation: FileOperation) -> Bool {
        (operation == .sync || operation == .syncDirectory) && !isHarmless && self != .crash && self != .death
    }

    var name: String {
        switch self {
        case .any: "any"
        case .crash: "loss of power"
        case .death: "end of the process"
        case .failure(EIO): "EIO"
        case .failure(ENOSPC): "ENOSPC"
        case .failure(EMFILE): "EMFILE"
        case .failure(let number): "error \(number)"
        case .failureAfterwards(EINTR): "EINTR after it took effect"
        case .failureAfterwards: "EIO after it took effect"
        case .failuresFromHere: "EIO at this and all later calls"
        case .fullFromHere: "disk full from here"
        case .interruption: "EINTR"
        case .short: "half a read or write"
        case .shortest: "one byte of a read or write"
        case .shortThenFull: "half a write, then ENOSPC"
        case .failedSync(let loss): "failed fsync, pages \(loss)"
        case .failedDirectorySync: "failed fsync of a directory, half of it done"
        }
    }
}

/// Which fault happened where.
struct FaultEvent: Sendable, Hashable {
    var call: Int
    var operation: FileOperation
    var fault: SimulatedFault
}
