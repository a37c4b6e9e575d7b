import DukkanFormat
import DukkanTime

/// Which field of the input fills which column of the table.
struct ImportPlan: Sendable {
    var schema: TableSchema
    /// The columns that have a field, by slot.
    var columns: [PlannedColumn] = []
    /// For each column of the schema the slot of its field; nil: null in every row.
    var slotByColumn: [Int?]
    /// For each field of the input the slot, or -1.
    var slots: [Int32]
    /// Names of the fields that are left out.
    var ignored: [String] = []
    /// Places of the fields that the table has no column for.
    var unknown: [Int] = []

    /// Joins the names of an input to the columns of a table.
    ///
    /// Throws `invalidInput` where they do not fit; fields without a column are listed in `unknown`, and the caller
    /// decides.
    init(schema: TableSchema, dialect: Dialect, options: ImportOptions, file: String) throws {
        self.schema = schema
        slotByColumn = Array(repeating: nil, count: schema.columns.count)
        slots = Array(repeating: -1, count: dialect.names.count)
        let fail = { (message: String, advice: String?) in
            DukkanError(.invalidInput, message, place: .init(file: file), advice: advice)
        }
        for name in options.ignoredColumns + options.mappings.map(\.input) where !dialect.isJSON {
            guard ImportPlan.field(name, in: dialect.names) != nil else {
                throw fail("the input has no column \(name)", ImportPlan.near(name, dialect.names))
            }
        }
        for (field, name) in dialect.names.enumerated() {
            if options.ignoredColumns.contains(where: { ImportPlan.field($0, in: dialect.names) == field }) {
                ignored.append(name)
                continue
            }
            let column: Int?
            if let mapping = options.mappings.first(where: { ImportPlan.field($0.input, in: dialect.names) == field }) {
                column = schema.column(named: mapping.column)
                if column == nil, !options.addsColumns {
                    throw fail(
                        "table \(schema.name) has no column \(mapping.column)",
                        ImportPlan.near(mapping.column, schema.columns.map(\.name)))
                }
            } else if !dialect.hasHeader, !dialect.isJSON, options.columnNames == nil {
                // Without names the order counts.
                column = field < schema.columns.count && options.mappings.isEmpty ? field : nil
            } else {
                column = ImportPlan.column(for: name, in: schema, options: options)
            }
            guard let column else {
                if name.isEmpty { ignored.append("#\(field + 1)") } else { unknown.append(field) }
                continue
            }
            if let taken = slotByColumn[column] {
                throw fail(
                    "two columns of the input would fill \(columns[taken].name)", "--ignore or --map one of them")
            }
            add(field: field, column: column, options: options)
        }
    }

    /// Throws unless every field has a place and every column that must have a value has a field.
    func check(dialect: Dialect, options: ImportOptions, file: String) throws {
        if !unknown.isEmpty, !dialect.hasHeader, !dialect.isJSON, options.columnNames == nil {
            throw DukkanError(
                .invalidInput,
                "the input has \(dialect.names.count) columns without names, table \(schema.name) has \(schema.columns.count)",
                place: .init(file: file),
                advice: "--columns names them, --ignore '#\(unknown[0] + 1)' leaves one out, --map '#1=name' maps one")
        }
        if let first = unknown.first {
            let name = dialect.names[first]
            let others = unknown.count > 1 ? " and \(unknown.count - 1) more" : ""
            throw DukkanError(
                .invalidInput, "table \(schema.name) has no column \(name)\(others)",
                place: .init(file: file, line: dialect.isJSON ? nil : max(1, dialect.headerLines)),
                advice: ImportPlan.near(name, schema.columns.map(\.name), else: "")
                    + "--map \(name)=COLUMN, --ignore \(name) or --add-columns")
        }
        for (index, column) in schema.columns.enumerated() where slotByColumn[index] == nil {
            if column.role == .attribute { continue }
            // JSON may bring the key in a later row.
            if dialect.isJSON || (column.role == .customer && options.anonymousRows == .keep) { continue }
            let role = column.role == .customer ? "customer" : column.role == .time ? "time" : "unique"
            throw DukkanError(
                .invalidInput, "the input has no column for \(column.name), the \(role) column of table \(schema.name)",
                place: .init(file: file),
                advice: ImportPlan.near(column.name, dialect.names, else: "") + "--map INPUT=\(column.name)")
        }
    }

    private mutating func add(field: Int, column: Int, options: ImportOptions) {
        let definition = schema.columns[column]
        let slot = columns.count
        columns.append(
            PlannedColumn(
                name: definition.name, type: definition.type, role: definition.role, slot: slot,
                timeFormat: options.timeFormat(of: definition.name), timeZone: options.timeZone,
                nullWords: options.nullWords, decimalComma: options.decimalComma))
        slotByColumn[column] = slot
        slots[field] = Int32(slot)
    }

    /// The field of a name, or of a place such as `#3`.
    static func field(_ name: String, in names: [String]) -> Int? {
        if let exact = names.firstIndex(of: name) { return exact }
        if let same = names.firstIndex(where: { $0.lowercased() == name.lowercased() }) { return same }
        guard name.hasPrefix("#"), let place = Int(name.dropFirst()), (1...max(1, names.count)).contains(place) else {
            return nil
        }
        return place <= names.count ? place - 1 : nil
    }

    /// The table's column for an input's name: the same name, else the same but for case, blanks, `_` and `-`.
    static func column(for name: String, in schema: TableSchema, options: ImportOptions) -> Int? {
        if let mapping = options.mappings.first(where: { $0.input.lowercased() == name.lowercased() }) {
            return schema.column(named: mapping.column)
        }
        return schema.column(named: name) ?? NameKey.match(name, in: schema.columns.map(\.name))
    }

    private static func near(_ name: String, _ names: [String]) -> String? {
        let advice = near(name, names, else: "")
        return advice.isEmpty ? "it has: " + names.prefix(30).joined(separator: ", ") : advice
    }

    private static func near(_ name: String, _ names: [String], else other: String) -> String {
        NearName.nearest(to: name, among: names).first.map { "did you mean \($0)? " } ?? other
    }
}

/// Compares names of different conventions: `customerID`, `customer_id` and `Customer Id` are one.
enum NameKey {
    /// Letters and digits in lower case.
    static func key(_ name: String) -> String {
        String(
            name.lowercased().unicodeScalars.filter { $0.properties.isAlphabetic || $0.properties.numericType != nil })
    }

    /// The one name that agrees; nil when none or several do.
    static func match(_ name: String, in names: [String]) -> Int? {
        let wanted = key(name)
        guard !wanted.isEmpty else { return nil }
        let found = names.indices.filter { key(names[$0]) == wanted }
        return found.count == 1 ? found[0] : nil
    }
}

extension ImportOptions {
    /// The form of a column's times.
    func timeFormat(of column: String) -> TimeFormat {
        if let own = timeFormats[column] { return own }
        let lower = column.lowercased()
        return timeFormats.first { $0.key.lowercased() == lower }?.value ?? timeFormat
    }
}
