import DukkanFormat

/// A part's file that may be damaged, longer or shorter than it should be.
struct DamagedFile {
    let descriptor: FileDescriptor
    let path: String
    /// Bytes of the file as it is.
    let byteCount: Int
    let fileSystem: any FileSystem

    /// Bytes of the file; zeros behind its end.
    func read(from offset: Int, count: Int) throws -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: count)
        let there = max(0, min(count, byteCount - offset))
        try bytes.withUnsafeMutableBytes {
            try fileSystem.readFully(
                descriptor, into: UnsafeMutableRawBufferPointer(rebasing: $0[..<there]), at: offset, path: path)
        }
        return bytes
    }

    /// The identifier that the header tells, whether its checksum holds or not.
    func headIdentifier() throws -> PartIdentifier {
        // Behind the magic and the version.
        try identifier(try read(from: 0, count: PartFooter.headerByteCount)[12...])
    }

    /// The identifier that some bytes begin with.
    func identifier(_ bytes: ArraySlice<UInt8>) throws -> PartIdentifier {
        var reader = ByteReader(bytes, what: "footer")
        return try reader.identifier()
    }
}

/// What is known of a part that is damaged.
struct SalvagedFooter {
    var footer: PartFooter
    /// The number in the part of each row block in `footer`.
    var blockNumbers: [Int]
    /// Rows that `footer` does not tell of.
    var missing: [Missing] = []

    /// Rows of which nothing is known but that they were there.
    struct Missing {
        /// Their numbers in the part; nil where not even that is known.
        var rows: Range<Int>?
        var reason: String
    }

    /// One that misses nothing.
    init(_ footer: PartFooter) {
        self.footer = footer
        blockNumbers = Array(footer.rowBlocks.indices)
    }

    /// What some outlines of a part tell; nil if they are none.
    ///
    /// - Parameter rowCount: rows of the part; nil where that is not known.
    init?(_ outlines: [PartOutline], rowCount: Int?, fileByteCount: Int) {
        let outlines = outlines.filter { $0.rowEnd <= rowCount ?? .max }
        guard let footer = PartFooter(joining: outlines) else { return nil }
        self.footer = footer
        blockNumbers = outlines.flatMap { Array($0.firstBlock..<$0.blockEnd) }
        var row = 0
        for outline in outlines {
            if outline.firstRow > row {
                let reason = "the footer cannot be read, and neither can the outline of these rows"
                missing.append(Missing(rows: row..<outline.firstRow, reason: reason))
            }
            row = outline.rowEnd
        }
        let tail = "the file has \(fileByteCount) bytes, in which nothing tells of"
        if let rowCount {
            if rowCount > row { missing.append(Missing(rows: row..<rowCount, reason: tail + " these rows")) }
        } else {
            let reason =
                tail
                + " its end: rows from row \(row) on are lost if there were any, or the part was never finished and "
                + "the rows before are in other parts as well"
            missing.append(Missing(rows: nil, reason: reason))
        }
    }
}
