import DukkanFormat

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What a store may use, and what it does on its own.
public struct StoreOptions: Sendable, Hashable {
    /// Most bytes of memory that one operation of the store uses for rows and blocks.
    ///
    /// A quarter as much holds blocks that queries have read, for those after them.
    public var memoryBudgetBytes = 1 << 30
    /// Threads that work on one operation.
    public var threads = StoreOptions.coreCount
    /// Whether commits also merge small parts.
    ///
    /// Without it queries become slower with every commit until `compact` is called; only what keeps the number of
    /// parts within its limit is merged.
    public var automaticCompaction = true

    /// Rows of a time window of compacted parts.
    ///
    /// Tests set it lower, to see windows without millions of rows.
    package var windowRowCountTarget = 32_000_000
    /// Rows that are sorted and written at a time at most, whatever the budget.
    package var runRowCountMax = 1 << 30
    /// Bytes of a part that may wait to be made durable until its transaction is published.
    package var waitingPartByteCountMax = 16 << 20

    /// When commits merge small parts.
    package enum MergeTiming: Sendable {
        /// Within the commit, or right after it.
        case within
        /// On threads of their own, where the options have more than one; a later commit takes up what came of it, or,
        /// where none is under way, it becomes a generation of its own.
        case beside
        /// At the end of the commit; a later commit takes up what came of it.
        ///
        /// As `beside`, but the same in each run, for tests.
        case deferred
    }

    /// When commits merge small parts of tables without a unique column.
    package var mergeTiming = MergeTiming.beside
    /// Rows of a merge from which on it does not happen within a commit.
    package var besideRowCountMin = 2 << 14

    /// Bytes of blocks that queries keep for those after them.
    var blockCacheByteCount: Int { memoryBudgetBytes / 4 }

    /// Least budget that the store works with.
    public static let memoryBudgetBytesMin = 16 << 20
    /// Most threads.
    public static let threadsMax = 256

    /// Makes options; the defaults are those of the properties.
    public init(
        memoryBudgetBytes: Int = 1 << 30, threads: Int? = nil, automaticCompaction: Bool = true
    ) {
        self.memoryBudgetBytes = memoryBudgetBytes
        self.threads = threads ?? StoreOptions.coreCount
        self.automaticCompaction = automaticCompaction
    }

    /// Processors of the machine that are online.
    static var coreCount: Int { min(threadsMax, max(1, Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))))) }

    func validate() throws(DukkanError) {
        if memoryBudgetBytes < StoreOptions.memoryBudgetBytesMin {
            throw DukkanError(
                .invalidArgument,
                "a memory budget of \(memoryBudgetBytes) bytes is too small: at least "
                    + "\(StoreOptions.memoryBudgetBytesMin) are needed")
        }
        if !(1...StoreOptions.threadsMax).contains(threads) {
            throw DukkanError(.invalidArgument, "\(threads) threads: 1 to \(StoreOptions.threadsMax) are possible")
        }
    }
}
