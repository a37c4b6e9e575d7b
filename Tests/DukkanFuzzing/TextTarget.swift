import DukkanFormat
import DukkanIngest
import DukkanStorage
import DukkanTime

/// Imports a text, or infers its columns first, or imports it in chunks of two sizes, which must give the same rows.
enum TextTarget {
    static func run(_ input: FuzzInput, format: InputFormat) throws {
        var input = input
        let choices = input.choice(), way = input.choice()
        let bytes = Array(input.rest)
        var options = ImportOptions()
        options.format = format
        options.threads = 1
        options.now = Timestamp(microseconds: 1_780_000_000_000_000)
        options.sampleBytes = 1 << 12
        options.chunkBytes = 1 << 12
        options.decimalComma = choices & 1 != 0
        options.encoding = choices & 2 != 0 ? .latin1 : .utf8
        options.quote = choices & 4 != 0 ? nil : "\""
        options.anonymousRows = choices & 8 != 0 ? .keep : .drop
        options.addsColumns = choices & 16 != 0
        options.nullWords = choices & 32 != 0 ? ["NULL", "-"] : []
        if choices & 64 != 0 { options.header = choices & 128 != 0 }
        // One way for each input, so that more inputs are tried.
        if way & 3 == 1 { return try infer(bytes, options) }
        guard way & 3 == 2 else { return _ = try imported(bytes, schema, options) }
        var chunked = options
        chunked.chunkBytes = 1 + Int(way) % 29
        let whole = try imported(bytes, schema, options)
        let pieces = try imported(bytes, schema, chunked)
        try FuzzFailure.require(whole == pieces, "other rows in chunks of \(chunked.chunkBytes) bytes")
    }

    private static let schema = TableSchema(
        "t",
        columns: [
            ColumnDefinition("c", .int, role: .customer), ColumnDefinition("t", .timestamp, role: .time),
            ColumnDefinition("s", .string), ColumnDefinition("d", .decimal(scale: 2)), ColumnDefinition("f", .double),
            ColumnDefinition("b", .bool), ColumnDefinition("a", .date), ColumnDefinition("i", .int),
        ], allowsNullCustomer: true)

    /// A table that is made from a text takes the text's rows.
    private static func infer(_ bytes: [UInt8], _ options: ImportOptions) throws {
        let importer = Importer(
            target: RowTally(schema), inputs: [ImportInput(bytes: bytes, name: "text")], options: options)
        guard let inferred = try answer({ try importer.inferSchema(table: "t") }), let table = inferred.table else {
            return
        }
        try FuzzFailure.require((try? table.validate()) != nil, "a table that cannot be made")
        _ = try imported(bytes, table, options)
    }

    private static func imported(
        _ bytes: [UInt8], _ schema: TableSchema, _ options: ImportOptions
    ) throws -> RowTally.Outcome {
        var options = options
        if !schema.allowsNullCustomer && options.anonymousRows == .keep { options.anonymousRows = .drop }
        let target = RowTally(schema)
        let importer = Importer(target: target, inputs: [ImportInput(bytes: bytes, name: "text")], options: options)
        let report = try answer { try importer.run(into: "t") }
        return target.outcome(isStored: report != nil)
    }
}

/// A table that keeps of its rows no more than what tells them from others.
final class RowTally: ImportTarget {
    struct Outcome: Hashable {
        var isStored: Bool
        var rowCount: Int
        var digest: UInt64
    }

    private var schema: TableSchema
    private var names: Set<String>
    private var rowCount = 0
    private var digest: UInt64 = 14_695_981_039_346_656_037

    init(_ schema: TableSchema) {
        self.schema = schema
        names = Set(schema.columns.map { $0.name.lowercased() })
    }

    /// Of an import that failed only that it did: how many rows came before does not count.
    func outcome(isStored: Bool) -> Outcome {
        isStored
            ? Outcome(isStored: true, rowCount: rowCount, digest: digest)
            : Outcome(isStored: false, rowCount: 0, digest: 0)
    }

    func schema(of table: String) throws -> TableSchema { schema }
    func addColumn(table: String, _ column: ColumnDefinition) throws {
        // What a table asks of one more column; to go through all the others each time would be most of the work.
        try TableSchema.checkName(column.name, what: "column")
        guard names.insert(column.name.lowercased()).inserted, names.count <= TableSchema.columnCountMax else {
            throw DukkanError(.invalidArgument, "column \(column.name) is there already, or is one too many")
        }
        schema.columns.append(column)
    }

    func append(table: String, _ rows: RowBatch) throws {
        guard rows.columns.count == schema.columns.count else { throw FuzzFailure("columns other than the table's") }
        for row in 0..<rows.rowCount {
            for (vector, column) in zip(rows.columns, schema.columns) {
                guard vector.count == rows.rowCount else { throw FuzzFailure("a column of another length") }
                let isValid = vector.isValid(row)
                if !isValid && column.role == .time { throw FuzzFailure("a row without a time") }
                mix(isValid ? 1 : 0)
                if isValid { mix(vector, row) }
            }
        }
        rowCount += rows.rowCount
    }

    private func mix(_ vector: ColumnVector, _ row: Int) {
        switch vector.kind {
        case .integers: mix(UInt64(bitPattern: vector.integers[row]))
        case .doubles: mix(vector.doubles[row].bitPattern)
        case .codes:
            let code = Int(vector.codes[row])
            vector.dictionary?.withBytes(code) { bytes in
                mix(UInt64(bytes.count))
                for byte in bytes { mix(UInt64(byte)) }
            }
        }
    }

    private func mix(_ value: UInt64) {
        digest = (digest ^ value) &* 0x0000_0100_0000_01B3
        digest ^= digest >> 29
    }

    func commit(control: WorkControl?) throws {}
    func rollback() throws {}
}
