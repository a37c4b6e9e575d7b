import DukkanFormat
import DukkanStorage
import Foundation

/// The files of a store in memory, which tests change and readers open; nothing can be written.
final class StoreImage: FileSystem {
    static let path = "/store"
    /// Bytes by path.
    let files: [String: [UInt8]]
    private let places: [String]

    init(_ files: [String: [UInt8]]) {
        self.files = files
        places = files.keys.sorted()
    }

    /// The files of a directory on disk.
    convenience init(reading folder: URL) throws {
        var files: [String: [UInt8]] = [:]
        for name in FileManager.default.enumerator(atPath: folder.path())?.compactMap({ $0 as? String }) ?? [] {
            guard let data = FileManager.default.contents(atPath: folder.appending(path: name).path()) else { continue }
            files[StoreImage.path + "/" + name] = Array(data)
        }
        self.init(files.filter { !$0.value.isEmpty })
    }

    /// The same with one file changed.
    func changing(_ path: String, _ change: (inout [UInt8]) -> Void) -> StoreImage {
        var files = files
        change(&files[path, default: []])
        return StoreImage(files)
    }

    /// Writes the files to a directory.
    func write(to folder: URL) throws {
        try FileManager.default.createDirectory(
            at: folder.appending(path: "parts"), withIntermediateDirectories: true)
        for (path, bytes) in files {
            try Data(bytes).write(to: folder.appending(path: String(path.dropFirst(StoreImage.path.count + 1))))
        }
    }

    func opened() throws -> StoreCore {
        try StoreCore.open(
            path: StoreImage.path, readOnly: true, options: StoreOptions(memoryBudgetBytes: 16 << 20, threads: 1),
            fileSystem: self)
    }

    // MARK: Calls

    func open(_ path: String, for use: FileUse) throws(SystemCallError) -> FileDescriptor {
        guard use == .reading else { throw SystemCallError(EROFS) }
        guard let place = places.firstIndex(of: path) else { throw SystemCallError(ENOENT) }
        return FileDescriptor(Int32(place))
    }

    func close(_ file: FileDescriptor) {}

    private func bytes(_ file: FileDescriptor) -> [UInt8] { files[places[Int(file.number)]] ?? [] }

    func byteCount(_ file: FileDescriptor) throws(SystemCallError) -> Int { bytes(file).count }

    func read(_ file: FileDescriptor, into buffer: UnsafeMutableRawBufferPointer, at offset: Int)
        throws(SystemCallError) -> Int
    {
        let bytes = bytes(file)
        let count = min(buffer.count, max(0, bytes.count - offset))
        bytes.withUnsafeBytes {
            buffer.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0.dropFirst(offset).prefix(count)))
        }
        return count
    }

    func list(_ path: String) throws(SystemCallError) -> [String] {
        let inside = places.filter { $0.hasPrefix(path + "/") }.map { $0.dropFirst(path.count + 1) }
        return Set(inside.map { String($0.prefix { $0 != "/" }) }).sorted()
    }

    func write(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer) throws(SystemCallError) -> Int {
        throw SystemCallError(EROFS)
    }
    func replace(_ file: FileDescriptor, _ bytes: UnsafeRawBufferPointer, at offset: Int) throws(SystemCallError) -> Int
    {
        throw SystemCallError(EROFS)
    }
    func synchronize(_ file: FileDescriptor) throws(SystemCallError) { throw SystemCallError(EROFS) }
    func synchronizeDirectory(_ path: String) throws(SystemCallError) { throw SystemCallError(EROFS) }
    func lock(_ file: FileDescriptor) throws(SystemCallError) -> Bool { throw SystemCallError(EROFS) }
    func rename(_ path: String, to newPath: String) throws(SystemCallError) { throw SystemCallError(EROFS) }
    func remove(_ path: String) throws(SystemCallError) { throw SystemCallError(EROFS) }
    func createDirectory(_ path: String) throws(SystemCallError) { throw SystemCallError(EROFS) }
    func random() -> UInt64 { 4 }
}
