/// Collects which value of a column goes with each value of its reference column.
///
/// The first value that is met stays, so that blocks encoded earlier keep their meaning while entries are added.
struct TableBuilder {
    let referenceColumn: Int
    private let base: Int64
    private var values: [Int64]
    private var isKnown: [Bool]

    /// Entries of a table at most; larger ones would not stay in the cache.
    static let entryCountMax = 1 << 16

    /// Begins a table for keys of `keys`; nil for too many.
    init?(referenceColumn: Int, keys: ClosedRange<Int64>) {
        let span = keys.upperBound.subtractingReportingOverflow(keys.lowerBound)
        guard !span.overflow, span.partialValue < TableBuilder.entryCountMax else { return nil }
        self.referenceColumn = referenceColumn
        base = keys.lowerBound
        values = [Int64](repeating: 0, count: Int(span.partialValue) + 1)
        isKnown = [Bool](repeating: false, count: values.count)
    }

    var model: TableModel { TableModel(base: base, values: values) }
    var entryCount: Int { isKnown.reduce(0) { $0 + ($1 ? 1 : 0) } }

    /// Adds the entries of rows whose key is new.
    mutating func add(_ vector: ColumnVector, _ reference: ColumnVector, _ rows: Range<Int>) {
        let nullable = vector.hasNulls || reference.hasNulls
        values.withUnsafeMutableBufferPointer { values in
            isKnown.withUnsafeMutableBufferPointer { isKnown in
                for row in rows {
                    if nullable && !(vector.isValid(row) && reference.isValid(row)) { continue }
                    let entry = TableBuilder.value(reference, row) &- base
                    guard entry >= 0, entry < Int64(values.count), !isKnown[Int(entry)] else { continue }
                    isKnown[Int(entry)] = true
                    values[Int(entry)] = TableBuilder.value(vector, row)
                }
            }
        }
    }

    @inline(__always)
    static func value(_ vector: ColumnVector, _ row: Int) -> Int64 {
        vector.kind == .codes ? Int64(vector.codes[row]) : vector.integers[row]
    }
}
