/// Writes the rows of a part, sorted by customer and time, as bytes to a sink.
///
/// Holds at most one stripe of rows in memory, beside what the caller hands over in one call.
package final class PartWriter {
    private let identifier: PartIdentifier
    private let dictionaries: [StringDictionary?]
    private let options: PartOptions
    private let checksum: PartChecksum
    private let sink: (UnsafeRawBufferPointer) throws -> Void
    private let replace: (Int, UnsafeRawBufferPointer) throws -> Void
    private var pending: PendingRows
    private var footer: FooterEncoder
    private var offset = 0
    private var summary: PartSummary
    private var isFinished = false
    /// Chosen with the first stripe.
    private var layout: PartLayout?
    /// Where the models of columns were written.
    private var modelPlaces: [Int: PartFooter.BlockLocation] = [:]
    /// Columns whose models have learnt more since they were written.
    private var changedModels: Set<Int> = []

    /// Rows that are taken over before the next look whether a stripe is full.
    private static let sliceRowCount = 1 << 16
    /// The same where rows bring strings, which may be long.
    private static let stringSliceRowCount = 1 << 12
    private static let pendingStringByteMax = 64 << 20
    /// Rows that wait at most, as long as row blocks have the size that they should have: less than a block more than a
    /// stripe, and what comes at once.
    private static let pendingRowCountMax =
        (PartLimits.stripeBlockCountMax + 1) * PartLimits.rowBlockTarget + sliceRowCount

    /// Begins a part with `columns`, which a schema has validated.
    ///
    /// - Parameters:
    ///   - dictionaries: one for each column: the sorted strings that its codes refer to, or nil where each call's vector
    ///     brings its own dictionary. Always nil for the customer column.
    ///   - rowCount: rows that will come, where that is known; else 0.
    ///   - replace: gets bytes that take the place of others, at an offset that `sink` got them for; at the end, and only
    ///     in parts of several stripes. What it throws ends the part.
    ///   - sink: gets the file's bytes in order. What it throws ends the part.
    package init(
        columns: [ColumnDefinition], identifier: PartIdentifier, dictionaries: [StringDictionary?],
        options: PartOptions, rowCount: Int = 0, replace: @escaping (Int, UnsafeRawBufferPointer) throws -> Void,
        sink: @escaping (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        precondition(columns.count == dictionaries.count)
        try TableSchema("part", columns: columns).validate()
        for (column, dictionary) in zip(columns, dictionaries) {
            guard let dictionary else { continue }
            guard column.type == .string, column.role != .customer, dictionary.isSorted else {
                throw DukkanError(.invalidArgument, "column \(column.name) cannot have this part dictionary")
            }
            try PartWriter.checkLimits(dictionary)
        }
        self.identifier = identifier
        self.dictionaries = dictionaries
        self.options = options
        self.sink = sink
        self.replace = replace
        checksum = PartChecksum(identifier)
        pending = PendingRows(columns: columns, dictionaries: dictionaries)
        pending.reserve(min(rowCount, PartWriter.pendingRowCountMax))
        footer = FooterEncoder(columns: columns, dictionaries: dictionaries, identifier: identifier)
        summary = PartSummary(
            rowCount: 0, customerCount: 0, byteCount: 0, minimumTime: .max, maximumTime: .min, minimumCustomer: nil,
            maximumCustomer: nil)
        try write(PartHeader.encode(identifier))
    }

    private static func checkLimits(_ dictionary: StringDictionary) throws {
        guard dictionary.count <= PartLimits.dictionaryCountMax,
            dictionary.bytes.count <= PartLimits.dictionaryByteCountMax
        else {
            throw DukkanError(.limit, "a part dictionary of \(dictionary.count) strings")
        }
        for code in 0..<dictionary.count
        where Int(dictionary.offsets[code + 1] - dictionary.offsets[code]) > PartLimits.stringByteCountMax {
            throw DukkanError(.limit, "a string of more than \(PartLimits.stringByteCountMax) bytes")
        }
    }

    /// Takes over rows: one vector for each column, in the columns' order, that of the customers included.
    ///
    /// Rows are sorted by customer and time, also from call to call, and those without a customer come last. Throws
    /// `invalidArgument` where they are not, `limit` for strings that are too long, and what the sink throws.
    package func append(_ rows: [ColumnVector]) throws {
        precondition(!isFinished && rows.count == pending.columns.count)
        let rowCount = rows[0].count
        for (vector, column) in zip(rows, pending.columns) {
            precondition(vector.count == rowCount && vector.kind == column.type.physical)
        }
        let hasLocalStrings = pending.pools.contains { $0 != nil }
        let sliceRowCount = hasLocalStrings ? PartWriter.stringSliceRowCount : PartWriter.sliceRowCount
        var start = 0
        while start < rowCount {
            let end = min(rowCount, start + sliceRowCount)
            try pending.append(rows, start..<end, workers: options.workers)
            pending.cut(isFinal: false)
            while isStripeDue {
                try writeStripe()
                pending.cut(isFinal: false)
            }
            start = end
        }
    }

    /// A stripe is full, or its strings take too much memory to wait for more.
    private var isStripeDue: Bool {
        let blockCount = pending.planner.blocks.count
        return blockCount == PartLimits.stripeBlockCountMax
            || blockCount > 0 && pending.stringByteCount > PartWriter.pendingStringByteMax
    }

    /// Writes what is left, and the footer.
    ///
    /// Nothing may be appended afterwards.
    package func finish() throws -> PartSummary {
        precondition(!isFinished)
        isFinished = true
        pending.cut(isFinal: true)
        while !pending.planner.blocks.isEmpty {
            try writeStripe()
            pending.cut(isFinal: true)
        }
        if layout == nil { try writeColumnDetails() }
        for column in changedModels.ascending() { try rewriteModel(column) }
        let footerByteCount = try write(block: footer.encode())
        try write(PartTrailer.encode(footerByteCount: footerByteCount, offset: offset))
        summary.byteCount = offset
        return summary
    }

    /// Writes the dictionaries and models, which stand before all rows, so that a part that is cut off still has them.
    private func writeColumnDetails() throws {
        for column in dictionaries.indices {
            try writeDictionary(column)
            try writeModel(column)
        }
    }

    private func writeDictionary(_ column: Int) throws {
        guard let dictionary = dictionaries[column] else { return }
        var content = ByteWriter()
        let effort = EncodingEffort(options)
        PartDictionary.encode(
            dictionary, codesByRank: layout?.codesByRank[column] ?? [], into: &content, effort: effort)
        let bytes = BlockFrame.wrap(content.bytes, tryLZ4: true, effort: effort)
        footer.addDictionary(column: column, byteCount: try write(block: bytes))
    }

    private func writeModel(_ column: Int) throws {
        guard let bytes = modelBlock(column) else { return }
        let place = PartFooter.BlockLocation(offset: offset, byteCount: try write(block: bytes))
        modelPlaces[column] = place
        footer.addModel(column: column, byteCount: place.byteCount)
    }

    /// Puts a model in its own place that knows of all stripes.
    private func rewriteModel(_ column: Int) throws {
        guard let bytes = modelBlock(column), let place = modelPlaces[column] else { return }
        let block = checked(block: bytes, at: place.offset)
        precondition(block.count == place.byteCount, "the size of a table does not depend on its values")
        try block.withUnsafeBytes { try replace(place.offset, $0) }
    }

    private func modelBlock(_ column: Int) -> [UInt8]? {
        guard let model = layout?.model(of: column) else { return nil }
        var content = ByteWriter()
        let effort = EncodingEffort(options)
        model.encode(into: &content, entryMax: dictionaries[column]?.count ?? 0, effort: effort)
        return BlockFrame.wrap(content.bytes, tryLZ4: false, effort: effort)
    }

    private func writeStripe() throws {
        var layout = self.layout ?? LayoutChoice(StripeEncoder.Input(pending, options)).choose()
        let extended = layout.extend(with: pending, rows: 0..<pending.planner.plannedRowCount)
        let isFirst = self.layout == nil
        self.layout = layout
        if isFirst {
            footer.sharedBitmapCount = layout.sharedBitmapCount
            try writeColumnDetails()
        } else {
            changedModels.formUnion(extended)
        }
        let encoded = StripeEncoder(pending: pending, options: options, layout: layout).encode()
        let outlineByteCount = try write(block: footer.outline(of: encoded, pending))
        footer.addStripe(encoded, pending, outlineByteCount: outlineByteCount)
        for directory in encoded.directories { _ = try write(block: directory.bytes) }
        for block in encoded.bitmaps.joined() {
            if let block { _ = try write(block: block.bytes) }
        }
        for block in encoded.columns.joined() { _ = try write(block: block.bytes) }
        summarize(encoded)
        pending.removeBlocks()
    }

    private func summarize(_ encoded: StripeEncoder.Stripe) {
        (summary.rowCount, summary.customerCount) = (footer.rowCount, footer.customerCount)
        for (index, plan) in pending.planner.blocks.enumerated() {
            if !plan.isNullCustomer {
                summary.minimumCustomer = summary.minimumCustomer ?? pending.key(ofRun: plan.firstRun)
                summary.maximumCustomer = pending.key(ofRun: plan.firstRun + plan.runCount - 1)
            }
            let times = encoded.columns[pending.timeColumn][index].statistics
            summary.minimumTime = min(summary.minimumTime, times.minimum)
            summary.maximumTime = max(summary.maximumTime, times.maximum)
        }
    }

    /// Writes a block and its checksum; returns their size.
    private func write(block bytes: [UInt8]) throws -> Int {
        guard bytes.count < PartLimits.blockByteCountMax else {
            throw DukkanError(.limit, "a block of \(bytes.count) bytes")
        }
        let block = checked(block: bytes, at: offset)
        try write(block)
        return block.count
    }

    /// A block with its checksum behind it.
    private func checked(block bytes: [UInt8], at offset: Int) -> [UInt8] {
        var writer = ByteWriter(bytes: bytes)
        writer.appendUInt32(bytes.withUnsafeBytes { checksum(offset: offset, $0) })
        return writer.bytes
    }

    private func write(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { try sink($0) }
        offset += bytes.count
    }
}
