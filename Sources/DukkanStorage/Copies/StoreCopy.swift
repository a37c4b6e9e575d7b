import DukkanFormat

/// A copy of a store that a backup made.
package struct StoreCopy: Sendable, Equatable {
    /// Path of the copy when it was made.
    package var path: String
    /// The generation that it holds.
    package var generation: UInt64
    /// When it was made, µs since 1970.
    package var time: Int64
    /// Checksum of the copy's manifest; 0 until the first backup has ended.
    var manifestChecksum: UInt32
    /// Checksum of the manifest that a backup which has not ended puts in its place; 0 where none is under way.
    var nextChecksum: UInt32 = 0
}

/// What a store remembers of its copies: a small file for each, beside the manifest, since a backup takes no writer's lock.
struct StoreCopies {
    let path: String
    let fileSystem: any FileSystem

    /// `DUKKANCP`.
    private static let magic: [UInt8] = Array("DUKKANCP".utf8)
    private static let version: UInt32 = 1
    /// Largest file of this kind, in bytes.
    private static let byteCountMax = 1 << 16
    /// Most copies that are listed.
    static let countMax = 10_000

    /// All copies that can be read, by path.
    func list() -> [StoreCopy] {
        records().compactMap(\.copy).inOrder { ($0.path, $0.generation) < ($1.path, $1.generation) }
    }

    /// Paths of records that cannot be read: of copies that nobody can name.
    func unreadable() -> [String] {
        records().filter { $0.copy == nil }.map { path.appending(name: $0.name) }
    }

    private func records() -> [(name: String, copy: StoreCopy?)] {
        let names = ((try? fileSystem.namesIfPresent(in: path)) ?? nil) ?? []
        return names.filter(StoreLayout.isCopyRecord).ascending().prefix(StoreCopies.countMax)
            .map { ($0, (try? read($0)) ?? nil) }
    }

    /// The record of the copy at a path; nil if there is none that can be read.
    func find(_ copy: String) -> StoreCopy? {
        guard let found = try? read(StoreLayout.copyRecordName(copy)), found.path == copy else { return nil }
        return found
    }

    /// Remembers a copy, durably; of the same path only the last one.
    func record(_ copy: StoreCopy) throws {
        let name = StoreLayout.copyRecordName(copy.path)
        let file = path.appending(name: name), temporary = file + StoreLayout.temporarySuffix
        try fileSystem.removeFile(temporary)
        let descriptor = try fileSystem.openFile(temporary, for: .creating)
        do {
            defer { fileSystem.close(descriptor) }
            try encoded(copy).withUnsafeBytes { try fileSystem.writeFully(descriptor, $0, path: temporary) }
            try fileSystem.synchronizeFile(descriptor, path: temporary)
        }
        try fileSystem.renameFile(temporary, to: file)
        try fileSystem.synchronizeNames(in: path)
    }

    func forget(_ copy: StoreCopy) throws {
        try fileSystem.removeFile(path.appending(name: StoreLayout.copyRecordName(copy.path)))
        try fileSystem.synchronizeNames(in: path)
    }

    private func encoded(_ copy: StoreCopy) -> [UInt8] {
        var out = ByteWriter()
        for byte in StoreCopies.magic { out.fixed(byte) }
        out.fixed(StoreCopies.version)
        out.text(copy.path)
        out.variable(copy.generation)
        out.fixed(copy.time)
        out.fixed(copy.manifestChecksum)
        out.fixed(copy.nextChecksum)
        out.fixed(Checksum.crc32c(out.bytes[...], seed: StoreCopies.version))
        return out.bytes
    }

    private func read(_ name: String) throws -> StoreCopy? {
        let file = path.appending(name: name)
        guard let descriptor = try fileSystem.openIfPresent(file) else { return nil }
        defer { fileSystem.close(descriptor) }
        let bytes = try fileSystem.readWhole(descriptor, byteCountMax: StoreCopies.byteCountMax, path: file)
        var reader = ByteReader(bytes[...], what: "record of a copy")
        for byte in StoreCopies.magic where try reader.fixed(UInt8.self) != byte { return nil }
        guard try reader.fixed(UInt32.self) == StoreCopies.version, bytes.count > 4 else { return nil }
        var tail = ByteReader(bytes[(bytes.count - 4)...], what: "record of a copy")
        guard try tail.fixed(UInt32.self) == Checksum.crc32c(bytes[..<(bytes.count - 4)], seed: StoreCopies.version)
        else { return nil }
        let path = try reader.text(byteCountMax: StoreCopies.byteCountMax, of: "path")
        return StoreCopy(
            path: path, generation: try reader.variable(), time: try reader.fixed(),
            manifestChecksum: try reader.fixed(), nextChecksum: try reader.fixed())
    }
}
