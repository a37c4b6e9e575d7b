public import DukkanStorage

/// What a salvage took over, and what is lost.
public struct SalvageSummary: Sendable, Hashable {
    /// The tables of the new store.
    public var tables: [Table]
    /// What could not be read, in the order of the files; at most ten thousand, the rest is counted.
    public var losses: [Loss]
    /// Losses that are not in ``losses``.
    public var untoldLossCount: Int
    /// What cannot be known, in sentences for a person: that the manifest is damaged, or a deletion file missing.
    public var notes: [String]

    /// What became of one table.
    public struct Table: Sendable, Hashable {
        /// Name in the new store.
        public var name: String
        /// Rows in the new store.
        public var rowsSaved: Int
        /// Of these, rows in which nulls stand for damaged values.
        public var rowsWithNulls: Int
        /// Rows that are lost; those of files of which not even the number of rows is known do not count.
        public var rowsLost: Int
    }

    /// A piece of the damaged store that could not be read.
    public struct Loss: Sendable, Hashable {
        /// Name of the table.
        public var table: String
        /// Name of the file.
        public var file: String
        /// Number of the row block; nil: the whole file.
        public var block: Int?
        /// Rows concerned; nil where that is not known.
        public var rowCount: Int?
        /// Columns that cannot be read; none where the rows themselves cannot be told.
        public var columns: [String]
        /// What is wrong.
        public var reason: String
        /// Whether the rows are in the new store, with nulls in these columns.
        public var isNulled: Bool
    }

    /// Whether nothing is lost and everything is known.
    public var isComplete: Bool { losses.isEmpty && notes.isEmpty }

    init(_ report: SalvageReport) {
        tables = report.tables.map {
            Table(
                name: $0.name, rowsSaved: $0.rowsSaved, rowsWithNulls: $0.rowsWithNulls, rowsLost: $0.rowsLost)
        }
        losses = report.losses.map {
            Loss(
                table: $0.table, file: $0.file, block: $0.block, rowCount: $0.rowCount, columns: $0.columns,
                reason: $0.reason, isNulled: $0.isNulled)
        }
        untoldLossCount = report.untoldLossCount
        notes = report.notes
    }
}

extension Store {
    /// Copies every row of a damaged store whose columns can all be read into a new store.
    ///
    /// The damaged store is not written to, and its manifest may be damaged or missing: then tables are named by number.
    ///
    /// - Parameters:
    ///   - path: the damaged store.
    ///   - output: directory of the new store, which must not exist or be empty.
    ///   - nullingDamaged: whether rows with damaged values are kept, with nulls for them, where the column may be null.
    ///   - options: of the new store.
    ///   - control: cancellation, deadline and progress.
    /// - Throws: `DukkanError` `alreadyExists`, `notFound`, `inputOutput`.
    public static func salvage(
        at path: String, into output: String, nullingDamaged: Bool = false, options: StoreOptions = StoreOptions(),
        control: WorkControl? = nil
    ) throws -> SalvageSummary {
        SalvageSummary(
            try StoreCore.salvage(
                path: path, into: output, nullsDamaged: nullingDamaged, options: options, control: control))
    }
}
