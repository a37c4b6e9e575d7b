import DukkanFormat

/// Changes of tables and segments in the open transaction.
extension Writer {
    func createTable(_ schema: TableSchema) throws {
        try checkUsable()
        try schema.validate()
        if working.table(named: schema.name) != nil {
            throw DukkanError(.alreadyExists, "there is a table \(schema.name) already", place: .init(file: path))
        }
        if working.tables.count >= Manifest.tableCountMax {
            throw DukkanError(.limit, "a store has at most \(Manifest.tableCountMax) tables")
        }
        let type = schema.columns[schema.customerColumn].type
        if let customerType = working.customerType, customerType != type {
            throw DukkanError(
                .invalidArgument,
                "the customers of this store are of type \(customerType), those of table \(schema.name) of \(type)",
                place: .init(column: schema.columns[schema.customerColumn].name))
        }
        working.customerType = type
        working.tables.append(Manifest.Table(number: working.nextTable, schema: schema))
        working.nextTable += 1
    }

    func dropTable(_ name: String) throws {
        try checkUsable()
        let table = working.tables.remove(at: try tableIndex(name))
        runs[table.number] = nil
        freshDeletes[table.number] = nil
        for part in table.parts { forget(part.identifier) }
        for deletion in table.deletions { deletionParts[deletion.file] = nil }
        removeUnusedFiles()
    }

    func addColumn(table name: String, _ column: ColumnDefinition) throws {
        try checkUsable()
        let index = try tableIndex(name)
        guard column.role == .attribute else {
            throw DukkanError(
                .invalidArgument, "a column that is added later cannot be a customer, time or unique column",
                place: .init(column: column.name))
        }
        var schema = working.tables[index].schema
        if schema.column(named: column.name) != nil {
            throw DukkanError(.alreadyExists, "table \(name) has a column \(column.name) already")
        }
        schema.columns.append(column)
        try schema.validate()
        // Rows held have the columns of before.
        try spill(table: index)
        working.tables[index].schema = schema
    }

    func defineSegment(name: String, text: String) throws {
        try checkUsable()
        try TableSchema.checkName(name, what: "segment")
        if text.utf8.count > Manifest.segmentByteCountMax {
            throw DukkanError(.limit, "the text of a segment has at most \(Manifest.segmentByteCountMax) bytes")
        }
        let segment = Manifest.Segment(name: name, text: text)
        if let index = segmentIndex(name) {
            working.segments[index] = segment
        } else if working.segments.count >= Manifest.segmentCountMax {
            throw DukkanError(.limit, "a store has at most \(Manifest.segmentCountMax) segments")
        } else {
            working.segments.append(segment)
        }
    }

    func dropSegment(name: String) throws {
        try checkUsable()
        guard let index = segmentIndex(name) else { throw DukkanError(.notFound, "there is no segment \(name)") }
        working.segments.remove(at: index)
    }

    private func segmentIndex(_ name: String) -> Int? {
        working.segments.firstIndex { $0.name.lowercased() == name.lowercased() }
    }

    /// Closes a part that is no longer in `working`.
    func forget(_ identifier: PartIdentifier) {
        files[identifier] = nil
        deletes[identifier] = nil
        ownedDeletes.remove(identifier)
    }

    /// Removes the files of the open transaction that nothing needs any more.
    func removeUnusedFiles() {
        let kept = Writer.fileNames(working)
        for name in createdFiles where !kept.contains(name) {
            waitingParts[name] = nil
            try? fileSystem.removeFile(partsPath.appending(name: name))
            createdFiles.remove(name)
        }
    }
}
