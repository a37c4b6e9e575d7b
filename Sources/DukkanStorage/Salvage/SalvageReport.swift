/// What a salvage took over and what it could not.
package struct SalvageReport: Sendable, Equatable {
    package var tables: [Table] = []
    /// What was lost, in the order of the files; of more than there may be the first.
    package var losses: [Loss] = []
    /// Losses that are not in ``losses``.
    package var untoldLossCount = 0
    /// What cannot be known, in sentences for a person: the manifest is damaged, a deletion file is missing.
    package var notes: [String] = []

    package struct Table: Sendable, Equatable {
        package var name: String
        /// Rows that are in the new store, whole or with nulls.
        package var rowsSaved = 0
        /// Of these, the rows in which damaged values became nulls.
        package var rowsWithNulls = 0
        /// Rows that are lost; without those of parts of which not even the number of rows is known.
        package var rowsLost = 0
    }

    package struct Loss: Sendable, Equatable {
        package var table: String
        package var file: String
        /// nil: the whole part.
        package var block: Int?
        /// Rows concerned; nil where it is not known.
        package var rowCount: Int?
        /// Columns that cannot be read; none where the rows themselves cannot be told.
        package var columns: [String]
        package var reason: String
        /// Whether the rows are in the new store, with nulls in these columns.
        package var isNulled: Bool
    }

    /// Losses that are told one by one.
    package static let lossCountMax = 10_000

    package var isComplete: Bool { losses.isEmpty && notes.isEmpty }

    mutating func add(_ loss: Loss, table: Int) {
        let rows = loss.rowCount ?? 0
        if loss.isNulled { tables[table].rowsWithNulls += rows } else { tables[table].rowsLost += rows }
        if losses.count < SalvageReport.lossCountMax { losses.append(loss) } else { untoldLossCount += 1 }
    }
}
