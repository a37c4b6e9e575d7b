extension PartFooter {
    /// Reads a footer, `bytes` and `version` being those of ``place(trailer:fileByteCount:)``.
    ///
    /// Throws `corrupt` unless the blocks that it names cover the file without gap or overlap and all counts agree.
    /// O(columns x row blocks).
    package init(
        parsing bytes: UnsafeRawBufferPointer, version: UInt32, fileByteCount: Int, identifier: PartIdentifier
    ) throws {
        let end = fileByteCount - PartFooter.trailerByteCount
        let content = try PartChecksum(identifier).verified(offset: end - bytes.count, bytes)
        try self.init(content: content, version: version, end: end, identifier: identifier)
    }

    /// Reads a footer whose checksum holds and is left out.
    ///
    /// - Parameter end: where the trailer begins.
    init(content: UnsafeRawBufferPointer, version: UInt32, end: Int, identifier: PartIdentifier) throws {
        let byteCount = content.count + PartChecksum.byteCount
        let copyCount = PartFooter.copyCount(ofVersion: version)
        let blocksEnd = end - copyCount * byteCount
        guard blocksEnd >= PartFooter.headerByteCount else { throw corrupt("a footer larger than its file") }
        var reader = ByteReader(content)
        guard try reader.identifier() == identifier else { throw corrupt("the file is another part") }
        try self.init(&reader, version, identifier, firstRow: 0, blockCountMax: PartLimits.rowBlockCountMax)
        if copyCount > 1 { copyPlace = BlockLocation(offset: blocksEnd, byteCount: byteCount) }
        var places = BlockPlaces(offset: PartFooter.headerByteCount, end: blocksEnd)
        if version >= PartOutline.firstVersion { try placeColumnDetails(&places) }
        let stripeCount = try reader.count(rowBlocks.count, "stripes")
        var sizes: [(blockCount: Int, outlineByteCount: Int)] = []
        for _ in 0..<stripeCount {
            let size = try reader.count(PartLimits.stripeBlockCountMax, "blocks of a stripe")
            guard size > 0 else { throw corrupt("an empty stripe") }
            let outlineByteCount =
                version < PartOutline.firstVersion
                ? 0 : try reader.count(PartLimits.footerByteCountMax, "bytes of an outline")
            sizes.append((size, outlineByteCount))
        }
        guard sizes.reduce(0, { $0 + $1.blockCount }) == rowBlocks.count else {
            throw corrupt("stripes that do not add up")
        }
        var first = 0
        for (blockCount, outlineByteCount) in sizes {
            let blocks = first..<first + blockCount
            if version >= PartOutline.firstVersion {
                stripes.append(Stripe(rowBlocks: blocks, outline: try places.next(outlineByteCount)))
            }
            try parseStripe(&reader, blocks, &places)
            first = blocks.upperBound
        }
        if version < PartOutline.firstVersion { try placeColumnDetails(&places) }
        guard places.offset == blocksEnd else { throw corrupt("bytes that belong to no block") }
        guard reader.isAtEnd else { throw corrupt("bytes behind the footer's end") }
        try checkReferences()
        summarize()
    }

    /// Reads what an outline says, behind the number of row blocks before its stripe; returns where the stripe ends.
    ///
    /// - Parameter outline: where the outline lies.
    init(
        _ reader: inout ByteReader, outline: BlockLocation, firstRow: Int, version: UInt32, identifier: PartIdentifier,
        end: inout Int
    ) throws {
        try self.init(
            &reader, version, identifier, firstRow: firstRow, blockCountMax: PartLimits.stripeBlockCountMax)
        var details = BlockPlaces(offset: PartFooter.headerByteCount, end: outline.offset)
        try placeColumnDetails(&details)
        guard !rowBlocks.isEmpty else { throw corrupt("a stripe without rows") }
        stripes = [Stripe(rowBlocks: rowBlocks.indices, outline: outline)]
        var places = BlockPlaces(offset: outline.end, end: PartLimits.fileByteCountMax)
        try parseStripe(&reader, rowBlocks.indices, &places)
        guard reader.isAtEnd else { throw corrupt("bytes behind an outline's end") }
        try checkReferences()
        summarize()
        end = places.offset
    }

    /// Reads what footers and outlines have in common, from the number of rows to the row blocks.
    private init(
        _ reader: inout ByteReader, _ version: UInt32, _ identifier: PartIdentifier, firstRow: Int, blockCountMax: Int
    ) throws {
        self.version = version
        self.identifier = identifier
        rowCount = try reader.count(PartLimits.rowCountMax - firstRow, "rows")
        customerCount = try reader.count(rowCount, "customers")
        columns = try PartFooter.parseColumns(&reader, version)
        customerType = columns[PartFooter.place(of: .customer, columns)].definition.type
        sharedBitmapCount =
            version < 2 ? 0 : try reader.count(PartLimits.sharedBitmapCountMax, "shared bitmaps of a row block")
        rowBlocks = []
        stripes = []
        try parseRowBlocks(&reader, firstRow: firstRow, countMax: blockCountMax)
    }

    static func place(of role: ColumnDefinition.Role, _ columns: [PartColumn]) -> Int {
        columns.firstIndex { $0.definition.role == role } ?? 0
    }

    private static func parseColumns(_ reader: inout ByteReader, _ version: UInt32) throws -> [PartColumn] {
        let count = try reader.count(PartLimits.columnCountMax, "columns")
        var columns: [PartColumn] = []
        for _ in 0..<count {
            let name = try reader.string(TableSchema.nameLengthMax, "name of a column")
            let type = try parseType(&reader)
            let roles: [ColumnDefinition.Role] = [.attribute, .customer, .time, .unique]
            let role = Int(try reader.byte())
            guard role < roles.count else { throw corrupt("unknown role \(role) of a column") }
            let flags = try reader.byte()
            guard flags <= (version < 2 ? FooterFlags.dictionary : FooterFlags.columnAll) else {
                throw corrupt("unknown flags of a column")
            }
            let hasDictionary = flags & FooterFlags.dictionary != 0
            guard !hasDictionary || type == .string && role != 1 else {
                throw corrupt("a dictionary where none can be")
            }
            var column = PartColumn(
                definition: ColumnDefinition(name, type, role: roles[role]), blocks: [], dictionary: nil,
                dictionaryCount: 0, model: nil, statistics: .empty)
            if hasDictionary {
                column.dictionaryCount = try reader.count(PartLimits.dictionaryCountMax, "strings of a dictionary")
                let byteCount = try reader.count(PartLimits.blockByteCountMax, "bytes of a dictionary")
                column.dictionary = BlockLocation(offset: 0, byteCount: byteCount)
            }
            if flags & FooterFlags.model != 0 {
                let byteCount = try reader.count(PartLimits.blockByteCountMax, "bytes of a model")
                column.model = BlockLocation(offset: 0, byteCount: byteCount)
            }
            columns.append(column)
        }
        do {
            try TableSchema("part", columns: columns.map(\.definition)).validate()
        } catch {
            throw DukkanError(.corrupt, "the footer's columns are no table", cause: error)
        }
        return columns
    }

    private static func parseType(_ reader: inout ByteReader) throws(DukkanError) -> ColumnType {
        let code = try reader.byte()
        switch code {
        case 0: return .bool
        case 1: return .int
        case 2: return .decimal(scale: Int(try reader.byte()))
        case 3: return .double
        case 4: return .timestamp
        case 5: return .date
        case 6: return .string
        default: throw corrupt("unknown type \(code) of a column")
        }
    }

    private mutating func parseRowBlocks(
        _ reader: inout ByteReader, firstRow start: Int, countMax: Int
    ) throws(DukkanError) {
        let count = try reader.count(countMax, "row blocks")
        // Each takes several bytes, so that a short footer cannot ask for much memory.
        guard count <= reader.remaining else { throw corrupt("more row blocks than the footer has bytes") }
        rowBlocks.reserveCapacity(count)
        var keys = FooterKeys(customerType)
        var firstRow = start, customers = 0
        for _ in 0..<count {
            let rows = try reader.count(PartLimits.rowBlockRowCountMax, "rows of a block")
            let blockCustomers = try reader.count(rows, "customers of a block")
            let flags = try reader.byte()
            guard rows > 0, blockCustomers > 0, flags & ~FooterFlags.rowBlockAll == 0 else {
                throw corrupt("an impossible row block")
            }
            let directory = try reader.count(PartLimits.blockByteCountMax, "bytes of a directory")
            var block = RowBlock(
                firstRow: firstRow, rowCount: rows, customerCount: blockCustomers,
                continues: flags & FooterFlags.continues != 0, isNullCustomer: flags & FooterFlags.nullCustomer != 0,
                firstCustomer: nil, lastCustomer: nil, directory: BlockLocation(offset: 0, byteCount: directory),
                bitmaps: try parseBitmaps(&reader))
            if !block.isNullCustomer {
                (block.firstCustomer, block.lastCustomer) = try keys.next(&reader, block)
                customers += block.continues ? 0 : blockCustomers
            }
            try check(block, isFirstOfPart: firstRow == 0)
            firstRow += rows
            rowBlocks.append(block)
        }
        guard firstRow - start == rowCount, customers == customerCount else {
            throw corrupt("counts that do not add up")
        }
    }

    private func parseBitmaps(_ reader: inout ByteReader) throws(DukkanError) -> [BlockLocation?] {
        var bitmaps: [BlockLocation?] = []
        for _ in 0..<sharedBitmapCount {
            let byteCount = try reader.count(PartLimits.blockByteCountMax, "bytes of a shared bitmap")
            bitmaps.append(byteCount == 0 ? nil : BlockLocation(offset: 0, byteCount: byteCount))
        }
        return bitmaps
    }

    /// A column block is decoded from at most one other column's, which is decoded from none.
    private func checkReferences() throws(DukkanError) {
        for column in columns {
            for (block, columnBlock) in column.blocks.enumerated() {
                if let bitmap = columnBlock.sharedBitmap {
                    guard bitmap < sharedBitmapCount, rowBlocks[block].bitmaps[bitmap] != nil else {
                        throw corrupt("a block that needs a shared bitmap that is not there")
                    }
                }
                if let reference = columnBlock.referenceColumn {
                    guard column.model != nil, reference < columns.count, !columns[reference].blocks.isEmpty,
                        columns[reference].blocks[block].referenceColumn == nil
                    else { throw corrupt("a block that is decoded from another that it cannot be decoded from") }
                }
            }
        }
    }

    private func check(_ block: RowBlock, isFirstOfPart: Bool) throws(DukkanError) {
        guard block.continues || block.isNullCustomer ? block.customerCount == 1 : true else {
            throw corrupt("a block of one customer with \(block.customerCount)")
        }
        guard let previous = rowBlocks.last else {
            if block.continues && isFirstOfPart { throw corrupt("a first block that continues another") }
            return
        }
        // Rows without a customer come last, and are one run.
        guard previous.isNullCustomer ? block.isNullCustomer && block.continues : true,
            !block.continues || block.isNullCustomer == previous.isNullCustomer,
            !block.continues || previous.customerCount == 1
        else { throw corrupt("row blocks in an impossible order") }
    }
}

