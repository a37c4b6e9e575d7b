import DukkanFormat
import DukkanStorage

/// A row of the tables that the tests use.
struct Row: Hashable, Sendable {
    var customer: String?
    var time: Int64
    var key: Int64
    var text: String?
    var amount: Int64?
    var value: Double?
}

/// A table of the tests: its schema, and how rows become batches and come back.
struct Shop: Sendable {
    var name = "orders"
    var stringCustomers = false
    var isUnique = false
    var stringKeys = false
    var allowsNullCustomer = false

    var schema: TableSchema {
        TableSchema(
            name,
            columns: [
                ColumnDefinition("key", stringKeys ? .string : .int, role: isUnique ? .unique : .attribute),
                ColumnDefinition("customer", stringCustomers ? .string : .int, role: .customer),
                ColumnDefinition("at", .timestamp, role: .time),
                ColumnDefinition("text", .string),
                ColumnDefinition("amount", .decimal(scale: 2)),
                ColumnDefinition("value", .double),
            ], allowsNullCustomer: allowsNullCustomer)
    }

    func batch(_ rows: [Row]) -> RowBatch {
        let columns = schema.columns.map { ColumnVector($0.type.physical, capacity: rows.count) }
        var strings: [[String: UInt32]] = Array(repeating: [:], count: columns.count)
        var lists: [[String]] = Array(repeating: [], count: columns.count)
        func append(_ text: String?, _ column: Int) {
            guard let text else { return columns[column].appendNull() }
            if let code = strings[column][text] { return columns[column].append(code: code) }
            strings[column][text] = UInt32(lists[column].count)
            columns[column].append(code: UInt32(lists[column].count))
            lists[column].append(text)
        }
        for row in rows {
            if stringKeys { append("key-\(row.key)", 0) } else { columns[0].append(row.key) }
            if stringCustomers {
                append(row.customer, 1)
            } else if let customer = row.customer.flatMap({ Int64($0) }) {
                columns[1].append(customer)
            } else {
                columns[1].appendNull()
            }
            columns[2].append(row.time)
            append(row.text, 3)
            if let amount = row.amount { columns[4].append(amount) } else { columns[4].appendNull() }
            if let value = row.value { columns[5].append(value) } else { columns[5].appendNull() }
        }
        for column in columns.indices where columns[column].kind == .codes {
            columns[column].dictionary = StringDictionary(lists[column])
        }
        return RowBatch(columns: columns, rowCount: rows.count)
    }

    /// All rows of a table in the store's total order: by customer, time and order of ingest, rows without a customer last.
    func rows(_ snapshot: Snapshot) throws -> [Row] {
        guard let table = snapshot.table(named: name) else { return [] }
        var all: [(row: Row, part: Int, place: Int)] = []
        for (number, part) in table.parts.enumerated() {
            for (place, row) in try rows(of: part) { all.append((row, number, place)) }
        }
        all.sort { a, b in
            let order = Shop.compareCustomers(a.row.customer, b.row.customer, strings: stringCustomers)
            if order != 0 { return order < 0 }
            return (a.row.time, a.part, a.place) < (b.row.time, b.part, b.place)
        }
        return all.map(\.row)
    }

    static func compareCustomers(_ a: String?, _ b: String?, strings: Bool) -> Int {
        guard let a else { return b == nil ? 0 : 1 }
        guard let b else { return -1 }
        if strings {
            return a == b ? 0 : a.utf8.lexicographicallyPrecedes(b.utf8) ? -1 : 1
        }
        return (Int64(a) ?? 0) < (Int64(b) ?? 0) ? -1 : a == b ? 0 : 1
    }

    /// Rows of one part that are not deleted, with their places.
    func rows(of part: PartHandle) throws -> [(Int, Row)] {
        let reader = BlockReader()
        let columns = ["key", "at", "text", "amount", "value"].map { part.column(forSchemaColumn: $0) }
        let dictionaries = try columns.map { column -> StringDictionary? in
            guard let column, part.footer.columns[column].dictionary != nil else { return nil }
            return try part.readDictionary(column: column, reader: reader)
        }
        let customers = CustomerBlock()
        var rows: [(Int, Row)] = []
        for (block, rowBlock) in part.footer.rowBlocks.enumerated() {
            try part.readCustomers(block: block, into: customers, reader: reader)
            let vectors = try columns.enumerated().map { place, column -> ColumnVector? in
                guard let column else { return nil }
                let vector = ColumnVector(part.footer.columns[column].definition.type.physical)
                try part.readColumn(
                    column, block: block, customers: customers, dictionary: dictionaries[place], into: vector,
                    reader: reader)
                return vector
            }
            func text(_ place: Int, _ row: Int) -> String? {
                guard let vector = vectors[place], vector.isValid(row) else { return nil }
                return vector.dictionary?.string(Int(vector.codes[row]))
            }
            for customer in 0..<customers.count {
                for index in Int(customers.rowStarts[customer])..<Int(customers.rowStarts[customer + 1]) {
                    if part.deletes?.isDeleted(rowBlock.firstRow + index) == true { continue }
                    var name: String?
                    if !rowBlock.isNullCustomer {
                        name =
                            stringCustomers ? customers.strings.string(customer) : String(customers.keys[customer])
                    }
                    let key =
                        stringKeys
                        ? Int64(text(0, index)?.dropFirst(4) ?? "") ?? -1 : vectors[0]?.integers[index] ?? -1
                    rows.append(
                        (
                            rowBlock.firstRow + index,
                            Row(
                                customer: name, time: vectors[1]?.integers[index] ?? 0, key: key,
                                text: text(2, index),
                                amount: vectors[3].flatMap { $0.isValid(index) ? $0.integers[index] : nil },
                                value: vectors[4].flatMap { $0.isValid(index) ? $0.doubles[index] : nil })
                        ))
                }
            }
        }
        return rows
    }
}

/// The rows of a table as a plain list, with the rules of the store in their plainest form.
struct Model: Sendable {
    var shop: Shop
    /// In order of arrival.
    var rows: [Row] = []

    mutating func append(_ new: [Row]) {
        guard shop.isUnique else {
            rows += new
            return
        }
        var places: [Int64: Int] = [:]
        let all = rows + new
        for (place, row) in all.enumerated() { places[row.key] = place }
        rows = all.enumerated().filter { places[$1.key] == $0 }.map(\.element)
    }

    /// In the store's total order.
    var sorted: [Row] {
        rows.enumerated().sorted { a, b in
            let order = Shop.compareCustomers(
                a.element.customer, b.element.customer, strings: shop.stringCustomers)
            if order != 0 { return order < 0 }
            return (a.element.time, a.offset) < (b.element.time, b.offset)
        }.map(\.element)
    }
}
