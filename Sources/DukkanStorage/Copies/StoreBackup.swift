import DukkanFormat

/// Copies the newest generation of a store, while a writer may go on, to a directory that is then a store itself.
///
/// Parts never change, so those that the copy has already stay there. The copy's manifest is put in place last: until then
/// the generation before stands in it, whatever happens.
struct StoreBackup {
    let loader: SnapshotLoader
    let destination: String
    /// µs since 1970.
    let time: Int64
    let control: WorkControl?

    private static let pieceByteCount = 1 << 20

    private var fileSystem: any FileSystem { loader.fileSystem }
    private var partsPath: String { destination.appending(name: StoreLayout.partsName) }
    private var copies: StoreCopies { StoreCopies(path: loader.path, fileSystem: fileSystem) }

    func run() throws -> BackupReport {
        try checkPlace()
        guard let generation = try loader.newestGeneration() else {
            throw DukkanError(
                .notFound, "this is not a Dukkan store: no manifest is there", place: .init(file: loader.path))
        }
        let earlier = copies.find(destination)
        if try !fileSystem.makeDirectory(destination) { _ = try checkContent(earlier) }
        let lock = try StoreLock(path: destination.appending(name: StoreLayout.lockName), fileSystem: fileSystem)
        defer { withExtendedLifetime(lock) {} }
        let previous = try checkContent(earlier)
        _ = try fileSystem.makeDirectory(partsPath)
        if previous == nil {
            // What is made durable in a directory goes with it where the directory itself is not.
            try fileSystem.synchronizeNames(in: destination.parentPath)
            try fileSystem.synchronizeNames(in: destination)
        }
        // Whoever erases a customer from now on is told of this copy, which may get a generation that has her.
        var record = StoreCopy(
            path: destination,
            generation: previous.map { min($0.generation, earlier?.generation ?? .max) } ?? generation,
            time: time, manifestChecksum: previous.map(StoreBackup.checksum) ?? 0)
        let isAnnounced = (try? copies.record(record)) != nil
        try removeLeftovers(keeping: previous)
        var report = try copy(over: previous, record)
        try removeLeftovers(keeping: report.manifest, &report)
        record = StoreCopy(
            path: destination, generation: report.generation, time: time,
            manifestChecksum: StoreBackup.checksum(report.manifest))
        report.isRecorded = isAnnounced && (try? copies.record(record)) != nil
        return report
    }

    /// Neither directory may lie within the other.
    private func checkPlace() throws {
        let source = loader.path + "/", copy = destination + "/"
        guard !copy.hasPrefix(source), !source.hasPrefix(copy) else {
            throw DukkanError(
                .invalidArgument, "a store and its copy cannot lie one within the other",
                place: .init(file: destination))
        }
    }

    /// The manifest of the copy that is there; nil where there is none yet.
    ///
    /// Throws where something else is there.
    private func checkContent(_ earlier: StoreCopy?) throws -> Manifest? {
        let names: [String]
        do {
            names = try fileSystem.names(in: destination)
        } catch {
            throw DukkanError(
                .alreadyExists, "something that is not a directory is there", place: .init(file: destination),
                cause: error)
        }
        guard let generation = names.compactMap(StoreLayout.generation(ofManifest:)).max() else {
            if let name = names.filter({ !StoreLayout.isKnown($0) }).min() {
                throw DukkanError(
                    .alreadyExists, "the directory is not empty: it holds \(name)", place: .init(file: destination))
            }
            // Parts without a manifest may be a damaged store, unless a first backup to this place did not end.
            let isUnfinished = earlier.map { $0.manifestChecksum == 0 } ?? false
            let hasParts = try !(fileSystem.namesIfPresent(in: partsPath) ?? []).isEmpty
            if hasParts && !isUnfinished {
                throw DukkanError(
                    .alreadyExists, "there are parts of a store without a manifest", place: .init(file: destination),
                    advice: "if nothing there is needed, remove the directory")
            }
            return nil
        }
        let copy = SnapshotLoader(path: destination, fileSystem: fileSystem)
        let manifest: Manifest?
        do {
            manifest = try copy.readManifest(generation)
        } catch let error as DukkanError {
            throw DukkanError(
                error.code, "the copy that is there cannot be used", place: .init(file: destination),
                advice: "remove it, or choose another directory", cause: error)
        }
        guard let manifest, manifest.store == (try loader.identifier()) else {
            throw DukkanError(
                .alreadyExists, "there is another store", place: .init(file: destination),
                advice: "choose another directory")
        }
        if let earlier, earlier.manifestChecksum != 0,
            ![earlier.manifestChecksum, earlier.nextChecksum].contains(StoreBackup.checksum(manifest))
        {
            throw changed()
        }
        return manifest
    }

