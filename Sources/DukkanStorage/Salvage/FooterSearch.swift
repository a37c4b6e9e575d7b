import DukkanFormat

/// Finds the footer of a part whose trailer or footer may be damaged, or which is longer or shorter than it should be.
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
    /// Of these, places at which a damaged footer is made out.
    private static let damagedCandidateCountMax = 4

    /// Bytes that the part had when it was written, as far as is known.
    private var writtenByteCount: Int { entry?.byteCount ?? byteCount }
    /// Where the trailer begins.
    private var end: Int { writtenByteCount - PartFooter.trailerByteCount }

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

    /// The footer that the trailer names, or what its copy and itself still tell of it.
    private func namedFooter() throws -> PartFooter {
        guard writtenByteCount <= byteCount else {
            throw DukkanError(
                .corrupt, "the file has \(byteCount) bytes, its manifest says \(writtenByteCount)")
        }
        let trailer = try read(from: end, count: PartFooter.trailerByteCount)
        let place = try trailer.withUnsafeBytes {
            try PartFooter.place(trailer: $0, fileByteCount: writtenByteCount)
        }
        let count = place.range.count
        let bytes = try read(from: max(0, end - 2 * count), count: min(end, 2 * count))
        for identifier in try identifiers(bytes, footerByteCount: count) {
            let recovery = { FooterRecovery(bytes: $0, end: end, version: place.version, identifier: identifier) }
            if let footer = bytes.withUnsafeBytes({ recovery($0).footer(byteCount: count) }) { return footer }
        }
        throw DukkanError(
            .corrupt, "the footer is damaged, and its copy if it has one", place: .init(offset: place.range.lowerBound))
    }

    /// The footer that begins with the part's identifier somewhere before the end, or whose copy does.
    private func searchedFooter() throws -> PartFooter? {
        let start = max(PartFooter.headerByteCount, end - FooterSearch.searchByteCountMax)
        guard end > start else { return nil }
        let bytes = try read(from: start, count: end - start)
        let identifier = try entry?.identifier ?? headIdentifier()
        var wanted = ByteWriter()
        wanted.identifier(identifier)
        var places: [Int] = []
        for at in stride(from: bytes.count - wanted.bytes.count, through: 0, by: -1)
        where bytes[at] == wanted.bytes[0] && bytes[at..<(at + wanted.bytes.count)].elementsEqual(wanted.bytes) {
            places.append(at)
            if places.count == FooterSearch.candidateCountMax { break }
        }
        func footer(at place: Int, triesAll: Bool) -> PartFooter? {
            // From the footer there is as much to the end, from its copy twice as much.
            let count = bytes.count - place
            for version in (1...PartLimits.version).reversed() {
                for byteCount in [count, count / 2] {
                    let footer = bytes.withUnsafeBytes {
                        FooterRecovery(bytes: $0, end: end, version: version, identifier: identifier)
                            .footer(byteCount: byteCount, triesAll: triesAll)
                    }
                    if let footer { return footer }
                }
            }
            return nil
        }
        for place in places {
            if let footer = footer(at: place, triesAll: false) { return footer }
        }
        for place in places.prefix(FooterSearch.damagedCandidateCountMax) {
            if let footer = footer(at: place, triesAll: true) { return footer }
        }
        return nil
    }

    /// What the part's identifier may be: the manifest's word, else what header, footer and copy begin with.
    private func identifiers(_ bytes: [UInt8], footerByteCount: Int) throws -> [PartIdentifier] {
        if let entry { return [entry.identifier] }
        var identifiers = [try headIdentifier()]
        for start in [bytes.count - footerByteCount, bytes.count - 2 * footerByteCount] where start >= 0 {
            if let identifier = try? identifier(bytes[start...]), !identifiers.contains(identifier) {
                identifiers.append(identifier)
            }
        }
        return identifiers
    }

    private func headIdentifier() throws -> PartIdentifier {
        // Behind the magic and the version.
        try identifier(try read(from: 0, count: PartFooter.headerByteCount)[12...])
    }

    /// The identifier that some bytes begin with.
    private func identifier(_ bytes: ArraySlice<UInt8>) throws -> PartIdentifier {
        var reader = ByteReader(bytes, what: "footer")
        return try reader.identifier()
    }

    /// Bytes of the file; zeros behind its end.
    private func read(from offset: Int, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let there = max(0, min(count, byteCount - offset))
        try bytes.withUnsafeMutableBytes {
            try fileSystem.readFully(
                file, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<there]), at: offset, path: path)
        }
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
