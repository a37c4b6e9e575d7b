package import DukkanFormat

/// A file that names deleted rows: for each of some parts the numbers of rows, ascending.
///
/// A commit that replaces rows writes one such file for each table, as large as what it replaces, whatever the size of the
/// parts; files are merged by size like parts.
package struct DeletionFile {
    package static let magic: [UInt8] = Array("DUKKANDL".utf8)
    static let version: UInt32 = 1
    /// Largest deletion file, in bytes.
    static let byteCountMax = 1 << 30
    /// Most sections in a file.
    static let sectionCountMax = Manifest.partCountMax

    package struct Section {
        package var part: PartIdentifier
        /// Ascending, not empty.
        package var rows: [Int]
    }

    package var sections: [Section] = []

    var rowCount: Int { sections.reduce(0) { $0 + $1.rows.count } }

    package func encoded(identifier: PartIdentifier) -> [UInt8] {
        var out = ByteWriter()
        for byte in DeletionFile.magic { out.fixed(byte) }
        out.fixed(DeletionFile.version)
        out.identifier(identifier)
        out.variable(sections.count)
        for section in sections {
            out.identifier(section.part)
            out.variable(section.rows.count)
            var next = 0
            for row in section.rows {
                out.variable(row - next)
                next = row + 1
            }
        }
        out.fixed(Checksum.crc32c(out.bytes[...], seed: UInt32(truncatingIfNeeded: identifier.low)))
        return out.bytes
    }

    init(sections: [Section] = []) {
        self.sections = sections
    }

    package init(decoding bytes: [UInt8], identifier: PartIdentifier) throws {
        var reader = ByteReader(bytes[...], what: "deletion file")
        let checksumByteCount = 4
        guard bytes.count >= DeletionFile.magic.count + 4 + 16 + checksumByteCount else {
            throw reader.corrupt("is too short")
        }
        for byte in DeletionFile.magic where try reader.fixed(UInt8.self) != byte {
            throw DukkanError(.corrupt, "this is not a deletion file", place: .init(offset: 0))
        }
        let version = try reader.fixed(UInt32.self)
        guard version <= DeletionFile.version else {
            throw DukkanError(
                .unsupportedVersion,
                "the deletion file has format version \(version), this release reads versions up to "
                    + "\(DeletionFile.version)",
                place: .init(offset: 8), advice: "use the release of Dukkan that wrote it, or a newer one")
        }
        let end = bytes.count - checksumByteCount
        var tail = ByteReader(bytes[end...], what: "deletion file")
        let checksum = Checksum.crc32c(bytes[..<end], seed: UInt32(truncatingIfNeeded: identifier.low))
        guard version >= 1, try tail.fixed(UInt32.self) == checksum else {
            throw DukkanError(.corrupt, "the deletion file does not have its checksum", place: .init(offset: end))
        }
        var body = ByteReader(bytes[reader.offset..<end], what: "deletion file")
        guard try body.identifier() == identifier else { throw body.corrupt("is not the one that the manifest names") }
        for _ in 0..<(try body.count(max: DeletionFile.sectionCountMax, of: "sections")) {
            let part = try body.identifier()
            let count = try body.count(max: PartLimits.rowCountMax, of: "deleted rows")
            // Every row takes at least one byte.
            guard count > 0, count <= body.remaining else { throw body.corrupt("names more rows than it holds") }
            var rows: [Int] = []
            rows.reserveCapacity(count)
            var next = 0
            for _ in 0..<count {
                let gap = try body.count(max: PartLimits.rowCountMax, of: "rows between two deleted ones")
                guard next + gap < PartLimits.rowCountMax else { throw body.corrupt("names a row past the limit") }
                rows.append(next + gap)
                next += gap + 1
            }
            sections.append(Section(part: part, rows: rows))
        }
        guard body.isAtEnd else { throw body.corrupt("goes on behind its end") }
    }

    /// Marks the deleted rows of parts; `rowCounts` are the rows of those that are there.
    func apply(
        to bitmaps: inout [PartIdentifier: DeleteBitmap], rowCounts: [PartIdentifier: Int]
    ) throws(DukkanError) {
        for section in sections {
            // Sections of parts that compaction has replaced stay in the file and mean nothing.
            guard let rowCount = rowCounts[section.part] else { continue }
            guard let last = section.rows.last, last < rowCount else {
                throw DukkanError(.corrupt, "the deletion file names a row past the end of its part")
            }
            let bitmap = bitmaps[section.part] ?? DeleteBitmap(rowCount: rowCount)
            for row in section.rows { bitmap.insert(row) }
            bitmaps[section.part] = bitmap
        }
    }

    /// The identifier that a deletion file says it has.
    static func identifier(in bytes: [UInt8]) throws -> PartIdentifier {
        var reader = ByteReader(bytes[...], what: "deletion file")
        for byte in magic where try reader.fixed(UInt8.self) != byte { throw reader.corrupt("is no deletion file") }
        _ = try reader.fixed(UInt32.self)
        return try reader.identifier()
    }
}
