import CDukkanKernels
import Testing

@testable import DukkanFormat

/// Conditions that a block's form decides, against the values of its rows.
@Suite struct BlockSelectionTests {
    /// Customers with visits of a few rows each, so that times, device and event have the forms that decide conditions.
    private static func visits(seed: UInt64, step: Int64, longest: Int) -> PlainTable {
        let columns = [
            ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("at", .timestamp, role: .time),
            ColumnDefinition("visit", .int), ColumnDefinition("device", .string), ColumnDefinition("event", .string),
        ]
        var table = PlainTable(columns: columns, cells: columns.map { _ in [] })
        var generator = SplitMix(seed: seed)
        var visit: Int64 = 0
        for customer in 0..<4_000 {
            var time = Int64(generator.below(1_000_000)) * step
            for _ in 0...generator.below(4) {
                visit += 1
                let device = generator.below(3)
                for _ in 0...generator.below(longest) {
                    // Of the others, too, most are alike, so that one form lies in another.
                    let event = generator.chance(0.7) ? 0 : generator.chance(0.7) ? 1 : 2 + generator.below(5)
                    let cells: [PlainTable.Cell] = [
                        .integer(Int64(customer)), .integer(time), .integer(visit), .string("device \(device)"),
                        .string("event \(event)"),
                    ]
                    for (column, cell) in cells.enumerated() { table.cells[column].append(cell) }
                    time += Int64(generator.below(50)) * step
                }
                time += Int64(generator.below(100_000)) * step
            }
        }
        return table
    }

    private struct Block {
        let file: PartFile
        let footer: PartFooter
        let block: Int
        let customers = CustomerBlock()
        let bitmap = RowBitmap()

        init(_ file: PartFile, _ footer: PartFooter, _ block: Int) throws {
            (self.file, self.footer, self.block) = (file, footer, block)
            try file.withBlock(footer.rowBlocks[block].directory) {
                try PartDecoder.decodeCustomers($0, footer: footer, block: block, into: customers)
            }
            if let location = footer.rowBlocks[block].bitmaps.first ?? nil {
                try file.withBlock(location) {
                    try PartDecoder.decodeBitmap($0, footer: footer, block: block, bitmap: 0, into: bitmap)
                }
            }
        }

        var rowCount: Int { footer.rowBlocks[block].rowCount }

        func references(_ column: Int) -> BlockReferences {
            BlockReferences(bitmap: footer.columns[column].blocks[block].sharedBitmap == nil ? nil : bitmap)
        }

        func values(_ column: Int, _ dictionary: StringDictionary?) throws -> ColumnVector {
            let vector = ColumnVector(footer.columns[column].definition.type.physical)
            try file.withBlock(footer.columns[column].blocks[block].location) {
                try PartDecoder.decodeColumn(
                    $0, footer: footer, column: column, block: block, customers: customers, dictionary: dictionary,
                    references: references(column), into: vector)
            }
            return vector
        }

        /// The rows found; nil where the form does not tell.
        func select(_ test: ValueTest, _ column: Int, _ dictionary: StringDictionary?) throws -> [Bool]? {
            var words = [UInt64](repeating: ~0, count: rowCount / 64 + 2)
            let vector = ColumnVector(footer.columns[column].definition.type.physical)
            let isDecided = try file.withBlock(footer.columns[column].blocks[block].location) {
                try PartDecoder.select(
                    test, $0, footer: footer, column: column, block: block, customers: customers,
                    dictionary: dictionary, references: references(column), into: &words, orDecodeInto: vector)
            }
            if rowCount & 63 != 0 { #expect(words[rowCount / 64] >> UInt64(rowCount & 63) == 0 || !isDecided) }
            return isDecided ? bits(words) : nil
        }

        func range(_ low: Int64, _ high: Int64, _ column: Int) throws -> (rows: [Bool], values: ColumnVector)? {
            var words = [UInt64](repeating: ~0, count: rowCount / 64 + 2)
            let vector = ColumnVector(.integers)
            let isPart = try file.withBlock(footer.columns[column].blocks[block].location) {
                try PartDecoder.decodeRange(
                    low: low, high: high, $0, footer: footer, column: column, block: block, customers: customers,
                    references: references(column), into: &words, vector: vector)
            }
            return isPart ? (bits(words), vector) : nil
        }

        private func bits(_ words: [UInt64]) -> [Bool] {
            (0..<rowCount).map { words[$0 >> 6] >> UInt64($0 & 63) & 1 == 1 }
        }
    }

