import DukkanFormat

/// Reads every block of a part in every way that there is, and compares the ways.
struct PartReading {
    let part: HostilePart
    let footer: PartFooter
    /// Chooses the rows and conditions that are tried.
    let seed: UInt64
    /// Rows that are read of a file at most; more say nothing new.
    private static let rowCountMax = 1 << 17

    func run() throws {
        let columns = footer.columns.indices
        let dictionaries: [StringDictionary?] = try columns.map { column in
            guard let location = footer.columns[column].dictionary else { return nil }
            return try answer {
                try part.withBlock(location) { try PartDecoder.decodeDictionary($0, footer: footer, column: column) }
            }
        }
        let models: [ColumnModel?] = try columns.map { column in
            guard let location = footer.columns[column].model else { return nil }
            return try answer {
                try part.withBlock(location) { try PartDecoder.decodeModel($0, footer: footer, column: column) }
            }
        }
        var rows = 0
        for block in footer.rowBlocks.indices {
            rows += footer.rowBlocks[block].rowCount
            guard rows <= PartReading.rowCountMax else { return }
            let customers = CustomerBlock()
            let isKnown =
                try answer {
                    try part.withBlock(footer.rowBlocks[block].directory) {
                        try PartDecoder.decodeCustomers($0, footer: footer, block: block, into: customers)
                    }
                } != nil
            for column in columns where footer.columns[column].definition.role != .customer {
                if footer.columns[column].dictionary != nil && dictionaries[column] == nil { continue }
                try read(
                    column, block, isKnown ? customers : nil, dictionaries[column], models, dictionaries)
            }
        }
    }

    private func read(
        _ column: Int, _ block: Int, _ customers: CustomerBlock?, _ dictionary: StringDictionary?,
        _ models: [ColumnModel?], _ dictionaries: [StringDictionary?]
    ) throws {
        let columnBlock = footer.columns[column].blocks[block]
        if columnBlock.needsCustomers && customers == nil { return }
        var references = BlockReferences(model: models[column])
        if let number = columnBlock.sharedBitmap {
            guard let bitmap = try bitmap(number, block) else { return }
            references.bitmap = bitmap
        }
        if let reference = columnBlock.referenceColumn {
            let source = footer.columns[reference]
            guard models[column] != nil, source.dictionary == nil || dictionaries[reference] != nil,
                !source.blocks[block].needsCustomers || customers != nil
            else { return }
            var its = BlockReferences()
            if let number = source.blocks[block].sharedBitmap { its.bitmap = try bitmap(number, block) }
            let values = ColumnVector(source.definition.type.physical)
            let isRead =
                try answer {
                    try part.withBlock(source.blocks[block].location) {
                        try PartDecoder.decodeColumn(
                            $0, footer: footer, column: reference, block: block, customers: customers,
                            dictionary: dictionaries[reference], references: its, into: values)
                    }
                } != nil
            guard isRead else { return }
            references.column = values
        }
        let checks = ColumnBlockChecks(
            footer: footer, column: column, block: block, customers: customers, dictionary: dictionary,
            references: references, seed: seed)
        try part.withBlock(columnBlock.location) { try checks.run($0) }
    }

    private func bitmap(_ number: Int, _ block: Int) throws -> RowBitmap? {
        guard let location = footer.rowBlocks[block].bitmaps[number] else { return nil }
        let bitmap = RowBitmap()
        return try answer {
            try part.withBlock(location) {
                try PartDecoder.decodeBitmap($0, footer: footer, block: block, bitmap: number, into: bitmap)
            }
            return bitmap
        }
    }
}
