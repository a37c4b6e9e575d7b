/// The first bytes of the file: magic, version, identifier, checksum.
enum PartHeader {
    static let magic: [UInt8] = Array("DUKKANPT".utf8)

    static func encode(_ identifier: PartIdentifier) -> [UInt8] {
        var writer = ByteWriter(bytes: magic)
        writer.appendUInt32(PartLimits.version)
        writer.append(identifier)
        writer.appendUInt32(writer.bytes.withUnsafeBytes { PartChecksum(identifier)(offset: 0, $0) })
        return writer.bytes
    }
}

/// The last bytes of the file: size of the footer, version, checksum, magic.
enum PartTrailer {
    static let magic: [UInt8] = Array("DUKKANPE".utf8)
    /// The trailer is read before the identifier is known.
    private static let checksum = PartChecksum(PartIdentifier(high: 0, low: 0))

    static func encode(footerByteCount: Int, offset: Int) -> [UInt8] {
        var writer = ByteWriter()
        writer.appendUInt32(UInt32(footerByteCount))
        writer.appendUInt32(PartLimits.version)
        writer.appendUInt32(writer.bytes.withUnsafeBytes { checksum(offset: offset, $0) })
        writer.append(magic)
        return writer.bytes
    }

    static func read(
        _ trailer: UnsafeRawBufferPointer, offset: Int
    ) throws(DukkanError) -> (footerByteCount: Int, version: UInt32) {
        guard trailer[12...].elementsEqual(magic) else {
            throw DukkanError(
                .corrupt, "the file does not end as a part does; it is cut off or no part at all",
                place: .init(offset: offset))
        }
        var reader = ByteReader(UnsafeRawBufferPointer(rebasing: trailer[..<12]))
        let byteCount = Int(try reader.uint32())
        let version = try reader.uint32()
        guard try reader.uint32() == checksum(offset: offset, UnsafeRawBufferPointer(rebasing: trailer[..<8])) else {
            throw DukkanError(.corrupt, "the checksum of the trailer does not match", place: .init(offset: offset))
        }
        try checkVersion(version)
        return (byteCount, version)
    }

    static func checkVersion(_ version: UInt32) throws(DukkanError) {
        guard (1...PartLimits.version).contains(version) else {
            throw DukkanError(
                .unsupportedVersion, "format version \(version); this release reads 1 to \(PartLimits.version)",
                advice: version > PartLimits.version ? "use the release of Dukkan that wrote it, or a newer one" : nil)
        }
    }
}

extension PartFooter {
    /// Checks the first ``headerByteCount`` bytes of the file.
    ///
    /// Throws `corrupt` or `unsupportedVersion`.
    package static func checkHeader(_ bytes: UnsafeRawBufferPointer, identifier: PartIdentifier) throws {
        guard bytes.count >= headerByteCount, bytes[..<8].elementsEqual(PartHeader.magic) else {
            throw DukkanError(.corrupt, "the file does not begin as a part does", place: .init(offset: 0))
        }
        let header = UnsafeRawBufferPointer(rebasing: bytes[..<headerByteCount])
        var reader = ByteReader(try PartChecksum(identifier).verified(offset: 0, header))
        _ = try reader.take(8)
        try PartTrailer.checkVersion(try reader.uint32())
        guard try reader.identifier() == identifier else { throw corrupt("the file is another part") }
    }

    /// Where the footer lies, and the version that it is written in.
    package struct Place: Sendable {
        package var range: Range<Int>
        package var version: UInt32
    }

    /// Where the footer lies, from the last ``trailerByteCount`` bytes of the file.
    ///
    /// Throws `corrupt` for a file that is cut off or no part, `unsupportedVersion` for one of a newer release.
    package static func place(trailer: UnsafeRawBufferPointer, fileByteCount: Int) throws -> Place {
        guard trailer.count == trailerByteCount, fileByteCount >= headerByteCount + trailerByteCount,
            fileByteCount <= PartLimits.fileByteCountMax
        else { throw corrupt("a file of \(fileByteCount) bytes is no part") }
        let end = fileByteCount - trailerByteCount
        let (byteCount, version) = try PartTrailer.read(trailer, offset: end)
        guard byteCount <= PartLimits.footerByteCountMax,
            copyCount(ofVersion: version) * byteCount <= end - headerByteCount
        else {
            throw corrupt("a footer of \(byteCount) bytes does not fit")
        }
        return Place(range: end - byteCount..<end, version: version)
    }
}
