import DukkanFormat

extension Manifest {
    /// What must hold for every manifest.
    ///
    /// Checked before one is written and after one is read.
    package func checkInvariants() throws {
        func fail(_ message: String) -> DukkanError { DukkanError(.corrupt, "the manifest \(message)") }
        guard partCount <= Manifest.partCountMax else {
            throw fail("names \(partCount) parts, at most \(Manifest.partCountMax) are possible")
        }
        var names: Set<String> = []
        var numbers: Set<Int> = []
        var files: Set<UInt64> = []
        var identifiers: Set<PartIdentifier> = []
        for table in tables {
            do {
                try table.schema.validate()
            } catch {
                throw DukkanError(.corrupt, "the manifest holds a table that cannot be", cause: error)
            }
            guard names.insert(table.schema.name.lowercased()).inserted else {
                throw fail("names table \(table.schema.name) twice")
            }
            guard table.number > 0, table.number < nextTable, numbers.insert(table.number).inserted else {
                throw fail("gives table \(table.schema.name) the number \(table.number), which cannot be")
            }
            guard table.schema.columns[table.schema.customerColumn].type == customerType else {
                throw fail("has a table whose customers differ in type from the store's")
            }
            for file in table.parts.map(\.file) + table.deletions.map(\.file) {
                guard file < nextFile, files.insert(file).inserted else {
                    throw fail("names file \(file) twice or before its time")
                }
            }
            for identifier in table.parts.map(\.identifier) + table.deletions.map(\.identifier) {
                guard identifiers.insert(identifier).inserted else { throw fail("names \(identifier) twice") }
            }
            guard zip(table.windowBorders, table.windowBorders.dropFirst()).allSatisfy({ $0 < $1 }) else {
                throw fail("has window borders out of order")
            }
            try checkParts(of: table)
        }
        guard zip(erasures, erasures.dropFirst()).allSatisfy({ $0.generation < $1.generation }),
            erasures.allSatisfy({ $0.generation <= generation })
        else { throw fail("has erasures out of order") }
        if Set(segments.map { $0.name.lowercased() }).count != segments.count { throw fail("names a segment twice") }
    }

    private func checkParts(of table: Table) throws {
        func fail(_ message: String) -> DukkanError {
            DukkanError(.corrupt, "the manifest, table \(table.schema.name): \(message)")
        }
        for part in table.parts {
            guard part.rowCount > 0, part.minimumTime <= part.maximumTime else {
                throw fail("part \(part.file) has no rows or no times")
            }
            guard part.firstOrder <= part.lastOrder, part.lastOrder < nextOrder else {
                throw fail("part \(part.file) has an order of ingest that cannot be")
            }
        }
        guard zip(table.parts, table.parts.dropFirst()).allSatisfy({ Part.precedes($0, $1) }) else {
            throw fail("parts out of order")
        }
        for (at, part) in table.parts.enumerated() {
            for other in table.parts[(at + 1)...]
            where part.times.overlaps(other.times) && part.order.overlaps(other.order) {
                throw fail("parts \(part.file) and \(other.file) overlap in time and in order of ingest")
            }
        }
    }
}
