import DukkanFormat
import DukkanQuery
import DukkanStorage

extension Store {
    /// `SHOW TABLES`.
    func tableListing() throws -> QueryResult {
        var result = QueryResult(
            columns: [
                .init("table", .string), .init("rows", .int), .init("parts", .int), .init("bytes", .int),
                .init("first", .timestamp), .init("last", .timestamp),
            ], rows: [])
        for table in try tables() {
            result.rows.append([
                .string(table.schema.name), .int(Int128(table.rowCount)), .int(Int128(table.partCount)),
                .int(Int128(table.byteCount)), table.timeRange.map { .timestamp($0.lowerBound) } ?? .null,
                table.timeRange.map { .timestamp($0.upperBound) } ?? .null,
            ])
        }
        return result
    }

    /// `SHOW SEGMENTS`.
    func segmentListing() throws -> QueryResult {
        QueryResult(
            columns: [.init("segment", .string), .init("condition", .string)],
            rows: try core.snapshot().segments.map { [.string($0.name), .string($0.text)] })
    }

    /// `DESCRIBE table`.
    func columnListing(of table: String) throws -> QueryResult {
        var result = QueryResult(
            columns: [.init("column", .string), .init("type", .string), .init("role", .string)], rows: [])
        for column in try self.table(named: table).schema.columns {
            let role: Value =
                switch column.role {
                case .attribute: .null
                case .customer: .string("customer")
                case .time: .string("time")
                case .unique: .string("unique")
                }
            result.rows.append([.string(column.name), .string(column.type.description), role])
        }
        return result
    }
}
