import DukkanFormat

/// How the strings of one column are named in a part that a merge writes.
enum MergedStrings {
    /// A dictionary of the strings that the part's rows have; for each cursor, its codes' new codes.
    case part(StringDictionary, translations: [[UInt32]])
    /// Dictionaries within blocks: the strings of each batch are gathered as they come.
    case pooled

    /// Decides for a column and an output of the merge, `window` of the pass.
    static func decide(column: Int, window: Int, cursors: [PartCursor], used: UsedStrings) -> MergedStrings {
        for cursor in cursors where cursor.columns[column] != nil && cursor.dictionaries[column] == nil {
            return .pooled
        }
        let interner = StringInterner()
        var codes: [[UInt32]] = []
        for (index, cursor) in cursors.enumerated() {
            guard let dictionary = cursor.dictionaries[column] else {
                codes.append([0])
                continue
            }
            codes.append(
                (0..<max(1, dictionary.count)).map { code in
                    guard code < dictionary.count,
                        used.contains(code, column: column, cursor: index, window: window)
                    else { return 0 }
                    return dictionary.withBytes(code) { interner.intern($0) }
                })
            if !PartDictionaryRule.accepts(
                count: interner.count, byteCount: interner.byteCount, rows: used.rowCounts[window])
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
