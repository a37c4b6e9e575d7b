/// One column of a table.
public struct ColumnDefinition: Sendable, Hashable {
    /// What a column is for, besides holding values.
    public enum Role: Sendable, Hashable {
        /// An ordinary column.
        case attribute
        /// The actor key that rows are clustered by; of type int or string.
        case customer
        /// The event time that rows are ordered by; of type timestamp, never null.
        case time
        /// A key: a later row with the same value replaces the earlier one. Of type int or string, never null.
        case unique
    }

    /// Name, unique within the table without regard to case.
    public var name: String
    /// Type of the values.
    public var type: ColumnType
    /// What the column is for.
    public var role: Role

    /// Makes a column definition.
    public init(_ name: String, _ type: ColumnType, role: Role = .attribute) {
        self.name = name
        self.type = type
        self.role = role
    }
}

/// Name and columns of a table.
///
/// A table has exactly one customer column and one time column, and at most one unique column.
public struct TableSchema: Sendable, Hashable {
    /// Name, unique within the store without regard to case.
    public var name: String
    /// Columns in the order in which they were declared.
    public var columns: [ColumnDefinition]
    /// Whether rows without a customer may be stored.
    public var allowsNullCustomer: Bool

    /// Makes a schema; ``validate()`` tells whether it is acceptable.
    public init(_ name: String, columns: [ColumnDefinition], allowsNullCustomer: Bool = false) {
        self.name = name
        self.columns = columns
        self.allowsNullCustomer = allowsNullCustomer
    }

    /// Most columns that a table may have.
    public static let columnCountMax = 1_000
    /// Longest name of a table or column, in UTF-8 bytes.
    public static let nameLengthMax = 255

    /// Place of the customer column.
    ///
    /// A validated schema has one.
    public var customerColumn: Int { columns.firstIndex { $0.role == .customer } ?? 0 }
    /// Place of the time column.
    ///
    /// A validated schema has one.
    public var timeColumn: Int { columns.firstIndex { $0.role == .time } ?? 0 }
    /// Place of the unique column, if the table has one.
    public var uniqueColumn: Int? { columns.firstIndex { $0.role == .unique } }

    /// Place of the column of a name, compared without regard to ASCII case; nil if there is none.
    public func column(named name: String) -> Int? {
        if let exact = columns.firstIndex(where: { $0.name == name }) { return exact }
        let lower = name.lowercased()
        return columns.firstIndex { $0.name.lowercased() == lower }
    }

    /// Checks names, roles and types.
    ///
    /// Throws `invalidArgument` that names the fault.
    public func validate() throws(DukkanError) {
        func fail(_ message: String) -> DukkanError { DukkanError(.invalidArgument, "table \(name): " + message) }
        try TableSchema.checkName(name, what: "table")
        if columns.count > TableSchema.columnCountMax {
            throw fail("\(columns.count) columns, at most \(TableSchema.columnCountMax) are allowed")
        }
        var seen: Set<String> = []
        for column in columns {
            try TableSchema.checkName(column.name, what: "column")
            if !seen.insert(column.name.lowercased()).inserted { throw fail("column \(column.name) appears twice") }
            if case .decimal(let scale) = column.type, !(0...ColumnType.decimalScaleMax).contains(scale) {
                throw fail("column \(column.name): the scale of a decimal is 0 to \(ColumnType.decimalScaleMax)")
            }
            switch column.role {
            case .attribute: break
            case .customer, .unique:
                if column.type != .int && column.type != .string {
                    throw fail("column \(column.name) is a key and must be INT or STRING, not \(column.type)")
                }
            case .time:
                if column.type != .timestamp {
                    throw fail("column \(column.name) is the event time and must be TIMESTAMP, not \(column.type)")
                }
            }
        }
        func count(_ role: ColumnDefinition.Role) -> Int { columns.count { $0.role == role } }
        if count(.customer) != 1 { throw fail("\(count(.customer)) CUSTOMER columns, one is needed") }
        if count(.time) != 1 { throw fail("\(count(.time)) TIME columns, one is needed") }
        if count(.unique) > 1 { throw fail("\(count(.unique)) UNIQUE columns, at most one is allowed") }
    }

    /// Checks the length and the characters of a name of a table, column or segment.
    package static func checkName(_ name: String, what: String) throws(DukkanError) {
        if name.isEmpty || name.utf8.count > nameLengthMax {
            throw DukkanError(.invalidArgument, "a \(what) name has 1 to \(nameLengthMax) bytes")
        }
        if name.utf8.contains(where: { $0 < 0x20 || $0 == 0x7F }) {
            throw DukkanError(.invalidArgument, "a \(what) name contains a control character")
        }
    }
}
