public import DukkanFormat
import DukkanStorage
public import DukkanTime

/// What a store knows of one of its tables without reading rows.
public struct TableInformation: Sendable, Hashable {
    /// Name and columns.
    public var schema: TableSchema
    /// Rows that a query sees.
    public var rowCount: Int
    /// Files that hold them.
    public var partCount: Int
    /// Bytes of these files.
    public var byteCount: Int
    /// The earliest and the latest event time; nil in an empty table.
    public var timeRange: ClosedRange<Timestamp>?
}

extension Store {
    /// The tables of the newest committed snapshot, in the order in which they were made.
    public func tables() throws -> [TableInformation] {
        try core.snapshot().tables.map { table in
            var range: ClosedRange<Timestamp>?
            for part in table.parts where part.entry.rowCount > 0 {
                let column = part.footer.columns.first { $0.definition.role == .time }
                guard let statistics = column?.statistics, statistics.minimum <= statistics.maximum else { continue }
                let low = Timestamp(microseconds: min(statistics.minimum, range?.lowerBound.microseconds ?? .max))
                let high = Timestamp(microseconds: max(statistics.maximum, range?.upperBound.microseconds ?? .min))
                range = low...high
            }
            return TableInformation(
                schema: table.schema, rowCount: table.rowCount, partCount: table.parts.count,
                byteCount: table.parts.reduce(0) { $0 + $1.entry.byteCount }, timeRange: range)
        }
    }

    /// What is known of one table.
    ///
    /// - Throws: `DukkanError` `notFound`, with the nearest name.
    public func table(named name: String) throws -> TableInformation {
        let tables = try tables()
        if let table = tables.first(where: { $0.schema.name.lowercased() == name.lowercased() }) { return table }
        throw DukkanError(
            .notFound, "there is no table \(name)",
            advice: NearestName.advice(for: name, among: tables.map(\.schema.name)))
    }
}
