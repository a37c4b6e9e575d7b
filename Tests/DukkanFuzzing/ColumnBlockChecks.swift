import DukkanFormat

/// Decodes one column block whole, then in the ways that leave something out, which must agree with it.
struct ColumnBlockChecks {
    let footer: PartFooter
    let column: Int
    let block: Int
    let customers: CustomerBlock?
    let dictionary: StringDictionary?
    let references: BlockReferences
    let seed: UInt64

    private var rowCount: Int { footer.rowBlocks[block].rowCount }
    private var kind: PhysicalKind { footer.columns[column].definition.type.physical }

    func run(_ bytes: UnsafeRawBufferPointer) throws {
        let whole = ColumnVector(kind)
        _ = try answer { try PartDecoder.describe(bytes, footer: footer, column: column, block: block) }
        let isRead =
            try answer {
                try PartDecoder.decodeColumn(
                    bytes, footer: footer, column: column, block: block, customers: customers, dictionary: dictionary,
                    references: references, into: whole)
            } != nil
        guard isRead else {
            // No answer is expected, only that there is an end.
            _ = try answer { try selected(bytes, 3) }
            _ = try answer { try found(bytes, .range(low: -1_000, high: 1_000)) }
            return
        }
        try FuzzFailure.require(whole.count == rowCount, "a vector of \(whole.count) rows in a block of \(rowCount)")
        let nulls = (0..<rowCount).count { !whole.isValid($0) }
        try FuzzFailure.require(
            nulls == footer.columns[column].blocks[block].statistics.nullCount, "\(nulls) nulls, not as stated")
        if kind == .codes {
            let count = whole.dictionary?.count ?? 0
            let isHeld = (0..<rowCount).allSatisfy { !whole.isValid($0) || Int(whole.codes[$0]) < count }
            try FuzzFailure.require(isHeld, "a code without a string")
        }
        for share in [1, 3, 4] { try checkSelected(bytes, whole, share) }
        try checkConditions(bytes, whole)
    }

    /// Whether a row is among those chosen, about `share` of four.
    private func isChosen(_ row: Int, _ share: Int) -> Bool {
        share == 4 || (UInt64(row) &* 0x9E37_79B9_7F4A_7C15 &+ seed) >> 62 < UInt64(share)
    }

    private func words(_ share: Int) -> (words: [UInt64], rows: [Int]) {
        var words = [UInt64](repeating: 0, count: (rowCount + 63) / 64 + 1)
        let rows = (0..<rowCount).filter { isChosen($0, share) }
        for row in rows { words[row >> 6] |= 1 << UInt64(row & 63) }
        return (words, rows)
    }

    private func selected(_ bytes: UnsafeRawBufferPointer, _ share: Int) throws -> (ColumnVector, [Int]) {
        let (words, rows) = words(share)
        let vector = ColumnVector(kind)
        try words.withUnsafeBufferPointer {
            guard let base = $0.baseAddress else { return }
            try PartDecoder.decodeColumn(
                bytes, footer: footer, column: column, block: block, customers: customers, dictionary: dictionary,
                references: references, selected: SelectedRows(words: base, count: rows.count), into: vector)
        }
        return (vector, rows)
    }

    private func checkSelected(_ bytes: UnsafeRawBufferPointer, _ whole: ColumnVector, _ share: Int) throws {
        guard let (vector, rows) = try answer({ try selected(bytes, share) }) else {
            throw FuzzFailure("a block that is read whole but not in part")
        }
        try FuzzFailure.require(vector.count == rows.count, "\(vector.count) rows of \(rows.count) chosen ones")
        for (place, row) in rows.enumerated() {
            let isSame = value(vector, place) == value(whole, row)
            try FuzzFailure.require(isSame, "row \(row) differs when it is chosen")
        }
    }

