package import DukkanFormat
package import DukkanStorage
import DukkanTime

/// Turns `Encodable` records into rows of a table.
///
/// Each property goes to the column of its name; where there is none, to the one column that agrees when case and
/// underscores do not count, so `customerID` fills `customer_id`. Columns without a property are null. `Timestamp`,
/// `CivilDate`, Foundation's `Date` and `Decimal`, and enumerations with raw values are understood; objects and lists
/// within a record are not.
package final class RowEncoder {
    let builder: RowBatchBuilder
    /// Columns by the names of properties met so far.
    private var columnsByKey = [String: Int]()
    /// Rows that are complete.
    private var rowCount = 0

    /// Records that are made into one batch.
    package static let batchRowCount = 1 << 16

    package init(_ schema: TableSchema) {
        builder = RowBatchBuilder(schema)
    }

    /// Encodes records and hands them over in batches.
    ///
    /// The rows of a batch hold until the next one.
    package func encode(
        _ records: some Sequence<some Encodable>, deliver: (RowBatch) throws -> Void
    ) throws {
        var total = 0
        for record in records {
            do {
                try append(record)
            } catch let error as DukkanError {
                var located = error
                if located.place.line == nil { located.message = "record \(total + 1): " + error.message }
                throw located
            }
            total += 1
            if rowCount == RowEncoder.batchRowCount { try flush(deliver) }
        }
        if rowCount > 0 { try flush(deliver) }
    }

    private func flush(_ deliver: (RowBatch) throws -> Void) throws {
        try deliver(try builder.batch())
        builder.removeAll()
        rowCount = 0
    }

    private func append(_ record: some Encodable) throws {
        let sink = RecordSink(encoder: self, column: nil, codingPath: [])
        do {
            try record.encode(to: sink)
        } catch let error as EncodingError {
            throw DukkanError(.invalidRow, "the record cannot be encoded", cause: error)
        }
        rowCount += 1
        for (vector, definition) in zip(builder.vectors, builder.schema.columns) where vector.count < rowCount {
            guard definition.role == .attribute || (definition.role == .customer && builder.schema.allowsNullCustomer)
            else {
                throw DukkanError(
                    .invalidRow, "the record has no \(definition.name)", place: .init(column: definition.name))
            }
            vector.appendNull()
        }
    }

    /// The column of a property.
    func column(_ key: any CodingKey) throws(DukkanError) -> Int {
        let name = key.stringValue
        let column: Int
        if let known = columnsByKey[name] {
            column = known
        } else {
            let names = builder.schema.columns.map(\.name)
            guard let found = builder.schema.column(named: name) ?? NameKey.match(name, in: names) else {
                let near = NearName.nearest(to: name, among: names).first
                throw DukkanError(
                    .invalidRow, "table \(builder.schema.name) has no column for the property \(name)",
                    advice: near.map { "did you mean \($0)?" }
                        ?? "leave it out of CodingKeys, or add a column")
            }
            columnsByKey[name] = found
            column = found
        }
        guard builder.vectors[column].count == rowCount else {
            throw DukkanError(
                .invalidRow, "two properties of the record fill \(builder.schema.columns[column].name)",
                place: .init(column: builder.schema.columns[column].name))
        }
        return column
    }

    private func mismatch(_ column: Int, _ what: String) -> DukkanError {
        let definition = builder.schema.columns[column]
        return DukkanError(
            .invalidRow, "\(what) does not go into a column of type \(definition.type)",
            place: .init(column: definition.name))
    }

    func put(_ value: Bool, _ column: Int) throws(DukkanError) {
        guard builder.schema.columns[column].type == .bool else { throw mismatch(column, "a truth value") }
        builder.vectors[column].append(value ? 1 as Int64 : 0)
    }

    func put(_ value: some BinaryInteger, _ column: Int) throws(DukkanError) {
        let vector = builder.vectors[column]
        switch builder.schema.columns[column].type {
        case .int:
            guard let word = Int64(exactly: value) else { throw mismatch(column, "\(value)") }
            vector.append(word)
        case .decimal(let scale):
            guard let word = Int64(exactly: value),
                case let (scaled, overflow) = word.multipliedReportingOverflow(by: NumberReader.powers[scale]),
                !overflow
            else { throw mismatch(column, "\(value)") }
            vector.append(scaled)
        case .double: vector.append(Double(value))
        default: throw mismatch(column, "a whole number")
        }
    }

    func put(_ value: Double, _ column: Int) throws(DukkanError) {
        switch builder.schema.columns[column].type {
        case .double:
            guard value.isFinite else { throw mismatch(column, "\(value)") }
            builder.vectors[column].append(value)
        case .decimal, .int:
            // The shortest decimal that names the double is what the person wrote.
            guard value.isFinite else { throw mismatch(column, "\(value)") }
            try put(number: value.description, column)
        default: throw mismatch(column, "a number with a fraction")
        }
    }

    func put(_ value: String, _ column: Int) throws(DukkanError) {
        guard builder.schema.columns[column].type == .string else { throw mismatch(column, "text") }
        try builder.append(text: value, column: column)
    }

    func put(_ value: Timestamp, _ column: Int) throws(DukkanError) {
        guard builder.schema.columns[column].type == .timestamp else { throw mismatch(column, "a time") }
        builder.vectors[column].append(value.microseconds)
    }

    func put(_ value: CivilDate, _ column: Int) throws(DukkanError) {
        guard builder.schema.columns[column].type == .date else { throw mismatch(column, "a date") }
        builder.vectors[column].append(value.days)
    }

    func putNull(_ column: Int) { builder.vectors[column].appendNull() }

    /// A number by its digits.
    private func put(number: String, _ column: Int) throws(DukkanError) {
        let type = builder.schema.columns[column].type
        var text = number
        let scale = if case .decimal(let scale) = type { scale } else { 0 }
        let outcome = text.withUTF8 { ColumnParser.readScaled($0, type: type, scale: scale, UInt8(ascii: ".")) }
        switch outcome {
        case .value(let word): builder.vectors[column].append(word)
        case .null: putNull(column)
        case .fault(let reason, _):
            throw DukkanError(
                .invalidRow, "\(number) \(reason)", place: .init(column: builder.schema.columns[column].name))
        }
    }

    /// A value that is encoded as a whole.
    func put(_ value: some Encodable, _ column: Int, _ path: [any CodingKey]) throws {
        switch value {
        case let time as Timestamp: try put(time, column)
        case let date as CivilDate: try put(date, column)
        case let number as DecimalValue: try put(number: number.description, column)
        default:
            let type = builder.schema.columns[column].type
            switch FoundationType(value) {
            case .date where type == .timestamp:
                let seconds = SecondsSink()
                try value.encode(to: seconds)
                try put(
                    Timestamp(microseconds: try seconds.microseconds(column: builder.schema.columns[column].name)),
                    column)
            case .decimal where type != .string: try put(number: String(describing: value), column)
            default: try value.encode(to: RecordSink(encoder: self, column: column, codingPath: path))
            }
        }
    }
}

/// Foundation's types that need a meaning of their own.
///
/// They are told by name: the library does not link Foundation.
private enum FoundationType {
    case date
    case decimal

    init?(_ value: some Any) {
        switch _typeName(type(of: value), qualified: true) {
        case "Foundation.Date", "FoundationEssentials.Date": self = .date
        case "Foundation.Decimal", "FoundationEssentials.Decimal", "__C.NSDecimal": self = .decimal
        default: return nil
        }
    }
}
