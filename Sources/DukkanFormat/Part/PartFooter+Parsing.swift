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
        self.version = version
        let byteCount = content.count + PartChecksum.byteCount
        let blocksEnd = end - PartFooter.copyCount(ofVersion: version) * byteCount
        guard blocksEnd >= PartFooter.headerByteCount else { throw corrupt("a footer larger than its file") }
        copyPlace = version < 3 ? nil : BlockLocation(offset: blocksEnd, byteCount: byteCount)
        var reader = ByteReader(content)
        let (high, low) = (try reader.uint64(), try reader.uint64())
        self.identifier = PartIdentifier(high: high, low: low)
        guard self.identifier == identifier else { throw corrupt("the file is another part") }
        rowCount = try reader.count(PartLimits.rowCountMax, "rows")
        customerCount = try reader.count(rowCount, "customers")
        columns = try PartFooter.parseColumns(&reader, version)
        customerType = columns[PartFooter.place(of: .customer, columns)].definition.type
        sharedBitmapCount =
            version < 2 ? 0 : try reader.count(PartLimits.sharedBitmapCountMax, "shared bitmaps of a row block")
        rowBlocks = []
        try parseRowBlocks(&reader)
        try parseStripes(&reader, blocksEnd: blocksEnd)
        guard reader.isAtEnd else { throw corrupt("bytes behind the footer's end") }
        try checkReferences()
        for column in columns.indices { columns[column].summarize(rowCount: rowCount) }
    }

    private static func place(of role: ColumnDefinition.Role, _ columns: [PartColumn]) -> Int {
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

    private mutating func parseRowBlocks(_ reader: inout ByteReader) throws(DukkanError) {
        let count = try reader.count(PartLimits.rowBlockCountMax, "row blocks")
        // Each takes several bytes, so that a short footer cannot ask for much memory.
        guard count <= reader.remaining else { throw corrupt("more row blocks than the footer has bytes") }
        rowBlocks.reserveCapacity(count)
        var keys = FooterKeys(customerType)
        var firstRow = 0, customers = 0
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
            try check(block)
            firstRow += rows
            rowBlocks.append(block)
        }
        guard firstRow == rowCount, customers == customerCount else { throw corrupt("counts that do not add up") }
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

    private func check(_ block: RowBlock) throws(DukkanError) {
        guard block.continues || block.isNullCustomer ? block.customerCount == 1 : true else {
            throw corrupt("a block of one customer with \(block.customerCount)")
        }
        guard let previous = rowBlocks.last else {
            if block.continues { throw corrupt("a first block that continues another") }
            return
        }
        // Rows without a customer come last, and are one run.
        guard previous.isNullCustomer ? block.isNullCustomer && block.continues : true,
            !block.continues || block.isNullCustomer == previous.isNullCustomer,
            !block.continues || previous.customerCount == 1
        else { throw corrupt("row blocks in an impossible order") }
    }

    private mutating func parseStripes(_ reader: inout ByteReader, blocksEnd: Int) throws(DukkanError) {
        let stripeCount = try reader.count(rowBlocks.count, "stripes")
        var sizes: [Int] = []
        var total = 0
        for _ in 0..<stripeCount {
            let size = try reader.count(PartLimits.stripeBlockCountMax, "blocks of a stripe")
            guard size > 0 else { throw corrupt("an empty stripe") }
            sizes.append(size)
            total += size
        }
        guard total == rowBlocks.count else { throw corrupt("stripes that do not add up") }
        var offset = PartFooter.headerByteCount
        func place(_ byteCount: Int) throws(DukkanError) -> BlockLocation {
            // A checksum and a frame are the least that a block has.
            guard byteCount > PartChecksum.byteCount, byteCount <= blocksEnd - offset else {
                throw corrupt("a block outside the file")
            }
            defer { offset += byteCount }
            return BlockLocation(offset: offset, byteCount: byteCount)
        }
        let customerColumn = PartFooter.place(of: .customer, columns)
        for column in columns.indices where column != customerColumn {
            columns[column].blocks.reserveCapacity(rowBlocks.count)
        }
        var first = 0
        for size in sizes {
            for block in first..<first + size {
                rowBlocks[block].directory = try place(rowBlocks[block].directory.byteCount)
            }
            for bitmap in 0..<sharedBitmapCount {
                for block in first..<first + size {
                    guard let location = rowBlocks[block].bitmaps[bitmap] else { continue }
                    rowBlocks[block].bitmaps[bitmap] = try place(location.byteCount)
                }
            }
            for column in columns.indices where column != customerColumn {
                let type = columns[column].definition.type
                let dictionaryCount = columns[column].dictionary == nil ? nil : columns[column].dictionaryCount
                for block in first..<first + size {
                    let location = try place(try reader.count(PartLimits.blockByteCountMax, "bytes of a block"))
                    columns[column].blocks.append(
                        try ColumnBlock(
                            &reader, location, type, dictionaryCount, rowBlocks[block].rowCount, version))
                }
            }
            first += size
        }
        for column in columns.indices {
            if let dictionary = columns[column].dictionary {
                columns[column].dictionary = try place(dictionary.byteCount)
            }
            if let model = columns[column].model { columns[column].model = try place(model.byteCount) }
        }
        guard offset == blocksEnd else { throw corrupt("bytes that belong to no block") }
    }
}

