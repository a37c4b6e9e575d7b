import DukkanFormat
import Testing

@testable import DukkanStorage

/// What an erasure makes of single parts.
@Suite struct ErasedPartTests {
    /// Keys that follow the time, texts that follow the key, nulls that two columns share: dictionaries, models and shared
    /// bitmaps are all there.
    private static func rows(_ numbers: Range<Int>) -> [Row] {
        numbers.map { i in
            let hasAmount = i * 7_919 % 3 == 0
            return Row(
                customer: "\(i * i % 701)", time: Int64(i) * 1_000_000, key: Int64(i * 5 + i * i % 37),
                text: "text \(i * i % 40)", amount: hasAmount ? Int64(i) : nil, value: hasAmount ? Double(i) : nil)
        }
    }

    /// Rows of one customer that stick out in every column.
    private static let hers = (0..<500).map { i in
        Row(
            customer: "350", time: Int64(i) * 77_000_003 - 5_000_000_000, key: 9_000_000_000 + Int64(i),
            text: i % 2 == 0 ? "aaa hers \(i % 7)" : "zzz hers", amount: -1_000_000_007, value: -1e300)
    }

    private static func compacted(_ commits: [[Row]]) throws -> (system: SimulatedFileSystem, store: StoreCore) {
        let system = SimulatedFileSystem(seed: 1)
        let shop = Shop()
        let options = StoreOptions(threads: 2, automaticCompaction: false)
        let store = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
        try store.createTable(shop.schema)
        for rows in commits {
            try store.append(table: shop.name, shop.batch(rows))
            try store.commit()
        }
        _ = try store.compact()
        return (system, store)
    }

