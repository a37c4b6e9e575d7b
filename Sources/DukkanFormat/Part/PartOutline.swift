/// What stands before each stripe of a part: where its blocks lie, and all else that the footer says of it.
///
/// A part whose footer is gone, cut off with its end or damaged, is read from the outlines of the stripes that are left.
/// Reading a whole part needs none of them.
package struct PartOutline: Sendable {
    /// Version of the first parts that have outlines.
    package static let firstVersion: UInt32 = 4
    /// Bytes that an outline begins with, behind which the rest is of any size: the part's identifier and its own size.
    package static let headByteCount = 20

    /// What the footer of a part would say that had this stripe alone; its rows are numbered as those of the part.
    package let footer: PartFooter
    /// Row blocks of the part before the stripe.
    package let firstBlock: Int
    /// Where the stripe's blocks end.
    package let end: Int

    package var firstRow: Int { footer.rowBlocks[0].firstRow }
    package var rowEnd: Int { firstRow + footer.rowCount }
    package var blockEnd: Int { firstBlock + footer.rowBlocks.count }

    /// Bytes of an outline, from its first ``headByteCount``; nil if these are not the begin of one.
    package static func byteCount(head: UnsafeRawBufferPointer, identifier: PartIdentifier) -> Int? {
        var reader = ByteReader(head)
        guard let found = try? reader.identifier(), found == identifier, let byteCount = try? reader.uint32(),
            byteCount > headByteCount, byteCount <= PartLimits.footerByteCountMax
        else { return nil }
        return Int(byteCount)
    }

    /// Reads an outline.
    ///
    /// Throws `corrupt` unless its checksum and its counts are right. O(columns x row blocks).
    /// - Parameters:
    ///   - bytes: as many as it says itself.
    ///   - offset: where they lie in the file.
    package init(
        parsing bytes: UnsafeRawBufferPointer, offset: Int, version: UInt32, identifier: PartIdentifier
    ) throws {
        guard PartOutline.firstVersion...PartLimits.version ~= version else {
            throw corrupt("an outline in a part of version \(version)")
        }
        var reader = ByteReader(try PartChecksum(identifier).verified(offset: offset, bytes))
        guard try reader.identifier() == identifier, try Int(reader.uint32()) == bytes.count else {
            throw corrupt("the outline of another stripe")
        }
        let firstRow = try reader.count(PartLimits.rowCountMax, "rows before a stripe")
        firstBlock = try reader.count(PartLimits.rowBlockCountMax, "row blocks before a stripe")
        var end = 0
        footer = try PartFooter(
            &reader, outline: .init(offset: offset, byteCount: bytes.count), firstRow: firstRow, version: version,
            identifier: identifier, end: &end)
        self.end = end
    }
}

extension PartFooter {
    /// What the outlines of some stripes say together; nil unless they are those of one part, in its order.
    ///
    /// Rows that no outline tells of are missing from the counts, and leave a gap in the numbers of rows. No ``stripes`` are
    /// told, since nothing is left to check them by.
    package init?(joining outlines: [PartOutline]) {
        guard let first = outlines.first else { return nil }
        self = first.footer
        stripes = []
        for (previous, next) in zip(outlines, outlines.dropFirst()) {
            let footer = next.footer
            guard footer.version == version, footer.identifier == identifier, next.firstRow >= previous.rowEnd,
                next.firstBlock >= previous.blockEnd, footer.sharedBitmapCount == sharedBitmapCount,
                footer.hasColumns(of: self)
            else { return nil }
            rowBlocks += footer.rowBlocks
            rowCount += footer.rowCount
            customerCount += footer.customerCount
            for column in columns.indices { columns[column].blocks += footer.columns[column].blocks }
        }
        summarize()
    }

    private func hasColumns(of other: PartFooter) -> Bool {
        columns.count == other.columns.count
            && zip(columns, other.columns).allSatisfy { own, other in
                own.definition == other.definition && own.dictionary == other.dictionary
                    && own.dictionaryCount == other.dictionaryCount && own.model == other.model
            }
    }

    /// Checks the outline of a stripe, which reading never needs.
    ///
    /// Throws `corrupt` where its checksum does not hold, or where it holds and it says something else than the footer.
    /// - Parameter bytes: those of its place.
    package func checkOutline(_ bytes: UnsafeRawBufferPointer, ofStripe number: Int) throws {
        let stripe = stripes[number], place = stripe.outline
        let outline: PartOutline
        do {
            outline = try PartOutline(
                parsing: bytes, offset: place.offset, version: version, identifier: identifier)
        } catch {
            let reason = (error as? DukkanError)?.message ?? "\(error)"
            throw DukkanError(
                .corrupt, "the outline of stripe \(number) is damaged: " + reason, place: .init(offset: place.offset))
        }
        let footer = outline.footer
        let isSame =
            outline.firstBlock == stripe.rowBlocks.lowerBound && footer.hasColumns(of: self)
            && footer.sharedBitmapCount == sharedBitmapCount && footer.rowBlocks[...] == rowBlocks[stripe.rowBlocks]
            && zip(columns, footer.columns).allSatisfy { own, outlined in
                own.blocks.isEmpty ? outlined.blocks.isEmpty : own.blocks[stripe.rowBlocks] == outlined.blocks[...]
            }
        guard isSame else {
            throw DukkanError(
                .corrupt, "the footer and the outline of stripe \(number) differ", place: .init(offset: place.offset))
        }
    }
}
