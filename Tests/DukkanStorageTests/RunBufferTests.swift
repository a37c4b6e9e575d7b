import DukkanFormat
import Testing

@testable import DukkanStorage

/// Rows that wait are held as records whose fields grow with the values.
struct RunBufferTests {
    private static let schema = TableSchema(
        "visits",
        columns: [
            ColumnDefinition("customer_id", .int, role: .customer), ColumnDefinition("at", .timestamp, role: .time),
            ColumnDefinition("count", .int), ColumnDefinition("share", .double), ColumnDefinition("page", .string),
            ColumnDefinition("isNew", .bool), ColumnDefinition("day", .date),
        ])

    /// A batch whose values need wider fields the later it comes.
    private func batch(_ number: Int, rowCount: Int, strings: [String]) -> RowBatch {
        let columns = RunBufferTests.schema.columns.map { ColumnVector($0.type.physical) }
        columns[4].dictionary = StringDictionary(strings)
        for row in 0..<rowCount {
            let big = Int64(row) << Int64(min(12 * number, 50))
            columns[0].append(Int64(row % 97) + (number == 4 ? Int64(1) << 40 : 0))
            columns[1].append(Int64(number * rowCount + row))
            if row % 7 == number { columns[2].appendNull() } else { columns[2].append(row % 2 == 0 ? big : -big) }
            if row % 5 == 0 { columns[3].appendNull() } else { columns[3].append(Double(row) / 3) }
            if row % 11 == 3 { columns[4].appendNull() } else { columns[4].append(code: UInt32(row % strings.count)) }
            columns[5].append(Int64(row & 1))
            columns[6].append(Int64(row))
        }
        return RowBatch(columns: columns, rowCount: rowCount)
    }

    @Test(arguments: [1, 2])
    func recordsGiveBackWhatTheyGot(threads: Int) throws {
        let run = RunBuffer(schema: RunBufferTests.schema)
        var batches: [(batch: RowBatch, strings: [String])] = []
        for number in 0..<6 {
            let strings = (0..<[3, 300, 20, 70_000, 5, 9][number]).map { "page \(number % 3) \($0)" }
            batches.append((batch(number, rowCount: 60_000, strings: strings), strings))
            run.append(batches[number].batch, from: 0, count: 60_000)
        }
        #expect(run.rowCount == 360_000 && run.pieces.count == 2 && run.isInTimeOrder)
        #expect(run.hasNulls == [false, false, true, true, true, false, false])
        // Backwards, so that no row stands where it stood.
        let order = (0..<UInt32(360_000)).reversed().map { $0 }
        let vectors = RunBufferTests.schema.columns.map { ColumnVector($0.type.physical, capacity: order.count) }
        let codings = [RunWriter.Coding?](repeating: nil, count: vectors.count)
        order.withUnsafeBufferPointer { RunGather(run, codings, vectors, threads: threads).fill($0) }
        let texts = try #require(run.interners[4]).dictionary()
        var differing = 0
        for (place, row) in order.enumerated() {
            let (batch, strings) = batches[Int(row) / 60_000]
            let at = Int(row) % 60_000
            for (column, vector) in vectors.enumerated() {
                let source = batch.columns[column]
                var isSame = vector.isValid(place) == source.isValid(at)
                if isSame && source.isValid(at) {
                    switch source.kind {
                    case .integers: isSame = vector.integers[place] == source.integers[at]
                    case .doubles: isSame = vector.doubles[place] == source.doubles[at]
                    case .codes:
                        isSame = texts.string(Int(vector.codes[place])) == strings[Int(source.codes[at])]
                    }
                } else if source.kind == .codes {
                    isSame = isSame && vector.codes[place] == 0
                }
                differing += isSame ? 0 : 1
            }
        }
        #expect(differing == 0)
    }

    @Test(arguments: [1, 2, 3])
    func orderDoesNotDependOnThreads(threads: Int) {
        let run = RunBuffer(schema: RunBufferTests.schema)
        for number in 0..<5 {
            run.append(batch(number, rowCount: 50_000, strings: ["a"]), from: 0, count: 50_000)
        }
        let order = RunOrder(run: run, threads: threads).sorted()
        defer { order.deallocate() }
        let customers = RunColumn(run, column: 0), times = RunColumn(run, column: 1)
        let expected = (0..<UInt32(250_000)).sorted {
            (customers[$0], times[$0], $0) < (customers[$1], times[$1], $1)
        }
        #expect(Array(order) == expected)
    }
}
