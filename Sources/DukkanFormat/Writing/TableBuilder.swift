/// Collects which value of a column goes with each value of its reference column.
///
/// The first value that is met stays, so that blocks encoded earlier keep their meaning while entries are added. An entry
/// of which nothing is known yet has a value that no row has: no row agrees with it, and a reader of a table that was not
/// brought up to date finds that out.
struct TableBuilder {
    let referenceColumn: Int
    private let base: Int64
    private var values: [Int64]
    private var isKnown: [Bool]

    /// Entries of a table at most; larger ones would not stay in the cache.
    static let entryCountMax = 1 << 16

    /// Begins a table for keys of `keys`; nil for too many.
    ///
    /// - Parameter unknown: the value of entries that are not known.
    init?(referenceColumn: Int, keys: ClosedRange<Int64>, unknown: Int64) {
        let span = keys.upperBound.subtractingReportingOverflow(keys.lowerBound)
        guard !span.overflow, span.partialValue < TableBuilder.entryCountMax else { return nil }
        self.referenceColumn = referenceColumn
        base = keys.lowerBound
        values = [Int64](repeating: unknown, count: Int(span.partialValue) + 1)
        isKnown = [Bool](repeating: false, count: values.count)
    }

    var model: TableModel { TableModel(base: base, values: values) }
    var entryCount: Int { isKnown.reduce(0) { $0 + ($1 ? 1 : 0) } }

    /// Adds the entries of rows whose key is new; returns whether there were any.
    @discardableResult
    mutating func add(_ vector: ColumnVector, _ reference: ColumnVector, _ rows: Range<Int>) -> Bool {
        switch (vector.kind, reference.kind) {
        case (.codes, .codes): add(vector.codes, reference.codes, vector, reference, rows)
        case (.codes, _): add(vector.codes, reference.integers, vector, reference, rows)
        case (_, .codes): add(vector.integers, reference.codes, vector, reference, rows)
        default: add(vector.integers, reference.integers, vector, reference, rows)
        }
    }

    private mutating func add<Element: FixedWidthInteger & BitwiseCopyable, Key: FixedWidthInteger & BitwiseCopyable>(
        _ elements: UnsafePointer<Element>, _ keys: UnsafePointer<Key>, _ vector: ColumnVector,
        _ reference: ColumnVector, _ rows: Range<Int>
    ) -> Bool {
        var isExtended = false
        let valid = vector.hasNulls ? UnsafePointer(vector.validity) : nil
        let validKeys = reference.hasNulls ? UnsafePointer(reference.validity) : nil
        let base = base, count = UInt64(values.count)
        values.withUnsafeMutableBufferPointer { values in
            isKnown.withUnsafeMutableBufferPointer { isKnown in
                for row in rows {
                    let entry = UInt64(bitPattern: Int64(truncatingIfNeeded: keys[row]) &- base)
                    // Most keys are known after a few rows.
                    guard entry < count, !isKnown[Int(entry)] else { continue }
                    let bit = UInt64(row & 63)
                    if let valid, (valid[row >> 6] >> bit) & 1 == 0 { continue }
                    if let validKeys, (validKeys[row >> 6] >> bit) & 1 == 0 { continue }
                    isKnown[Int(entry)] = true
                    values[Int(entry)] = Int64(truncatingIfNeeded: elements[row])
                    isExtended = true
                }
            }
        }
        return isExtended
    }

    @inline(__always)
    static func value(_ vector: ColumnVector, _ row: Int) -> Int64 {
        vector.kind == .codes ? Int64(vector.codes[row]) : vector.integers[row]
    }
}
