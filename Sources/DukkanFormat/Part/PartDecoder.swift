import CDukkanKernels

/// Bytes of one block to values.
///
/// Every function checks the block's checksum first and throws `corrupt`, with column and block named, for bytes that
/// are not what the footer says. What is written into the output before an error means nothing. `onCheck` is called once
/// the checksum holds, for who measures what checking costs. Where bytes `areChecked`, that is left out.
package enum PartDecoder {
    /// Decodes the customers of a row block; `bytes` are those of its `directory`.
    ///
    /// O(customers).
    /// - Parameters:
    ///   - customers: gets them.
    ///   - readsKeys: whether it is asked who they are, and not only where their rows begin.
    package static func decodeCustomers(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, block: Int, into customers: CustomerBlock,
        readsKeys: Bool = true, areChecked: Bool = false, onCheck: (() -> Void)? = nil
    ) throws {
        do throws(DukkanError) {
            let scratch = customers.scratch
            scratch.reset()
            let rowBlock = footer.rowBlocks[block]
            let content = try content(bytes, rowBlock.directory, footer, scratch, areChecked, onCheck)
            try customers.decode(content, rowBlock, footer.customerType, readsKeys: readsKeys, scratch)
        } catch {
            throw located(error, nil, block)
        }
    }

    /// Decodes a column in a row block; `bytes` are those of the column block's `location`.
    ///
    /// - Parameters:
    ///   - customers: those of the row block, where the column block `needsCustomers`.
    ///   - dictionary: the part dictionary, where the column has one. Columns of strings without get one of the block.
    ///   - references: what the column block names as `sharedBitmap` and `referenceColumn`, the latter with the column's
    ///     model.
    ///   - selected: the rows wanted, which follow each other in the vector; nil for all.
    package static func decodeColumn(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int, block: Int, customers: CustomerBlock?,
        dictionary: StringDictionary?, references: BlockReferences = BlockReferences(), selected: SelectedRows? = nil,
        into vector: ColumnVector, areChecked: Bool = false, onCheck: (() -> Void)? = nil
    ) throws {
        try withDecoder(
            bytes, footer: footer, column: column, block: block, customers: customers, dictionary: dictionary,
            references: references, vector: vector, areChecked: areChecked, onCheck: onCheck
        ) { decoder throws(DukkanError) in
            if let selected {
                try decoder.decode(selected, into: vector)
            } else {
                try decoder.decode(into: vector)
            }
        }
    }

    /// Calls `body` with what reads a column block, whose memory for steps between is that of `vector`.
    static func withDecoder<Result>(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int, block: Int, customers: CustomerBlock?,
        dictionary: StringDictionary?, references: BlockReferences, vector: ColumnVector, areChecked: Bool,
        onCheck: (() -> Void)?, body: (inout ColumnBlockDecoder) throws(DukkanError) -> Result
    ) throws -> Result {
        let definition = footer.columns[column].definition
        precondition(vector.kind == definition.type.physical && definition.role != .customer)
        do throws(DukkanError) {
            let columnBlock = footer.columns[column].blocks[block]
            let scratch = vector.scratch
            scratch.reset()
            let content = try content(bytes, columnBlock.location, footer, scratch, areChecked, onCheck)
            var decoder = ColumnBlockDecoder(
                reader: ByteReader(content), rowCount: footer.rowBlocks[block].rowCount,
                nullCount: columnBlock.statistics.nullCount,
                customers: columnBlock.needsCustomers ? customers : nil,
                hasPartDictionary: footer.columns[column].dictionary != nil, storesRanks: columnBlock.storesRanks,
                dictionary: dictionary, references: references, scratch: scratch)
            if columnBlock.needsCustomers { precondition(customers != nil, "the block needs its customers") }
            return try body(&decoder)
        } catch {
            throw located(error, definition.name, block)
        }
    }

    /// Decodes the part dictionary of a column; `bytes` are those of its `dictionary`.
    ///
    /// O(bytes).
    package static func decodeDictionary(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int, areChecked: Bool = false,
        onCheck: (() -> Void)? = nil
    ) throws -> StringDictionary {
        guard let location = footer.columns[column].dictionary else {
            preconditionFailure("the column has no part dictionary")
        }
        do throws(DukkanError) {
            let scratch = ScratchArena()
            var reader = ByteReader(try content(bytes, location, footer, scratch, areChecked, onCheck))
            let count = footer.columns[column].dictionaryCount
            let ranks = try PartDictionary.decodeRanks(&reader, count, scratch: scratch)
            let strings = try StringList.decode(&reader, count, scratch: scratch)
            guard reader.isAtEnd else { throw corrupt("bytes behind a dictionary's end") }
            return StringDictionary(
                offsets: strings.offsets, bytes: strings.bytes, isSorted: true, codesByRank: ranks)
        } catch {
            throw located(error, footer.columns[column].definition.name, nil)
        }
    }

    /// Decodes a shared bitmap of a row block; `bytes` are those of its place in the row block's `bitmaps`.
    ///
    /// O(rows / 64).
    package static func decodeBitmap(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, block: Int, bitmap: Int, into out: RowBitmap,
        areChecked: Bool = false, onCheck: (() -> Void)? = nil
    ) throws {
        guard let location = footer.rowBlocks[block].bitmaps[bitmap] else {
            preconditionFailure("the row block does not have this bitmap")
        }
        do throws(DukkanError) {
            out.scratch.reset()
            let content = try content(bytes, location, footer, out.scratch, areChecked, onCheck)
            try out.decode(content, rowCount: footer.rowBlocks[block].rowCount)
        } catch {
            throw located(error, nil, block)
        }
    }

    /// Decodes the model of a column; `bytes` are those of its `model`.
    ///
    /// O(knots or entries).
    package static func decodeModel(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int, areChecked: Bool = false,
        onCheck: (() -> Void)? = nil
    ) throws -> ColumnModel {
        guard let location = footer.columns[column].model else { preconditionFailure("the column has no model") }
        do throws(DukkanError) {
            let scratch = ScratchArena()
            var reader = ByteReader(try content(bytes, location, footer, scratch, areChecked, onCheck))
            let model = try ColumnModel.decode(&reader, version: footer.version, scratch: scratch)
            guard reader.isAtEnd else { throw corrupt("bytes behind a model's end") }
            return model
        } catch {
            throw located(error, footer.columns[column].definition.name, nil)
        }
    }

    /// The content of a block, its checksum verified and LZ4 undone.
    static func content(
        _ bytes: UnsafeRawBufferPointer, _ location: PartFooter.BlockLocation, _ footer: PartFooter,
        _ scratch: ScratchArena, _ areChecked: Bool = false, _ onCheck: (() -> Void)? = nil
    ) throws(DukkanError) -> UnsafeRawBufferPointer {
        guard bytes.count == location.byteCount else { throw corrupt("a block of \(bytes.count) bytes") }
        let framed: UnsafeRawBufferPointer
        if areChecked {
            framed = try PartChecksum.content(bytes)
        } else {
            framed = try PartChecksum(footer.identifier).verified(offset: location.offset, bytes)
        }
        onCheck?()
        return try BlockFrame.unwrap(framed, scratch: scratch)
    }

    private static func located(_ error: DukkanError, _ column: String?, _ block: Int?) -> DukkanError {
        var error = error
        error.place.column = column
        error.place.block = block
        return error
    }
}
