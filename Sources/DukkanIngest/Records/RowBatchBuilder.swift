public import DukkanFormat
package import DukkanStorage
public import DukkanTime

/// Rows of a table built column by column, the fast way to hand rows over from Swift.
///
/// Append the same number of values to each column, in any order and in as many calls as is handy; columns left out are
/// null. Not for use by several threads at once.
///
/// ```swift
/// let rows = RowBatchBuilder(schema)
/// try rows.append([7, 7, 8], to: "customer_id")
/// try rows.append([first, second, third], to: "ordered_at")
/// try rows.append(unscaled: [1230, 995, 100], to: "revenue")  // 12.30, 9.95, 1.00
/// ```
public final class RowBatchBuilder {
    /// The table that the rows are for.
    public let schema: TableSchema

    let vectors: [ColumnVector]
    let texts: [TextColumn?]

    /// Begins without rows.
    public init(_ schema: TableSchema) {
        self.schema = schema
        vectors = schema.columns.map { ColumnVector($0.type.physical) }
        texts = schema.columns.map { $0.type == .string ? TextColumn() : nil }
    }

    /// Number of rows: the length of the longest column.
    public var rowCount: Int { vectors.map(\.count).max() ?? 0 }

    /// Appends whole numbers to an INT column.
    ///
    /// O(values).
    public func append(_ values: [Int64], to column: String) throws(DukkanError) {
        appendWords(values, to: vectors[try index(column, accepts: "Int64", .int)]) { $0 }
    }

    /// Appends whole numbers, some missing, to an INT column.
    ///
    /// O(values).
    public func append(_ values: [Int64?], to column: String) throws(DukkanError) {
        appendOptional(values, to: vectors[try index(column, accepts: "Int64", .int)]) { $0 }
    }

    /// Appends whole numbers to an INT column.
    ///
    /// O(values).
    public func append(_ values: [Int], to column: String) throws(DukkanError) {
        appendWords(values, to: vectors[try index(column, accepts: "Int", .int)]) { Int64($0) }
    }

    /// Appends decimals by their digits without the point, as 1230 for 12.30 in a DECIMAL(2) column.
    ///
    /// O(values).
    public func append(unscaled values: [Int64], to column: String) throws(DukkanError) {
        appendWords(values, to: vectors[try index(column, accepts: "unscaled", .decimal(scale: 0))]) { $0 }
    }

    /// Appends decimals by their digits without the point, some missing.
    ///
    /// O(values).
    public func append(unscaled values: [Int64?], to column: String) throws(DukkanError) {
        appendOptional(values, to: vectors[try index(column, accepts: "unscaled", .decimal(scale: 0))]) { $0 }
    }

    /// Appends truth values to a BOOL column.
    ///
    /// O(values).
    public func append(_ values: [Bool], to column: String) throws(DukkanError) {
        appendWords(values, to: vectors[try index(column, accepts: "Bool", .bool)]) { $0 ? 1 : 0 }
    }

    /// Appends truth values, some missing, to a BOOL column.
    ///
    /// O(values).
    public func append(_ values: [Bool?], to column: String) throws(DukkanError) {
        appendOptional(values, to: vectors[try index(column, accepts: "Bool", .bool)]) { $0 ? 1 : 0 }
    }

    /// Appends points in time to a TIMESTAMP column.
    ///
    /// O(values).
    public func append(_ values: [Timestamp], to column: String) throws(DukkanError) {
        appendWords(values, to: vectors[try index(column, accepts: "Timestamp", .timestamp)]) {
            $0.microseconds
        }
    }

    /// Appends points in time, some missing, to a TIMESTAMP column.
    ///
    /// O(values).
    public func append(_ values: [Timestamp?], to column: String) throws(DukkanError) {
        appendOptional(values, to: vectors[try index(column, accepts: "Timestamp", .timestamp)]) {
            $0.microseconds
        }
    }

    /// Appends days to a DATE column.
    ///
    /// O(values).
    public func append(_ values: [CivilDate], to column: String) throws(DukkanError) {
        appendWords(values, to: vectors[try index(column, accepts: "CivilDate", .date)]) { $0.days }
    }

    /// Appends days, some missing, to a DATE column.
    ///
    /// O(values).
    public func append(_ values: [CivilDate?], to column: String) throws(DukkanError) {
        appendOptional(values, to: vectors[try index(column, accepts: "CivilDate", .date)]) { $0.days }
    }

    /// Appends numbers to a DOUBLE column.
    ///
    /// O(values).
    public func append(_ values: [Double], to column: String) throws(DukkanError) {
        let vector = vectors[try index(column, accepts: "Double", .double)]
        for value in values { vector.append(value) }
    }

