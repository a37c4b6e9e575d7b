public import DukkanFormat
import DukkanLanguage
public import DukkanQuery
public import DukkanStorage
public import DukkanTime

/// All that a store holds of one customer.
public struct CustomerExport: Sendable, Hashable {
    /// Identifier of the store, 32 hexadecimal digits.
    public var store: String
    /// The generation of the store that was read.
    public var generation: UInt64
    /// When it was read.
    public var time: Timestamp
    /// The customer's key.
    public var customer: CustomerKey
    /// Every table with the customer's rows in it, all columns, in order of time; tables without rows are there as well.
    public var tables: [Table]
    /// Segments that name the customer or that she belongs to.
    public var segments: [Segment]

    /// The customer's rows of one table.
    public struct Table: Sendable, Hashable {
        /// Name of the table.
        public var name: String
        /// The rows, exact.
        public var rows: QueryResult
    }

    /// A segment that has to do with the customer.
    public struct Segment: Sendable, Hashable {
        /// Name of the segment.
        public var name: String
        /// Its condition.
        public var condition: String
        /// Whether its text names the customer.
        public var namesCustomer: Bool
        /// Whether she belongs to it; nil where that cannot be told, since it speaks of tables that are gone.
        public var containsCustomer: Bool?
    }

    /// Rows of all tables.
    public var rowCount: Int { tables.reduce(0) { $0 + $1.rows.rows.count } }
}

extension Store {
    /// Reads all that the store holds of one customer, as one snapshot: every row of every table with all columns, and the
    /// segments that name her or that she belongs to.
    ///
    /// Reads the blocks that can hold her only. Rows that later ones with the same unique key have replaced are not among it.
    ///
    /// - Parameters:
    ///   - customer: her key; no rows come for one that the store does not have.
    ///   - control: cancellation, deadline and progress.
    /// - Throws: `DukkanError` `invalidArgument` for a key of another type than the store's, `memoryBudget` where her rows
    ///   take more than the store may use.
    public func export(customer: CustomerKey, control: WorkControl? = nil) throws -> CustomerExport {
        let snapshot = try core.snapshot()
        _ = try CustomerSearch([customer], type: snapshot.customerType)
        let engineOptions = try engineOptions(snapshot)
        let literal: Expression =
            switch customer {
            case .integer(let key): .literal(.int(Int128(key)))
            case .string(let key): .literal(.string(key))
            }
        func query(_ table: TableSnapshot, _ items: [SliceQuery.Item], and condition: Expression?) throws -> QueryResult
        {
            let column = Expression.column(ColumnName(table.schema.columns[table.schema.customerColumn].name))
            let isHers = Expression.binary(.equal, column, literal)
            var query = SliceQuery(items, from: table.schema.name)
            query.filter = condition.map { .binary(.and, isHers, $0) } ?? isHers
            return try Engine.run(.select(query), snapshot: snapshot, options: engineOptions, control: control)
        }
        let tables = try snapshot.tables.map {
            CustomerExport.Table(name: $0.schema.name, rows: try query($0, [], and: nil))
        }
        let columns = snapshot.tables.map { $0.schema.columns[$0.schema.customerColumn].name }
        let known = zip(snapshot.tables, tables).first { !$1.rows.rows.isEmpty }?.0
        var segments: [CustomerExport.Segment] = []
        for segment in snapshot.segments {
            var contains: Bool? = known == nil ? false : nil
            if let known {
                do {
                    let count = SliceQuery.Item(.aggregate(Aggregate(.count)))
                    let answer = try query(known, [count], and: .inSegment(segment.name))
                    contains = answer.rows.first?.first.map { $0 != .int(0) }
                } catch let error as DukkanError where error.code == .invalidQuery {
                    contains = nil
                }
            }
            let isNamed = CustomerMention.isFound(in: segment.text, keys: [customer], columns: columns)
            guard isNamed || contains != false else { continue }
            segments.append(
                .init(
                    name: segment.name, condition: segment.text, namesCustomer: isNamed, containsCustomer: contains))
        }
        return CustomerExport(
            store: snapshot.manifest.store.description, generation: snapshot.generation, time: Store.now,
            customer: customer, tables: tables, segments: segments)
    }

    /// Reads all that the store holds of one customer, without blocking the caller's executor.
    public func export(customer: CustomerKey, control: WorkControl? = nil) async throws -> CustomerExport {
        try await offload(control) { try self.export(customer: customer, control: $0) }
    }
}
