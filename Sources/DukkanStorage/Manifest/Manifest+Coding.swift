import DukkanFormat

/// The bytes of a manifest file; `docs/storage.md` has the table.
extension Manifest {
    /// `DUKKANMF`.
    package static let magic: [UInt8] = Array("DUKKANMF".utf8)
    /// Version that this release writes; it reads versions 1 up to this one.
    package static let version: UInt32 = 2

    /// The content of the manifest file.
    package func encoded() -> [UInt8] {
        var out = ByteWriter()
        for byte in Manifest.magic { out.fixed(byte) }
        out.fixed(Manifest.version)
        out.fixed(generation)
        out.identifier(store)
        out.variable(nextFile)
        out.variable(nextOrder)
        out.variable(nextTable)
        out.fixed(customerType.map(Manifest.typeCode) ?? 0)
        out.variable(segments.count)
        for segment in segments {
            out.text(segment.name)
            out.text(segment.text)
        }
        out.variable(tables.count)
        for table in tables { Manifest.encode(table, into: &out) }
        out.variable(erasures.count)
        for erasure in erasures {
            out.variable(erasure.generation)
            out.fixed(erasure.time)
        }
        out.fixed(Checksum.crc32c(out.bytes[...], seed: UInt32(truncatingIfNeeded: generation)))
        return out.bytes
    }

    private static func encode(_ table: Table, into out: inout ByteWriter) {
        out.variable(table.number)
        out.text(table.schema.name)
        out.fixed(UInt8(table.schema.allowsNullCustomer ? 1 : 0))
        out.variable(table.schema.columns.count)
        for column in table.schema.columns {
            out.text(column.name)
            out.fixed(typeCode(column.type))
            if case .decimal(let scale) = column.type { out.fixed(UInt8(scale)) }
            out.fixed(roleCode(column.role))
        }
        out.variable(table.windowBorders.count)
        for border in table.windowBorders { out.fixed(border) }
        out.variable(table.parts.count)
        for part in table.parts {
            out.variable(part.file)
            out.identifier(part.identifier)
            out.variable(part.firstOrder)
            out.variable(part.lastOrder - part.firstOrder)
            out.variable(part.rowCount)
            out.variable(part.customerCount)
            out.variable(part.byteCount)
            out.fixed(part.minimumTime)
            out.fixed(part.maximumTime)
            out.fixed(UInt8((part.isThorough ? 1 : 0) | (part.isExact ? 2 : 0)))
        }
        out.variable(table.deletions.count)
        for deletion in table.deletions {
            out.variable(deletion.file)
            out.identifier(deletion.identifier)
            out.variable(deletion.rowCount)
            out.variable(deletion.byteCount)
        }
    }

    /// Reads a manifest file.
    ///
    /// Throws `corrupt`, or `unsupportedVersion` for one of a newer release.
    package init(decoding bytes: [UInt8], generation expected: UInt64) throws {
        self.init()
        let checksumByteCount = 4
        var head = ByteReader(bytes[...], what: "manifest")
        guard bytes.count >= Manifest.magic.count + 4 + checksumByteCount else { throw head.corrupt("is too short") }
        for byte in Manifest.magic where try head.fixed(UInt8.self) != byte {
            throw DukkanError(.corrupt, "this is not a manifest of a Dukkan store", place: .init(offset: 0))
        }
        let version = try head.fixed(UInt32.self)
        guard version <= Manifest.version else {
            throw DukkanError(
                .unsupportedVersion,
                "the store has format version \(version), this release reads versions up to \(Manifest.version)",
                place: .init(offset: 8), advice: "use the release of Dukkan that wrote it, or a newer one")
        }
        let end = bytes.count - checksumByteCount
        var tail = ByteReader(bytes[end...], what: "manifest")
        let checksum = Checksum.crc32c(bytes[..<end], seed: UInt32(truncatingIfNeeded: expected))
        guard version >= 1, try tail.fixed(UInt32.self) == checksum else {
            throw DukkanError(.corrupt, "the manifest does not have its checksum", place: .init(offset: end))
        }
        var body = ByteReader(bytes[head.offset..<end], what: "manifest")
        try decodeBody(&body, version: version, expected: expected)
        guard body.isAtEnd else { throw body.corrupt("goes on behind its end") }
        try checkInvariants()
    }

