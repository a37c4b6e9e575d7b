import Testing

@testable import DukkanFormat

/// Columns that are written with the help of others: shared runs and nulls, predictions from the time, tables.
@Suite struct RelationTests {
    /// The forms of each column, over all blocks.
    private static func forms(_ file: PartFile) throws -> [String: Set<Substring>] {
        let footer = try file.footer()
        var forms: [String: Set<Substring>] = [:]
        for column in footer.columns.indices {
            for (block, columnBlock) in footer.columns[column].blocks.enumerated() {
                let text = try file.withBlock(columnBlock.location) {
                    try PartDecoder.describe($0, footer: footer, column: column, block: block)
                }
                forms[footer.columns[column].definition.name, default: []].formUnion(
                    text.split { !$0.isLetter && $0 != "-" })
            }
        }
        return forms
    }

    private static func write(_ table: PlainTable, thorough: Bool = true) throws -> PartFile {
        try PartFile.write(
            table, partDictionaries: [3, 4, 7], options: PartOptions(thorough: thorough, workers: 2))
    }

    @Test(arguments: [false, true]) func relatedColumnsUseEachOtherAndComeBack(_ thorough: Bool) throws {
        let table = GoldenTables.related()
        let file = try RelationTests.write(table, thorough: thorough)
        #expect(try file.read().cells == table.cells)
        let forms = try RelationTests.forms(file)
        #expect(forms["session"]?.isSuperset(of: ["shared-runs", "predicted"]) == true)
        #expect(forms["device"]?.contains("shared-runs") == true)
        #expect(forms["number"]?.contains("predicted") == true)
        #expect(forms["product"]?.contains("null-shared") == true)
        #expect(forms["category"]?.isSuperset(of: ["null-reference", "looked-up"]) == true)
        #expect(forms["price"]?.contains("null-shared") == true)
    }

    @Test func smallPartsAreWrittenWithoutRelations() throws {
        var table = GoldenTables.related()
        for column in table.cells.indices { table.cells[column].removeSubrange(5_000...) }
        let file = try RelationTests.write(table)
        let footer = try file.footer()
        #expect(footer.sharedBitmapCount == 0 && footer.columns.allSatisfy { $0.model == nil })
        #expect(try file.read().cells == table.cells)
    }

    /// Relations that held in the first stripe and hold no more.
    @Test func relationsThatEndDoNoHarm() throws {
        let columns = [
            ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("at", .timestamp, role: .time),
            ColumnDefinition("session", .int), ColumnDefinition("device", .string), ColumnDefinition("other", .int),
            ColumnDefinition("product", .int), ColumnDefinition("price", .int), ColumnDefinition("category", .string),
        ]
        var table = PlainTable(columns: columns, cells: columns.map { _ in [] })
        var generator = SplitMix(seed: 61)
        let firstStripe = PartLimits.rowBlockTarget * PartLimits.stripeBlockCountMax
        var session = 0, place = 0
        for row in 0..<firstStripe + 30_000 {
            let holds = row < firstStripe
            place += 1
            if generator.chance(0.15) { (session, place) = (session + 1, 0) }
            let time = Int64(session * 7_919 % 100_003) * 1_000_000 + Int64(place)
            let hasProduct = generator.chance(0.5), product = generator.below(400)
            let category = holds ? product % 37 : generator.below(37)
            let cells: [PlainTable.Cell] = [
                .integer(Int64(session)), .integer(time),
                .integer(holds ? time / 1_000_000 * 3 : Int64(generator.below(1 << 40))),
                row % 9_000 == 8_999 && !holds
                    ? .null : .string("device \((holds ? session : generator.below(99)) * 31 % 7)"),
                .integer(Int64(holds ? session % 11 : row % 11)),
                hasProduct ? .integer(Int64(product)) : .null,
                hasProduct == (holds || row % 50 != 0) ? .integer(Int64(generator.below(1_000))) : .null,
                hasProduct == (holds || row % 70 != 0) ? .string("category \(category)") : .null,
            ]
            for (column, cell) in cells.enumerated() { table.cells[column].append(cell) }
        }
        let file = try PartFile.write(table, partDictionaries: [3, 7], options: PartOptions(workers: 2))
        let footer = try file.footer()
        #expect(footer.sharedBitmapCount == 2 && footer.columns[2].model != nil && footer.columns[7].model != nil)
        let read = try file.read()
        for column in columns.indices { #expect(read.cells[column] == table.cells[column], "\(columns[column].name)") }
    }

    @Test func predictionsAreTakenBackWhateverTheModel() {
        let extremes: [Int64] = [.min, .min + 1, -1, 0, 1, 1 << 40, .max - 1, .max]
        var generator = SplitMix(seed: 62)
        for shift in [UInt64(0), 1, 15, 16, 17, 40, TimeModel.shiftMax] {
            for knotCount in [2, 3, 100] {
                let knots = (0..<knotCount).map { _ in
                    generator.chance(0.3) ? extremes[generator.below(8)] : Int64(generator.below(1 << 20))
                }
                let origin = generator.chance(0.5) ? extremes[generator.below(8)] : 0
                let model = TimeModel(origin: origin, shift: shift, knots: knots)
                let times = extremes + (0..<200).map { _ in Int64(bitPattern: generator.next() >> (shift / 2)) }
                let values = times.map { _ in Int64(bitPattern: generator.next()) }
                var residuals = values
                model.addPredictions(times, times.count, to: &residuals, sign: -1)
                model.addPredictions(times, times.count, to: &residuals)
                #expect(residuals == values, "shift \(shift), \(knotCount) knots")
            }
        }
    }

    @Test func aTimeModelGoesThroughItsKnotsAndStaysAtItsEnds() {
        let model = TimeModel(origin: 1_000, shift: 4, knots: [10, 26, 26, 90])
        let times: [Int64] = [0, 1_000, 1_001, 1_008, 1_016, 1_020, 1_032, 1_040, 1_048, 5_000]
        var values = times.map { _ in Int64(0) }
        model.addPredictions(times, times.count, to: &values)
        #expect(values == [10, 10, 11, 18, 26, 26, 26, 58, 90, 90])
    }

    @Test(arguments: [0, 1, 5, 60, 400]) func sharedBitmapsComeBackInBothForms(_ permille: Int) throws {
        for rowCount in [1, 63, 64, 65, 1_000, 16_384] {
            var generator = SplitMix(seed: UInt64(rowCount + permille))
            var words = [UInt64](repeating: 0, count: (rowCount + 63) / 64)
            for row in 0..<rowCount where generator.below(1_000) < permille {
                words[row >> 6] |= 1 << UInt64(row & 63)
            }
            var writer = ByteWriter()
            RowBitmap.encode(words, rowCount, into: &writer, effort: EncodingEffort(thorough: true))
            let bitmap = RowBitmap()
            try writer.bytes.withUnsafeBytes { try bitmap.decode($0, rowCount: rowCount) }
            #expect(Array(UnsafeBufferPointer(start: bitmap.words, count: words.count)) == words)
            #expect(bitmap.setCount == words.reduce(0) { $0 + $1.nonzeroBitCount })
        }
    }
}
