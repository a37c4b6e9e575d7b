@testable import DukkanFormat

/// A part in memory.
struct PartFile {
    var bytes: [UInt8]
    var identifier: PartIdentifier
    var summary: PartSummary?

    static let identifier = PartIdentifier(high: 0x0123_4567_89AB_CDEF, low: 0xFEDC_BA98_7654_3210)

    /// Writes a table in calls of random length.
    static func write(
        _ table: PlainTable, partDictionaries: Set<Int> = [], options: PartOptions = PartOptions(),
        identifier: PartIdentifier = PartFile.identifier, callRowCountMax: Int = .max, seed: UInt64 = 1
    ) throws -> PartFile {
        var file = PartFile(bytes: [], identifier: identifier)
        var generator = SplitMix(seed: seed)
        let dictionaries = table.columns.indices.map {
            partDictionaries.contains($0) ? table.dictionary($0) : nil
        }
        let output = Output()
        let writer = try PartWriter(
            columns: table.columns, identifier: identifier, dictionaries: dictionaries, options: options,
            replace: { output.bytes.replaceSubrange($0..<$0 + $1.count, with: $1) }
        ) { output.bytes.append(contentsOf: $0) }
        var start = 0
        while start < table.rowCount {
            let rest = table.rowCount - start
            let length = callRowCountMax >= rest ? rest : 1 + generator.below(callRowCountMax)
            let end = min(table.rowCount, start + length)
            try writer.append(table.vectors(start..<end, dictionaries: dictionaries))
            start = end
        }
        file.summary = try writer.finish()
        file.bytes = output.bytes
        return file
    }

    private final class Output {
        var bytes: [UInt8] = []
    }

    func footer() throws -> PartFooter {
        try bytes.withUnsafeBytes { all in
            let header = UnsafeRawBufferPointer(rebasing: all.prefix(PartFooter.headerByteCount))
            try PartFooter.checkHeader(header, identifier: identifier)
            let trailer = UnsafeRawBufferPointer(rebasing: all.suffix(PartFooter.trailerByteCount))
            let place = try PartFooter.place(trailer: trailer, fileByteCount: all.count)
            return try PartFooter(
                parsing: UnsafeRawBufferPointer(rebasing: all[place.range]), version: place.version,
                fileByteCount: all.count, identifier: identifier)
        }
    }

    /// Checks what reading never needs: the copy of the footer, or the outlines of stripes, as the part has them.
    func checkSpares() throws {
        let footer = try footer()
        if let copy = footer.copyPlace {
            let both = PartFooter.BlockLocation(offset: copy.offset, byteCount: 2 * copy.byteCount)
            try withBlock(both) { try footer.checkCopy($0) }
        }
        for (number, stripe) in footer.stripes.enumerated() {
            try withBlock(stripe.outline) { try footer.checkOutline($0, ofStripe: number) }
        }
    }

    /// The outline at a place.
    func outline(_ place: PartFooter.BlockLocation) throws -> PartOutline {
        try withBlock(place) {
            try PartOutline(parsing: $0, offset: place.offset, version: PartLimits.version, identifier: identifier)
        }
    }

    /// Makes the checksum right that a region ends with.
    mutating func repair(_ region: PartFooter.BlockLocation) {
        let content = region.offset..<region.end - 4
        let checksum = bytes.withUnsafeBytes {
            PartChecksum(identifier)(offset: region.offset, UnsafeRawBufferPointer(rebasing: $0[content]))
        }
        withUnsafeBytes(of: checksum.littleEndian) {
            bytes.replaceSubrange(content.upperBound..<region.end, with: $0)
        }
    }

    /// The footer as it is made out in a damaged part whose size of the footer is known.
    func recoveredFooter(byteCount: Int, version: UInt32 = PartLimits.version) -> PartFooter? {
        let end = bytes.count - PartFooter.trailerByteCount
        return bytes.withUnsafeBytes {
            FooterRecovery(
                bytes: UnsafeRawBufferPointer(rebasing: $0[..<end]), end: end, version: version,
                identifier: identifier
            ).footer(byteCount: byteCount)
        }
    }

