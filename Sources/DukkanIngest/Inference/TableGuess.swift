import DukkanFormat

/// Chooses customer and time among the columns of an input, and makes a table of them.
struct TableGuess {
    let options: ImportOptions
    let profiles: [ColumnProfile]

    /// Words that name a customer, the surest first.
    private static let customerWords = [
        "customer", "client", "user", "visitor", "buyer", "shopper", "member", "account", "person", "household",
        "actor",
    ]

    /// Fills in table and notes.
    ///
    /// Throws where an option names a column that is not there.
    func apply(to inferred: inout InferredSchema, table name: String) throws {
        let customer = try told(options.customerColumn, role: "customer", inferred) ?? guessCustomer(inferred.columns)
        let time = try told(options.timeColumn, role: "time", inferred) ?? guessTime(inferred.columns, except: customer)
        let unique = try told(options.uniqueColumn, role: "unique", inferred)
        addNotes(to: &inferred)
        guard let customer else {
            inferred.notes.append("no column looks like the customer; --customer COLUMN says which it is")
            return
        }
        guard let time else {
            inferred.notes.append("no column looks like the time of the rows; --time COLUMN says which it is")
            return
        }
        try setTime(&inferred, time)
        if case .decimal = inferred.columns[customer].type { inferred.columns[customer].type = .string }
        var columns: [ColumnDefinition] = []
        for (index, column) in inferred.columns.enumerated() where !isIgnored(index, inferred) {
            let role: ColumnDefinition.Role =
                index == customer ? .customer : index == time ? .time : index == unique ? .unique : .attribute
            let isKey = role == .customer || role == .unique
            let type: ColumnType = isKey && column.type != .int ? .string : column.type
            inferred.columns[index].type = type
            columns.append(ColumnDefinition(tableName(of: column.name, index, inferred), type, role: role))
        }
        let schema = TableSchema(name, columns: columns, allowsNullCustomer: options.anonymousRows == .keep)
        try schema.validate()
        inferred.table = schema
        let nulls = inferred.columns[customer].nullCount
        if nulls > 0, options.anonymousRows == .refuse {
            inferred.notes.append(
                "\(nulls) rows have no \(inferred.columns[customer].name); --anonymous drop leaves them out, keep stores them"
            )
        }
    }

    /// What values look like that a flag would read better.
    private func addNotes(to inferred: inout InferredSchema) {
        for (profile, column) in zip(profiles, inferred.columns) {
            if profile.hasAmbiguousDays, column.timeFormat == .dayMonthYear {
                inferred.notes.append(
                    "dates of column \(column.name), as \(column.example), are read day first; "
                        + "--time-format \(column.name)=MM/DD/YYYY reads the month first")
            }
            if profile.hasDecimalCommas {
                inferred.notes.append(
                    "column \(column.name) has numbers with a comma, as \(column.example); "
                        + "--decimal-comma reads them as numbers")
            }
            if let word = column.suspectedNullWord {
                inferred.notes.append(
                    "column \(column.name) has the word \(word) in place of values; --null \(word) reads it as none")
            }
        }
    }

    private func isIgnored(_ index: Int, _ inferred: InferredSchema) -> Bool {
        let names = inferred.columns.map(\.name)
        return names[index].isEmpty || options.ignoredColumns.contains { ImportPlan.field($0, in: names) == index }
    }

    private func tableName(of name: String, _ index: Int, _ inferred: InferredSchema) -> String {
        let names = inferred.columns.map(\.name)
        return options.mappings.first { ImportPlan.field($0.input, in: names) == index }?.column ?? name
    }

    private func told(_ name: String?, role: String, _ inferred: InferredSchema) throws(DukkanError) -> Int? {
        guard let name else { return nil }
        let names = inferred.columns.map(\.name)
        if let field = ImportPlan.field(name, in: names) { return field }
        if let mapping = options.mappings.first(where: { $0.column.lowercased() == name.lowercased() }),
            let field = ImportPlan.field(mapping.input, in: names)
        {
            return field
        }
        throw DukkanError(
            .invalidInput, "the input has no column \(name) for the \(role)",
            advice: "it has: " + names.prefix(30).joined(separator: ", "))
    }

    private func guessCustomer(_ columns: [InferredColumn]) -> Int? {
        let keys = columns.map { NameKey.key($0.name) }
        for word in TableGuess.customerWords {
            for wanted in [word + "id", word, word + "key", word + "no", word + "number", word + "uuid"] {
                if let index = keys.firstIndex(of: wanted) { return index }
            }
        }
        return nil
    }

    private func guessTime(_ columns: [InferredColumn], except customer: Int?) -> Int? {
        let times = columns.indices.filter { columns[$0].type == .timestamp || columns[$0].type == .date }
        let named = times.filter { ColumnProfile.namesTime(columns[$0].name) }
        if let first = named.first(where: { columns[$0].nullCount == 0 }) ?? named.first { return first }
        if let first = times.first(where: { columns[$0].nullCount == 0 }) ?? times.first { return first }
        return columns.indices.first {
            $0 != customer && ColumnProfile.namesTime(columns[$0].name) && profiles[$0].epochFormat != nil
        }
    }

    /// The time column holds timestamps, whatever the input's values looked like.
    private func setTime(_ inferred: inout InferredSchema, _ time: Int) throws(DukkanError) {
        let column = inferred.columns[time]
        switch column.type {
        case .timestamp, .date: break
        case .int, .decimal:
            let told = options.timeFormat(of: column.name)
            inferred.columns[time].timeFormat = told == .automatic ? profiles[time].epochFormat : told
        default:
            let told = options.timeFormat(of: column.name)
            guard told != .automatic else {
                throw DukkanError(
                    .invalidInput,
                    "column \(column.name) does not hold times that are understood, as \"\(column.example)\"",
                    advice: "--time-format \(column.name)=PATTERN says how they are written")
            }
            inferred.columns[time].timeFormat = told
        }
        inferred.columns[time].type = .timestamp
    }
}
