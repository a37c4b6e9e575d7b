import Testing

@testable import DukkanFormat

/// The outlines of a part's stripes tell what its footer tells, and hostile ones do no harm.
@Suite struct PartOutlineTests {
    /// A part of several stripes: now and then a customer too large for a row block, whose pieces reach over two stripes.
    private static func part(stringCustomers: Bool = false) throws -> PartFile {
        var table = PlainTable(
            columns: [
                ColumnDefinition("customer", stringCustomers ? .string : .int, role: .customer),
                ColumnDefinition("at", .timestamp, role: .time), ColumnDefinition("kind", .string),
            ], cells: [[], [], []])
        for customer in 0..<24 {
            let rowCount = customer % 3 == 2 ? 5 : 16_385
            let key = 1_000 + 7 * customer
            table.cells[0] += [PlainTable.Cell](
                repeating: stringCustomers ? .string("customer \(key)") : .integer(Int64(key)), count: rowCount)
            table.cells[1] += (0..<rowCount).map { .integer(Int64(customer * 500 + $0) * 1_000_000) }
            table.cells[2] += (0..<rowCount).map { .string("kind \($0 % 5)") }
        }
        return try PartFile.write(table, partDictionaries: [2])
    }

    @Test(arguments: [false, true]) func `outlines together say what the footer says`(_ stringCustomers: Bool) throws {
        let file = try PartOutlineTests.part(stringCustomers: stringCustomers)
        var footer = try file.footer()
        #expect(footer.stripes.count == 3)
        #expect(footer.rowBlocks[footer.stripes[1].rowBlocks.lowerBound].continues, "one customer is in two stripes")
        try file.checkSpares()
        let outlines = try footer.stripes.map { try file.outline($0.outline) }
        let joined = try #require(PartFooter(joining: outlines))
        footer.stripes = []
        #expect("\(joined)" == "\(footer)")
        #expect(
            zip(outlines, outlines.dropFirst()).allSatisfy { $0.rowEnd == $1.firstRow && $0.blockEnd == $1.firstBlock })
    }

    @Test func `each outline stands where the stripe before it ends`() throws {
        let file = try PartOutlineTests.part()
        let footer = try file.footer()
        let outlines = try footer.stripes.map { try file.outline($0.outline) }
        #expect(zip(outlines, footer.stripes.dropFirst()).allSatisfy { $0.end == $1.outline.offset })
        let kinds = footer.columns[2]
        let details = [kinds.dictionary, kinds.model].compactMap { $0 }
        #expect(details.count == 1 && details[0].offset == PartFooter.headerByteCount)
        #expect(details[0].end == footer.stripes[0].outline.offset, "dictionaries stand before all stripes")
        let place = footer.stripes[2].outline
        let byteCount = file.bytes[place.offset...].prefix(PartOutline.headByteCount).withUnsafeBytes {
            PartOutline.byteCount(head: $0, identifier: file.identifier)
        }
        #expect(byteCount == place.byteCount)
    }

    @Test func `stripes may be missing between those that are joined, but not stand in another order`() throws {
        let file = try PartOutlineTests.part()
        let footer = try file.footer()
        let outlines = try footer.stripes.map { try file.outline($0.outline) }
        let joined = try #require(PartFooter(joining: [outlines[0], outlines[2]]))
        #expect(
            joined.rowBlocks
                == Array(footer.rowBlocks[footer.stripes[0].rowBlocks] + footer.rowBlocks[footer.stripes[2].rowBlocks]))
        #expect(joined.rowCount == footer.rowCount - outlines[1].footer.rowCount)
        #expect(PartFooter(joining: [outlines[1], outlines[0]]) == nil)
        #expect(PartFooter(joining: [outlines[0], outlines[0]]) == nil)
        #expect(PartFooter(joining: []) == nil)
    }

    /// A column that another decides, where later stripes bring keys that the first one does not have.
    @Test func `a table before all stripes knows what the last one brings`() throws {
        var table = PlainTable(
            columns: [
                ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("at", .timestamp, role: .time),
                ColumnDefinition("product", .int), ColumnDefinition("category", .string),
            ], cells: [[], [], [], []])
        var generator = SplitMix(seed: 5)
        for customer in 0..<18 {
            for row in 0..<16_385 {
                // Even products first, the largest of all among them, odd ones from the tenth customer on.
                let product = customer < 10 ? 2 * generator.below(501) : generator.below(1_001)
                table.cells[0].append(.integer(Int64(customer)))
                table.cells[1].append(.integer(Int64(row)))
                table.cells[2].append(.integer(Int64(product)))
                table.cells[3].append(.string("category \(product * 7_919 % 31 % 16)"))
            }
        }
        let file = try PartFile.write(table, partDictionaries: [3])
        let footer = try file.footer()
        let model = try #require(footer.columns[3].model)
        #expect(footer.stripes.count == 3 && model.end == footer.stripes[0].outline.offset)
        let blocks = footer.columns[3].blocks
        #expect(blocks.allSatisfy { $0.referenceColumn == 2 && $0.location.byteCount < 64 }, "no exceptions in any")
        let read = try file.read()
        #expect(read.cells[3] == table.cells[3])
        try file.checkSpares()
    }

    @Test func `an outline of another stripe, or that says something else, is found`() throws {
        let whole = try PartOutlineTests.part()
        let footer = try whole.footer()
        let (first, second) = (footer.stripes[1].outline, footer.stripes[2].outline)
        for (place, change) in [(first, 20), (second, 21), (first, first.byteCount - 5)] {
            var file = whole
            file.bytes[place.offset + change] ^= 1
            file.repair(place)
            #expect {
                try file.checkSpares()
            } throws: { error in
                (error as? DukkanError)?.code == .corrupt && (error as? DukkanError)?.place.offset == place.offset
            }
        }
    }

    @Test(arguments: [UInt64(61), 62]) func `hostile outlines with a right checksum never trap`(_ seed: UInt64) throws {
        let whole = try PartOutlineTests.part(stringCustomers: seed == 62)
        let places = try whole.footer().stripes.map(\.outline)
        var generator = SplitMix(seed: seed)
        var failures = 0
        for _ in 0..<3_000 {
            var file = PartFile(bytes: [], identifier: whole.identifier)
            let place = places[generator.below(places.count)]
            // The outline alone, at its place: bytes before it are not looked at.
            file.bytes = [UInt8](repeating: 0, count: place.offset) + whole.bytes[place.offset..<place.end]
            for _ in 0...generator.below(4) {
                let at = place.offset + 20 + generator.below(place.byteCount - 24)
                switch generator.below(3) {
                case 0: file.bytes[at] ^= 1 << UInt8(generator.below(8))
                case 1: file.bytes[at] = UInt8(truncatingIfNeeded: generator.next())
                default: file.bytes[at] = [0, 1, 0x7F, 0x80, 0xFF][generator.below(5)]
                }
            }
            file.repair(place)
            do {
                let outline = try file.outline(place)
                _ = PartFooter(joining: [outline])
            } catch is DukkanError {
                failures += 1
            }
        }
        #expect(failures > 500, "the checks find much of it")
    }
}
