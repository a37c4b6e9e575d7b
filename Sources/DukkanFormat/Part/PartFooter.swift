/// The index of a part: its schema, where every block lies, and the statistics that prune blocks.
package struct PartFooter: Sendable {
    /// Bytes at the end of the file that ``place(trailer:fileByteCount:)`` reads.
    package static let trailerByteCount = 20
    /// Bytes at the head of the file: magic, version, identifier, checksum.
    package static let headerByteCount = 32

    /// Version of the format that the part is written in.
    package var version: UInt32
    package var identifier: PartIdentifier
    package var rowCount: Int
    /// Distinct customers; rows without a customer do not count.
    package var customerCount: Int
    package var rowBlocks: [RowBlock]
    package var columns: [PartColumn]
    /// `.int` or `.string`.
    package var customerType: ColumnType
    /// Bitmaps that a row block has at most for several columns to share.
    package var sharedBitmapCount: Int
    /// Where the copy of the footer lies, which the footer follows; nil in parts that have none.
    package var copyPlace: BlockLocation?
    /// The stripes, where each has an outline; none in parts of versions without.
    package var stripes: [Stripe]

    /// Row blocks whose blocks lie side by side.
    package struct Stripe: Sendable, Equatable {
        package var rowBlocks: Range<Int>
        /// Where the ``PartOutline`` lies, which the stripe's blocks follow.
        package var outline: BlockLocation
    }

    /// The place of a block in the file.
    ///
    /// Its last four bytes are its checksum.
    package struct BlockLocation: Sendable, Equatable {
        package var offset: Int
        package var byteCount: Int
        package var end: Int { offset + byteCount }

        package init(offset: Int, byteCount: Int) {
            self.offset = offset
            self.byteCount = byteCount
        }
    }

    /// A run of rows, the same for all columns: whole customers, or a piece of one customer too large for a block.
    package struct RowBlock: Sendable, Equatable {
        package var firstRow: Int
        package var rowCount: Int
        /// Entries of the block's directory; 1 in a block of rows without a customer.
        package var customerCount: Int
        /// The block holds one customer, the one that the block before ends with.
        package var continues: Bool
        /// All rows are without a customer.
        ///
        /// Such blocks stand last.
        package var isNullCustomer: Bool
        /// nil in blocks without a customer.
        package var firstCustomer: CustomerKey?
        package var lastCustomer: CustomerKey?
        package var directory: BlockLocation
        /// Where the shared bitmaps lie, `sharedBitmapCount` of them; nil for one that this row block does not have.
        package var bitmaps: [BlockLocation?]
    }

    /// A column and its blocks, one for each row block; the customer column has none.
    package struct PartColumn: Sendable {
        package var definition: ColumnDefinition
        package var blocks: [ColumnBlock]
        /// Where the strings of the part dictionary lie; nil when each block has its own or the column is not of strings.
        package var dictionary: BlockLocation?
        /// Strings in the part dictionary.
        package var dictionaryCount: Int
        /// Where the column's ``ColumnModel`` lies; nil where it has none.
        package var model: BlockLocation?
        /// Over all blocks.
        package var statistics: BlockStatistics
    }

    /// One column in one row block.
    package struct ColumnBlock: Sendable, Equatable {
        package var location: BlockLocation
        /// Decoding needs the row block's ``CustomerBlock``.
        package var needsCustomers: Bool
        /// Number of the row block's shared bitmap that decoding needs; nil if it needs none.
        package var sharedBitmap: Int?
        /// Place of the column whose values in the row block decoding needs, with the model of this column; nil if none.
        ///
        /// That column needs no other one in turn.
        package var referenceColumn: Int?
        /// The block holds ranks by frequency instead of codes; the part dictionary turns them back.
        var storesRanks: Bool
        package var statistics: BlockStatistics
    }
}

/// What is known of the values of a block or of a column without decoding it.
///
/// Null rows count in `nullCount` only.
package struct BlockStatistics: Sendable, Equatable {
    package var nullCount: Int
    /// Bounds of integers and of part dictionary codes.
    ///
    /// Without any value `minimum` is greater than `maximum`; for strings with dictionaries per block nothing is known
    /// and the bounds are those of `Int64`.
    package var minimum: Int64
    package var maximum: Int64
    /// Bounds of doubles other than NaN; infinity and minus infinity when there is none.
    package var minimumDouble: Double
    package var maximumDouble: Double
    package var containsNaN: Bool
    /// Sum of bool, int, decimal and date columns.
    package var sum: Int128?
    /// Bit c set: code c occurs.
    ///
    /// Known when the part dictionary has at most 64 strings.
    package var codePresence: UInt64?

    /// Of no rows.
    package static let empty = BlockStatistics(
        nullCount: 0, minimum: .max, maximum: .min, minimumDouble: .infinity, maximumDouble: -.infinity,
        containsNaN: false, sum: nil, codePresence: nil)
}
