import DukkanFormat

/// Finds the outlines of stripes in what is left of a part.
struct OutlineSearch {
    let file: DamagedFile
    let identifier: PartIdentifier

    /// Bytes that are looked at in one go.
    private static let pieceByteCount = 1 << 20
    /// Places that look like the begin of an outline and are none before the search is given up.
    private static let failureCountMax = 1_000
    /// Bytes of such places that are read.
    private static let failedByteCountMax = 1 << 30
    /// Largest outline that is believed: the keys and names in it are far less.
    private static let outlineByteCountMax = 1 << 26

    /// All outlines whose checksums hold, in the order of the file.
    ///
    /// From one outline the next one's place is known, so that little is read of a part that is only cut off. Where an
    /// outline is damaged, the next one is looked for by the part's identifier, with which it begins. O(bytes of the file).
    func outlines() throws -> [PartOutline] {
        var found: [PartOutline] = []
        var failureCount = 0, failedByteCount = 0
        var offset = PartFooter.headerByteCount
        while let place = try nextPlace(from: offset) {
            if let outline = try? outline(at: place, &failedByteCount), fits(outline, behind: found.last) {
                found.append(outline)
                offset = outline.end
            } else {
                failureCount += 1
                if failureCount == OutlineSearch.failureCountMax
                    || failedByteCount > OutlineSearch.failedByteCountMax
                {
                    break
                }
                offset = place + 1
            }
        }
        return found
    }

    private func fits(_ outline: PartOutline, behind previous: PartOutline?) -> Bool {
        guard let previous else { return true }
        return PartFooter(joining: [previous, outline]) != nil
    }

    private func outline(at place: Int, _ failedByteCount: inout Int) throws -> PartOutline? {
        let head = try file.read(from: place, count: PartOutline.headByteCount)
        let byteCount = head.withUnsafeBytes { PartOutline.byteCount(head: $0, identifier: identifier) }
        guard let byteCount, byteCount <= min(file.byteCount - place, OutlineSearch.outlineByteCountMax) else {
            return nil
        }
        let bytes = try file.read(from: place, count: byteCount)
        for version in (PartOutline.firstVersion...PartLimits.version).reversed() {
            let outline = bytes.withUnsafeBytes {
                try? PartOutline(parsing: $0, offset: place, version: version, identifier: identifier)
            }
            if let outline { return outline }
        }
        failedByteCount += byteCount
        return nil
    }

    /// Where the identifier stands next, at `start` or behind it; nil if nowhere.
    private func nextPlace(from start: Int) throws -> Int? {
        var wanted = ByteWriter()
        wanted.identifier(identifier)
        let count = wanted.bytes.count
        var offset = start
        while offset <= file.byteCount - count {
            let piece = try file.read(
                from: offset, count: min(OutlineSearch.pieceByteCount, file.byteCount - offset))
            let first = wanted.bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
            let place = piece.withUnsafeBytes { bytes in
                (0...bytes.count - count).first { at in
                    bytes.loadUnaligned(fromByteOffset: at, as: UInt64.self) == first
                        && bytes[at..<at + count].elementsEqual(wanted.bytes)
                }
            }
            if let place { return offset + place }
            // The identifier may reach over the border of two pieces.
            offset += piece.count - count + 1
        }
        return nil
    }
}
