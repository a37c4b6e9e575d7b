import DukkanFormat
import DukkanStorage
import Testing

/// Damaged stores: all damage is named, and every whole row is saved.
@Suite struct SalvageTests {
    private static let shop = Shop(isUnique: true, allowsNullCustomer: true)

    /// A store with several parts, deletions and row blocks, closed.
    private static func makeStore(_ system: SimulatedFileSystem, commits: Int = 5) throws -> [Row] {
        let options = StoreOptions(threads: 1, automaticCompaction: false)
        let store = try StoreCore.create(path: "/shop", options: options, fileSystem: system)
        try store.createTable(shop.schema)
        try store.defineSegment(name: "loyal", text: "count(orders) > 2")
        for seed in 0..<commits {
            try store.append(table: shop.name, shop.batch(rows(commit: seed)))
            try store.commit()
        }
        defer { store.close() }
        return try shop.rows(store.snapshot())
    }

    private static func rows(commit: Int) -> [Row] {
        Rows.random(commit == 0 ? 40_000 : 90, seed: UInt64(commit), keys: 100_000)
    }

    private static func salvage(
        _ system: SimulatedFileSystem, nulls: Bool = false, table: String = "orders"
    ) throws -> (report: SalvageReport, rows: [Row], segments: Int) {
        let report = try StoreCore.salvage(path: "/shop", into: "/saved", nullsDamaged: nulls, fileSystem: system)
        let store = try StoreCore.open(path: "/saved", readOnly: true, fileSystem: system)
        #expect(try store.verify() == [])
        var shop = shop
        shop.name = table
        return (report, try shop.rows(store.snapshot()), try store.snapshot().segments.count)
    }

    private static func parts(_ system: SimulatedFileSystem) -> [String] {
        system.fileNames.filter { $0.hasPrefix("/shop/parts/") && $0.hasSuffix(".part") }
    }

    @Test func aWholeStoreIsSavedWhole() throws {
        let system = SimulatedFileSystem(seed: 1)
        let rows = try SalvageTests.makeStore(system)
        let saved = try SalvageTests.salvage(system)
        #expect(saved.rows == rows)
        #expect(saved.segments == 1)
        #expect(saved.report.isComplete)
        #expect(saved.report.tables.map(\.rowsSaved) == [rows.count])
    }

