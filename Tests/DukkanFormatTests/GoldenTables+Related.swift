@testable import DukkanFormat

extension GoldenTables {
    /// Version 2: columns that change with the session, follow the time, or follow from another column.
    static func related() -> PlainTable {
        let columns = [
            ColumnDefinition("customer", .int, role: .customer), ColumnDefinition("at", .timestamp, role: .time),
            ColumnDefinition("session", .int), ColumnDefinition("device", .string),
            ColumnDefinition("country", .string), ColumnDefinition("number", .int, role: .unique),
            ColumnDefinition("product", .int), ColumnDefinition("category", .string),
            ColumnDefinition("price", .decimal(scale: 2)), ColumnDefinition("repeated", .int),
        ]
        var table = PlainTable(columns: columns, cells: columns.map { _ in [] })
        var sequence = Sequence(state: 2)
        // 500 customers, six sessions each, all over 3,000,000 seconds.
        for customer in 0..<500 {
            let starts = (0..<6).map { _ in Int64(sequence.next(3_000_000)) }.sorted()
            for start in starts { append(customer, start, &sequence, &table) }
        }
        return table
    }

    private static func append(
        _ customer: Int, _ start: Int64, _ sequence: inout Sequence, _ table: inout PlainTable
    ) {
        let device = ["phone", "desk", "tablet"][Int(sequence.next(3))]
        let country = customer % 7 == 0 ? "FR" : sequence.next(20) == 0 ? "SA" : "EG"
        var repeated = Int64(sequence.next(1_000))
        for event in 0..<1 + Int64(sequence.next(6)) {
            let second = start + event * 40
            let hasProduct = sequence.next(3) == 0
            let product = Int64(sequence.next(90)) * Int64(sequence.next(3))
            // Now and then another category than the product's own.
            let category = sequence.next(150) == 0 ? 5 : product * 31 % 17
            if sequence.next(2) == 0 { repeated = Int64(sequence.next(1_000)) }
            let cells: [PlainTable.Cell] = [
                .integer(Int64(customer) * 3), .integer(1_600_000_000_000_000 + second * 1_000_000),
                .integer(start / 1_000 * 7 + 1_000 + start % 1_000 / 150), .string(device), .string(country),
                .integer(second / 5 + Int64(sequence.next(9))),
                hasProduct ? .integer(product + 100) : .null,
                hasProduct ? .string("category \(category)") : .null,
                hasProduct ? .integer(Int64(sequence.next(90_000))) : .null, .integer(repeated),
            ]
            for (column, cell) in cells.enumerated() { table.cells[column].append(cell) }
        }
    }
}
