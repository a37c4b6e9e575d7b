import DukkanFormat

/// Finds the footer of a part whose trailer or footer may be damaged, or what the outlines of its stripes tell instead.
struct FooterSearch {
    let file: DamagedFile
    /// What the manifest says of the part, if there is one.
    let entry: Manifest.Part?

    /// Bytes before the end in which a footer is looked for that the trailer does not name.
    private static let searchByteCountMax = 64 << 20
    /// Places that may look like the begin of a footer before the search is given up.
    private static let candidateCountMax = 1_000
    /// Of these, places at which a damaged footer is made out.
    private static let damagedCandidateCountMax = 4

    /// Bytes that the part had when it was written, as far as is known.
    private var writtenByteCount: Int { entry?.byteCount ?? file.byteCount }
    /// Where the trailer begins.
    private var end: Int { writtenByteCount - PartFooter.trailerByteCount }

    /// The footer; or what the outlines of stripes tell; or the footer with one bit changed, which is believed where the
    /// outlines do not tell of all rows.
    ///
    /// Throws `corrupt` where none of them tells anything, `unsupportedVersion` for a part of a newer release.
    func footer() throws -> SalvagedFooter {
        guard writtenByteCount >= PartFooter.headerByteCount + PartFooter.trailerByteCount else {
            throw DukkanError(.corrupt, "a part of \(file.byteCount) bytes is too short")
        }
        try checkVersion()
        do {
            return SalvagedFooter(try namedFooter(.spliced))
        } catch let error as DukkanError where error.code == .corrupt {
            let outlines = outlines()
            let taken = Set(outlines.flatMap { $0.footer.stripes.map(\.outline.offset) })
            if let found = try? searchedFooter(.spliced, besides: taken) { return SalvagedFooter(found) }
            let outlined = outlinedFooter(outlines)
            if let outlined, outlined.missing.isEmpty { return outlined }
            if let found = try? namedFooter(.corrected) { return SalvagedFooter(found) }
            if let found = try? searchedFooter(.corrected, besides: taken) { return SalvagedFooter(found) }
            if let outlined { return outlined }
            throw error
        }
    }

    /// What a newer release wrote is not guessed at.
    private func checkVersion() throws {
        let header = try file.read(from: 0, count: PartFooter.headerByteCount)
        do {
            let identifier = try entry?.identifier ?? file.headIdentifier()
            try header.withUnsafeBytes { try PartFooter.checkHeader($0, identifier: identifier) }
        } catch let error as DukkanError where error.code == .unsupportedVersion {
            throw error
        } catch {}
    }

    /// The outlines that are found.
    private func outlines() -> [PartOutline] {
        var identifiers = [entry?.identifier ?? (try? file.headIdentifier())].compactMap { $0 }
        if entry == nil, let place = try? namedPlace().range.lowerBound,
            let bytes = try? file.read(from: place, count: PartFooter.headerByteCount),
            let identifier = try? file.identifier(bytes[...]), !identifiers.contains(identifier)
        {
            identifiers.append(identifier)
        }
        for identifier in identifiers {
            let outlines = try? OutlineSearch(file: file, identifier: identifier).outlines()
            if let outlines, !outlines.isEmpty { return outlines }
        }
        return []
    }

    /// What outlines tell; nil if there are none.
    private func outlinedFooter(_ outlines: [PartOutline]) -> SalvagedFooter? {
        guard let last = outlines.last else { return nil }
        // Without a manifest the trailer may still tell that the footer follows the last stripe.
        let isWhole = (try? namedPlace())?.range.lowerBound == last.end
        return SalvagedFooter(
            outlines, rowCount: entry?.rowCount ?? (isWhole ? last.rowEnd : nil), fileByteCount: file.byteCount)
    }

    /// Where the trailer says that the footer lies.
    private func namedPlace() throws -> PartFooter.Place {
        guard writtenByteCount <= file.byteCount else {
            throw DukkanError(
                .corrupt, "the file has \(file.byteCount) bytes, its manifest says \(writtenByteCount)")
        }
        let trailer = try file.read(from: end, count: PartFooter.trailerByteCount)
        return try trailer.withUnsafeBytes {
            try PartFooter.place(trailer: $0, fileByteCount: writtenByteCount)
        }
    }

    /// The footer that the trailer names, or what its copy and itself still tell of it.
    private func namedFooter(_ effort: FooterRecovery.Effort) throws -> PartFooter {
        let place = try namedPlace()
        let count = place.range.count
        let bytes = try file.read(from: max(0, end - 2 * count), count: min(end, 2 * count))
        for identifier in try identifiers(bytes, footerByteCount: count) {
            let recovery = { FooterRecovery(bytes: $0, end: end, version: place.version, identifier: identifier) }
            if let footer = bytes.withUnsafeBytes({ recovery($0).footer(byteCount: count, effort: effort) }) {
                return footer
            }
        }
        throw DukkanError(
            .corrupt, "the footer is damaged, and its copy if it has one", place: .init(offset: place.range.lowerBound))
    }

    /// The footer that begins with the part's identifier somewhere before the end, or whose copy does.
    ///
    /// - Parameter others: places of the file that begin with it, too.
    private func searchedFooter(_ effort: FooterRecovery.Effort, besides others: Set<Int>) throws -> PartFooter? {
        let start = max(PartFooter.headerByteCount, end - FooterSearch.searchByteCountMax)
        guard end > start else { return nil }
        let bytes = try file.read(from: start, count: end - start)
        let identifier = try entry?.identifier ?? file.headIdentifier()
        var wanted = ByteWriter()
        wanted.identifier(identifier)
        var places: [Int] = []
        for at in stride(from: bytes.count - wanted.bytes.count, through: 0, by: -1)
        where bytes[at] == wanted.bytes[0] && bytes[at..<(at + wanted.bytes.count)].elementsEqual(wanted.bytes)
            && !others.contains(start + at)
        {
            places.append(at)
            if places.count == FooterSearch.candidateCountMax { break }
        }
        func footer(at place: Int, _ effort: FooterRecovery.Effort) -> PartFooter? {
            // From the footer there is as much to the end, from its copy twice as much.
            let count = bytes.count - place
            for version in (1...PartLimits.version).reversed() {
                for byteCount in [count, count / 2] {
                    let footer = bytes.withUnsafeBytes {
                        FooterRecovery(bytes: $0, end: end, version: version, identifier: identifier)
                            .footer(byteCount: byteCount, effort: effort)
                    }
                    if let footer { return footer }
                }
            }
            return nil
        }
        for place in places {
            if let footer = footer(at: place, .whole) { return footer }
        }
        for place in places.prefix(FooterSearch.damagedCandidateCountMax) {
            if let footer = footer(at: place, effort) { return footer }
        }
        return nil
    }

    /// What the part's identifier may be: the manifest's word, else what header, footer and copy begin with.
    private func identifiers(_ bytes: [UInt8], footerByteCount: Int) throws -> [PartIdentifier] {
        if let entry { return [entry.identifier] }
        var identifiers = [try file.headIdentifier()]
        for start in [bytes.count - footerByteCount, bytes.count - 2 * footerByteCount] where start >= 0 {
            if let identifier = try? file.identifier(bytes[start...]), !identifiers.contains(identifier) {
                identifiers.append(identifier)
            }
        }
        return identifiers
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
