import Testing

@testable import DukkanFormat

/// How rows are cut into blocks, and which rows the writer refuses.
@Suite struct PartWriterTests {
    private static let columns = [
        ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("at", .timestamp, role: .time),
    ]

    /// Customers with so many rows each; the last `nullRowCount` rows have none.
    private func part(_ lengths: [Int], nullRowCount: Int = 0) throws -> PartFooter {
        var table = PlainTable(columns: PartWriterTests.columns, cells: [[], []])
        for (customer, length) in lengths.enumerated() {
            table.cells[0] += [PlainTable.Cell](repeating: .integer(Int64(customer)), count: length)
        }
        table.cells[0] += [PlainTable.Cell](repeating: .null, count: nullRowCount)
        table.cells[1] = [PlainTable.Cell](repeating: .integer(0), count: table.cells[0].count)
        return try PartFile.write(table, callRowCountMax: 9_000).footer()
    }

    @Test func blocksEndBetweenCustomers() throws {
        let footer = try part([10_000, 6_000, 400, 16_384, 1])
        #expect(footer.rowBlocks.map(\.rowCount) == [16_000, 400, 16_384, 1])
        #expect(footer.rowBlocks.map(\.customerCount) == [2, 1, 1, 1])
        #expect(footer.rowBlocks.allSatisfy { !$0.continues })
        #expect(footer.rowBlocks[0].firstCustomer == .integer(0))
        #expect(footer.rowBlocks[0].lastCustomer == .integer(1))
    }

    @Test func oneLargeCustomerTakesConsecutiveBlocks() throws {
        let footer = try part([5, 40_000, 7])
        #expect(footer.rowBlocks.map(\.rowCount) == [5, 16_384, 16_384, 7_232, 7])
        #expect(footer.rowBlocks.map(\.continues) == [false, false, true, true, false])
        #expect(footer.customerCount == 3)
        #expect(footer.rowBlocks[3].firstCustomer == .integer(1))
    }

    @Test func rowsWithoutACustomerStandInBlocksOfTheirOwn() throws {
        let footer = try part([5, 7], nullRowCount: 20_000)
        #expect(footer.rowBlocks.map(\.rowCount) == [12, 16_384, 3_616])
        #expect(footer.rowBlocks.map(\.isNullCustomer) == [false, true, true])
        #expect(footer.rowBlocks.map(\.continues) == [false, false, true])
        #expect(footer.customerCount == 2)
        #expect(footer.rowBlocks[1].firstCustomer == nil)
    }

    @Test func manySmallCustomersFillManyStripes() throws {
        let footer = try part([Int](repeating: 100, count: 4_000))
        #expect(footer.rowCount == 400_000)
        #expect(footer.rowBlocks.dropLast().allSatisfy { $0.rowCount == 16_300 })
    }

    private func write(_ customers: [Int64?], _ times: [Int64]) throws {
        var table = PlainTable(columns: PartWriterTests.columns, cells: [])
        table.cells = [customers.map { $0.map { .integer($0) } ?? .null }, times.map { .integer($0) }]
        _ = try PartFile.write(table)
    }

    @Test func rowsOutOfOrderAreRefused() throws {
        try write([1, 1, 2, nil], [5, 5, 1, 0])
        #expect(throws: DukkanError.self) { try write([1, 1], [5, 4]) }
        #expect(throws: DukkanError.self) { try write([2, 1], [5, 6]) }
        #expect(throws: DukkanError.self) { try write([nil, 1], [5, 6]) }
        #expect(throws: DukkanError.self) { try write([nil, nil], [6, 5]) }
    }