    /// Every kind of block at the same time: each is named by file, column and block, and only the rows that they hold are lost.
    @Test func allDamagedBlocksAreNamedAndOnlyTheirRowsAreLost() throws {
        let system = SimulatedFileSystem(seed: 2)
        let rows = try SalvageTests.makeStore(system)
        let reader = try StoreCore.open(path: "/shop", readOnly: true, fileSystem: system)
        let parts = try reader.snapshot().tables[0].parts
        let large = parts[0]
        #expect(large.footer.rowBlocks.count > 2)
        func damage(_ part: PartHandle, _ location: PartFooter.BlockLocation) {
            system.damage(part.file.path) { $0[location.offset + location.byteCount / 2] ^= 4 }
        }
        let text = try #require(large.column(forSchemaColumn: "text"))
        let amount = try #require(large.column(forSchemaColumn: "amount"))
        damage(large, large.footer.columns[text].blocks[0].location)
        damage(large, large.footer.columns[amount].blocks[0].location)
        damage(large, large.footer.columns[amount].blocks[1].location)
        damage(large, large.footer.rowBlocks[2].directory)
        // More of a footer than can be made good, and all outlines.
        system.damage(parts[3].file.path) { bytes in
            for place in FooterDamage.footer(bytes) { bytes[place] &= 0x0F }
            for stripe in parts[3].footer.stripes {
                for place in stripe.outline.offset..<stripe.outline.end { bytes[place] &= 0x0F }
            }
        }
        let findings = try StoreCore.verify(path: "/shop", fileSystem: system)
        let places = Set(findings.map { [$0.place.file, $0.place.column, $0.place.block.map { "\($0)" }] })
        for wanted in [
            [large.file.path, "text", "0"], [large.file.path, "amount", "0"], [large.file.path, "amount", "1"],
            [large.file.path, "customer directory", "2"], [parts[3].file.path, nil, nil],
        ] {
            #expect(places.contains(wanted), "\(wanted)")
        }
        #expect(findings.count == 5, "\(findings)")
        #expect(throws: DukkanError.self) { try StoreCore.open(path: "/shop", readOnly: true, fileSystem: system) }

        // What is lost, from the rows as they were.
        func held(_ part: PartHandle, blocks: [Int]) throws -> Set<Row> {
            let ranges = blocks.map { block in
                let start = part.footer.rowBlocks[block].firstRow
                return start..<(start + part.footer.rowBlocks[block].rowCount)
            }
            return Set(
                try SalvageTests.shop.rows(of: part).filter { row in ranges.contains { $0.contains(row.0) } }.map(\.1))
        }
        let intact = SimulatedFileSystem(seed: 2)
        _ = try SalvageTests.makeStore(intact)
        let before = try StoreCore.open(path: "/shop", readOnly: true, fileSystem: intact).snapshot().tables[0].parts
        let inColumns = try held(before[0], blocks: [0, 1]), inDirectory = try held(before[0], blocks: [2])
        let inPart = try held(before[3], blocks: Array(before[3].footer.rowBlocks.indices))

        let saved = try SalvageTests.salvage(system)
        let lost = inColumns.union(inDirectory).union(inPart)
        #expect(Set(saved.rows) == Set(rows).subtracting(lost))
        #expect(saved.report.tables[0].rowsLost == lost.count)
        #expect(saved.report.losses.map(\.block) == [0, 1, 2, nil])
        #expect(saved.report.losses[0].columns == ["text", "amount"])
        #expect(!saved.report.isComplete)

        try system.removeAll(in: "/saved")
        let nulled = try SalvageTests.salvage(system, nulls: true)
        #expect(nulled.rows.count == rows.count - inDirectory.count - inPart.count)
        #expect(nulled.report.tables[0].rowsWithNulls == inColumns.count)
        let keys = Set(inColumns.map(\.key))
        #expect(nulled.rows.allSatisfy { !keys.contains($0.key) || $0.amount == nil })
    }

    /// Blocks that cannot be decoded because their dictionary or directory is damaged are found all the same.
    @Test func damageBehindDamageIsFound() throws {
        let system = SimulatedFileSystem(seed: 7)
        _ = try SalvageTests.makeStore(system)
        let reader = try StoreCore.open(path: "/shop", readOnly: true, fileSystem: system)
        let part = try #require(reader.snapshot().tables[0].parts.first)
        let text = try #require(part.column(forSchemaColumn: "text"))
        let amount = try #require(part.column(forSchemaColumn: "amount"))
        let dictionary = try #require(part.footer.columns[text].dictionary)
        let places = [
            dictionary, part.footer.columns[text].blocks[0].location, part.footer.columns[text].blocks[1].location,
            part.footer.rowBlocks[2].directory, part.footer.columns[amount].blocks[2].location,
        ]
        for place in places { system.damage(part.file.path) { $0[place.offset + place.byteCount / 2] ^= 1 } }
        let findings = try StoreCore.verify(path: "/shop", fileSystem: system)
        #expect(Set(findings.compactMap(\.place.offset)).count == places.count, "\(findings)")
        #expect(findings.count == places.count, "\(findings)")
    }

    @Test(arguments: ["damaged", "missing"]) func withoutAManifestThePartsTell(_ state: String) throws {
        let system = SimulatedFileSystem(seed: 3)
        let rows = try SalvageTests.makeStore(system)
        let manifest = try #require(system.fileNames.first { $0.hasPrefix("/shop/MANIFEST") })
        if state == "missing" { try system.remove(manifest) } else { system.damage(manifest) { $0[40] ^= 1 } }
        if state == "damaged" {
            let findings = try StoreCore.verify(path: "/shop", fileSystem: system)
            #expect(findings.map(\.place.file) == [manifest])
        } else {
            #expect(throws: DukkanError.self) { try StoreCore.verify(path: "/shop", fileSystem: system) }
        }
        let saved = try SalvageTests.salvage(system, table: "table_1")
        #expect(saved.rows == rows)
        #expect(saved.report.losses == [])
        #expect(!saved.report.isComplete && saved.segments == 0)
    }