    func withBlock<Result>(
        _ location: PartFooter.BlockLocation, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        // A copy of its own, so that an address sanitizer sees each read outside the block.
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: location.byteCount, alignment: 1)
        defer { copy.deallocate() }
        bytes.withUnsafeBytes {
            copy.copyMemory(
                from: UnsafeRawBufferPointer(rebasing: $0[location.offset..<location.offset + location.byteCount]))
        }
        return try body(UnsafeRawBufferPointer(copy))
    }

    /// Decodes everything, and some rows of each block on their own.
    func read() throws -> PlainTable {
        let footer = try footer()
        var table = PlainTable(
            columns: footer.columns.map(\.definition), cells: footer.columns.map { _ in [] })
        let dictionaries = try footer.columns.indices.map { column in
            try footer.columns[column].dictionary.map { location in
                try withBlock(location) { try PartDecoder.decodeDictionary($0, footer: footer, column: column) }
            }
        }
        let models = try footer.columns.indices.map { column in
            try footer.columns[column].model.map { location in
                try withBlock(location) { try PartDecoder.decodeModel($0, footer: footer, column: column) }
            }
        }
        let customers = CustomerBlock()
        let vectors = footer.columns.map { ColumnVector($0.definition.type.physical) }
        for block in footer.rowBlocks.indices {
            let rowBlock = footer.rowBlocks[block]
            try withBlock(rowBlock.directory) {
                try PartDecoder.decodeCustomers($0, footer: footer, block: block, into: customers)
            }
            for column in footer.columns.indices {
                if footer.columns[column].definition.role == .customer {
                    table.cells[column] += PartFile.customerCells(customers, rowBlock, footer.customerType)
                    continue
                }
                try decode(column, block, footer, customers, dictionaries, models, into: vectors[column])
                table.cells[column] += (0..<rowBlock.rowCount).map { PlainTable.cell(vectors[column], $0) }
            }
        }
        return table
    }

    private func decode(
        _ column: Int, _ block: Int, _ footer: PartFooter, _ customers: CustomerBlock,
        _ dictionaries: [StringDictionary?], _ models: [ColumnModel?], into vector: ColumnVector
    ) throws {
        let columnBlock = footer.columns[column].blocks[block]
        var references = BlockReferences(model: models[column])
        if let number = columnBlock.sharedBitmap, let location = footer.rowBlocks[block].bitmaps[number] {
            let bitmap = RowBitmap()
            try withBlock(location) {
                try PartDecoder.decodeBitmap($0, footer: footer, block: block, bitmap: number, into: bitmap)
            }
            references.bitmap = bitmap
        }
        if let reference = columnBlock.referenceColumn {
            let values = ColumnVector(footer.columns[reference].definition.type.physical)
            try decode(reference, block, footer, customers, dictionaries, models, into: values)
            references.column = values
        }
        try withBlock(columnBlock.location) { bytes in
            try PartDecoder.decodeColumn(
                bytes, footer: footer, column: column, block: block,
                customers: columnBlock.needsCustomers ? customers : nil, dictionary: dictionaries[column],
                references: references, into: vector)
            try SelectedRowsCheck.check(vector, seed: UInt64(block * 100 + column)) {
                try PartDecoder.decodeColumn(
                    bytes, footer: footer, column: column, block: block,
                    customers: columnBlock.needsCustomers ? customers : nil, dictionary: dictionaries[column],
                    references: references, selected: $0, into: $1)
            }
        }
    }

    private static func customerCells(
        _ customers: CustomerBlock, _ block: PartFooter.RowBlock, _ type: ColumnType
    ) -> [PlainTable.Cell] {
        var cells: [PlainTable.Cell] = []
        for customer in 0..<customers.count {
            let cell: PlainTable.Cell =
                block.isNullCustomer
                ? .null
                : type == .int ? .integer(customers.keys[customer]) : .string(customers.strings.string(customer))
            for _ in customers.rowStarts[customer]..<customers.rowStarts[customer + 1] { cells.append(cell) }
        }
        return cells
    }
}
