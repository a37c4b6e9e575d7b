import DukkanFormat

extension PlainTable {
    /// A random table of all types, sorted as a part is.
    static func random(
        seed: UInt64, rowCount: Int, stringCustomers: Bool, giantShare: Double = 0, nullCustomers: Bool = false
    ) -> PlainTable {
        var generator = SplitMix(seed: seed)
        let columns = [
            ColumnDefinition("customer_id", stringCustomers ? .string : .int, role: .customer),
            ColumnDefinition("at", .timestamp, role: .time), ColumnDefinition("event", .string),
            ColumnDefinition("session", .int), ColumnDefinition("value", .decimal(scale: 2)),
            ColumnDefinition("rating", .double), ColumnDefinition("note", .string), ColumnDefinition("paid", .bool),
            ColumnDefinition("day", .date), ColumnDefinition("key", .string, role: .unique),
        ]
        var table = PlainTable(columns: columns, cells: columns.map { _ in [] })
        var key: Int64 = -5
        var left = 0
        var time: Int64 = 0
        for row in 0..<rowCount {
            let isNull = nullCustomers && row > rowCount * 3 / 4
            if left == 0 && !isNull {
                key += Int64(1 + generator.below(9))
                left = generator.chance(giantShare) ? 1 + generator.below(40_000) : 1 + generator.below(20)
                time = 1_700_000_000_000_000 + Int64(generator.below(1_000_000_000)) * 1_000
            } else if !generator.chance(0.1) {
                time += Int64(generator.below(generator.chance(0.2) ? 1_000_000_000 : 60_000)) * 1_000
            }
            left = max(left - 1, 0)
            let customer: Cell =
                isNull ? .null : stringCustomers ? .string(hexadecimal(key)) : .integer(key)
            append(customer, time, row, &generator, &table)
        }
        return table
    }

    private static func append(
        _ customer: Cell, _ time: Int64, _ row: Int, _ generator: inout SplitMix, _ table: inout PlainTable
    ) {
        let special: [Double] = [-0.0, .nan, .infinity, -.infinity, .leastNonzeroMagnitude, 1e300, 0.1 + 0.2]
        func maybe(_ probability: Double, _ cell: Cell) -> Cell { generator.chance(probability) ? .null : cell }
        let cells: [Cell] = [
            customer, .integer(time), .string("event-\(generator.below(6))"), .integer(Int64(row / 3) * 7 + 1_000),
            maybe(0.4, .integer(Int64(generator.below(100_000)))),
            maybe(
                0.02,
                .bits(
                    (generator.chance(0.01)
                        ? special[generator.below(special.count)] : Double(generator.below(100_000)) / 100).bitPattern)),
            maybe(0.5, .string(String(repeating: "x", count: generator.below(5)) + "/\(generator.below(5_000)).html")),
            maybe(0.001, .integer(Int64(generator.below(2)))), .integer(Int64(19_000 + row / 500)),
            .string("order-\(row)-\(generator.next())"),
        ]
        for (column, cell) in cells.enumerated() { table.cells[column].append(cell) }
    }

    private static func hexadecimal(_ key: Int64) -> String {
        let digits = String(UInt64(key + 1_000), radix: 16)
        return String(repeating: "0", count: 16 - digits.count) + digits
    }
}