    private mutating func decodeBody(_ body: inout ByteReader, version: UInt32, expected: UInt64) throws {
        generation = try body.fixed()
        guard generation == expected else {
            throw body.corrupt("says that it is generation \(generation), its name says \(expected)")
        }
        store = try body.identifier()
        nextFile = try body.variable()
        nextOrder = try body.variable()
        nextTable = try body.count(max: Int(Int32.max), of: "tables")
        let customerCode = try body.fixed(UInt8.self)
        if customerCode != 0 {
            let type = try Manifest.type(code: customerCode, &body)
            guard type == .int || type == .string else { throw body.corrupt("names customers of type \(type)") }
            customerType = type
        }
        for _ in 0..<(try body.count(max: Manifest.segmentCountMax, of: "segments")) {
            let name = try body.text(byteCountMax: TableSchema.nameLengthMax, of: "name")
            segments.append(
                Segment(name: name, text: try body.text(byteCountMax: Manifest.segmentByteCountMax, of: "segment")))
        }
        for _ in 0..<(try body.count(max: Manifest.tableCountMax, of: "tables")) {
            tables.append(try Manifest.decodeTable(&body, version: version))
        }
        guard version >= 2 else { return }
        for _ in 0..<(try body.count(max: Manifest.erasureCountMax, of: "erasures")) {
            erasures.append(Erasure(generation: try body.variable(), time: try body.fixed()))
        }
    }

    private static func decodeTable(_ body: inout ByteReader, version: UInt32) throws -> Table {
        let number = try body.count(max: Int(Int32.max), of: "tables")
        let name = try body.text(byteCountMax: TableSchema.nameLengthMax, of: "table name")
        let allowsNull = try body.flag()
        var columns: [ColumnDefinition] = []
        for _ in 0..<(try body.count(max: TableSchema.columnCountMax, of: "columns")) {
            let name = try body.text(byteCountMax: TableSchema.nameLengthMax, of: "column name")
            let type = try Manifest.type(code: try body.fixed(), &body)
            columns.append(ColumnDefinition(name, type, role: try role(code: try body.fixed(), body)))
        }
        var table = Table(
            number: number, schema: TableSchema(name, columns: columns, allowsNullCustomer: allowsNull))
        for _ in 0..<(try body.count(max: windowBorderCountMax, of: "window borders")) {
            table.windowBorders.append(try body.fixed())
        }
        for _ in 0..<(try body.count(max: partCountMax, of: "parts")) {
            table.parts.append(try decodePart(&body, version: version))
        }
        for _ in 0..<(try body.count(max: deletionCountMax, of: "deletion files")) {
            let file = try body.variable()
            let identifier = try body.identifier()
            let rowCount = try body.count(max: PartLimits.rowCountMax, of: "deleted rows")
            table.deletions.append(
                Deletion(
                    file: file, identifier: identifier, rowCount: rowCount,
                    byteCount: try body.count(max: DeletionFile.byteCountMax, of: "bytes of a deletion file")))
        }
        return table
    }

    private static func decodePart(_ body: inout ByteReader, version: UInt32) throws -> Part {
        let file = try body.variable()
        let identifier = try body.identifier()
        let firstOrder = try body.variable()
        let (lastOrder, overflow) = firstOrder.addingReportingOverflow(try body.variable())
        if overflow { throw body.corrupt("names an order of ingest past 64 bits") }
        let rowCount = try body.count(max: PartLimits.rowCountMax, of: "rows of a part")
        let customerCount = try body.count(max: rowCount, of: "customers of a part")
        let byteCount = try body.count(max: PartLimits.fileByteCountMax, of: "bytes of a part")
        let minimumTime = try body.fixed(Int64.self)
        let maximumTime = try body.fixed(Int64.self)
        let flags = try body.fixed(UInt8.self)
        guard flags <= (version == 1 ? 1 : 3) else { throw body.corrupt("holds flags of a part of value \(flags)") }
        return Part(
            file: file, identifier: identifier, firstOrder: firstOrder, lastOrder: lastOrder, rowCount: rowCount,
            customerCount: customerCount, byteCount: byteCount, minimumTime: minimumTime, maximumTime: maximumTime,
            isThorough: flags & 1 != 0, isExact: flags & 2 != 0)
    }

    static func typeCode(_ type: ColumnType) -> UInt8 {
        switch type {
        case .bool: 1
        case .int: 2
        case .decimal: 3
        case .double: 4
        case .timestamp: 5
        case .date: 6
        case .string: 7
        }
    }

    private static func type(code: UInt8, _ body: inout ByteReader) throws -> ColumnType {
        switch code {
        case 1: return .bool
        case 2: return .int
        case 3: return .decimal(scale: Int(try body.fixed(UInt8.self)))
        case 4: return .double
        case 5: return .timestamp
        case 6: return .date
        case 7: return .string
        default: throw body.corrupt("names the unknown column type \(code)")
        }
    }

    private static func roleCode(_ role: ColumnDefinition.Role) -> UInt8 {
        switch role {
        case .attribute: 0
        case .customer: 1
        case .time: 2
        case .unique: 3
        }
    }

    private static func role(code: UInt8, _ body: ByteReader) throws -> ColumnDefinition.Role {
        switch code {
        case 0: return .attribute
        case 1: return .customer
        case 2: return .time
        case 3: return .unique
        default: throw body.corrupt("names the unknown column role \(code)")
        }
    }
}
