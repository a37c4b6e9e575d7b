import DukkanFormat

/// A place in a part that is being merged: the row block that is decoded, and the next row in it.
final class PartCursor {
    let part: PartHandle
    /// Place in the part of each column of the schema; nil where the part is older than the column.
    let columns: [Int?]
    private let timeColumn: Int
    private let reader = BlockReader()
    private(set) var block = -1
    let customers = CustomerBlock()
    /// Values of the block by column of the schema, decoded when they are needed.
    let vectors: [ColumnVector]
    /// Block that each of `vectors` holds.
    ///
    /// Threads that decode different columns write different places.
    private let heldBlocks: UnsafeMutablePointer<Int>
    /// Part dictionaries by column of the schema.
    let dictionaries: [StringDictionary?]

    /// Next row, counted from the block's first.
    var row = 0
    /// Place in `customers` of the next row's customer.
    var customer = 0
    /// Row behind the last one of the customer within the block.
    var fragmentEnd = 0
    /// Whether the block holds rows without a customer.
    private(set) var isNullCustomer = false
    /// Row of the part that the block begins with.
    private(set) var firstRow = 0
    /// Whether rows of the block are deleted.
    private(set) var hasDeletes = false

    init(part: PartHandle, schema: TableSchema) throws {
        self.part = part
        columns = schema.columns.map { part.column(forSchemaColumn: $0.name) }
        timeColumn = schema.timeColumn
        vectors = schema.columns.map { ColumnVector($0.type.physical) }
        heldBlocks = .allocate(capacity: schema.columns.count)
        heldBlocks.initialize(repeating: -1, count: schema.columns.count)
        let reader = self.reader
        let places = columns
        dictionaries = try schema.columns.indices.map { column in
            guard column != schema.customerColumn, let place = places[column],
                part.footer.columns[place].dictionary != nil
            else { return nil }
            return try part.readDictionary(column: place, reader: reader)
        }
    }

    deinit {
        heldBlocks.deallocate()
    }

    var times: UnsafeMutablePointer<Int64> { vectors[timeColumn].integers }
    var blockRowCount: Int { part.footer.rowBlocks[block].rowCount }

    /// Goes to the next block; false at the end of the part.
    func nextBlock() throws -> Bool {
        guard block + 1 < part.footer.rowBlocks.count else { return false }
        block += 1
        let rowBlock = part.footer.rowBlocks[block]
        try part.readCustomers(block: block, into: customers, reader: reader)
        try decode(timeColumn, reader: reader)
        firstRow = rowBlock.firstRow
        isNullCustomer = rowBlock.isNullCustomer
        hasDeletes = (part.deletes?.deletedCount(in: firstRow..<(firstRow + rowBlock.rowCount)) ?? 0) > 0
        row = 0
        customer = 0
        fragmentEnd = Int(customers.rowStarts[1])
        return true
    }

    /// Whether the block after this one goes on with the customer that this one ends with.
    var nextBlockContinues: Bool {
        guard block + 1 < part.footer.rowBlocks.count else { return false }
        let next = part.footer.rowBlocks[block + 1]
        return next.continues || (next.isNullCustomer && isNullCustomer)
    }

    /// Decodes a column of the block if it is not held.
    func decode(_ column: Int, reader: BlockReader) throws {
        guard heldBlocks[column] != block else { return }
        if let place = columns[column] {
            try part.readColumn(
                place, block: block, customers: customers, dictionary: dictionaries[column],
                into: vectors[column], reader: reader)
        } else {
            vectors[column].fillNulls(blockRowCount)
            vectors[column].dictionary = .empty
        }
        heldBlocks[column] = block
    }

    /// Whether this cursor's customer comes before another's; rows without a customer come last.
    func customerPrecedes(_ other: PartCursor, isInteger: Bool) -> Bool {
        if isNullCustomer || other.isNullCustomer { return !isNullCustomer && other.isNullCustomer }
        if isInteger { return customers.keys[customer] < other.customers.keys[other.customer] }
        return customers.strings.withBytes(customer) { a in
            other.customers.strings.withBytes(other.customer) { StringDictionary.compare(a, $0) < 0 }
        }
    }
}
