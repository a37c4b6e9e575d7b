extension PartFooter {
    /// Gives out the places of blocks that follow each other.
    struct BlockPlaces {
        private(set) var offset: Int
        /// Where the last of them must end.
        let end: Int

        init(offset: Int, end: Int) {
            self.offset = offset
            self.end = end
        }

        mutating func next(_ byteCount: Int) throws(DukkanError) -> BlockLocation {
            // A checksum and a frame are the least that a block has.
            guard byteCount > PartChecksum.byteCount, byteCount <= end - offset else {
                throw corrupt("a block outside the file")
            }
            defer { offset += byteCount }
            return BlockLocation(offset: offset, byteCount: byteCount)
        }
    }

    /// Tells where dictionaries and models lie, whose sizes are known.
    mutating func placeColumnDetails(_ places: inout BlockPlaces) throws(DukkanError) {
        for column in columns.indices {
            if let dictionary = columns[column].dictionary {
                columns[column].dictionary = try places.next(dictionary.byteCount)
            }
            if let model = columns[column].model { columns[column].model = try places.next(model.byteCount) }
        }
    }

    /// Reads what is said of the blocks of a stripe, and tells where they lie.
    mutating func parseStripe(
        _ reader: inout ByteReader, _ blocks: Range<Int>, _ places: inout BlockPlaces
    ) throws(DukkanError) {
        for block in blocks {
            rowBlocks[block].directory = try places.next(rowBlocks[block].directory.byteCount)
        }
        for bitmap in 0..<sharedBitmapCount {
            for block in blocks {
                guard let location = rowBlocks[block].bitmaps[bitmap] else { continue }
                rowBlocks[block].bitmaps[bitmap] = try places.next(location.byteCount)
            }
        }
        let customerColumn = PartFooter.place(of: .customer, columns)
        for column in columns.indices where column != customerColumn {
            if columns[column].blocks.isEmpty { columns[column].blocks.reserveCapacity(rowBlocks.count) }
            let type = columns[column].definition.type
            let dictionaryCount = columns[column].dictionary == nil ? nil : columns[column].dictionaryCount
            for block in blocks {
                let location = try places.next(try reader.count(PartLimits.blockByteCountMax, "bytes of a block"))
                columns[column].blocks.append(
                    try ColumnBlock(&reader, location, type, dictionaryCount, rowBlocks[block].rowCount, version))
            }
        }
    }

    /// Adds up the statistics of each column's blocks.
    mutating func summarize() {
        for column in columns.indices { columns[column].summarize() }
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
    fileprivate mutating func summarize() {
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