    private static func blocks(_ table: PlainTable) throws -> [Block] {
        let file = try PartFile.write(table, partDictionaries: [3, 4], options: PartOptions(workers: 1))
        #expect(try file.read().cells == table.cells)
        let footer = try file.footer()
        return try footer.rowBlocks.indices.map { try Block(file, footer, $0) }
    }

    @Test(arguments: [(1, 5), (1_000, 9), (1 << 33, 3)]) func timesInARangeAreFoundByVisits(
        _ step: Int64, _ longest: Int
    ) throws {
        var generator = SplitMix(seed: 7)
        for block in try Self.blocks(Self.visits(seed: UInt64(longest), step: step, longest: longest)) {
            let times = try block.values(1, nil)
            let all = (0..<block.rowCount).map { times.integers[$0] }
            var ranges: [(Int64, Int64)] = [(.min, .max), (.min, .min), (.max, .max), (.min, all[0]), (all[0], .max)]
            for _ in 0..<40 {
                let a = all[generator.below(all.count)], b = all[generator.below(all.count)]
                ranges += [(min(a, b), max(a, b)), (a, a), (a + 1, a + 1 + step * 20), (a - step * 3, a)]
            }
            for (low, high) in ranges {
                let expected = all.map { $0 >= low && $0 <= high }
                let found = try #require(try block.select(.range(low: low, high: high), 1, nil))
                #expect(found == expected)
                let part = try #require(try block.range(low, high, 1))
                #expect(part.rows == expected && part.values.count == all.count)
                #expect(all.indices.allSatisfy { !expected[$0] || part.values.integers[$0] == all[$0] })
            }
        }
    }

    @Test func codesAreFoundByVisitsAndByTheFrequentOne() throws {
        for block in try Self.blocks(Self.visits(seed: 3, step: 1_000, longest: 6)) {
            for column in [3, 4] {
                let location = try #require(block.footer.columns[column].dictionary)
                let dictionary = try block.file.withBlock(location) {
                    try PartDecoder.decodeDictionary($0, footer: block.footer, column: column)
                }
                let values = try block.values(column, dictionary)
                for set in 0..<(1 << min(dictionary.count, 7)) {
                    let flags = (0..<dictionary.count).map { UInt8(set >> $0 & 1) }
                    let found = try #require(try block.select(.codes(flags: flags), column, dictionary))
                    #expect(found == (0..<block.rowCount).map { flags[Int(values.codes[$0])] == 1 })
                }
            }
        }
    }

    @Test func bitsAreSpreadAndFilledForward() {
        var generator = SplitMix(seed: 11)
        for count in [1, 63, 64, 65, 200, 1_000, 4_096] {
            for density in [0.02, 0.3, 0.9, 1.0] {
                var places = (0..<count).map { _ in generator.chance(density) }
                places[0] = true
                let setCount = places.count { $0 }
                let bits = (0..<setCount).map { _ in generator.chance(0.4) }
                var next = 0
                let spread = places.map { isSet in
                    defer { next += isSet ? 1 : 0 }
                    return isSet && bits[next]
                }
                var run = -1
                let filled = places.map { isSet in
                    run += isSet ? 1 : 0
                    return bits[run]
                }
                let (words, packed) = (Self.pack(places), Self.pack(bits) + [~0])
                var out = [UInt64](repeating: 1, count: (count + 63) / 64)
                dukkan_spread_bits(packed, words, count, &out)
                #expect(out == Self.pack(spread))
                dukkan_fill_forward_bits(packed, words, count, &out)
                #expect(out == Self.pack(filled))
            }
        }
    }

    private static func pack(_ bits: [Bool]) -> [UInt64] {
        var words = [UInt64](repeating: 0, count: (bits.count + 63) / 64)
        for (place, bit) in bits.enumerated() where bit { words[place >> 6] |= 1 << UInt64(place & 63) }
        return words
    }
}
