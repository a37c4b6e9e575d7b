import Dukkan
import DukkanFormat
import DukkanStorage
import Foundation
import Testing

/// Stores of every format version that was ever written are read, asked and written on.
@Suite struct GoldenStoreTests {
    private static let expected: Result<[String], any Error> = Result {
        let folder = try ScratchFolder()
        let store = try GoldenStores.fill(folder.store)
        defer { store.close() }
        return try GoldenStores.answers(store)
    }

    /// A copy that may be written to.
    private static func copy(_ name: String, to folder: ScratchFolder) throws -> String {
        try StoreImage(reading: GoldenStores.folder.appending(path: name)).write(to: URL(filePath: folder.store))
        return folder.store
    }

    @Test(.enabled(if: ProcessInfo.processInfo.environment["DUKKAN_RECORD"] != nil))
    func `a store of the newest version is recorded`() throws {
        let name = "part\(PartLimits.version)-manifest\(Manifest.version)"
        let path = GoldenStores.folder.appending(path: name).path()
        guard !FileManager.default.fileExists(atPath: path) else { return }
        try GoldenStores.fill(path).close()
        try FileManager.default.removeItem(atPath: path + "/LOCK")
    }

    @Test func `there is a store of the version that is written today`() {
        #expect(GoldenStores.names.last == "part\(PartLimits.version)-manifest\(Manifest.version)")
    }

    @Test(arguments: GoldenStores.names) func `files are of the version that they stand for`(_ name: String) throws {
        let image = try StoreImage(reading: GoldenStores.folder.appending(path: name))
        let (part, manifest) = (name.dropFirst(4).first?.wholeNumberValue, name.last?.wholeNumberValue)
        for (path, bytes) in image.files {
            let version = Int(bytes[8])
            if path.contains("MANIFEST-") { #expect(version == manifest, "\(path)") }
            if path.hasSuffix(".part") { #expect(version == part, "\(path)") }
        }
        #expect(image.files.keys.contains { $0.hasSuffix(".del") }, "rows are deleted in it")
        #expect(image.files.count >= 6)
    }

    @Test(arguments: GoldenStores.names) func `answers are those of a store filled today`(_ name: String) throws {
        let folder = try ScratchFolder()
        let store = try Store.open(at: GoldenStoreTests.copy(name, to: folder), mode: .readOnly)
        #expect(try store.verify() == [])
        let expected = try GoldenStoreTests.expected.get()
        for (place, answer) in try GoldenStores.answers(store).enumerated() {
            #expect(answer == expected[place], "\(name): \(GoldenStores.statements[place])")
            #expect(answer.contains("\n"), "an answer has rows")
        }
    }

    /// Without any store of today between: counted from the text.
    @Test(arguments: GoldenStores.names) func `rows are those of the text`(_ name: String) throws {
        let folder = try ScratchFolder()
        let store = try Store.open(at: GoldenStoreTests.copy(name, to: folder), mode: .readOnly)
        var orders: [String: [String]] = [:]
        for row in try GoldenStores.text("orders-1") + GoldenStores.text("orders-2") { orders[row[0]] = row }
        let found = try store.query("SELECT number, customer, revenue, status FROM orders ORDER BY number").rows
        let expected = orders.values.map { "\($0[0])|\($0[1])|\($0[3])|\($0[4])" }.sorted()
        #expect(found.map { $0.map { "\($0)" }.joined(separator: "|") } == expected)
        let lines = try (GoldenStores.text("events-1") + GoldenStores.text("events-2"))
        let phones = lines.count { $0.contains("phone") }
        let answer = try store.query("SELECT count(*) FROM events WHERE device = 'phone'").rows
        #expect(answer.map { "\($0[0])" } == ["\(phones)"])
    }

    @Test(arguments: GoldenStores.names) func `an old store is written on`(_ name: String) throws {
        let folder = try ScratchFolder()
        let store = try Store.open(at: GoldenStoreTests.copy(name, to: folder))
        defer { store.close() }
        try store.query("DEFINE SEGMENT others AS count(orders) = 1")
        _ = try store.compact()
        #expect(try store.verify() == [])
        #expect(try GoldenStores.answers(store) == GoldenStoreTests.expected.get())
    }

    // MARK: Versions to come

    /// Gives a file another version, and makes its checksums those that a newer release would write.
    private static func raise(_ bytes: inout [UInt8], _ path: String) throws {
        bytes[8] += 1
        guard path.hasSuffix(".part") else { return }
        let end = bytes.count - PartFooter.trailerByteCount
        bytes[end + 4] += 1
        let checksum = bytes.withUnsafeBytes {
            PartChecksum(PartIdentifier(high: 0, low: 0))(
                offset: end, UnsafeRawBufferPointer(rebasing: $0[end..<end + 8]))
        }
        withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(end + 8..<end + 12, with: $0) }
    }

    @Test func `files of a newer version are refused by name, and the advice says what to do`() throws {
        let name = try #require(GoldenStores.names.last)
        let image = try StoreImage(reading: GoldenStores.folder.appending(path: name))
        for path in image.files.keys.sorted() {
            let newer = image.changing(path) { try? GoldenStoreTests.raise(&$0, path) }
            let error = #expect(throws: DukkanError.self, "\(path)") { try newer.opened() }
            #expect(error?.code == .unsupportedVersion, "\(path): \(error.debugDescription)")
            #expect(error?.place.file == path)
            let text = error?.description ?? ""
            #expect(text.contains("version") && text.contains("newer"), "\(text)")
            #expect(error?.advice?.contains("release of Dukkan") == true, "\(text)")
        }
    }
}