    /// The part that an erasure writes is, byte for byte, that of a store which never had her; but for the part's random name,
    /// with which its checksums are seeded.
    @Test func aPartWrittenAnewIsThatOfAStoreWhichNeverHadHer() throws {
        let others = ErasedPartTests.rows(0..<30_000).filter { $0.customer != "350" }
        let (first, second) = (Array(others[..<20_000]), Array(others[20_000...]))
        let with = try ErasedPartTests.compacted([first, second + ErasedPartTests.hers])
        let report = try with.store.erase(customers: [.integer(350)])
        #expect(report.rows == 500)
        #expect(report.tables[0].partsRewritten.count == 1)
        let without = try ErasedPartTests.compacted([first, second])
        let a = try #require(with.store.snapshot().tables[0].parts.first)
        let b = try #require(without.store.snapshot().tables[0].parts.first)
        #expect(a.footer.columns[0].model != nil && a.footer.sharedBitmapCount > 0)
        #expect(a.footer.columns.contains { $0.dictionary != nil })
        let (x, y) = (try blocks(a, with.system), try blocks(b, without.system))
        #expect(x.count == y.count && x.count > 10)
        for (left, right) in zip(x, y) { #expect(left.bytes == right.bytes, "\(left.name) differs from \(right.name)") }
        #expect(a.entry.byteCount == b.entry.byteCount)
        #expect(a.entry.times == b.entry.times && a.entry.isThorough && a.entry.isExact)
        // Footer and outlines begin with the part's identifier and end with a checksum.
        let start = try #require(x.last?.end)
        let (left, right) = (try bytes(a, with.system), try bytes(b, without.system))
        let said = (start + 16)..<(left.count - PartFooter.trailerByteCount - 4)
        #expect(said.count > 100 && left[said] == right[said])
        #expect(a.footer.stripes == b.footer.stripes && a.footer.stripes.count == 1)
    }

    private func bytes(_ part: PartHandle, _ system: SimulatedFileSystem) throws -> [UInt8] {
        var all: [UInt8] = []
        system.damage(part.file.path) { all = $0 }
        return all
    }

    /// All blocks of a part in the order of the file, without their checksums.
    private func blocks(
        _ part: PartHandle, _ system: SimulatedFileSystem
    ) throws -> [(name: String, bytes: ArraySlice<UInt8>, end: Int)] {
        let all = try bytes(part, system)
        var places: [(String, PartFooter.BlockLocation)] = []
        for (number, block) in part.footer.rowBlocks.enumerated() {
            places.append(("directory \(number)", block.directory))
            places += block.bitmaps.compactMap { $0 }.map { ("bitmap \(number)", $0) }
        }
        for stripe in part.footer.stripes {
            let place = stripe.outline
            places.append(("outline", .init(offset: place.offset + 16, byteCount: place.byteCount - 16)))
        }
        for column in part.footer.columns {
            places += column.blocks.map { (column.definition.name, $0.location) }
            if let place = column.dictionary { places.append(("dictionary of \(column.definition.name)", place)) }
            if let place = column.model { places.append(("model of \(column.definition.name)", place)) }
        }
        return places.sorted { $0.1.offset < $1.1.offset }.map { name, place in
            (name, all[place.offset..<(place.offset + place.byteCount - 4)], place.offset + place.byteCount)
        }
    }

    /// Parts of earlier releases may have strings in their dictionaries that no row has: an erasure writes them anew even where
    /// nobody is found, and verification calls a part out that is said to have none.
    @Test func stringsThatNoRowHasGoWithTheNextErasure() throws {
        let system = SimulatedFileSystem(seed: 3)
        let shop = Shop()
        let options = StoreOptions(threads: 1, automaticCompaction: false)
        let store = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
        try store.createTable(shop.schema)
        try store.append(table: shop.name, shop.batch(Rows.random(200, seed: 1)))
        try store.commit()
        let rows = try shop.rows(store.snapshot())
        try addString("zzz-ghost", to: try #require(store.snapshot().tables[0].parts.first), system)
        var manifest = try store.snapshot().manifest
        store.close()
        let name = "/shop/" + StoreLayout.manifestName(manifest.generation)
        system.damage("/shop/parts/t1-00000001.part") { manifest.tables[0].parts[0].byteCount = $0.count }
        system.damage(name) { $0 = manifest.encoded() }
        let findings = try StoreCore.verify(path: "/shop", fileSystem: system)
        #expect(findings.map(\.place.column) == ["text"])
        #expect(findings.first?.message.contains("no row has") == true)

        manifest.tables[0].parts[0].isExact = false
        system.damage(name) { $0 = manifest.encoded() }
        let search = ByteSearch(path: "/shop", system: system)
        #expect(try search.raw(["zzz-ghost"]).count == 1)
        #expect(try search.decoded(customers: [], texts: []).count == 1)
        let old = try StoreCore.open(path: "/shop", readOnly: false, options: options, fileSystem: system)
        #expect(try old.verify() == [])
        let report = try old.erase(customers: [.integer(987_654)])
        #expect(report.customersFound == 0 && report.rows == 0)
        #expect(report.tables[0].partsCleaned == [1] && report.tables[0].partsWritten.count == 1)
        #expect(try search.raw(["zzz-ghost"]) == [])
        #expect(try search.decoded(customers: [], texts: []) == [])
        #expect(try shop.rows(old.snapshot()) == rows)
        #expect(try old.snapshot().manifest.erasures.count == 1)

        // A part that turns out to have none is not looked at again.
        manifest = try old.snapshot().manifest
        old.close()
        manifest.tables[0].parts[0].isExact = false
        system.damage("/shop/" + StoreLayout.manifestName(manifest.generation)) { $0 = manifest.encoded() }
        let again = try StoreCore.open(path: "/shop", readOnly: false, options: options, fileSystem: system)
        #expect(try again.erase(customers: [.integer(987_654)]).tables.allSatisfy { $0.partsCleaned.isEmpty })
        #expect(try again.snapshot().manifest.tables[0].parts[0].isExact)
        #expect(try again.snapshot().manifest.erasures.count == 1)
        again.close()
    }

    /// Writes a part anew with one string more in the dictionary of its texts.
    private func addString(_ text: String, to part: PartHandle, _ system: SimulatedFileSystem) throws {
        let schema = Shop().schema
        let reader = BlockReader()
        let column = try #require(part.column(forSchemaColumn: "text"))
        let dictionary = try part.readDictionary(column: column, reader: reader)
        let strings = (0..<dictionary.count).map { dictionary.string($0) } + [text]
        let larger = StringDictionary(strings)
        var bytes: [UInt8] = []
        let writer = try PartWriter(
            columns: schema.columns, identifier: part.footer.identifier,
            dictionaries: schema.columns.map { $0.name == "text" ? larger : nil }, options: PartOptions(),
            replace: { bytes.replaceSubrange($0..<$0 + $1.count, with: $1) }, sink: { bytes += $0 })
        let source = SalvagedPart(part: part, schema: schema, deleted: [], nullsDamaged: false)
        for block in part.footer.rowBlocks.indices {
            let batch = try #require(source.read(block: block).rows)
            for (definition, vector) in zip(schema.columns, batch.columns) where definition.name == "text" {
                vector.dictionary = larger
            }
            try writer.append(batch.columns)
        }
        _ = try writer.finish()
        system.damage(part.file.path) { $0 = bytes }
    }
}
