import DukkanFormat

/// The lock that makes its holder the only writer of a store, among all processes and handles.
///
/// It ends with the process.
final class StoreLock {
    private let descriptor: FileDescriptor
    private let fileSystem: any FileSystem

    /// Takes the lock at once, or throws `locked`.
    init(path: String, fileSystem: any FileSystem) throws {
        self.fileSystem = fileSystem
        do throws(DukkanError) {
            descriptor = try fileSystem.openFile(path, for: .locking)
        } catch {
            var error = error
            error.advice = "a store that cannot be written to can be opened for reading only"
            throw error
        }
        // From here on `deinit` closes the file, also where this throws.
        guard try fileSystem.lockFile(descriptor, path: path) else {
            throw DukkanError(
                .locked, "another process or handle is writing to this store", place: .init(file: path),
                advice: "wait until it has closed the store, or open the store for reading only")
        }
    }

    deinit {
        fileSystem.close(descriptor)
    }
}
