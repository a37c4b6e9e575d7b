/// Collects what the footer, and the outline of each stripe, say of blocks and columns while they are written.
struct FooterEncoder {
    private let columns: [ColumnDefinition]
    private let identifier: PartIdentifier
    private var dictionaries: [(count: Int, byteCount: Int)?]
    /// Bytes of each column's model; 0 for none.
    private var models: [Int]
    /// Shared bitmaps of a row block.
    var sharedBitmapCount = 0
    private(set) var rowCount = 0
    /// Distinct customers.
    private(set) var customerCount = 0
    private var rowBlocks = ByteWriter()
    private var rowBlockCount = 0
    private var stripes = ByteWriter()
    private var stripeCount = 0
    /// The column blocks in the order of the file.
    private var columnBlocks = ByteWriter()
    private var previousKey: CustomerKey?

    init(columns: [ColumnDefinition], dictionaries: [StringDictionary?], identifier: PartIdentifier) {
        self.columns = columns
        self.identifier = identifier
        self.dictionaries = dictionaries.map { $0.map { ($0.count, 0) } }
        models = columns.map { _ in 0 }
    }

    mutating func addModel(column: Int, byteCount: Int) {
        models[column] = byteCount
    }

    mutating func addDictionary(column: Int, byteCount: Int) {
        dictionaries[column]?.byteCount = byteCount
    }

    /// Adds what is known of a stripe, whose blocks will follow its outline.
    ///
    /// - Parameter outlineByteCount: bytes of the outline, its checksum included.
    mutating func addStripe(_ stripe: StripeEncoder.Stripe, _ pending: PendingRows, outlineByteCount: Int) {
        stripes.appendVarint(pending.planner.blocks.count)
        stripes.appendVarint(outlineByteCount)
        stripeCount += 1
        addBlocks(stripe, pending)
    }

    private mutating func addBlocks(_ stripe: StripeEncoder.Stripe, _ pending: PendingRows) {
        let plans = pending.planner.blocks
        rowBlockCount += plans.count
        for (block, plan) in plans.enumerated() {
            rowCount += plan.rowCount
            customerCount += plan.isNullCustomer || plan.continues ? 0 : plan.runCount
            rowBlocks.appendVarint(plan.rowCount)
            rowBlocks.appendVarint(plan.runCount)
            rowBlocks.append(
                (plan.continues ? FooterFlags.continues : 0) | (plan.isNullCustomer ? FooterFlags.nullCustomer : 0))
            rowBlocks.appendVarint(stripe.directories[block].writtenByteCount)
            for blocks in stripe.bitmaps { rowBlocks.appendVarint(blocks[block]?.writtenByteCount ?? 0) }
            guard !plan.isNullCustomer else { continue }
            append(pending.key(ofRun: plan.firstRun))
            append(pending.key(ofRun: plan.firstRun + plan.runCount - 1))
        }
        for (definition, blocks) in zip(columns, stripe.columns) {
            for block in blocks {
                columnBlocks.appendVarint(block.writtenByteCount)
                append(block, definition.type.physical)
            }
        }
    }

    /// Keys ascend: an integer as the distance from the one before, a string as what it does not share with it.
    private mutating func append(_ key: CustomerKey?) {
        switch (key, previousKey) {
        case (.integer(let value), .integer(let previous)):
            rowBlocks.appendSigned(value &- previous)
        case (.integer(let value), _):
            rowBlocks.appendSigned(value)
        case (.string(let string), let previous):
            var shared = 0
            if case .string(let previous) = previous {
                shared = zip(string.utf8, previous.utf8).prefix { $0 == $1 }.count
            }
            rowBlocks.appendVarint(shared)
            rowBlocks.appendVarint(string.utf8.count - shared)
            rowBlocks.append(Array(string.utf8.dropFirst(shared)))
        case (nil, _):
            break
        }
        previousKey = key
    }

