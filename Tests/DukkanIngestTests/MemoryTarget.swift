import DukkanFormat
import DukkanStorage
import DukkanTime

@testable import DukkanIngest

/// A table in memory, which keeps the rows as text.
final class MemoryTarget: ImportTarget {
    var schema: TableSchema
    private(set) var rows: [[String?]] = []
    private(set) var committed: [[String?]] = []
    private(set) var commits = 0
    private(set) var rollbacks = 0
    private(set) var batchSizes: [Int] = []

    init(_ schema: TableSchema) { self.schema = schema }

    /// A table of columns written as `name type`, with `!` behind the customer, `@` behind the time, `*` behind the key.
    convenience init(_ columns: String..., allowsNullCustomer: Bool = false) {
        self.init(MemoryTarget.schema(columns, allowsNullCustomer: allowsNullCustomer))
    }

    static func schema(_ columns: [String], allowsNullCustomer: Bool = false) -> TableSchema {
        let definitions = columns.map { text in
            let words = text.split(separator: " ")
            let role: ColumnDefinition.Role =
                switch words.count > 2 ? words[2] : "" {
                case "!": .customer
                case "@": .time
                case "*": .unique
                default: .attribute
                }
            let type: ColumnType =
                switch words[1] {
                case "bool": .bool
                case "int": .int
                case "double": .double
                case "timestamp": .timestamp
                case "date": .date
                case "string": .string
                default: .decimal(scale: Int(words[1].dropFirst(3)) ?? 0)
                }
            return ColumnDefinition(String(words[0]), type, role: role)
        }
        return TableSchema("t", columns: definitions, allowsNullCustomer: allowsNullCustomer)
    }

    func schema(of table: String) throws -> TableSchema { schema }

    func addColumn(table: String, _ column: ColumnDefinition) throws {
        schema.columns.append(column)
        rows = rows.map { $0 + [nil] }
    }

    func append(table: String, _ batch: RowBatch) throws {
        batchSizes.append(batch.rowCount)
        guard batch.columns.count == schema.columns.count else { throw DukkanError(.invalidInput, "columns") }
        for row in 0..<batch.rowCount {
            rows.append(
                zip(schema.columns, batch.columns).map { definition, vector in
                    precondition(vector.count == batch.rowCount)
                    return MemoryTarget.text(vector, row, definition.type)
                })
        }
    }

    static func text(_ vector: ColumnVector, _ row: Int, _ type: ColumnType) -> String? {
        guard vector.isValid(row) else { return nil }
        switch type {
        case .bool: return vector.integers[row] == 1 ? "true" : "false"
        case .int: return String(vector.integers[row])
        case .decimal(let scale):
            return DecimalValue(unscaled: Int128(vector.integers[row]), scale: scale).description
        case .double: return String(vector.doubles[row])
        case .timestamp: return Timestamp(microseconds: vector.integers[row]).description
        case .date: return CivilDate(days: vector.integers[row]).description
        case .string: return vector.dictionary?.string(Int(vector.codes[row]))
        }
    }

    func commit(control: WorkControl?) throws {
        committed = rows
        commits += 1
    }

    func rollback() throws {
        rows = committed
        rollbacks += 1
    }
}

/// The rows that a text gives, as `a|b|∅`.
func imported(
    _ text: String, into target: MemoryTarget, _ change: (inout ImportOptions) -> Void = { _ in }
) throws -> [String] {
    _ = try report(text, into: target, change)
    return target.rows.map { $0.map { $0 ?? "∅" }.joined(separator: "|") }
}

/// Imports a text and gives the report.
func report(
    _ text: String, into target: MemoryTarget, _ change: (inout ImportOptions) -> Void = { _ in }
) throws -> ImportReport {
    try report(Array(text.utf8), into: target, change)
}

func report(
    _ bytes: [UInt8], into target: MemoryTarget, _ change: (inout ImportOptions) -> Void = { _ in }
) throws -> ImportReport {
    var options = ImportOptions()
    options.now = Timestamp("2026-06-01")
    change(&options)
    let input = ImportInput(bytes: bytes, name: "text")
    return try Importer(target: target, inputs: [input], options: options).run(into: "t")
}
