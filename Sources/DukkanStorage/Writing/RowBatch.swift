package import DukkanFormat

/// Rows of a table in any order, one vector for each column of the schema.
///
/// String columns carry codes and a dictionary of their own, which need not be sorted.
package struct RowBatch {
    package var columns: [ColumnVector]
    package var rowCount: Int

    package init(columns: [ColumnVector], rowCount: Int) {
        self.columns = columns
        self.rowCount = rowCount
    }
}
