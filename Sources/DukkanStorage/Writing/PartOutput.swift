import DukkanFormat

/// A part on its way to its file.
final class PartOutput {
    let path: String
    private let fileSystem: any FileSystem
    private let sink: FileSink
    private let writer: PartWriter
    private let onFailedSync: (DukkanError) -> Void

    /// Makes the file, which must not exist.
    ///
    /// - Parameters:
    ///   - rowCount: rows that will come, where that is known; else 0.
    ///   - onFailedSync: called where the bytes may not have become durable.
    init(
        path: String, fileSystem: any FileSystem, columns: [ColumnDefinition], identifier: PartIdentifier,
        dictionaries: [StringDictionary?], options: PartOptions, rowCount: Int = 0,
        onFailedSync: @escaping (DukkanError) -> Void
    ) throws {
        self.path = path
        self.onFailedSync = onFailedSync
        self.fileSystem = fileSystem
        let sink = FileSink(try fileSystem.openFile(path, for: .creating), path: path, fileSystem: fileSystem)
        self.sink = sink
        writer = try PartWriter(
            columns: columns, identifier: identifier, dictionaries: dictionaries, options: options,
            rowCount: rowCount, replace: { try sink.replace($0, $1) }, sink: { try sink.append($0) })
    }

    /// Appends rows, sorted as those before.
    func append(_ rows: [ColumnVector]) throws {
        try writer.append(rows)
    }

    /// Writes what is left of the part, which is not durable yet.
    func finish() throws -> PartSummary {
        let summary = try writer.finish()
        try sink.finish()
        return summary
    }

    /// Makes the bytes of the finished part durable and closes its file.
    func synchronize() throws {
        do throws(DukkanError) {
            try fileSystem.synchronizeFile(sink.descriptor, path: path)
        } catch {
            onFailedSync(error)
            throw error
        }
        sink.close()
    }
}

/// Gathers the small pieces of a file into writes of a size that the system likes.
private final class FileSink {
    private static let bufferByteCount = 1 << 20
    let descriptor: FileDescriptor
    private let path: String
    private let fileSystem: any FileSystem
    private var buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: bufferByteCount, alignment: 4_096)
    private var held = 0
    private var isOpen = true

    init(_ descriptor: FileDescriptor, path: String, fileSystem: any FileSystem) {
        self.descriptor = descriptor
        self.path = path
        self.fileSystem = fileSystem
    }

    deinit {
        close()
        buffer.deallocate()
    }

    func append(_ bytes: UnsafeRawBufferPointer) throws {
        if held + bytes.count > buffer.count { try flush() }
        if bytes.count > buffer.count {
            try fileSystem.writeFully(descriptor, bytes, path: path)
            return
        }
        UnsafeMutableRawBufferPointer(rebasing: buffer[held..<(held + bytes.count)]).copyMemory(from: bytes)
        held += bytes.count
    }

    /// Writes bytes in the place of others.
    func replace(_ offset: Int, _ bytes: UnsafeRawBufferPointer) throws {
        try flush()
        try fileSystem.replaceFully(descriptor, bytes, at: offset, path: path)
    }

    func flush() throws {
        guard held > 0 else { return }
        try fileSystem.writeFully(descriptor, UnsafeRawBufferPointer(rebasing: buffer[..<held]), path: path)
        held = 0
    }

    /// Writes what is held and gives the memory back; nothing more comes.
    func finish() throws {
        try flush()
        buffer.deallocate()
        buffer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    }

    func close() {
        if isOpen { fileSystem.close(descriptor) }
        isOpen = false
    }
}