    /// A trailer that is damaged, a file that is longer than it was: the footer is found all the same.
    @Test func aPartWithoutItsEndIsReadFromItsFooter() throws {
        let system = SimulatedFileSystem(seed: 4)
        let rows = try SalvageTests.makeStore(system)
        let parts = SalvageTests.parts(system)
        system.damage(parts[0]) { $0[$0.count - 12] ^= 1 }
        system.damage(parts[1]) { $0 += [1, 2, 3] }
        system.damage(parts[2]) { $0.removeLast(7) }
        let findings = try StoreCore.verify(path: "/shop", fileSystem: system)
        #expect(findings.map(\.place.file) == Array(parts[..<3]), "\(findings)")
        let saved = try SalvageTests.salvage(system)
        #expect(saved.rows == rows)
        #expect(saved.report.isComplete)
        // What is damaged in the middle of such a file is found as well.
        let block = try #require(
            StoreCore.open(path: "/saved", readOnly: true, fileSystem: system).snapshot().tables[0].parts.first
        ).footer.rowBlocks[0].directory
        system.damage(parts[0]) { $0[block.offset + 9] ^= 1 }
        let more = try StoreCore.verify(path: "/shop", fileSystem: system)
        #expect(more.count == 4 && more.contains { $0.place.block == 0 }, "\(more)")
    }

    /// Ways to damage what tells where the blocks of a part lie.
    enum FooterDamage: CaseIterable {
        case bit, footer, outlines, bitOfEach, trailerAndFooter, bitAndTrailer, bitOfEachAndTrailer, cut, cutFooter

        /// Where the footer of a part lies.
        static func footer(_ bytes: [UInt8]) -> Range<Int> {
            let end = bytes.count - PartFooter.trailerByteCount
            return end - bytes[end..<end + 4].reversed().reduce(0) { $0 << 8 | Int($1) }..<end
        }

        func apply(_ bytes: inout [UInt8], outlines: [PartFooter.BlockLocation]) {
            let footer = FooterDamage.footer(bytes)
            func wipe(_ range: Range<Int>) { for place in range { bytes[place] = 0x55 } }
            func bitOfEach() {
                bytes[footer.lowerBound + footer.count / 2] ^= 4
                for outline in outlines { bytes[outline.end - outline.byteCount / 3] ^= 32 }
            }
            switch self {
            case .bit: bytes[footer.lowerBound + footer.count / 2] ^= 4
            case .footer: wipe(footer)
            case .outlines: for outline in outlines { wipe(outline.offset..<outline.end) }
            case .bitOfEach: bitOfEach()
            case .trailerAndFooter: wipe(footer.lowerBound..<bytes.count)
            case .bitAndTrailer:
                bytes[footer.lowerBound + footer.count / 2] ^= 4
                wipe(footer.upperBound..<bytes.count)
            case .bitOfEachAndTrailer:
                bitOfEach()
                wipe(footer.upperBound..<bytes.count)
            case .cut: bytes.removeLast(bytes.count - footer.lowerBound - footer.count / 2)
            case .cutFooter: bytes.removeLast(bytes.count - footer.lowerBound)
            }
        }

        /// Whether only a manifest tells that no row is missing.
        var hidesTheEnd: Bool {
            switch self {
            case .trailerAndFooter, .cut, .cutFooter: true
            default: false
            }
        }
    }

    /// Damage of a footer that the outlines or its checksum make good loses nothing, and is named.
    @Test(arguments: FooterDamage.allCases) func aDamagedFooterLosesNothing(_ damage: FooterDamage) throws {
        let system = SimulatedFileSystem(seed: 8)
        let rows = try SalvageTests.makeStore(system)
        let parts = try StoreCore.open(path: "/shop", readOnly: true, fileSystem: system).snapshot().tables[0].parts
        for part in parts {
            system.damage(part.file.path) { damage.apply(&$0, outlines: part.footer.stripes.map(\.outline)) }
        }
        if damage != .outlines {
            let error = #expect(throws: DukkanError.self) {
                try StoreCore.open(path: "/shop", readOnly: true, fileSystem: system)
            }
            #expect(error?.place.file == parts[0].file.path && error?.code == .corrupt)
        }
        let findings = try StoreCore.verify(path: "/shop", fileSystem: system)
        #expect(Set(findings.map(\.place.file)) == Set(parts.map(\.file.path)), "\(findings)")
        let saved = try SalvageTests.salvage(system)
        #expect(saved.rows == rows)
        #expect(saved.report.isComplete, "\(saved.report)")

        // Without a manifest as well, where it is said that there may have been more if the end of the file is gone.
        try system.removeAll(in: "/saved")
        try system.remove(#require(system.fileNames.first { $0.hasPrefix("/shop/MANIFEST") }))
        let again = try SalvageTests.salvage(system, table: "table_1")
        #expect(again.rows == rows)
        #expect(again.report.losses.map(\.rowCount) == (damage.hidesTheEnd ? parts.map { _ in nil } : []))
    }

    @Test func missingAndForeignFilesAreNamed() throws {
        let system = SimulatedFileSystem(seed: 5)
        _ = try SalvageTests.makeStore(system)
        let parts = SalvageTests.parts(system)
        let deletion = try #require(system.fileNames.first { $0.hasSuffix(".del") })
        var other: [UInt8] = []
        system.damage(parts[4]) { other = $0 }
        system.damage(parts[3]) { $0 = other }
        try system.remove(parts[1])
        try system.remove(deletion)
        system.close(try system.open("/shop/notes", for: .creating))
        let findings = try StoreCore.verify(path: "/shop", fileSystem: system)
        let files = Set(findings.compactMap(\.place.file))
        #expect(files == [parts[1], parts[3], deletion, "/shop/notes"], "\(findings)")
        #expect(findings.filter { !$0.isDamage }.map(\.place.file) == ["/shop/notes"])
        let saved = try SalvageTests.salvage(system)
        #expect(saved.report.losses.map(\.file).count == 2)
        #expect(saved.report.notes.count == 1)
        // Rows that were replaced are known again by their keys.
        #expect(Set(saved.rows.map(\.key)).count == saved.rows.count)
    }

    /// Bytes changed at random, a thousand and more places at a time: whatever is saved stood in the store.
    @Test func nothingIsMadeUp() throws {
        let all = Set((0..<3).flatMap { SalvageTests.rows(commit: $0) })
        for seed in 0..<12 {
            let system = SimulatedFileSystem(seed: UInt64(seed))
            let saved = try SalvageTests.makeStore(system, commits: 3)
            var generator = SeededGenerator(seed: UInt64(seed))
            for name in system.fileNames where !name.hasSuffix("LOCK") && (seed % 3 == 0 || !name.contains("MANIFEST"))
            {
                system.damage(name) { bytes in
                    for _ in 0..<Int.random(in: 0..<8, using: &generator) {
                        let place = Int.random(in: 0..<bytes.count, using: &generator)
                        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                    }
                }
            }
            _ = try StoreCore.verify(path: "/shop", fileSystem: system)
            let report = try StoreCore.salvage(path: "/shop", into: "/saved", fileSystem: system)
            let store = try StoreCore.open(path: "/saved", readOnly: true, fileSystem: system)
            var shop = SalvageTests.shop
            shop.name = try store.snapshot().tables.first?.schema.name ?? ""
            // Without a deletion file, or with a part less, a row that was replaced may come back, but no other.
            let rows = try shop.rows(store.snapshot())
            #expect(rows.allSatisfy { all.contains($0) }, "seed \(seed)")
            if report.isComplete { #expect(rows.count == saved.count, "seed \(seed)") }
        }
    }
}

extension SimulatedFileSystem {
    /// Removes a directory's files, as a person does.
    fileprivate func removeAll(in path: String) throws {
        for name in fileNames where name.hasPrefix(path + "/") { try remove(name) }
    }
}