    /// The bits of a value; nil for null.
    private func value(_ vector: ColumnVector, _ row: Int) -> UInt64? {
        guard vector.isValid(row) else { return nil }
        switch vector.kind {
        case .integers: return UInt64(bitPattern: vector.integers[row])
        case .doubles: return vector.doubles[row].bitPattern
        case .codes: return UInt64(vector.codes[row])
        }
    }

    private func found(_ bytes: UnsafeRawBufferPointer, _ test: ValueTest) throws -> [UInt64]? {
        var words = [UInt64](repeating: ~0, count: (rowCount + 63) / 64 + 1)
        let vector = ColumnVector(kind)
        let isDecided = try words.withUnsafeMutableBufferPointer {
            guard let base = $0.baseAddress else { return false }
            return try PartDecoder.select(
                test, bytes, footer: footer, column: column, block: block, customers: customers,
                dictionary: dictionary, references: references, into: base, orDecodeInto: vector)
        }
        return isDecided ? words : nil
    }

    private func checkConditions(_ bytes: UnsafeRawBufferPointer, _ whole: ColumnVector) throws {
        switch kind {
        case .integers:
            let values = whole.integers
            let a = values[Int(seed) % rowCount], b = values[rowCount - 1]
            let low = min(a, b), high = max(a, b)
            guard try areBoundsKept(bytes, whole) else { return }
            if let words = try answer({ try found(bytes, .range(low: low, high: high)) }) ?? nil {
                try check(words, "a range") { whole.isValid($0) && values[$0] >= low && values[$0] <= high }
            }
            try checkRange(bytes, whole, low, high)
        case .codes:
            guard let dictionary, footer.columns[column].dictionary != nil else { return }
            let flags = (0..<dictionary.count).map { UInt8(($0 &+ Int(seed)) & 1) }
            if let words = try answer({ try found(bytes, .codes(flags: flags)) }) ?? nil {
                try check(words, "codes") { whole.isValid($0) && flags[Int(whole.codes[$0])] != 0 }
            }
        case .doubles: break
        }
    }

    /// Whether the form's own bound holds, which conditions rely on and `verify` checks.
    private func areBoundsKept(_ bytes: UnsafeRawBufferPointer, _ whole: ColumnVector) throws -> Bool {
        guard let customers, footer.columns[column].blocks[block].needsCustomers else { return true }
        return try answer {
            try PartDecoder.isSpanKept(
                whole.integers, bytes, footer: footer, column: column, block: block, customers: customers,
                references: references)
        } ?? false
    }

    private func check(_ words: [UInt64], _ what: String, _ isExpected: (Int) -> Bool) throws {
        for row in 0..<rowCount {
            let isFound = words[row >> 6] >> UInt64(row & 63) & 1 == 1
            try FuzzFailure.require(isFound == isExpected(row), "row \(row) under a condition on \(what)")
        }
        if rowCount & 63 != 0 {
            try FuzzFailure.require(
                words[rowCount >> 6] >> UInt64(rowCount & 63) == 0, "a bit behind the last row under \(what)")
        }
    }

    private func checkRange(
        _ bytes: UnsafeRawBufferPointer, _ whole: ColumnVector, _ low: Int64, _ high: Int64
    ) throws {
        guard whole.isValid(0), !whole.hasNulls else { return }
        var words = [UInt64](repeating: ~0, count: (rowCount + 63) / 64 + 1)
        let vector = ColumnVector(kind)
        let isPart = try answer {
            try words.withUnsafeMutableBufferPointer {
                guard let base = $0.baseAddress else { return false }
                return try PartDecoder.decodeRange(
                    low: low, high: high, bytes, footer: footer, column: column, block: block, customers: customers,
                    references: references, into: base, vector: vector)
            }
        }
        guard let isPart, isPart else { return }
        try check(words, "a range that is read") { whole.integers[$0] >= low && whole.integers[$0] <= high }
        for row in 0..<rowCount where words[row >> 6] >> UInt64(row & 63) & 1 == 1 {
            try FuzzFailure.require(
                vector.integers[row] == whole.integers[row], "row \(row) differs when a range is read")
        }
    }
}
