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

    /// The place of the cursor, for loops that run over all cursors.
    let head: UnsafeMutablePointer<MergeHead>
    private let isInteger: Bool

    init(part: PartHandle, schema: TableSchema) throws {
        self.part = part
        columns = schema.columns.map { part.column(forSchemaColumn: $0.name) }
        timeColumn = schema.timeColumn
        vectors = schema.columns.map { ColumnVector($0.type.physical) }
        isInteger = schema.columns[schema.customerColumn].type == .int
        head = .allocate(capacity: 1)
        head.initialize(to: MergeHead(times: vectors[timeColumn].integers))
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
        head.deallocate()
    }

    var blockRowCount: Int { part.footer.rowBlocks[block].rowCount }

    /// Goes to the next block; false at the end of the part.
    func nextBlock() throws -> Bool {
        guard block + 1 < part.footer.rowBlocks.count else { return false }
        block += 1
        let rowBlock = part.footer.rowBlocks[block]
        try part.readCustomers(block: block, into: customers, reader: reader)
        try decode(timeColumn, reader: reader)
        let rows = rowBlock.firstRow..<(rowBlock.firstRow + rowBlock.rowCount)
        head.pointee.times = vectors[timeColumn].integers
        head.pointee.firstRow = rows.lowerBound
        head.pointee.isNullCustomer = rowBlock.isNullCustomer
        head.pointee.hasDeletes = (part.deletes?.deletedCount(in: rows) ?? 0) > 0
        head.pointee.row = 0
        goTo(customer: 0)
        return true
    }

    /// Goes to a customer of the block; the next row is its first.
    func goTo(customer: Int) {
        head.pointee.customer = customer
        head.pointee.fragmentEnd = Int(customers.rowStarts[customer + 1])
        if head.pointee.isNullCustomer {
            head.pointee.key = .max
        } else if isInteger {
            head.pointee.key = customers.keys[customer]
        } else {
            // The first bytes as a number that sorts as they do; equal numbers are told apart by all bytes.
            let prefix = customers.strings.withBytes(customer) { StringInterner.prefix($0) }
            head.pointee.key = Int64(bitPattern: prefix ^ (1 << 63))
        }
    }

    /// Whether the block after this one goes on with the customer that this one ends with.
    var nextBlockContinues: Bool {
        guard block + 1 < part.footer.rowBlocks.count else { return false }
        let next = part.footer.rowBlocks[block + 1]
        return next.continues || (next.isNullCustomer && head.pointee.isNullCustomer)
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

    /// Three-way comparison of two cursors' customers of equal keys: rows without a customer come last.
    func compareEqualKeys(_ other: PartCursor) -> Int {
        let isNull = head.pointee.isNullCustomer, otherIsNull = other.head.pointee.isNullCustomer
        if isNull || otherIsNull { return (isNull ? 1 : 0) - (otherIsNull ? 1 : 0) }
        if isInteger { return 0 }
        return customers.strings.withBytes(head.pointee.customer) { a in
            other.customers.strings.withBytes(other.head.pointee.customer) { StringDictionary.compare(a, $0) }
        }
    }
}

/// Where a cursor stands.
struct MergeHead {
    /// Orders as the customers do, as far as 64 bits can.
    var key: Int64 = 0
    /// Next row, counted from the block's first.
    var row = 0
    /// Row behind the last one of the customer within the block.
    var fragmentEnd = 0
    /// Times of the block's rows.
    var times: UnsafeMutablePointer<Int64>
    /// Place of the next row's customer in the block.
    var customer = 0
    /// Row of the part that the block begins with.
    var firstRow = 0
    /// Whether rows of the block are deleted.
    var hasDeletes = false
    /// Whether the block holds rows without a customer.
    var isNullCustomer = false

    var nextTime: Int64 { times[row] }
}