    @Test func sumsAndBoundsAreThoseOfTheValues() throws {
        let columns = PartWriterTests.columns + [ColumnDefinition("n", .int), ColumnDefinition("word", .string)]
        var table = PlainTable(columns: columns, cells: [[], [], [], []])
        for row in 0..<30_000 {
            table.cells[0].append(.integer(Int64(row / 10)))
            table.cells[1].append(.integer(Int64(row)))
            table.cells[2].append(row % 3 == 0 ? .null : .integer(.max - Int64(row)))
            table.cells[3].append(.string(["b", "d"][row % 2]))
        }
        let dictionary = StringDictionary(["a", "b", "c", "d"])
        var bytes: [UInt8] = []
        let writer = try PartWriter(
            columns: columns, identifier: PartFile.identifier, dictionaries: [nil, nil, nil, dictionary],
            options: PartOptions(), replace: { _, _ in Issue.record("one stripe has nothing to replace") }
        ) { bytes.append(contentsOf: $0) }
        try writer.append(table.vectors(0..<30_000, dictionaries: [nil, nil, nil, dictionary]))
        _ = try writer.finish()
        let footer = try PartFile(bytes: bytes, identifier: PartFile.identifier).footer()
        let numbers = footer.columns[2].statistics
        #expect(numbers.nullCount == 10_000)
        #expect(numbers.maximum == .max - 1)
        #expect(numbers.minimum == .max - 29_999)
        let sum = (0..<30_000).reduce(Int128(0)) { $1 % 3 == 0 ? $0 : $0 + Int128(Int64.max) - Int128($1) }
        #expect(numbers.sum == sum)
        let words = footer.columns[3].statistics
        #expect(words.codePresence == 0b1010)
        #expect(words.minimum == 1 && words.maximum == 3)
        #expect(footer.columns[1].statistics.sum == nil)
    }

    @Test func longStringsMakeSmallerBlocks() throws {
        let columns = PartWriterTests.columns + [ColumnDefinition("text", .string)]
        var table = PlainTable(columns: columns, cells: [[], [], []])
        var generator = SplitMix(seed: 9)
        for row in 0..<3_000 {
            table.cells[0].append(.integer(Int64(row / 2)))
            table.cells[1].append(.integer(0))
            let letter = UInt8(97 + generator.below(26))
            let text = String(decoding: [UInt8](repeating: letter, count: 20_000), as: UTF8.self)
            table.cells[2].append(.string("\(row)" + text))
        }
        let file = try PartFile.write(table, callRowCountMax: 500)
        let footer = try file.footer()
        #expect(footer.rowBlocks.allSatisfy { $0.rowCount * 20_000 <= 10 << 20 })
        #expect(try file.read().cells == table.cells)
    }

    @Test func validityIsReadAWordAtATimeFromAnyRow() {
        var generator = SplitMix(seed: 4)
        for share in [0.01, 0.5, 0.99] {
            let words = (0..<8).map { _ in
                (0..<64).reduce(UInt64(0)) { $0 | (generator.chance(share) ? 1 << UInt64($1) : 0) }
            }
            for (firstRow, rowCount) in [(0, 1), (0, 64), (3, 61), (3, 62), (63, 2), (5, 300), (64, 448), (17, 64)] {
                words.withUnsafeBufferPointer { words in
                    let bits = ValidityBits(words: words.baseAddress!, firstRow: firstRow)
                    let plain = (0..<rowCount).map { bits[$0] }
                    #expect(bits.presentCount(rowCount) == plain.count { $0 })
                    #expect(bits.changeCount(rowCount) == zip([true] + plain, plain).count { $0 != $1 })
                    for row in 0..<rowCount {
                        #expect(bits.word(row / 64 * 64, rowCount) >> UInt64(row % 64) & 1 == (plain[row] ? 1 : 0))
                    }
                    #expect(bits.runLengths(rowCount).reduce(0, +) == Int64(rowCount))
                }
            }
        }
    }

    @Test func appendingKeepsWhichRowsAreNull() {
        var generator = SplitMix(seed: 8)
        let source = ColumnVector(.integers)
        for row in 0..<500 {
            if generator.chance(0.4) { source.appendNull() } else { source.append(Int64(row)) }
        }
        let full = ColumnVector(.integers)
        for row in 0..<500 { full.append(Int64(row)) }
        let vector = ColumnVector(.integers)
        var expected: [Int64?] = []
        for _ in 0..<60 {
            let from = generator.chance(0.3) ? full : source
            let start = generator.below(400), length = generator.below(100)
            vector.append(contentsOf: from, from: start, count: length)
            expected += (start..<start + length).map { from.isValid($0) ? from.integers[$0] : nil }
        }
        #expect((0..<vector.count).map { vector.isValid($0) ? vector.integers[$0] : nil } == expected)
    }
}
