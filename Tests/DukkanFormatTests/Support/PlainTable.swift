import DukkanFormat

/// Rows as plain values: what a part must give back.
///
/// Sorted by customer (null last) and time.
struct PlainTable {
    var columns: [ColumnDefinition]
    /// `cells[column][row]`.
    var cells: [[Cell]]

    enum Cell: Hashable {
        case null
        case integer(Int64)
        /// Compared by bits, so that NaN and -0.0 count.
        case bits(UInt64)
        case string(String)
    }

    var rowCount: Int { cells[0].count }

    /// The rows `range` as vectors, whose codes refer to `dictionaries` or to a dictionary of their own, unsorted.
    func vectors(_ range: Range<Int>, dictionaries: [StringDictionary?]) -> [ColumnVector] {
        columns.indices.map { column in
            let vector = ColumnVector(columns[column].type.physical)
            var known: [String: UInt32] = [:]
            var strings: [String] = []
            if let dictionary = dictionaries[column] {
                for code in 0..<dictionary.count { known[dictionary.string(code)] = UInt32(code) }
            }
            for row in range {
                switch cells[column][row] {
                case .null: vector.appendNull()
                case .integer(let value): vector.append(value)
                case .bits(let bits): vector.append(Double(bitPattern: bits))
                case .string(let string):
                    if known[string] == nil {
                        known[string] = UInt32(strings.count)
                        strings.append(string)
                    }
                    vector.append(code: known[string] ?? 0)
                }
            }
            if vector.kind == .codes { vector.dictionary = dictionaries[column] ?? StringDictionary(strings) }
            return vector
        }
    }

    /// The sorted distinct strings of a column.
    func dictionary(_ column: Int) -> StringDictionary {
        var strings: Set<String> = []
        for case .string(let string) in cells[column] { strings.insert(string) }
        return StringDictionary(strings.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) })
    }

    /// A value of a decoded vector.
    static func cell(_ vector: ColumnVector, _ row: Int) -> Cell {
        guard vector.isValid(row) else { return .null }
        switch vector.kind {
        case .integers: return .integer(vector.integers[row])
        case .doubles: return .bits(vector.doubles[row].bitPattern)
        case .codes: return .string(vector.dictionary?.string(Int(vector.codes[row])) ?? "?")
        }
    }
}
