import Testing

@testable import DukkanFormat

/// Whatever is written into a part comes back, value by value.
@Suite struct PartRoundTripTests {
    struct Shape: CustomTestStringConvertible, Sendable {
        var seed: UInt64
        var rowCount: Int
        var stringCustomers = false
        var giantShare = 0.0
        var nullCustomers = false
        var partDictionaries: Set<Int> = []
        var thorough = false
        var workers = 1
        var callRowCountMax = Int.max

        var testDescription: String { "\(self)" }
    }

    static let shapes: [Shape] = [
        Shape(seed: 1, rowCount: 0),
        Shape(seed: 2, rowCount: 1),
        Shape(seed: 3, rowCount: 1, stringCustomers: true, thorough: true),
        Shape(seed: 4, rowCount: 2_000, partDictionaries: [2, 6], callRowCountMax: 7),
        Shape(seed: 5, rowCount: 2_000, stringCustomers: true, nullCustomers: true, thorough: true),
        Shape(
            seed: 6, rowCount: 20_000, nullCustomers: true, partDictionaries: [2], workers: 2, callRowCountMax: 5_000),
        Shape(seed: 7, rowCount: 40_000, giantShare: 0.002, partDictionaries: [2, 6], thorough: true),
        Shape(seed: 8, rowCount: 60_000, stringCustomers: true, giantShare: 0.1, nullCustomers: true, workers: 2),
    ]

    @Test(arguments: shapes)
    func everyValueComesBack(_ shape: Shape) throws {
        let table = PlainTable.random(
            seed: shape.seed, rowCount: shape.rowCount, stringCustomers: shape.stringCustomers,
            giantShare: shape.giantShare, nullCustomers: shape.nullCustomers)
        let file = try PartFile.write(
            table, partDictionaries: shape.partDictionaries,
            options: PartOptions(thorough: shape.thorough, workers: shape.workers),
            callRowCountMax: shape.callRowCountMax, seed: shape.seed)
        let read = try file.read()
        #expect(read.columns == table.columns)
        for column in table.columns.indices {
            let same = read.cells[column] == table.cells[column]
            let row = zip(read.cells[column], table.cells[column]).enumerated().first { $0.element.0 != $0.element.1 }
            #expect(
                same,
                "seed \(shape.seed), column \(table.columns[column].name), first difference \(String(describing: row))")
        }
        try checkSummary(file, table)
    }

    private func checkSummary(_ file: PartFile, _ table: PlainTable) throws {
        let summary = try #require(file.summary)
        let footer = try file.footer()
        #expect(summary.byteCount == file.bytes.count)
        #expect(summary.rowCount == table.rowCount)
        #expect(footer.rowCount == table.rowCount)
        let customers = Set(table.cells[0]).subtracting([.null])
        #expect(summary.customerCount == customers.count)
        #expect(footer.customerCount == customers.count)
        let times = table.cells[1].compactMap { cell in if case .integer(let time) = cell { time } else { nil } }
        #expect(summary.minimumTime == times.min() ?? .max)
        #expect(summary.maximumTime == times.max() ?? .min)
        for (column, cells) in zip(footer.columns, table.cells) where column.definition.role != .customer {
            #expect(column.statistics.nullCount == cells.count { $0 == .null })
        }
    }
}
