import DukkanFormat
import DukkanQuery

/// `CREATE TABLE` and `ALTER TABLE`.
extension StatementParser {
    private static let typeWords: [Keyword] = [
        .bool, .int, .decimal, .double, .timestamp, .date, .string, .boolean, .integer, .bigint, .numeric, .float,
        .real, .text, .varchar,
    ]

    func tableDefinition() throws(Fault) -> Statement {
        advance()
        try expect(.table, after: "CREATE")
        if isAt(.if), ahead().keyword == .not { throw notAvailable("IF NOT EXISTS", at: current) }
        let start = current
        var schema = TableSchema(try name("a table after CREATE TABLE"), columns: [])
        try expect(.leftParenthesis, "'(' and the columns")
        repeat {
            if schema.columns.count == TableSchema.columnCountMax {
                throw tooMany("a table has at most \(TableSchema.columnCountMax) columns")
            }
            schema.columns.append(try column(of: &schema))
        } while accept(.comma)
        try expect(.rightParenthesis, "',' or ')' after a column")
        do {
            try schema.validate()
        } catch {
            throw self.error(error.message, at: start)
        }
        return .createTable(schema)
    }

    func alteration() throws(Fault) -> Statement {
        advance()
        try expect(.table, after: "ALTER")
        let table = try name("a table after ALTER TABLE")
        try expect(.add, after: "the table")
        // A column may be called `column`: then a type follows, which is not followed by another.
        if isAt(.column), isName(ahead()), isName(ahead(2)) { advance() }
        var schema = TableSchema(table, columns: [])
        let column = try column(of: &schema)
        return .addColumn(table: table, column: column)
    }

    private func column(of schema: inout TableSchema) throws(Fault) -> ColumnDefinition {
        let column = try name("a column")
        var definition = ColumnDefinition(column, try type(of: column))
        while !isAtEnd {
            let start = current
            switch start.keyword {
            case .customer: try set(.customer, of: &definition)
            case .time: try set(.time, of: &definition)
            case .unique: try set(.unique, of: &definition)
            case .primary: throw error("there are no primary keys", at: start, advice: "did you mean UNIQUE?")
            case .null:
                advance()
                if definition.role == .customer { schema.allowsNullCustomer = true }
                if definition.role == .time || definition.role == .unique {
                    throw error("column \(column) is never null", at: start)
                }
            case .not:
                advance()
                try expect(.null, after: "NOT")
                if definition.role == .attribute {
                    throw notAvailable("NOT NULL on a column that is not CUSTOMER, TIME or UNIQUE", at: start)
                }
            default:
                if current.kind == .comma || current.kind == .rightParenthesis { return definition }
                throw unexpected("CUSTOMER, TIME, UNIQUE, ',' or ')'", near: [.customer, .time, .unique])
            }
        }
        return definition
    }

    private func set(_ role: ColumnDefinition.Role, of definition: inout ColumnDefinition) throws(Fault) {
        if definition.role != .attribute {
            throw error("column \(definition.name) has two roles", at: current)
        }
        definition.role = role
        advance()
    }

    private func type(of column: String) throws(Fault) -> ColumnType {
        let start = current
        let what = "a type for column \(column)"
        guard start.kind == .word, let word = start.keyword, StatementParser.typeWords.contains(word) else {
            throw unexpected(what, near: StatementParser.typeWords)
        }
        advance()
        switch word {
        case .bool, .boolean: return .bool
        case .int, .integer, .bigint: return .int
        case .double:
            _ = accept(.precision)
            return .double
        case .float, .real: return .double
        case .timestamp: return .timestamp
        case .date: return .date
        case .decimal, .numeric: return .decimal(scale: try scale())
        default:
            if current.kind == .leftParenthesis {
                throw error("a \(word.text) has no length here", at: current, advice: "write STRING")
            }
            return .string
        }
    }

    /// Reads `(scale)` or `(precision, scale)`.
    private func scale() throws(Fault) -> Int {
        try expect(.leftParenthesis, "'(' and the digits behind the point, as DECIMAL(2)")
        let digits = ColumnType.decimalScaleMax
        var scale = try count("the precision of a DECIMAL", max: digits)
        if accept(.comma) {
            // The precision is checked, not kept: a column holds as many digits as 64 bits do.
            scale = try count("the scale of a DECIMAL", max: scale)
        }
        try expect(.rightParenthesis)
        return scale
    }
}
