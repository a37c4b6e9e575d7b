import DukkanFormat
import DukkanStorage
import Testing

#if canImport(Glibc)
import Glibc
#elseif canImport(Musl)
import Musl
#else
import Darwin
#endif

/// What else may happen to a store's directory: readers that stay, a disk that cannot be written, links, and a directory
/// that goes away.
@Suite struct ManyProcessesTests {
    private let shop = Shop(isUnique: true)

    private func makeStore(_ path: String, system: any FileSystem = PosixFileSystem()) throws -> (StoreCore, Model) {
        var model = Model(shop: shop)
        let store = try StoreCore.create(path: path, options: StoreOptions(threads: 2), fileSystem: system)
        try store.createTable(shop.schema)
        for seed in 0..<3 {
            let rows = Rows.random(50, seed: UInt64(seed), keys: 100)
            try store.append(table: shop.name, shop.batch(rows))
            try store.commit()
            model.append(rows)
        }
        return (store, model)
    }

    @Test func aReaderLivesThroughAHundredCompactions() throws {
        let directory = TemporaryDirectory()
        var (writer, model) = try makeStore(directory.store)
        let reader = try StoreCore.open(path: directory.store, readOnly: true)
        let held = try reader.snapshot()
        let rows = model.sorted
        for number in 0..<100 {
            let new = Rows.random(10, seed: UInt64(100 + number), keys: 100)
            try writer.append(table: shop.name, shop.batch(new))
            try writer.commit()
            model.append(new)
            #expect(try writer.compact().partsAfter == 1)
            if number % 10 == 9 { #expect(try shop.rows(held) == rows) }
        }
        #expect(try shop.rows(held) == rows)
        #expect(try shop.rows(reader.snapshot()) == model.sorted)
    }

    @Test func aStoreThatIsRemovedUnderAReaderStaysReadableInItsSnapshot() throws {
        let directory = TemporaryDirectory()
        let (writer, model) = try makeStore(directory.store)
        let reader = try StoreCore.open(path: directory.store, readOnly: true)
        let held = try reader.snapshot()
        writer.close()
        let system = PosixFileSystem()
        for folder in [directory.store + "/parts", directory.store] {
            for name in try system.list(folder) where name != "parts" { try system.remove(folder + "/" + name) }
            rmdir(folder)
        }
        #expect(try shop.rows(held) == model.sorted)
        let error = #expect(throws: DukkanError.self) { try reader.snapshot() }
        #expect(error?.code == .notFound)
        #expect(error?.place.file == directory.store)
        #expect(try shop.rows(held) == model.sorted)
    }

    /// On a file system that refuses every change a reader does all it can do, and a writer says why not.
    @Test(arguments: [EROFS, EACCES]) func aStoreThatCannotBeWrittenCanBeRead(number: Int32) throws {
        let plain = SimulatedFileSystem(seed: 1)
        let (writer, model) = try makeStore("/shop", system: plain)
        writer.close()
        let system = SimulatedFileSystem(seed: 2, disk: plain.disk)
        system.refuseChanges(number)
        let reader = try StoreCore.open(path: "/shop", readOnly: true, fileSystem: system)
        #expect(try shop.rows(reader.snapshot()) == model.sorted)
        #expect(try reader.verify() == [])
        let error = #expect(throws: DukkanError.self) {
            try StoreCore.open(path: "/shop", readOnly: false, fileSystem: system)
        }
        #expect(error?.code == .inputOutput)
        #expect(error?.description.contains("/shop/LOCK: cannot open the file") == true)
        #expect(error?.advice?.contains("for reading only") == true)
        #expect(system.disk.version == plain.disk.version)
    }

    /// A link in the place of any of its files leads nowhere.
    @Test func noLinkIsFollowedOutOfTheStore() throws {
        let directory = TemporaryDirectory()
        let (writer, _) = try makeStore(directory.store)
        writer.close()
        let system = PosixFileSystem()
        let outside = directory.path + "/outside"
        mkdir(outside, 0o700)
        let part = try #require(try system.list(directory.store + "/parts").first)
        let manifest = try #require(try system.list(directory.store).first { $0.hasPrefix("MANIFEST") })
        for name in ["LOCK", manifest, "parts", "parts/" + part] {
            let place = directory.store + "/" + name, elsewhere = outside + "/thing"
            #expect(rename(place, elsewhere) == 0)
            #expect(symlink(elsewhere, place) == 0)
            for readOnly in name == "LOCK" ? [false] : [true, false] {
                let error = #expect(throws: DukkanError.self, "\(name)") {
                    try StoreCore.open(path: directory.store, readOnly: readOnly)
                }
                #expect(error?.place.file?.hasPrefix(place) == true, "\(name): \(String(describing: error))")
            }
            #expect(unlink(place) == 0)
            #expect(rename(elsewhere, place) == 0)
        }
        // The store itself may stand behind a link.
        let link = directory.path + "/link"
        #expect(symlink(directory.store, link) == 0)
        #expect(try StoreCore.open(path: link, readOnly: false).verify() == [])
    }

    /// A link planted where the next manifest is written is removed, and what it names is not touched.
    @Test func aPlantedTemporaryNameIsNotWrittenThrough() throws {
        let directory = TemporaryDirectory()
        let (store, _) = try makeStore(directory.store)
        let target = directory.path + "/target"
        #expect(symlink(target, directory.store + "/MANIFEST-00000005.tmp") == 0)
        try store.append(table: shop.name, shop.batch(Rows.random(5, seed: 9)))
        try store.commit()
        #expect(access(target, F_OK) != 0)
        #expect(try store.verify() == [])
    }

    @Test func filesAndDirectoriesAreForTheirOwnerOnly() throws {
        let directory = TemporaryDirectory()
        // Closing waits until replaced files are gone, which may happen between the listing and the look.
        try makeStore(directory.store).0.close()
        func mode(_ path: String) -> mode_t {
            var status = stat()
            lstat(path, &status)
            return status.st_mode & 0o777
        }
        for folder in [directory.store, directory.store + "/parts"] {
            #expect(mode(folder) == 0o700, "\(folder)")
            for name in try PosixFileSystem().list(folder) where name != "parts" {
                #expect(mode(folder + "/" + name) == 0o600, "\(name)")
            }
        }
    }
}
