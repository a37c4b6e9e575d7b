public import DukkanStorage
public import DukkanTime

/// A backup that a store remembers.
public struct StoreCopyInformation: Sendable, Hashable {
    /// Where it was made.
    public var path: String
    /// The generation of the store that it holds.
    public var generation: UInt64
    /// When it was made.
    public var time: Timestamp
    /// Whether customers were erased since, whom it may still have.
    public var mayHoldErased: Bool

    init(_ copy: StoreCopy, mayHoldErased: Bool) {
        path = copy.path
        generation = copy.generation
        time = Timestamp(microseconds: copy.time)
        self.mayHoldErased = mayHoldErased
    }
}

/// What a backup did.
public struct BackupSummary: Sendable, Hashable {
    /// Identifier of the store, 32 hexadecimal digits.
    public var store: String
    /// The directory of the copy.
    public var path: String
    /// The generation that the copy holds.
    public var generation: UInt64
    /// The generation that it held before; nil for a new copy.
    public var previousGeneration: UInt64?
    /// Files and bytes that were copied.
    public var filesCopied: Int
    /// Bytes of the files that were copied.
    public var bytesCopied: Int
    /// Files that were there already.
    public var filesKept: Int
    /// Bytes of the files that were there already.
    public var bytesKept: Int
    /// Files of the copy that are not needed any more and were removed.
    public var filesRemoved: Int
    /// Whether the store could note that there is this copy, so that an erasure names it.
    public var isRecorded: Bool

    init(_ report: BackupReport) {
        store = report.manifest.store.description
        path = report.path
        generation = report.generation
        previousGeneration = report.previousGeneration
        filesCopied = report.filesCopied
        bytesCopied = report.bytesCopied
        filesKept = report.filesKept
        bytesKept = report.bytesKept
        filesRemoved = report.filesRemoved
        isRecorded = report.isRecorded
    }
}

extension Store {
    /// Copies the newest commit to another directory, while writers and readers go on; the copy is a store itself.
    ///
    /// Done again to the same directory it copies what is new only and removes what the store has no more, customers erased
    /// meanwhile among it. It is durable when it returns; one that is interrupted leaves the copy of before.
    ///
    /// To restore, open the copy, or copy its directory to where the store shall be.
    ///
    /// - Parameters:
    ///   - path: a directory that does not exist, is empty, or holds an earlier copy of this store.
    ///   - control: cancellation, deadline and progress.
    /// - Throws: `DukkanError` `alreadyExists` where something else is, or a copy that was written to; `locked` where another
    ///   backup to it is under way; `invalidArgument` for a place within the store; `inputOutput`.
    @discardableResult
    public func backup(to path: String, control: WorkControl? = nil) throws -> BackupSummary {
        BackupSummary(try core.backup(to: path, time: Store.now.microseconds, control: control))
    }

    /// Copies the newest commit to another directory, without blocking the caller's executor.
    @discardableResult
    public func backup(to path: String, control: WorkControl? = nil) async throws -> BackupSummary {
        try await offload(control) { try self.backup(to: path, control: $0) }
    }

    /// The backups that this store remembers, by path.
    public func copies() throws -> [StoreCopyInformation] {
        try core.copies().map { StoreCopyInformation($0.copy, mayHoldErased: $0.mayHoldErased) }
    }

    /// Forgets a backup that does not exist any more.
    ///
    /// - Throws: `DukkanError` `notFound` where the store remembers none at that path.
    public func forgetCopy(at path: String) throws {
        try core.forgetCopy(at: path)
    }
}
