/// Bytes of one block to values. Every function checks the block's checksum first and never trusts what it reads.
package enum PartDecoder {
}

extension PartDecoder {
    /// Decodes the customers of a row block.
    package static func decodeCustomers(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, block: Int, into customers: CustomerBlock
    ) throws {
        throw DukkanError(.invalidArgument, "not built yet")
    }

    /// Decodes a column in a row block.
    package static func decodeColumn(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int, block: Int, customers: CustomerBlock?,
        dictionary: StringDictionary?, into vector: ColumnVector
    ) throws {
        throw DukkanError(.invalidArgument, "not built yet")
    }

    /// Decodes the part dictionary of a column.
    package static func decodeDictionary(
        _ bytes: UnsafeRawBufferPointer, footer: PartFooter, column: Int
    ) throws -> StringDictionary {
        throw DukkanError(.invalidArgument, "not built yet")
    }
}

extension PartFooter {
    /// Where the footer lies, from the last ``trailerByteCount`` bytes of the file.
    package static func footerRange(
        trailer: UnsafeRawBufferPointer, fileByteCount: Int
    ) throws -> Range<Int> {
        throw DukkanError(.invalidArgument, "not built yet")
    }

    /// Reads a footer.
    package init(parsing bytes: UnsafeRawBufferPointer, fileByteCount: Int, identifier: PartIdentifier) throws {
        throw DukkanError(.invalidArgument, "not built yet")
    }

    /// Checks the first ``headerByteCount`` bytes of the file.
    package static func checkHeader(_ bytes: UnsafeRawBufferPointer, identifier: PartIdentifier) throws {
        throw DukkanError(.invalidArgument, "not built yet")
    }
}
