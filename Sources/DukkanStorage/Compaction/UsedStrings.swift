import DukkanFormat

/// Which strings of the parts' dictionaries the rows use that go to each output of a merge.
///
/// A part is never written with a string that none of its rows has: the rows of an output may lack what rows of another
/// output have, or rows that are deleted, and what nobody has any more must not outlive its rows in a dictionary.
struct UsedStrings {
    /// By window of the pass, then cursor, then column of the schema; nil: the rows use all strings.
    private var codes: [[[CodeSet?]]]
    /// Rows that go to each window of the pass.
    private(set) var rowCounts: [Int]

    /// A set of codes of one dictionary.
    struct CodeSet {
        private var words: [UInt64]

        init(count: Int) {
            words = [UInt64](repeating: 0, count: (count + 63) / 64)
        }

        mutating func insert(_ code: Int) { words[code >> 6] |= 1 << UInt64(code & 63) }

        func contains(_ code: Int) -> Bool { words[code >> 6] & (1 << UInt64(code & 63)) != 0 }

        /// Whether a code can be in the set.
        func holds(_ code: Int) -> Bool { code >> 6 < words.count }

        var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }
    }

    /// Looks through the parts whose dictionaries may hold more than the rows of an output use.
    ///
    /// The others are not read: O(1) for a part that was written with no spare strings, of which no row is deleted, and
    /// which goes to one output as a whole.
    init(cursors: [PartCursor], schema: TableSchema, borders: [Int64], pass: Range<Int>, control: WorkControl?) throws {
        codes = pass.map { _ in cursors.map { _ in schema.columns.map { _ in nil } } }
        rowCounts = pass.map { _ in 0 }
        for (index, cursor) in cursors.enumerated() {
            let windows = TimeWindows.windows(of: cursor.part.entry, borders)
            guard windows.count > 1 || cursor.part.deletes != nil || !cursor.part.entry.isExact else {
                let whole = windows.lowerBound
                for window in pass where window != whole { forget(index, cursor, window: window - pass.lowerBound) }
                if pass.contains(whole) { rowCounts[whole - pass.lowerBound] += cursor.part.entry.rowCount }
                continue
            }
            try collect(index, cursor, schema, borders, pass, control)
        }
    }

    /// Whether rows of a window use the string of a code.
    func contains(_ code: Int, column: Int, cursor: Int, window: Int) -> Bool {
        codes[window][cursor][column]?.contains(code) ?? true
    }

    /// No row of the part goes to the window.
    private mutating func forget(_ index: Int, _ cursor: PartCursor, window: Int) {
        for (column, dictionary) in cursor.dictionaries.enumerated() {
            guard let dictionary else { continue }
            codes[window][index][column] = CodeSet(count: dictionary.count)
        }
    }

    private mutating func collect(
        _ index: Int, _ cursor: PartCursor, _ schema: TableSchema, _ borders: [Int64], _ pass: Range<Int>,
        _ control: WorkControl?
    ) throws {
        for window in pass { forget(index, cursor, window: window - pass.lowerBound) }
        let columns = schema.columns.indices.filter { cursor.dictionaries[$0] != nil }
        let rows = LiveRows(part: cursor.part, timeColumn: cursor.columns[schema.timeColumn] ?? 0)
        let reader = BlockReader(), vector = ColumnVector(.codes)
        for block in cursor.part.footer.rowBlocks.indices {
            try control?.check()
            // The window of each row, less the first one of the pass; -1 where the row goes to none.
            let windows = try rows.windows(block: block, borders, pass, reader: reader)
            for window in windows where window >= 0 { rowCounts[window] += 1 }
            for column in columns {
                guard let place = cursor.columns[column] else { continue }
                try cursor.part.readColumn(
                    place, block: block, customers: rows.customers, dictionary: cursor.dictionaries[column],
                    into: vector, reader: reader)
                insert(vector, windows, cursor: index, column: column)
            }
        }
    }

    private mutating func insert(_ vector: ColumnVector, _ windows: [Int], cursor: Int, column: Int) {
        let valid = ValidRows(vector), held = vector.codes
        for window in rowCounts.indices {
            guard var set = codes[window][cursor][column] else { continue }
            // One owner while it changes.
            codes[window][cursor][column] = nil
            for row in 0..<vector.count where windows[row] == window && valid[row] { set.insert(Int(held[row])) }
            codes[window][cursor][column] = set
        }
    }
}

/// The rows of a part that are not deleted, a row block at a time.
final class LiveRows {
    private let part: PartHandle
    private let timeColumn: Int
    private let times = ColumnVector(.integers)
    /// Of the block read last.
    let customers = CustomerBlock()

    init(part: PartHandle, timeColumn: Int) {
        self.part = part
        self.timeColumn = timeColumn
    }

    /// For each row of a block its window, counted from the first of `pass`; -1 for rows that are deleted or in a window
    /// outside of it.
    func windows(block: Int, _ borders: [Int64], _ pass: Range<Int>, reader: BlockReader) throws -> [Int] {
        let rowBlock = part.footer.rowBlocks[block]
        try part.readCustomers(block: block, into: customers, reader: reader)
        var windows = [Int](repeating: -1, count: rowBlock.rowCount)
        let only: Int? = {
            let touched = TimeWindows.windows(of: part.entry, borders)
            return touched.count == 1 ? touched.lowerBound : nil
        }()
        if only == nil {
            try part.readColumn(
                timeColumn, block: block, customers: customers, dictionary: nil, into: times, reader: reader)
        }
        let values = times.integers
        for row in 0..<rowBlock.rowCount where part.deletes?.isDeleted(rowBlock.firstRow + row) != true {
            let window = only ?? TimeWindows.window(of: values[row], borders)
            if pass.contains(window) { windows[row] = window - pass.lowerBound }
        }
        return windows
    }
}
