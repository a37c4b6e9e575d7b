/// The rows of one table for a range of customers, as the retention kernel reads them: in the order (customer, time).
///
/// The pointers are borrowed for the call.
package struct RetentionRows {
    /// What is summed over return rows.
    ///
    /// A row whose validity bit is 0 is null and takes no part; nil: none is null.
    package enum Values {
        /// Whole numbers, or decimals without their scale.
        case integers(UnsafePointer<Int64>, validity: UnsafePointer<UInt64>?)
        /// Floating point numbers.
        case doubles(UnsafePointer<Double>, validity: UnsafePointer<UInt64>?)
    }

    /// Rows of customer c: `rowStarts[c] ..< rowStarts[c + 1]`.
    package var rowStarts: UnsafePointer<UInt32>
    /// Event times, microseconds UTC.
    package var times: UnsafePointer<Int64>
    /// Bit 0: the row is a start row, bit 1: it is a return row.
    ///
    /// Nil: every row is both.
    package var masks: UnsafePointer<UInt8>?
    /// What is summed; needed in the table of the return rows when the measure is a sum or an average.
    package var values: Values?

    package init(
        rowStarts: UnsafePointer<UInt32>, times: UnsafePointer<Int64>, masks: UnsafePointer<UInt8>? = nil,
        values: Values? = nil
    ) {
        self.rowStarts = rowStarts
        self.times = times
        self.masks = masks
        self.values = values
    }

    /// Bits of ``masks``.
    package static let startBit: UInt8 = 1
    /// Bits of ``masks``.
    package static let returnBit: UInt8 = 2
}
