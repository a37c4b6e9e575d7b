import Testing

@testable import DukkanFormat

/// Damaged files are found, and hostile ones do no harm.
@Suite struct PartDamageTests {
    private static func smallPart(_ seed: UInt64, rowCount: Int, stringCustomers: Bool = false) throws -> PartFile {
        let table = PlainTable.random(
            seed: seed, rowCount: rowCount, stringCustomers: stringCustomers, nullCustomers: true)
        return try PartFile.write(table, partDictionaries: [2, 6])
    }

    @Test func aFlippedBitOfAnyByteIsFound() throws {
        var file = try PartDamageTests.smallPart(21, rowCount: 40)
        var generator = SplitMix(seed: 21)
        _ = try file.read()
        for place in file.bytes.indices {
            let bit: UInt8 = 1 << UInt8(generator.below(8))
            file.bytes[place] ^= bit
            #expect(throws: DukkanError.self, "byte \(place), bit \(bit)") {
                try file.checkSpares()
                return try file.read()
            }
            file.bytes[place] ^= bit
        }
    }

    @Test func aFileCutOffAnywhereIsFound() throws {
        let whole = try PartDamageTests.smallPart(22, rowCount: 20)
        for length in 0..<whole.bytes.count {
            var file = whole
            file.bytes.removeLast(whole.bytes.count - length)
            #expect(throws: DukkanError.self, "length \(length)") {
                guard length >= PartFooter.headerByteCount + PartFooter.trailerByteCount else {
                    throw DukkanError(.corrupt, "the storage layer never asks")
                }
                return try file.read()
            }
        }
    }

    @Test func blocksOfAnotherPlaceOrPartAreFound() throws {
        let table = PlainTable.random(seed: 23, rowCount: 200, stringCustomers: false)
        let file = try PartFile.write(table)
        let other = try PartFile.write(table, identifier: PartIdentifier(high: 5, low: 6))
        let footer = try file.footer()
        let location = footer.columns[4].blocks[0].location
        let range = location.offset..<location.offset + location.byteCount
        var mixed = file
        mixed.bytes.replaceSubrange(range, with: other.bytes[range])
        #expect(throws: DukkanError.self) { try mixed.read() }
        // A footer of the other part does not fit either.
        var renamed = file
        renamed.identifier = other.identifier
        #expect(throws: DukkanError.self) { try renamed.footer() }
        // The same column, encoded to the same size, at another place.
        let twice = PlainTable(
            columns: table.columns.map { column in
                column.name == "rating" ? ColumnDefinition("rating", .date) : column
            }, cells: table.cells.enumerated().map { $0.offset == 5 ? table.cells[8] : $0.element })
        var swapped = try PartFile.write(twice)
        let places = try swapped.footer()
        let (a, b) = (places.columns[5].blocks[0].location, places.columns[8].blocks[0].location)
        #expect(a.byteCount == b.byteCount)
        swapped.bytes.replaceSubrange(
            a.offset..<a.offset + a.byteCount, with: swapped.bytes[b.offset..<b.offset + b.byteCount])
        #expect(throws: DukkanError.self) { try swapped.read() }
    }

    /// Changes some bytes of a region and gives it a right checksum again.
    private static func mutate(_ file: inout PartFile, _ region: Range<Int>, _ generator: inout SplitMix) {
        for _ in 0...generator.below(4) {
            // Most of what matters stands at the front.
            let span = generator.chance(0.5) ? min(16, region.count - 4) : region.count - 4
            let place = region.lowerBound + generator.below(span)
            switch generator.below(4) {
            case 0: file.bytes[place] ^= 1 << UInt8(generator.below(8))
            case 1: file.bytes[place] = UInt8(truncatingIfNeeded: generator.next())
            case 2: file.bytes[place] = [0, 1, 0x7F, 0x80, 0xFF][generator.below(5)]
            default: file.bytes[place] = file.bytes[region.lowerBound + generator.below(region.count - 4)]
            }
        }
        file.repair(.init(offset: region.lowerBound, byteCount: region.count))
    }

    @Test(arguments: [UInt64(31), 32, 33, 34])
    func hostileBlocksWithARightChecksumNeverTrap(_ seed: UInt64) throws {
        let whole = try PartDamageTests.smallPart(seed, rowCount: seed == 34 ? 2_500 : 300, stringCustomers: seed == 32)
        let footer = try whole.footer()
        var generator = SplitMix(seed: seed)
        var regions = footer.rowBlocks.map(\.directory)
        regions += footer.columns.flatMap { $0.blocks.map(\.location) }
        regions += footer.columns.compactMap(\.dictionary)
        var failures = 0
        let rounds = seed == 34 ? 300 : 1_500
        for _ in 0..<rounds {
            var file = whole
            let region = regions[generator.below(regions.count)]
            PartDamageTests.mutate(&file, region.offset..<region.offset + region.byteCount, &generator)
            do {
                _ = try file.read()
            } catch is DukkanError {
                failures += 1
            }
        }
        #expect(failures > rounds / 3, "seed \(seed): the checks find most of it")
    }

    /// A part whose columns refer to each other, small enough to be read many times.
    private static func relatedPart() throws -> PartFile {
        try PartFile.write(GoldenTables.related(), partDictionaries: [3, 4, 7])
    }

    private static func regions(_ footer: PartFooter) -> [PartFooter.BlockLocation] {
        let bitmaps = footer.rowBlocks.flatMap { $0.bitmaps.compactMap { $0 } }
        return bitmaps + bitmaps + footer.columns.compactMap(\.model)
            + footer.columns.flatMap { $0.blocks.map(\.location) }
    }

    @Test func hostileRelationsWithARightChecksumNeverTrap() throws {
        let whole = try PartDamageTests.relatedPart()
        let footer = try whole.footer()
        let regions = PartDamageTests.regions(footer)
        var generator = SplitMix(seed: 35)
        var failures = 0
        for _ in 0..<400 {
            var file = whole
            let region = regions[generator.below(regions.count)]
            PartDamageTests.mutate(&file, region.offset..<region.offset + region.byteCount, &generator)
            do {
                _ = try file.read()
            } catch is DukkanError {
                failures += 1
            }
        }
        #expect(failures > 40, "the checks find much of it")
    }

    @Test func hostileFootersWithRelationsNeverTrap() throws {
        let whole = try PartDamageTests.relatedPart()
        let trailer = PartFooter.trailerByteCount
        let range = try whole.bytes.withUnsafeBytes { all in
            try PartFooter.place(
                trailer: UnsafeRawBufferPointer(rebasing: all.suffix(trailer)), fileByteCount: all.count
            ).range
        }
        var generator = SplitMix(seed: 43)
        var failures = 0
        for _ in 0..<500 {
            var file = whole
            PartDamageTests.mutate(&file, range, &generator)
            do {
                _ = try file.read()
            } catch is DukkanError {
                failures += 1
            }
        }
        #expect(failures > 250, "the checks find most of it")
    }

    @Test func aFlippedBitOfARelationIsFound() throws {
        var file = try PartDamageTests.relatedPart()
        var generator = SplitMix(seed: 24)
        for region in PartDamageTests.regions(try file.footer()) {
            let place = region.offset + generator.below(region.byteCount)
            let bit: UInt8 = 1 << UInt8(generator.below(8))
            file.bytes[place] ^= bit
            #expect(throws: DukkanError.self, "byte \(place), bit \(bit)") { try file.read() }
            file.bytes[place] ^= bit
        }
    }

    @Test(arguments: [UInt64(41), 42])
    func hostileFootersWithARightChecksumNeverTrap(_ seed: UInt64) throws {
        let whole = try PartDamageTests.smallPart(seed, rowCount: 300, stringCustomers: seed == 42)
        let trailer = PartFooter.trailerByteCount
        let range = try whole.bytes.withUnsafeBytes { all in
            try PartFooter.place(
                trailer: UnsafeRawBufferPointer(rebasing: all.suffix(trailer)), fileByteCount: all.count
            ).range
        }
        var generator = SplitMix(seed: seed)
        var failures = 0
        for _ in 0..<2_000 {
            var file = whole
            PartDamageTests.mutate(&file, range, &generator)
            do {
                _ = try file.read()
            } catch is DukkanError {
                failures += 1
            }
        }
        #expect(failures > 1_000, "seed \(seed): the checks find most of it")
    }

    @Test func aNewerVersionIsNamedAsSuch() throws {
        var file = try PartDamageTests.smallPart(51, rowCount: 3)
        let offset = file.bytes.count - PartFooter.trailerByteCount
        file.bytes[offset + 4] = UInt8(PartLimits.version) + 1
        let head = Array(file.bytes[offset..<offset + 8])
        let checksum = head.withUnsafeBytes { PartChecksum(PartIdentifier(high: 0, low: 0))(offset: offset, $0) }
        withUnsafeBytes(of: checksum.littleEndian) { file.bytes.replaceSubrange(offset + 8..<offset + 12, with: $0) }
        #expect {
            try file.footer()
        } throws: { error in
            (error as? DukkanError)?.code == .unsupportedVersion
        }
    }
}
