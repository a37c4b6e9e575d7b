/// The rows of one table for a range of customers, as the sequence kernels read them: in the order (customer, time,
/// ingest), each row with the steps it matches.
///
/// All tables of one call have the same customers in the same order; a customer without rows in a table has an empty
/// range there. Rows after `as of` have no bits. The pointers are borrowed for the call.
package struct SequenceRows {
    /// Bit k of a row's mask: the row matches step k within all limits.
    package enum Masks {
        /// For up to 8 steps; the faster form.
        case bytes(UnsafePointer<UInt8>)
        /// For up to 32 steps.
        case words(UnsafePointer<UInt32>)
    }

    /// Rows of customer c: `rowStarts[c] ..< rowStarts[c + 1]`.
    package var rowStarts: UnsafePointer<UInt32>
    /// A bit for each row from row 0 on that is the first of its customer, one word more than the rows need; nil where nobody
    /// has made them, or the rows are not all of these.
    package var firstRowBits: UnsafePointer<UInt64>?
    /// Event times, microseconds UTC.
    package var times: UnsafePointer<Int64>
    /// Steps matched.
    package var masks: Masks
    /// The code of the breakdown's value, ``nullCode`` for null; nil when there is no breakdown, or the table has only
    /// nulls of it.
    package var values: UnsafePointer<UInt32>?

    /// The code of no value.
    package static let nullCode = UInt32.max

    package init(
        rowStarts: UnsafePointer<UInt32>, times: UnsafePointer<Int64>, masks: Masks,
        values: UnsafePointer<UInt32>? = nil
    ) {
        self.rowStarts = rowStarts
        self.times = times
        self.masks = masks
        self.values = values
    }
}
