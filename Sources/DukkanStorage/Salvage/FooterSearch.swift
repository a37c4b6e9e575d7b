import DukkanFormat

/// Finds the footer of a part whose trailer may be damaged, or which is longer or shorter than it should be.
struct FooterSearch {
    let file: FileDescriptor
    let path: String
    /// Bytes of the file as it is.
    let byteCount: Int
    /// What the manifest says of the part, if there is one.
    let entry: Manifest.Part?
    let fileSystem: any FileSystem

    /// Bytes before the end in which a footer is looked for that the trailer does not name.
    private static let searchByteCountMax = 64 << 20
    /// Places that may look like the begin of a footer before the search is given up.
    private static let candidateCountMax = 1_000

    /// Bytes that the part had when it was written, as far as is known.
    private var writtenByteCount: Int { entry?.byteCount ?? byteCount }

    func footer() throws -> PartFooter {
        guard writtenByteCount >= PartFooter.headerByteCount + PartFooter.trailerByteCount else {
            throw DukkanError(.corrupt, "a part of \(byteCount) bytes is too short")
        }
        do {
            return try namedFooter()
        } catch let error as DukkanError where error.code == .corrupt {
            if let found = try? searchedFooter() { return found }
            throw error
        }
    }

    /// The footer that the trailer names.
    private func namedFooter() throws -> PartFooter {
        let trailer = try read(writtenByteCount - PartFooter.trailerByteCount, PartFooter.trailerByteCount)
        let place = try trailer.withUnsafeBytes {
            try PartFooter.place(trailer: $0, fileByteCount: writtenByteCount)
        }
        let bytes = try read(place.range.lowerBound, place.range.count)
        return try parse(bytes, place.version, try entry?.identifier ?? identifier(bytes))
    }

    /// The footer that begins with the part's identifier somewhere before the end.
    private func searchedFooter() throws -> PartFooter? {
        let end = writtenByteCount - PartFooter.trailerByteCount
        let start = max(PartFooter.headerByteCount, end - FooterSearch.searchByteCountMax)
        guard end > start else { return nil }
        let bytes = try read(start, end - start)
        let header = try read(0, PartFooter.headerByteCount)
        let identifier = try entry?.identifier ?? identifier(Array(header[12...]))
        var wanted = ByteWriter()
        wanted.identifier(identifier)
        var candidateCount = 0
        for at in stride(from: bytes.count - wanted.bytes.count, through: 0, by: -1)
        where bytes[at] == wanted.bytes[0] && bytes[at..<(at + wanted.bytes.count)].elementsEqual(wanted.bytes) {
            for version in (1...PartLimits.version).reversed() {
                if let footer = try? parse(Array(bytes[at...]), version, identifier) { return footer }
            }
            candidateCount += 1
            if candidateCount == FooterSearch.candidateCountMax { return nil }
        }
        return nil
    }

    private func parse(_ bytes: [UInt8], _ version: UInt32, _ identifier: PartIdentifier) throws -> PartFooter {
        try bytes.withUnsafeBytes {
            try PartFooter(
                parsing: $0, version: version, fileByteCount: writtenByteCount, identifier: identifier)
        }
    }

    /// The identifier that some bytes begin with.
    private func identifier(_ bytes: [UInt8]) throws -> PartIdentifier {
        var reader = ByteReader(bytes[...], what: "footer")
        return try reader.identifier()
    }

    private func read(_ offset: Int, _ count: Int) throws -> [UInt8] {
        guard offset >= 0, offset + count <= byteCount else {
            throw DukkanError(
                .corrupt, "the file has \(byteCount) bytes, its manifest says \(writtenByteCount)")
        }
        var bytes = [UInt8](repeating: 0, count: count)
        try bytes.withUnsafeMutableBytes { try fileSystem.readFully(file, into: $0, at: offset, path: path) }
        return bytes
    }
}

extension Manifest.Part {
    /// What can be said of a part without a manifest.
    init(describing footer: PartFooter, file: UInt64, byteCount: Int) {
        let time = footer.columns.first { $0.definition.role == .time }?.statistics
        self.init(
            file: file, identifier: footer.identifier, firstOrder: file, lastOrder: file, rowCount: footer.rowCount,
            customerCount: footer.customerCount, byteCount: byteCount, minimumTime: time?.minimum ?? .max,
            maximumTime: time?.maximum ?? .min, isThorough: false, isExact: false)
    }
}
