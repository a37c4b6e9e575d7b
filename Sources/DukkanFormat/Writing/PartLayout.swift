/// How the columns of a part are written beyond each one's own forms; chosen with the first stripe, kept for all.
struct PartLayout {
    /// For each column the codes by rank, where it stores ranks.
    var codesByRank: [[UInt32]?]
    /// The ranks of its codes.
    var ranks: [[UInt32]?]
    /// Columns that change only where shared runs begin.
    var runColumns: [Int] = []
    /// Whether the times are written as differences within these runs and between them.
    var hasRunTimes = false
    /// Columns that share a null pattern.
    var nullColumns: [Int] = []
    /// For each column the function of time that predicts it.
    var timeModels: [TimeModel?]
    /// For each column the table by another column that tells its values.
    var tables: [TableBuilder?]

    init(columnCount: Int) {
        codesByRank = [[UInt32]?](repeating: nil, count: columnCount)
        ranks = codesByRank
        timeModels = [TimeModel?](repeating: nil, count: columnCount)
        tables = [TableBuilder?](repeating: nil, count: columnCount)
    }

    /// Number of the shared bitmap of run starts.
    var runBitmap: Int? { runColumns.isEmpty ? nil : 0 }
    /// Number of the shared bitmap of null rows.
    var nullBitmap: Int? { nullColumns.isEmpty ? nil : runColumns.isEmpty ? 0 : 1 }
    var sharedBitmapCount: Int { (runColumns.isEmpty ? 0 : 1) + (nullColumns.isEmpty ? 0 : 1) }

    func model(of column: Int) -> ColumnModel? {
        timeModels[column].map { .times($0) } ?? tables[column].map { .table($0.model) }
    }

    /// Takes over what the rows of another stripe tell of columns that tables decide; returns the columns whose tables
    /// tell more than before.
    mutating func extend(with pending: PendingRows, rows: Range<Int>) -> [Int] {
        var extended: [Int] = []
        for column in tables.indices {
            guard let reference = tables[column]?.referenceColumn else { continue }
            let isExtended = tables[column]?.add(pending.vectors[column], pending.vectors[reference], rows)
            if isExtended == true { extended.append(column) }
        }
        return extended
    }
}

/// What a column block may refer to.
struct BlockRelations {
    var shared = SharedRows.none
    /// Numbers of the bitmaps in `shared` that this column may use.
    var runBitmap: Int?
    var nullBitmap: Int?
    /// The bitmap of the runs, where the column is the time and follows them.
    var timeRunBitmap: Int?
    var timeModel: TimeModel?
    /// The time column, and its place.
    var times: ColumnVector
    var timeColumn: Int
    var table: TableModel?
    /// The column that decides, where there is a table, and its place.
    var reference: ColumnVector?
    var referenceColumn: Int?
}
