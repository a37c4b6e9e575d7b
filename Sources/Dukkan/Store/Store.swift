import DukkanFormat
public import DukkanStorage

#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// A store: tables of sessions, events and orders in one directory, clustered by customer.
///
/// Open one handle and share it: a store is `Sendable`, and queries on it may run at the same time. One process at a
/// time may hold a store open for writing; any number may read it meanwhile, and each query sees one committed
/// snapshot, whatever the writer does.
///
/// What is appended becomes visible to queries, and durable, with `commit()`.
///
/// The long calls have two forms. In an `async` function they run off the caller's executor and obey the task's
/// cancellation; in a synchronous one they block.
public final class Store: Sendable {
    /// What a handle may do.
    public enum Mode: Sendable, Hashable {
        /// Queries only. Takes no lock and is never blocked.
        case readOnly
        /// Everything. Only one handle of all processes may have it.
        case readWrite
    }

    package let core: StoreCore
    package let options: StoreOptions
    /// What this handle may do.
    public let mode: Mode
    /// The directory.
    public let path: String

    private init(core: StoreCore, path: String, mode: Mode, options: StoreOptions) {
        self.core = core
        self.path = path
        self.mode = mode
        self.options = options
    }

    deinit {
        // Work beside the store's calls may hold the core a moment longer; the lock is free now.
        core.close()
    }

    /// Makes an empty store in a directory that does not exist yet or is empty, and opens it for writing.
    ///
    /// - Throws: `DukkanError` `alreadyExists` where there is a store, `inputOutput` where the system refuses.
    public static func create(at path: String, options: StoreOptions = StoreOptions()) throws -> Store {
        Store(
            core: try StoreCore.create(path: path, options: options), path: path, mode: .readWrite, options: options)
    }

    /// Opens a store.
    ///
    /// - Throws: `DukkanError` `notFound` where there is no store, `locked` where another handle has it open for
    ///   writing and `mode` is ``Mode/readWrite``, `corrupt` where its manifest is damaged.
    public static func open(
        at path: String, mode: Mode = .readWrite, options: StoreOptions = StoreOptions()
    ) throws -> Store {
        try checkExists(path)
        let core = try StoreCore.open(path: path, readOnly: mode == .readOnly, options: options)
        return Store(core: core, path: path, mode: mode, options: options)
    }

    static func checkExists(_ path: String) throws(DukkanError) {
        guard access(path, F_OK) == 0 else {
            throw DukkanError(.notFound, "there is no store at \(path)", advice: "`dukkan init \(path)` makes one")
        }
    }

    /// Lets go of the directory; a writer's uncommitted rows are lost.
    ///
    /// Later calls throw. Without this call it happens when the last reference goes.
    public func close() {
        core.close()
    }
}
