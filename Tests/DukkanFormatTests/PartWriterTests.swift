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
            options: PartOptions()
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
}
