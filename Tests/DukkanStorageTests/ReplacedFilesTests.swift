import Dispatch
import DukkanFormat
import DukkanStorage
import Synchronization
import Testing

/// Files that a commit has replaced go beside the application, and are gone before anyone looks for them.
@Suite struct ReplacedFilesTests {
    private static let shop = Shop()

    private static func append(_ commit: Int, to store: StoreCore, _ model: inout Model) throws {
        let rows = Rows.random(20, seed: UInt64(commit), customers: 9, times: Int64(900 + 40 * commit))
        model.append(rows)
        try store.append(table: shop.name, shop.batch(rows))
    }

    /// Names in a store's directories that its newest generation does not need.
    private static func spareNames(_ path: String) throws -> [String] {
        let system = PosixFileSystem()
        let store = try StoreCore.open(path: path, readOnly: true)
        let parts = try store.snapshot().tables.reduce(0) { $0 + $1.parts.count }
        let names = try system.list(path).filter { $0.hasPrefix("MANIFEST") }
        let files = try system.list(path + "/parts")
        return names.count == 1 && files.count == parts ? [] : names + files
    }

    @Test func aCommitDoesNotWaitForThem() throws {
        let directory = TemporaryDirectory()
        let system = WatchedFileSystem()
        let store = try StoreCore.create(
            path: directory.store, options: StoreOptions(threads: 2), fileSystem: system)
        try store.createTable(ReplacedFilesTests.shop.schema)
        try store.commit()
        // Nothing of the commit before is under way.
        try store.rollback()
        system.hold()
        var model = Model(shop: ReplacedFilesTests.shop)
        try ReplacedFilesTests.append(0, to: store, &model)
        try store.commit()
        // The manifest before is still there: nobody has let it go.
        #expect(try PosixFileSystem().list(directory.store).filter { $0.hasPrefix("MANIFEST") }.count == 2)
        #expect(try ReplacedFilesTests.shop.rows(store.snapshot()) == model.sorted)
        system.release()
        store.close()
        #expect(try ReplacedFilesTests.spareNames(directory.store) == [])
    }

    @Test(arguments: [1, 2]) func theyAreGoneWhenAnyoneLooks(_ threads: Int) throws {
        let directory = TemporaryDirectory()
        let system = WatchedFileSystem()
        var options = StoreOptions(threads: threads)
        options.windowRowCountTarget = 2_000
        let store = try StoreCore.create(path: directory.store, options: options, fileSystem: system)
        try store.createTable(ReplacedFilesTests.shop.schema)
        var model = Model(shop: ReplacedFilesTests.shop)
        for commit in 0..<60 {
            try ReplacedFilesTests.append(commit, to: store, &model)
            try store.commit()
            switch commit % 10 {
            case 3: #expect(try store.verify() == [], "commit \(commit)")
            case 5:
                try ReplacedFilesTests.append(1_000, to: store, &model)
                model.rows.removeLast(20)
                try store.rollback()
                #expect(try ReplacedFilesTests.spareNames(directory.store) == [], "commit \(commit)")
            case 7:
                _ = try store.compact()
                #expect(try ReplacedFilesTests.spareNames(directory.store) == [], "commit \(commit)")
            case 9:
                _ = try store.erase(customers: [.integer(Int64(commit / 10))])
                model.rows.removeAll { $0.customer == "\(commit / 10)" }
                #expect(try ReplacedFilesTests.spareNames(directory.store) == [], "commit \(commit)")
            default: break
            }
            #expect(try ReplacedFilesTests.shop.rows(store.snapshot()) == model.sorted, "commit \(commit)")
        }
        store.close()
        #expect(try ReplacedFilesTests.spareNames(directory.store) == [])
    }
}

/// The machine's file system, which can hold those who remove a manifest.
private final class WatchedFileSystem: FileSystem {
    private let system = PosixFileSystem()
    private let isHeld = Atomic<Bool>(false)
    private let gate = DispatchSemaphore(value: 0)

    var allowsCallsBeside: Bool { true }

    func hold() { isHeld.store(true, ordering: .sequentiallyConsistent) }

    func release() {
        isHeld.store(false, ordering: .sequentiallyConsistent)
        gate.signal()
    }

    func remove(_ path: String) throws(SystemCallError) {
        if path.contains("MANIFEST"), !path.hasSuffix(".tmp"), isHeld.load(ordering: .sequentiallyConsistent) {
            // A writer that waits for this would wait for the test, which waits for the writer.
            if gate.wait(timeout: .now() + .seconds(20)) == .timedOut { Issue.record("the commit waits") }
        }
        try system.remove(path)
    }

    func open(_ path: String, for use: FileUse) throws(SystemCallError) -> FileDescriptor {
        try system.open(path, for: use)
    }
    func write(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer) throws(SystemCallError) -> Int {
        try system.write(file, bytes)
    }
    func replace(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemCallError) -> Int
    {
        try system.replace(file, bytes, at: offset)
    }
    func synchronize(_ file: FileDescriptor) throws(SystemCallError) { try system.synchronize(file) }
    func synchronizeDirectory(_ path: String) throws(SystemCallError) { try system.synchronizeDirectory(path) }
    func rename(_ path: String, to newPath: String) throws(SystemCallError) { try system.rename(path, to: newPath) }
    func createDirectory(_ path: String) throws(SystemCallError) { try system.createDirectory(path) }
    func close(_ file: FileDescriptor) { system.close(file) }
    func byteCount(_ file: FileDescriptor) throws(SystemCallError) -> Int { try system.byteCount(file) }
    func read(_ file: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: Int)
        throws(SystemCallError) -> Int
    {
        try system.read(file, into: buffer, at: offset)
    }
    func lock(_ file: FileDescriptor) throws(SystemCallError) -> Bool { try system.lock(file) }
    func isLink(_ path: String) throws(SystemCallError) -> Bool { try system.isLink(path) }
    func list(_ path: String) throws(SystemCallError) -> [String] { try system.list(path) }
    func random() -> UInt64 { system.random() }
    func canonicalPath(_ path: String) -> String { system.canonicalPath(path) }
}
