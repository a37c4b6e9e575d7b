import DukkanFormat

/// Makes the directory of a new store.
struct StoreCreation {
    let path: String
    let fileSystem: any FileSystem

    /// Throws `alreadyExists` where something else is.
    ///
    /// What a creation that did not end has left is taken over.
    func run() throws {
        let parts = path.appending(name: StoreLayout.partsName)
        if try !fileSystem.makeDirectory(path) {
            let names: [String]
            do {
                names = try fileSystem.names(in: path)
            } catch {
                throw DukkanError(
                    .alreadyExists, "something that is not a directory is there", place: .init(file: path), cause: error
                )
            }
            if names.contains(where: { StoreLayout.generation(ofManifest: $0) != nil }) {
                throw DukkanError(.alreadyExists, "there is a store already", place: .init(file: path))
            }
            let unknown = names.filter { !StoreLayout.isKnown($0) || StoreLayout.isCopyRecord($0) }
            if let name = unknown.min() {
                throw DukkanError(
                    .alreadyExists, "the directory is not empty: it holds \(name)", place: .init(file: path))
            }
        }
        // Two processes that create at once: one holds the lock, the other is told so.
        let lock = try StoreLock(path: path.appending(name: StoreLayout.lockName), fileSystem: fileSystem)
        defer { withExtendedLifetime(lock) {} }
        _ = try fileSystem.makeDirectory(parts)
        try fileSystem.checkNoLink(parts)
        var manifest = Manifest()
        manifest.generation = 1
        manifest.store = PartIdentifier(high: fileSystem.random(), low: fileSystem.random())
        let temporary = path.appending(name: StoreLayout.temporaryManifestName(1))
        try fileSystem.removeFile(temporary)
        let descriptor = try fileSystem.openFile(temporary, for: .creating)
        do {
            defer { fileSystem.close(descriptor) }
            try manifest.encoded().withUnsafeBytes { try fileSystem.writeFully(descriptor, $0, path: temporary) }
            try fileSystem.synchronizeFile(descriptor, path: temporary)
        }
        // Nobody may find a manifest without the directory of parts.
        try fileSystem.synchronizeNames(in: path)
        try fileSystem.renameFile(temporary, to: path.appending(name: StoreLayout.manifestName(1)))
        try fileSystem.synchronizeNames(in: path)
        try fileSystem.synchronizeNames(in: path.parentPath)
    }
}
