import DukkanFormat

/// Reads the rows of a damaged part, a row block at a time.
final class SalvagedPart {
    private let part: PartHandle
    private let schema: TableSchema
    private let deleted: Set<Int>
    private let nullsDamaged: Bool
    private let reader = BlockReader()
    /// Part dictionaries by column of the part; the reason where one cannot be read.
    private let dictionaries: [Result<StringDictionary, DukkanError>?]

    /// What of a row block cannot be read.
    struct Loss {
        var rowCount: Int
        var columns: [String]
        var reason: String
    }

    init(part: PartHandle, schema: TableSchema, deleted: Set<Int>, nullsDamaged: Bool) {
        self.part = part
        self.schema = schema
        self.deleted = deleted
        self.nullsDamaged = nullsDamaged
        let reader = self.reader
        dictionaries = part.footer.columns.enumerated().map { column, entry in
            guard entry.dictionary != nil else { return nil }
            return Result { try part.readDictionary(column: column, reader: reader) }
                .mapError { SalvagedPart.known($0) }
        }
    }

    private static func known(_ error: any Error) -> DukkanError {
        error as? DukkanError ?? DukkanError(.corrupt, "\(error)")
    }

    /// The rows of a block that are not deleted, nil if they are lost; and what is damaged.
    func read(block: Int) -> (rows: RowBatch?, loss: Loss?) {
        let rowBlock = part.footer.rowBlocks[block]
        let live = (0..<rowBlock.rowCount).filter { !deleted.contains(rowBlock.firstRow + $0) }.map { UInt32($0) }
        let customers = CustomerBlock()
        do {
            try part.readCustomers(block: block, into: customers, reader: reader)
            guard customers.rowCount == rowBlock.rowCount else {
                throw DukkanError(.corrupt, "the customer directory has another size than the footer says")
            }
        } catch {
            var error = SalvagedPart.known(error)
            error.place.block = nil  // It is told beside the reason.
            let loss = Loss(rowCount: live.count, columns: [], reason: error.description)
            return (nil, loss)
        }
        var vectors: [ColumnVector] = []
        var damaged: [String] = []
        var reasons: [String] = []
        var areRowsLost = false
        for (place, column) in schema.columns.enumerated() {
            do {
                vectors.append(try values(place, block: block, customers, rowBlock))
            } catch {
                damaged.append(column.name)
                reasons.append(SalvagedPart.known(error).message)
                if column.role == .attribute && nullsDamaged {
                    vectors.append(nulls(column.type, rowBlock.rowCount))
                } else {
                    areRowsLost = true
                }
            }
        }
        let loss =
            damaged.isEmpty
            ? nil
            : Loss(rowCount: live.count, columns: damaged, reason: Set(reasons).ascending().joined(separator: "; "))
        if areRowsLost { return (nil, loss) }
        return (RowBatch(columns: chosen(live, vectors, rowBlock.rowCount), rowCount: live.count), loss)
    }

    private func nulls(_ type: ColumnType, _ count: Int) -> ColumnVector {
        let vector = ColumnVector(type.physical)
        vector.fillNulls(count)
        if vector.kind == .codes { vector.dictionary = .empty }
        return vector
    }

    /// The values of a column of the schema in all rows of a block.
    private func values(
        _ place: Int, block: Int, _ customers: CustomerBlock, _ rowBlock: PartFooter.RowBlock
    ) throws -> ColumnVector {
        let definition = schema.columns[place]
        if definition.role == .customer { return keys(customers, rowBlock, definition.type) }
        guard let column = part.column(forSchemaColumn: definition.name) else {
            return nulls(definition.type, rowBlock.rowCount)
        }
        let vector = ColumnVector(definition.type.physical)
        let dictionary = try dictionaries[column]?.get()
        try part.readColumn(
            column, block: block, customers: customers, dictionary: dictionary, into: vector, reader: reader)
        guard vector.count == rowBlock.rowCount else {
            throw DukkanError(.corrupt, "\(vector.count) rows instead of \(rowBlock.rowCount)")
        }
        guard vector.kind == .codes else { return vector }
        let valid = ValidRows(vector), codes = vector.codes, count = vector.dictionary?.count ?? 0
        guard (0..<vector.count).allSatisfy({ !valid[$0] || Int(codes[$0]) < count }) else {
            throw DukkanError(.corrupt, "a row has a code without a string")
        }
        return vector
    }

    private func keys(_ customers: CustomerBlock, _ rowBlock: PartFooter.RowBlock, _ type: ColumnType) -> ColumnVector {
        if rowBlock.isNullCustomer { return nulls(type, rowBlock.rowCount) }
        let vector = ColumnVector(type.physical, capacity: rowBlock.rowCount)
        for customer in 0..<customers.count {
            for _ in customers.rowStarts[customer]..<customers.rowStarts[customer + 1] {
                if type == .int {
                    vector.append(customers.keys[customer])
                } else {
                    vector.append(code: UInt32(customer))
                }
            }
        }
        if type == .string { vector.dictionary = customers.strings }
        return vector
    }

    /// The rows of a block that are to be taken.
    private func chosen(_ rows: [UInt32], _ vectors: [ColumnVector], _ rowCount: Int) -> [ColumnVector] {
        if rows.count == rowCount { return vectors }
        return vectors.map { vector in
            let output = ColumnVector(vector.kind, capacity: rows.count)
            rows.withUnsafeBufferPointer { Gather.column($0, [vector], into: output) }
            output.dictionary = vector.dictionary
            return output
        }
    }
}