    private mutating func append(_ block: EncodedBlock, _ kind: PhysicalKind) {
        let statistics = block.statistics
        let hasBounds =
            kind == .doubles
            ? statistics.minimumDouble <= statistics.maximumDouble : statistics.minimum <= statistics.maximum
        var flags: UInt8 = block.needsCustomers ? FooterFlags.needsCustomers : 0
        if block.storesRanks { flags |= FooterFlags.storesRanks }
        if hasBounds { flags |= FooterFlags.bounds }
        if statistics.sum != nil { flags |= FooterFlags.sum }
        if statistics.codePresence != nil { flags |= FooterFlags.codePresence }
        if statistics.containsNaN { flags |= FooterFlags.containsNaN }
        if block.sharedBitmap != nil { flags |= FooterFlags.needsBitmap }
        if block.referenceColumn != nil { flags |= FooterFlags.needsColumn }
        columnBlocks.append(flags)
        columnBlocks.appendVarint(statistics.nullCount)
        if let bitmap = block.sharedBitmap { columnBlocks.appendVarint(bitmap) }
        if let column = block.referenceColumn { columnBlocks.appendVarint(column) }
        if hasBounds {
            if kind == .doubles {
                columnBlocks.appendUInt64(statistics.minimumDouble.bitPattern)
                columnBlocks.appendUInt64(statistics.maximumDouble.bitPattern)
            } else {
                columnBlocks.appendSigned(statistics.minimum)
                columnBlocks.appendVarint(UInt64(bitPattern: statistics.maximum &- statistics.minimum))
            }
        }
        if let sum = statistics.sum { columnBlocks.appendSigned(sum) }
        if let presence = statistics.codePresence { columnBlocks.appendVarint(presence) }
    }

    /// The footer without its checksum.
    func encode() -> [UInt8] {
        var writer = ByteWriter()
        writer.append(identifier)
        appendCounts(to: &writer)
        writer.appendVarint(stripeCount)
        writer.append(stripes.bytes)
        writer.append(columnBlocks.bytes)
        return writer.bytes
    }

    /// The outline, without its checksum, of a stripe that follows those that were added.
    ///
    /// It says of the stripe what the footer of a part would that had no other, and how many rows and row blocks stand before.
    func outline(of stripe: StripeEncoder.Stripe, _ pending: PendingRows) -> [UInt8] {
        var own = self
        (own.rowCount, own.customerCount, own.rowBlockCount) = (0, 0, 0)
        (own.rowBlocks, own.columnBlocks, own.previousKey) = (ByteWriter(), ByteWriter(), nil)
        own.addBlocks(stripe, pending)
        var rest = ByteWriter()
        rest.appendVarint(rowCount)
        rest.appendVarint(rowBlockCount)
        own.appendCounts(to: &rest)
        rest.append(own.columnBlocks.bytes)
        var writer = ByteWriter()
        writer.append(identifier)
        writer.appendUInt32(UInt32(PartOutline.headByteCount + rest.count + PartChecksum.byteCount))
        writer.append(rest.bytes)
        return writer.bytes
    }

    /// All that a footer says before the stripes.
    private func appendCounts(to writer: inout ByteWriter) {
        writer.appendVarint(rowCount)
        writer.appendVarint(customerCount)
        writer.appendVarint(columns.count)
        for (place, column) in columns.enumerated() {
            writer.appendString(column.name)
            writer.append(column.type.footerCode)
            if case .decimal(let scale) = column.type { writer.append(UInt8(scale)) }
            writer.append(column.role.footerCode)
            let dictionary = dictionaries[place], model = models[place]
            writer.append(
                (dictionary == nil ? 0 : FooterFlags.dictionary) | (model == 0 ? 0 : FooterFlags.model))
            if let dictionary {
                writer.appendVarint(dictionary.count)
                writer.appendVarint(dictionary.byteCount)
            }
            if model > 0 { writer.appendVarint(model) }
        }
        writer.appendVarint(sharedBitmapCount)
        writer.appendVarint(rowBlockCount)
        writer.append(rowBlocks.bytes)
    }
}

/// Bits of the footer's flag bytes.
enum FooterFlags {
    // Of a row block.
    static let continues: UInt8 = 1
    static let nullCustomer: UInt8 = 2
    static let rowBlockAll: UInt8 = 3
    // Of a column block.
    static let needsCustomers: UInt8 = 1
    static let bounds: UInt8 = 2
    static let sum: UInt8 = 4
    static let codePresence: UInt8 = 8
    static let containsNaN: UInt8 = 16
    static let storesRanks: UInt8 = 32
    static let columnBlockOfVersion1: UInt8 = 63
    static let needsBitmap: UInt8 = 64
    static let needsColumn: UInt8 = 128
    static let columnBlockAll: UInt8 = 255
    // Of a column.
    static let dictionary: UInt8 = 1
    static let model: UInt8 = 2
    static let columnAll: UInt8 = 3
}

extension ColumnType {
    var footerCode: UInt8 {
        switch self {
        case .bool: 0
        case .int: 1
        case .decimal: 2
        case .double: 3
        case .timestamp: 4
        case .date: 5
        case .string: 6
        }
    }
}

extension ColumnDefinition.Role {
    var footerCode: UInt8 {
        switch self {
        case .attribute: 0
        case .customer: 1
        case .time: 2
        case .unique: 3
        }
    }
}
