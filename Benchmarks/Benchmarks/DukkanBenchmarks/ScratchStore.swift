import Dukkan
import Foundation

/// Stores that benchmarks read, made once, outside of what is measured, and removed with the process's folder.
enum ScratchStore {
    static let folder: URL = {
        let url = FileManager.default.temporaryDirectory.appending(path: "dukkan-benchmarks-\(getpid())")
        try? FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
        atexit { try? FileManager.default.removeItem(at: ScratchStore.folder) }
        return url
    }()

    static func path(_ name: String) -> String { folder.appending(path: name).path() }

    /// A new store; one of that name is removed first.
    static func make(_ name: String, tables: [TableSchema]) throws -> Store {
        try? FileManager.default.removeItem(atPath: path(name))
        let store = try Store.create(at: path(name))
        try store.createTables(tables)
        return store
    }

    static func byteCount(_ store: Store) throws -> Int {
        try store.tables().reduce(0) { $0 + $1.byteCount }
    }
}