extension PartFooter.ColumnBlock {
    fileprivate init(
        _ reader: inout ByteReader, _ location: PartFooter.BlockLocation, _ type: ColumnType, _ dictionaryCount: Int?,
        _ rowCount: Int, _ version: UInt32
    ) throws(DukkanError) {
        let flags = try reader.byte()
        let known = version < 2 ? FooterFlags.columnBlockOfVersion1 : FooterFlags.columnBlockAll
        guard flags & ~known == 0 else { throw corrupt("unknown flags of a block") }
        self.location = location
        needsCustomers = flags & FooterFlags.needsCustomers != 0
        storesRanks = flags & FooterFlags.storesRanks != 0
        guard !storesRanks || dictionaryCount != nil else { throw corrupt("ranks without a dictionary") }
        statistics = .empty
        statistics.nullCount = try reader.count(rowCount, "nulls of a block")
        statistics.containsNaN = flags & FooterFlags.containsNaN != 0
        if flags & FooterFlags.needsBitmap != 0 {
            sharedBitmap = try reader.count(PartLimits.sharedBitmapCountMax, "number of a shared bitmap")
        }
        if flags & FooterFlags.needsColumn != 0 {
            referenceColumn = try reader.count(PartLimits.columnCountMax, "number of a column")
        }
        let kind = type.physical
        if flags & FooterFlags.bounds != 0 {
            if kind == .doubles {
                statistics.minimumDouble = Double(bitPattern: try reader.uint64())
                statistics.maximumDouble = Double(bitPattern: try reader.uint64())
                guard statistics.minimumDouble <= statistics.maximumDouble else { throw corrupt("impossible bounds") }
            } else {
                statistics.minimum = try reader.signed()
                statistics.maximum = statistics.minimum &+ Int64(bitPattern: try reader.varint())
                guard statistics.minimum <= statistics.maximum else { throw corrupt("impossible bounds") }
            }
        }
        if flags & FooterFlags.sum != 0 { statistics.sum = try reader.signed128() }
        if flags & FooterFlags.codePresence != 0 { statistics.codePresence = try reader.varint() }
        if let dictionaryCount {
            let isEmpty = statistics.minimum > statistics.maximum
            guard isEmpty || statistics.minimum >= 0 && statistics.maximum < Int64(dictionaryCount) else {
                throw corrupt("codes outside the dictionary")
            }
        }
    }
}

extension PartFooter.PartColumn {
    /// Adds up the blocks' statistics.
    ///
    /// A column without blocks is that of the customers.
    fileprivate mutating func summarize(rowCount: Int) {
        guard let first = blocks.first else { return }
        var total = first.statistics
        var sum: Int128? = total.sum ?? 0
        var presence: UInt64? = total.codePresence ?? 0
        for (index, block) in blocks.enumerated() {
            let block = block.statistics
            if block.minimum <= block.maximum || block.minimumDouble <= block.maximumDouble {
                if block.sum == nil { sum = nil }
                if block.codePresence == nil { presence = nil }
            }
            if index == 0 { continue }
            total.nullCount += block.nullCount
            total.minimum = min(total.minimum, block.minimum)
            total.maximum = max(total.maximum, block.maximum)
            total.minimumDouble = min(total.minimumDouble, block.minimumDouble)
            total.maximumDouble = max(total.maximumDouble, block.maximumDouble)
            total.containsNaN = total.containsNaN || block.containsNaN
            sum = sum.map { $0 &+ (block.sum ?? 0) }
            presence = presence.map { $0 | (block.codePresence ?? 0) }
        }
        let hasSum =
            switch definition.type {
            case .bool, .int, .decimal, .date: true
            case .double, .timestamp, .string: false
            }
        total.sum = hasSum ? sum : nil
        total.codePresence = dictionary != nil && dictionaryCount <= 64 ? presence : nil
        statistics = total
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
