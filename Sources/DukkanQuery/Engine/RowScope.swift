import DukkanFormat
import DukkanStorage

/// Names in an expression over the rows of one table of a scan.
final class RowScope: BindingScope {
    let builder: ScanBuilder
    let table: Int
    private let context: QueryContext

    init(_ builder: ScanBuilder, table: Int) {
        self.builder = builder
        self.table = table
        context = builder.context
    }

    private var schema: TableSchema { builder.tables[table].snapshot.schema }

    func bindWhole(_ expression: Expression, _ binder: Binder) throws -> BoundExpression? { nil }

    func bindSegment(_ condition: Expression, _ binder: Binder) throws -> BoundExpression {
        BoundExpression(.segment(try builder.segment(condition, asOf: binder.context.asOf)), .bool)
    }

    func bindColumn(_ name: ColumnName, _ binder: Binder) throws -> BoundExpression {
        if let qualifier = name.table, qualifier.lowercased() != schema.name.lowercased() {
            return try bindLookup(qualifier, name.name, asOf: binder.context.asOf)
        }
        if let place = schema.column(named: name.name) { return own(place) }
        switch name.name.lowercased() {
        case "customer": return own(schema.customerColumn)
        case "time": return own(schema.timeColumn)
        default:
            let known = schema.columns.map(\.name) + ["customer", "time"]
            throw context.notFound("column", name.name, among: known).inTable(schema.name)
        }
    }

    private func own(_ place: Int) -> BoundExpression {
        let type = ScalarType(schema.columns[place].type)
        if place == schema.customerColumn { return BoundExpression(.customer, type) }
        return BoundExpression(.column(builder.slot(table: table, column: place)), type)
    }

    /// A customer's attribute, or a property of the row's session.
    private func bindLookup(_ qualifier: String, _ name: String, asOf: Int64) throws -> BoundExpression {
        let source = try builder.lookupTable(qualifier)
        let other = builder.tables[source].snapshot.schema
        guard let place = other.column(named: name) else {
            throw context.notFound("column", name, among: other.columns.map(\.name)).inTable(other.name)
        }
        let type = ScalarType(other.columns[place].type)
        if place == other.customerColumn { return own(schema.customerColumn) }
        let slot = builder.slot(table: source, column: place)
        if other.name.lowercased() == "customers" {
            let plan = LookupPlan(
                source: source, slot: slot, timeSlot: builder.timeSlot(table: source), key: nil, type: type,
                asOf: asOf)
            return BoundExpression(.lookup(builder.lookup(plan)), type)
        }
        guard let key = sharedKey(with: other) else {
            throw DukkanError(
                .invalidQuery, "'\(qualifier).\(name)' cannot be looked up from \(schema.name)",
                advice: "A qualified column is an attribute from a table 'customers', or a property from a table "
                    + "with which this one shares a key such as session_id.")
        }
        let lookupKey = LookupPlan.Key(
            ownTable: table, ownSlot: builder.slot(table: table, column: key.own),
            sourceSlot: builder.slot(table: source, column: key.other))
        let plan = LookupPlan(
            source: source, slot: slot, timeSlot: builder.timeSlot(table: source), key: lookupKey, type: type,
            asOf: asOf)
        return BoundExpression(.lookup(builder.lookup(plan)), type)
    }

    /// The column that ties this table's rows to rows of another: the other's unique column, or else `session_id`.
    private func sharedKey(with other: TableSchema) -> (own: Int, other: Int)? {
        let candidates = [other.uniqueColumn.map { other.columns[$0].name }, "session_id"].compactMap { $0 }
        for name in candidates {
            guard let own = schema.column(named: name), let place = other.column(named: name),
                schema.columns[own].type == other.columns[place].type, own != schema.customerColumn,
                place != other.customerColumn
            else { continue }
            return (own, place)
        }
        return nil
    }
}

extension DukkanError {
    /// The same error with a table named in its message.
    func inTable(_ table: String) -> DukkanError {
        var copy = self
        copy.message += " in \(table)"
        return copy
    }
}

/// A value looked up for each row from the same customer's rows of another table.
struct LookupPlan: Equatable, Sendable {
    /// Rows are matched by equal keys instead of taking the customer's latest row.
    struct Key: Equatable, Sendable {
        var ownTable: Int
        var ownSlot: Int
        var sourceSlot: Int
    }

    /// The table looked into, as a place in the scan.
    var source: Int
    /// The column wanted of it.
    var slot: Int
    var timeSlot: Int
    /// Nil: the customer's latest row.
    var key: Key?
    var type: ScalarType
    /// Rows later than this are not looked at.
    var asOf: Int64
}