/// Reads the first and last keys of the row blocks and checks that they ascend.
private struct FooterKeys {
    private let customerType: ColumnType
    private var lastInteger: Int64 = 0
    private var lastString: [UInt8] = []
    private var isFirst = true

    init(_ customerType: ColumnType) {
        self.customerType = customerType
    }

    mutating func next(
        _ reader: inout ByteReader, _ block: PartFooter.RowBlock
    ) throws(DukkanError) -> (CustomerKey, CustomerKey) {
        let first = try key(&reader, mayEqual: block.continues, mustEqual: block.continues)
        let last = try key(&reader, mayEqual: block.customerCount == 1, mustEqual: block.customerCount == 1)
        return (first, last)
    }

    private mutating func key(
        _ reader: inout ByteReader, mayEqual: Bool, mustEqual: Bool
    ) throws(DukkanError) -> CustomerKey {
        defer { isFirst = false }
        if customerType == .int {
            let previous = lastInteger
            lastInteger = previous &+ (try reader.signed())
            let isRight = mustEqual ? lastInteger == previous : lastInteger > previous
            guard isRight || isFirst else { throw corrupt("customers that are not in order") }
            return .integer(lastInteger)
        }
        let shared = try reader.count(lastString.count, "shared bytes of a key")
        let added = try reader.count(PartLimits.stringByteCountMax - shared, "bytes of a key")
        let bytes = UnsafeBufferPointer(start: try reader.take(added), count: added)
        let isEqual = shared == lastString.count && added == 0
        let ascends = added > 0 && (shared == lastString.count || lastString[shared] < bytes[0])
        guard isFirst || (mustEqual ? isEqual : ascends) else { throw corrupt("customers that are not in order") }
        lastString.removeSubrange(shared...)
        lastString.append(contentsOf: bytes)
        return .string(String(decoding: lastString, as: UTF8.self))
    }
}