    /// The checksum that a manifest's file ends with.
    private static func checksum(_ manifest: Manifest) -> UInt32 {
        manifest.encoded().suffix(4).reversed().reduce(0) { $0 << 8 | UInt32($1) }
    }

    // MARK: Copying

    private func copy(over previous: Manifest?, _ record: StoreCopy) throws -> BackupReport {
        for _ in 0..<SnapshotLoader.attemptCountMax {
            let snapshot = try loader.load(reusing: nil)
            if let previous { try checkLineage(previous, snapshot.manifest) }
            var report = BackupReport(manifest: snapshot.manifest, path: destination, time: time)
            report.previousGeneration = previous?.generation
            do {
                guard try copyFiles(of: snapshot, over: previous, &report) else { continue }
                if previous?.generation != snapshot.generation {
                    var next = record
                    next.nextChecksum = StoreBackup.checksum(snapshot.manifest)
                    try? copies.record(next)
                    try publish(snapshot.manifest)
                }
                return report
            } catch {
                // What was copied is of no use; the copy of before stands, unless the new one is there already.
                if (try? newestCopy()) == previous?.generation { try? removeLeftovers(keeping: previous) }
                throw error
            }
        }
        throw DukkanError(.inputOutput, "the store changes too fast to be copied", place: .init(file: loader.path))
    }

    private func newestCopy() throws -> UInt64? {
        try fileSystem.names(in: destination).compactMap(StoreLayout.generation(ofManifest:)).max()
    }

    /// A copy that someone has written to is not overwritten.
    private func checkLineage(_ previous: Manifest, _ manifest: Manifest) throws {
        var isChanged = previous.generation > manifest.generation
        if previous.generation == manifest.generation { isChanged = previous != manifest }
        if isChanged { throw changed() }
    }

    private func changed() -> DukkanError {
        DukkanError(
            .alreadyExists, "the copy was written to, or is newer than the store", place: .init(file: destination),
            advice: "choose another directory, or remove the copy")
    }

    /// Copies what is not there; false if the store went on meanwhile and a file is gone.
    private func copyFiles(of snapshot: Snapshot, over previous: Manifest?, _ report: inout BackupReport) throws -> Bool
    {
        let held = previous.map(StoreBackup.files) ?? .init()
        for table in snapshot.manifest.tables {
            for entry in table.deletions {
                let name = StoreLayout.deletionName(table: table.number, file: entry.file)
                let file = File(identifier: entry.identifier, byteCount: entry.byteCount)
                if try isThere(name, file, held, &report) { continue }
                let source = loader.path.appending(name: StoreLayout.partsName).appending(name: name)
                guard let descriptor = try fileSystem.openIfPresent(source) else { return false }
                defer { fileSystem.close(descriptor) }
                try copy(name, byteCount: entry.byteCount, &report) { buffer, offset in
                    try fileSystem.readFully(descriptor, into: buffer, at: offset, path: source)
                }
            }
        }
        for (table, opened) in zip(snapshot.manifest.tables, snapshot.tables) {
            for part in opened.parts {
                let name = StoreLayout.partName(table: table.number, file: part.entry.file)
                let file = File(identifier: part.entry.identifier, byteCount: part.entry.byteCount)
                if try isThere(name, file, held, &report) { continue }
                try copy(name, byteCount: part.entry.byteCount, &report) { try part.file.read(into: $0, at: $1) }
            }
        }
        return true
    }

    private struct File: Equatable {
        var identifier: PartIdentifier
        var byteCount: Int
    }

    /// The files that a manifest names.
    private static func files(_ manifest: Manifest) -> [String: File] {
        var files = [String: File]()
        for table in manifest.tables {
            for part in table.parts {
                files[StoreLayout.partName(table: table.number, file: part.file)] =
                    File(identifier: part.identifier, byteCount: part.byteCount)
            }
            for deletion in table.deletions {
                files[StoreLayout.deletionName(table: table.number, file: deletion.file)] =
                    File(identifier: deletion.identifier, byteCount: deletion.byteCount)
            }
        }
        return files
    }

    /// Whether the copy has a file already: its manifest names the same, and the file has that size.
    private func isThere(
        _ name: String, _ file: File, _ held: [String: File], _ report: inout BackupReport
    ) throws -> Bool {
        guard let known = held[name] else { return false }
        guard known == file else {
            throw DukkanError(
                .alreadyExists, "the copy was written to: it has another file of this name",
                place: .init(file: partsPath.appending(name: name)),
                advice: "choose another directory, or remove the copy")
        }
        let path = partsPath.appending(name: name)
        guard let descriptor = try fileSystem.openIfPresent(path) else { return false }
        defer { fileSystem.close(descriptor) }
        guard try fileSystem.sizeOfFile(descriptor, path: path) == file.byteCount else {
            throw DukkanError(
                .corrupt, "the copy's file has not the size that its manifest says", place: .init(file: path),
                advice: "remove the copy and make a new one")
        }
        report.filesKept += 1
        report.bytesKept += file.byteCount
        return true
    }

