/// What a column block is decoded from beside its own bytes and its row block's customers; all nil for most blocks.
package struct BlockReferences {
    /// The shared bitmap that the block names.
    package var bitmap: RowBitmap?
    /// The values of the reference column in the same row block.
    package var column: ColumnVector?
    /// The model of the block's column, where it has a reference column.
    package var model: ColumnModel?

    package init(bitmap: RowBitmap? = nil, column: ColumnVector? = nil, model: ColumnModel? = nil) {
        self.bitmap = bitmap
        self.column = column
        self.model = model
    }

    func bitmap(of rowCount: Int) throws(DukkanError) -> RowBitmap {
        guard let bitmap, bitmap.rowCount == rowCount else { throw corrupt("a shared bitmap that is not stated") }
        return bitmap
    }

    func column(of rowCount: Int) throws(DukkanError) -> ColumnVector {
        guard let column, column.count == rowCount else { throw corrupt("a reference column that is not stated") }
        return column
    }
}
