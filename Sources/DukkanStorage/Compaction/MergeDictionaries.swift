import DukkanFormat

/// How the strings of one column are named in the parts that a merge writes.
enum MergedStrings {
    /// One dictionary for each part; for each cursor, its codes' new codes.
    case part(StringDictionary, translations: [[UInt32]])
    /// Dictionaries within blocks: the strings of each batch are gathered as they come.
    case pooled

    /// Decides for a column.
    ///
    /// `rowCount` is the number of rows that remain.
    static func decide(
        column: Int, cursors: [PartCursor], rowCount: Int, reader: BlockReader
    ) throws -> MergedStrings {
        for cursor in cursors where cursor.columns[column] != nil && cursor.dictionaries[column] == nil {
            return .pooled
        }
        let interner = StringInterner()
        var codes: [[UInt32]] = []
        for cursor in cursors {
            guard let dictionary = cursor.dictionaries[column] else {
                codes.append([0])
                continue
            }
            let used = try usedCodes(column, cursor, dictionary, reader)
            codes.append(
                (0..<max(1, dictionary.count)).map { code in
                    guard code < dictionary.count, used?[code] ?? true else { return 0 }
                    return dictionary.withBytes(code) { interner.intern($0) }
                })
            if !PartDictionaryRule.accepts(
                count: interner.count, byteCount: interner.byteCount, rows: rowCount)
            {
                return .pooled
            }
        }
        let sorted = interner.sortedCodes()
        var ranks = [UInt32](repeating: 0, count: max(1, interner.count))
        for (rank, code) in sorted.enumerated() { ranks[Int(code)] = UInt32(rank) }
        return .part(
            interner.dictionary(of: sorted, isSorted: true),
            translations: codes.map { $0.map { ranks[Int($0)] } })
    }

    /// Which strings rows that are not deleted have; nil if no row is deleted, so that all are used.
    private static func usedCodes(
        _ column: Int, _ cursor: PartCursor, _ dictionary: StringDictionary, _ reader: BlockReader
    ) throws -> [Bool]? {
        guard let deletes = cursor.part.deletes, let place = cursor.columns[column] else { return nil }
        var used = [Bool](repeating: false, count: dictionary.count)
        let vector = ColumnVector(.codes)
        let customers = CustomerBlock()
        for (block, rowBlock) in cursor.part.footer.rowBlocks.enumerated() {
            if cursor.part.footer.columns[place].blocks[block].needsCustomers {
                try cursor.part.readCustomers(block: block, into: customers, reader: reader)
            }
            try cursor.part.readColumn(
                place, block: block, customers: customers, dictionary: dictionary, into: vector, reader: reader)
            let valid = ValidRows(vector), codes = vector.codes
            for row in 0..<vector.count where valid[row] && !deletes.isDeleted(rowBlock.firstRow + row) {
                used[Int(codes[row])] = true
            }
        }
        return used
    }
}

/// Names the strings of a batch for columns without a part dictionary.
final class StringRenaming {
    /// For each cursor, by code of its dictionary: batch in the high half, code in the batch's interner in the low half.
    private var known: [[UInt64]]
    private var dictionaries: [StringDictionary?]
    private var batch: UInt64 = 0

    init(cursorCount: Int) {
        known = Array(repeating: [], count: cursorCount)
        dictionaries = Array(repeating: nil, count: cursorCount)
    }

    /// Begins a batch, whose interner is empty.
    func beginBatch(_ vectors: [ColumnVector]) {
        batch += 1
        for (cursor, vector) in vectors.enumerated() {
            let dictionary = vector.dictionary ?? .empty
            if dictionaries[cursor] !== dictionary {
                dictionaries[cursor] = dictionary
                known[cursor] = Array(repeating: 0, count: max(1, dictionary.count))
            }
        }
    }

    func code(_ code: UInt32, cursor: Int, _ interner: StringInterner) -> UInt32 {
        let held = known[cursor][Int(code)]
        if held >> 32 == batch { return UInt32(truncatingIfNeeded: held) }
        guard let dictionary = dictionaries[cursor], Int(code) < dictionary.count else { return 0 }
        let new = dictionary.withBytes(Int(code)) { interner.intern($0) }
        known[cursor][Int(code)] = batch << 32 | UInt64(new)
        return new
    }
}
