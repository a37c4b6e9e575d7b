import DukkanFormat
import DukkanStorage
import DukkanTime

/// The rows that expressions are computed over: a table's rows in a morsel, or the customers of a morsel.
final class ExpressionRows {
    var count = 0
    /// Columns of the table, as `.column(i)` numbers them.
    var columns: [ColumnVector] = []
    /// Values looked up from other tables, as `.lookup(i)` numbers them.
    var lookups: [ColumnVector] = []
    /// For segment i a bit for each customer, set where she is in it.
    ///
    /// Nil where the rows' expressions do not ask.
    var segmentMembers: [Bits?] = []
    /// First row of each customer; nil where the rows are customers or have none.
    var starts: UnsafePointer<UInt32>?
    /// Makes a value for each row: whether its customer is in segment i.
    var makeSegmentRows: (Int) -> ColumnVector? = { _ in nil }
    /// Those that were made.
    private var segmentRows = [Int: ColumnVector]()
    /// Aggregates of each customer, as `.aggregate(i)` numbers them, where the rows are customers.
    var aggregates: [ColumnVector] = []
    /// The customer's key in each row.
    var customer: ColumnVector?

    /// The vector behind a leaf; nil for constants and for what is not a leaf.
    func leaf(_ expression: BoundExpression) -> ColumnVector? {
        switch expression.node {
        case .column(let place): columns[place]
        case .lookup(let place): lookups[place]
        case .segment(let place): segment(place)
        case .aggregate(let place): aggregates[place]
        case .customer: customer
        default: nil
        }
    }

    private func segment(_ place: Int) -> ColumnVector? {
        if let known = segmentRows[place] { return known }
        let made = makeSegmentRows(place)
        segmentRows[place] = made
        return made
    }

    /// One row, for the scalar evaluator.
    struct Row: ScalarRow {
        let rows: ExpressionRows
        let index: Int

        func value(_ leaf: BoundExpression) throws -> Value {
            guard let vector = rows.leaf(leaf) else { return .null }
            return vector.value(index, leaf.type)
        }
    }
}

extension ColumnVector {
    /// The value of a row, as a type reads it.
    func value(_ row: Int, _ type: ScalarType) -> Value {
        guard isValid(row) else { return .null }
        switch kind {
        case .doubles: return .double(doubles[row])
        case .codes: return .string((dictionary ?? .empty).string(Int(codes[row])))
        case .integers:
            let value = integers[row]
            switch type {
            case .bool: return .bool(value != 0)
            case .decimal(let scale): return .decimal(DecimalValue(unscaled: Int128(value), scale: scale))
            case .timestamp: return .timestamp(Timestamp(microseconds: value))
            case .date: return .date(CivilDate(days: value))
            default: return .int(Int128(value))
            }
        }
    }

    /// Replaces all values by those of a type.
    ///
    /// Throws `overflow` where a whole number does not fit 64 bits.
    func assign(_ values: [Value], _ type: ScalarType) throws {
        removeAll()
        reserve(values.count)
        var interner = StringInterner()
        for value in values {
            switch (kind, value) {
            case (_, .null): appendNull()
            case (.doubles, .double(let number)): append(number)
            case (.codes, .string(let text)): append(code: interner.code(of: text))
            default:
                guard kind == .integers, let whole = ScalarEvaluator.unscaled(value) else {
                    appendNull()
                    continue
                }
                guard let narrow = Int64(exactly: whole) else { throw ScalarEvaluator.overflow("an expression") }
                append(narrow)
            }
        }
        if kind == .codes { dictionary = interner.dictionary() }
    }
}

/// Numbers distinct strings in order of appearance.
struct StringInterner {
    /// By bytes: Swift takes different spellings of one character for equal.
    private var codes = [[UInt8]: UInt32]()
    private var offsets: [UInt32] = [0]
    private var bytes: [UInt8] = []

    mutating func code(of string: String) -> UInt32 {
        let key = Array(string.utf8)
        if let known = codes[key] { return known }
        let made = UInt32(offsets.count - 1)
        bytes.append(contentsOf: key)
        offsets.append(UInt32(bytes.count))
        codes[key] = made
        return made
    }

    func dictionary() -> StringDictionary {
        StringDictionary(offsets: offsets, bytes: bytes, isSorted: false)
    }
}
