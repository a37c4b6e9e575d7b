import DukkanFormat

/// Which rows of a vector hold a value, as a hot loop reads it: copied to a local once a batch.
struct RowValidity {
    private let words: UnsafePointer<UInt64>
    private let hasNulls: Bool

    init(_ vector: ColumnVector) {
        words = UnsafePointer(vector.validity)
        hasNulls = vector.hasNulls
    }

    @inline(__always)
    subscript(row: Int) -> Bool {
        !hasNulls || words[row &>> 6] & (1 &<< UInt64(truncatingIfNeeded: row)) != 0
    }

    /// 1 where the row holds a value, else 0.
    @inline(__always)
    func bit(_ row: Int) -> UInt64 {
        hasNulls ? (words[row &>> 6] &>> UInt64(truncatingIfNeeded: row)) & 1 : 1
    }
}
