@testable import DukkanFormat

/// The contents of the golden files.
///
/// Nothing here may ever change: files that were written once are read by every later release. A new version of the
/// format gets tables and files of its own.
enum GoldenTables {
    static let names = ["v1-forms", "v1-strings", "v2-related", "v3-related", "v4-related"]
    static let identifier = PartIdentifier(high: 0x6475_6B6B_616E_2031, low: 0x676F_6C64_656E_2031)

    static func partDictionaries(_ name: String) -> Set<Int> {
        switch name {
        case "v1-forms": [2, 3]
        case "v1-strings": [2]
        default: [3, 4, 7]
        }
    }

    static func table(_ name: String) -> PlainTable {
        switch name {
        case "v1-forms": forms()
        case "v1-strings": strings()
        default: related()
        }
    }

    /// A generator of its own, so that those of other tests may change.
    struct Sequence {
        var state: UInt64

        mutating func next(_ bound: UInt64) -> UInt64 {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return (state >> 33) % bound
        }
    }

    /// Integer customers, one large customer, rows without a customer, and a column for each form of a stream.
    private static func forms() -> PlainTable {
        let columns = [
            ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("at", .timestamp, role: .time),
            ColumnDefinition("ranked", .string), ColumnDefinition("word", .string), ColumnDefinition("constant", .int),
            ColumnDefinition("patched", .int), ColumnDefinition("runs", .date), ColumnDefinition("scaled", .int),
            ColumnDefinition("rising", .int), ColumnDefinition("few", .int), ColumnDefinition("mostly", .int),
            ColumnDefinition("price", .double), ColumnDefinition("bits", .double), ColumnDefinition("rough", .double),
            ColumnDefinition("holes", .decimal(scale: 2)), ColumnDefinition("flag", .bool),
            ColumnDefinition("nothing", .int), ColumnDefinition("gap", .int),
        ]
        var table = PlainTable(columns: columns, cells: columns.map { _ in [] })
        var sequence = Sequence(state: 42)
        var time: Int64 = 1_600_000_000_000_000
        for row in 0..<4_100 {
            time = row % 11 == 0 ? 1_600_000_000_000_000 : time + Int64(sequence.next(50_000)) * 1_000
            append(row, time, &sequence, &table)
        }
        return table
    }

    private static func append(_ row: Int, _ time: Int64, _ sequence: inout Sequence, _ table: inout PlainTable) {
        let special: [UInt64] = [
            0x8000_0000_0000_0000, 0x7FF8_0000_0000_0001, 0x7FF0_0000_0000_0000, 0x3FD3_3333_3333_3334,
        ]
        let skewed = sequence.next(100) < 80 ? sequence.next(8) : sequence.next(500)
        let rank = skewed * 7_919 % 500
        let customer: PlainTable.Cell = row >= 4_070 ? .null : .integer(Int64(row / 11) * 3 - 50)
        let at = row >= 4_070 ? 1_700_000_000_000_000 + Int64(row) : time
        let few: [Int64] = [-9_000_000_000, 5, 1 << 55, 77_777_777]
        let price = sequence.next(1_000_000)
        let cells: [PlainTable.Cell] = [
            customer, .integer(at), .string("page \(rank)"), .string(["view", "cart", "order"][Int(sequence.next(3))]),
            .integer(-12), .integer(sequence.next(50) == 0 ? Int64(price) << 20 : Int64(sequence.next(90))),
            .integer(Int64(18_000 + row / 37)), .integer(Int64(sequence.next(3_000)) * 250 + 1),
            .integer(Int64(row) * 1_000 + Int64(sequence.next(900))), .integer(few[Int(sequence.next(4))]),
            .integer(sequence.next(10) < 8 ? 1 : Int64(sequence.next(64))),
            .bits(row % 400 == 3 ? special[row / 400 % 4] : (Double(price) / 100).bitPattern),
            .bits(0x3FF0_0000_0000_0000 + sequence.next(1 << 20)),
            .bits(0x3FB0_0000_0000_0000 + sequence.next(2) << 63 + sequence.next(1 << 31) << 20),
            sequence.next(3) == 0 ? .integer(Int64(sequence.next(100_000))) : .null,
            .integer(Int64(sequence.next(2))), .null,
            row / 600 % 2 == 0 ? .integer(Int64(sequence.next(200))) : .null,
        ]
        for (column, cell) in cells.enumerated() { table.cells[column].append(cell) }
    }

    /// String customers with UUIDs, dictionaries per block, long strings that LZ4 shortens.
    private static func strings() -> PlainTable {
        let columns = [
            ColumnDefinition("customer", .string, role: .customer), ColumnDefinition("at", .timestamp, role: .time),
            ColumnDefinition("city", .string), ColumnDefinition("order", .string, role: .unique),
            ColumnDefinition("link", .string),
        ]
        var table = PlainTable(columns: columns, cells: columns.map { _ in [] })
        var sequence = Sequence(state: 7)
        for row in 0..<600 {
            let key = String(0x1000_0000 + row / 3 * 12_345, radix: 16)
            let cells: [PlainTable.Cell] = [
                .string("\(key)-0000-4000-8000-00000000\(1_000 + row / 3)"), .integer(Int64(row) * 1_000_000),
                .string(["القاهرة", "Paris", "São Paulo", "東京"][Int(sequence.next(4))]),
                .string("ORD-\(100_000 + row * 7)"),
                sequence.next(5) == 0
                    ? .null
                    : .string("https://shop.example/\(sequence.next(40))?utm_source=mail&item=\(sequence.next(9))"),
            ]
            for (column, cell) in cells.enumerated() { table.cells[column].append(cell) }
        }
        return table
    }
}
