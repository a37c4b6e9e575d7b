/// The named bounds of the format.
///
/// Writer and reader check the same ones.
package enum PartLimits {
    /// Version that this release writes; it reads versions 1 up to this one.
    package static let version: UInt32 = 4
    /// Rows that the writer puts into a row block at most.
    package static let rowBlockTarget = 16_384
    /// Rows in a row block that the reader accepts.
    package static let rowBlockRowCountMax = 65_536
    /// Bytes of strings without a part dictionary that the writer puts into a row block, or little more.
    package static let rowBlockStringByteTarget = 8 << 20
    /// Row blocks whose column blocks the writer puts side by side.
    package static let stripeBlockCountMax = 16
    package static let rowBlockCountMax = 1 << 22
    package static let columnCountMax = TableSchema.columnCountMax
    package static let rowCountMax = 1 << 40
    package static let fileByteCountMax = 1 << 46
    package static let footerByteCountMax = 1 << 30
    /// Longest string of a column or a customer key, in UTF-8 bytes.
    package static let stringByteCountMax = 1 << 20
    /// Bytes of one block after LZ4 is undone.
    package static let blockByteCountMax = 1 << 31
    /// Strings of one dictionary: four times what a store writes, since a few bytes can ask for as much memory as this allows.
    package static let dictionaryCountMax = 1 << 22
    /// Bytes of the strings of one dictionary.
    package static let dictionaryByteCountMax = 1 << 28
    /// Values of a mini-block: the unit of reference, width and patches.
    package static let miniBlockValueCount = 1_024
    /// Bitmaps that several columns of a row block share.
    package static let sharedBitmapCountMax = 8
    /// Knots or entries of a column's model.
    package static let modelValueCountMax = 1 << 20
    /// Integer streams nest at most this deep.
    package static let streamDepthMax = 6
}