    private func copy(
        _ name: String, byteCount: Int, _ report: inout BackupReport,
        read: (UnsafeMutableRawBufferPointer, Int) throws -> Void
    ) throws {
        let path = partsPath.appending(name: name)
        try fileSystem.removeFile(path)
        let descriptor = try fileSystem.openFile(path, for: .creating)
        defer { fileSystem.close(descriptor) }
        let buffer = UnsafeMutableRawBufferPointer.allocate(
            byteCount: max(1, min(byteCount, StoreBackup.pieceByteCount)), alignment: 4_096)
        defer { buffer.deallocate() }
        var done = 0
        while done < byteCount {
            try control?.check()
            let piece = UnsafeMutableRawBufferPointer(rebasing: buffer[..<min(buffer.count, byteCount - done)])
            try read(piece, done)
            try fileSystem.writeFully(descriptor, UnsafeRawBufferPointer(piece), path: path)
            done += piece.count
            report.bytesCopied += piece.count
            control?.report(.init(rowsDone: 0, bytesDone: report.bytesCopied))
        }
        try fileSystem.synchronizeFile(descriptor, path: path)
        report.filesCopied += 1
    }

    private func publish(_ manifest: Manifest) throws {
        try fileSystem.synchronizeNames(in: partsPath)
        let name = destination.appending(name: StoreLayout.manifestName(manifest.generation))
        let temporary = destination.appending(name: StoreLayout.temporaryManifestName(manifest.generation))
        try fileSystem.removeFile(temporary)
        let descriptor = try fileSystem.openFile(temporary, for: .creating)
        do {
            defer { fileSystem.close(descriptor) }
            try manifest.encoded().withUnsafeBytes { try fileSystem.writeFully(descriptor, $0, path: temporary) }
            try fileSystem.synchronizeFile(descriptor, path: temporary)
        }
        try fileSystem.renameFile(temporary, to: name)
        try fileSystem.synchronizeNames(in: destination)
    }

    // MARK: Removing

    private func removeLeftovers(keeping manifest: Manifest?) throws {
        var report = BackupReport(manifest: manifest ?? Manifest(), path: destination, time: time)
        try removeLeftovers(keeping: manifest, &report)
    }

    /// Removes, durably, every file of a store in the copy that a manifest does not need: what an interrupted backup left, or
    /// what the generation before had, erased customers among it.
    private func removeLeftovers(keeping manifest: Manifest?, _ report: inout BackupReport) throws {
        let kept = manifest.map(Writer.fileNames) ?? []
        var isChanged = false
        for name in try fileSystem.namesIfPresent(in: partsPath) ?? []
        where StoreLayout.isPartsFile(name) && !kept.contains(name) {
            try fileSystem.removeFile(partsPath.appending(name: name))
            report.filesRemoved += 1
            isChanged = true
        }
        for name in try fileSystem.names(in: destination) {
            let isOld = StoreLayout.generation(ofManifest: name).map { $0 != manifest?.generation } ?? false
            guard isOld || StoreLayout.isTemporaryManifest(name) else { continue }
            try fileSystem.removeFile(destination.appending(name: name))
            isChanged = true
        }
        guard isChanged else { return }
        try fileSystem.synchronizeNames(in: partsPath)
        try fileSystem.synchronizeNames(in: destination)
    }
}

extension SnapshotLoader {
    /// The identifier of the store.
    func identifier() throws -> PartIdentifier {
        for _ in 0..<SnapshotLoader.attemptCountMax {
            guard let generation = try newestGeneration() else { break }
            if let manifest = try readManifest(generation) { return manifest.store }
        }
        throw DukkanError(.notFound, "no manifest is there", place: .init(file: path))
    }
}

/// What a backup did.
package struct BackupReport: Sendable, Equatable {
    /// What the copy is of.
    package var manifest: Manifest
    package var path: String
    /// µs since 1970.
    package var time: Int64
    /// The generation that was there before; nil in a new copy.
    package var previousGeneration: UInt64?
    package var filesCopied = 0
    package var bytesCopied = 0
    /// Files that were there already.
    package var filesKept = 0
    package var bytesKept = 0
    package var filesRemoved = 0
    /// Whether the store remembers the copy, so that an erasure names it.
    package var isRecorded = false

    package var generation: UInt64 { manifest.generation }
}