    /// Appends numbers, some missing, to a DOUBLE column.
    ///
    /// O(values).
    public func append(_ values: [Double?], to column: String) throws(DukkanError) {
        let vector = vectors[try index(column, accepts: "Double", .double)]
        for value in values { if let value { vector.append(value) } else { vector.appendNull() } }
    }

    /// Appends texts to a STRING column.
    ///
    /// O(bytes).
    public func append(_ values: [String], to column: String) throws(DukkanError) {
        let index = try index(column, accepts: "String", .string)
        for value in values { try append(text: value, column: index) }
    }

    /// Appends texts, some missing, to a STRING column.
    ///
    /// O(bytes).
    public func append(_ values: [String?], to column: String) throws(DukkanError) {
        let index = try index(column, accepts: "String", .string)
        for value in values {
            if let value { try append(text: value, column: index) } else { vectors[index].appendNull() }
        }
    }

    /// The rows, checked: columns of one length, and no null where the table wants a value.
    ///
    /// The builder stays as it is.
    package func batch() throws(DukkanError) -> RowBatch {
        let rows = rowCount
        for (index, vector) in vectors.enumerated() {
            let definition = schema.columns[index]
            if vector.count != rows, vector.count > 0 {
                throw DukkanError(
                    .invalidInput, "\(vector.count) values where other columns have \(rows)",
                    place: .init(column: definition.name))
            }
            if vector.count < rows { vector.fillNulls(rows) }
            if let text = texts[index] { vector.dictionary = text.interner.dictionary() }
            let mayBeNull =
                definition.role == .attribute || (definition.role == .customer && schema.allowsNullCustomer)
            if vector.hasNulls, !mayBeNull, let row = (0..<rows).first(where: { !vector.isValid($0) }) {
                throw DukkanError(
                    .invalidRow, "row \(row + 1) of the batch has no value in the column, which must have one",
                    place: .init(column: definition.name))
            }
        }
        return RowBatch(columns: vectors, rowCount: rows)
    }

    /// Forgets the rows and keeps the memory.
    ///
    /// A batch made before no longer holds.
    public func removeAll() {
        for vector in vectors { vector.removeAll() }
        for text in texts { text?.interner.trim() }
    }

    func append(text: String, column: Int) throws(DukkanError) {
        guard let code = texts[column]?.code(of: text) else {
            throw DukkanError(
                .invalidRow, "a text is longer than \(PartLimits.stringByteCountMax >> 20) MiB",
                place: .init(column: schema.columns[column].name))
        }
        vectors[column].append(code: code)
    }

    /// Place of a column of a type; that of a decimal may have any scale.
    private func index(_ column: String, accepts name: String, _ type: ColumnType) throws(DukkanError) -> Int {
        guard let index = schema.column(named: column) else {
            throw DukkanError(
                .notFound, "table \(schema.name) has no column \(column)",
                advice: NearName.nearest(to: column, among: schema.columns.map(\.name)).first.map {
                    "did you mean \($0)?"
                })
        }
        let found = schema.columns[index].type
        guard found == type || found.isDecimal && type.isDecimal else {
            throw DukkanError(
                .invalidArgument, "the column is \(found) and takes no \(name) values",
                place: .init(column: column))
        }
        return index
    }

    private func appendWords<Value>(_ values: [Value], to vector: ColumnVector, _ word: (Value) -> Int64) {
        vector.reserve(vector.count + values.count)
        for value in values { vector.append(word(value)) }
    }

    private func appendOptional<Value>(_ values: [Value?], to vector: ColumnVector, _ word: (Value) -> Int64) {
        vector.reserve(vector.count + values.count)
        for value in values { if let value { vector.append(word(value)) } else { vector.appendNull() } }
    }
}

/// The texts of one column, interned.
final class TextColumn {
    let interner = StringInterner()
    /// A copy of the text with the padding that the interner reads over.
    private var scratch = [UInt8](repeating: 0, count: 64)

    /// The code of a text; nil when it is too long.
    func code(of text: String) -> UInt32? {
        var text = text
        return text.withUTF8 { bytes in
            guard bytes.count <= PartLimits.stringByteCountMax else { return nil }
            if scratch.count < bytes.count + 8 { scratch = [UInt8](repeating: 0, count: 2 * bytes.count + 8) }
            return scratch.withUnsafeMutableBufferPointer { buffer in
                guard let copy = buffer.baseAddress else { return nil }
                if let base = bytes.baseAddress { copy.update(from: base, count: bytes.count) }
                let hash = StringInterner.hash(copy, bytes.count)
                return interner.table.find(copy, bytes.count, hash: hash)
                    ?? interner.insert(copy, bytes.count, hash: hash)
            }
        }
    }
}

extension ColumnType {
    /// Whether this is a decimal of any scale.
    var isDecimal: Bool {
        if case .decimal = self { return true }
        return false
    }
}
