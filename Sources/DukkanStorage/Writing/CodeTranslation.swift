import DukkanFormat

/// Translates the codes of the dictionaries that rows come with to those of a run.
///
/// The dictionaries seen last are remembered: each thread of an import has one, which changes only when a string is new.
struct CodeTranslation {
    private struct Known {
        var dictionary: StringDictionary
        /// Code of the source to code of the run; `UInt32.max` where it was not met yet.
        var codes: [UInt32]
    }

    /// The one used last stands first.
    private var known: [Known] = []
    private static let knownCountMax = 8
    /// Codes in all of them, unless there are no more than two.
    private static let codeCountMax = 1 << 16

    /// Writes the codes of the run for rows `start ..< start + count` of a vector; 0 for null.
    mutating func translate(
        _ source: ColumnVector, from start: Int, count: Int, into output: UnsafeMutablePointer<UInt32>,
        _ interner: StringInterner
    ) {
        let dictionary = source.dictionary ?? .empty
        select(dictionary)
        let codes = source.codes + start
        // Null rows may have a code that the dictionary lacks.
        let valid = ValidRows(source)
        let hasNulls = source.hasNulls
        known[0].codes.withUnsafeMutableBufferPointer { translation in
            for row in 0..<count {
                if hasNulls, !valid[start + row] {
                    output[row] = 0
                    continue
                }
                let code = Int(codes[row])
                var mapped = translation[code]
                if mapped == .max {
                    mapped = dictionary.withBytes(code) { interner.intern($0) }
                    translation[code] = mapped
                }
                output[row] = mapped
            }
        }
    }

    private mutating func select(_ dictionary: StringDictionary) {
        if let place = known.firstIndex(where: { $0.dictionary === dictionary }) {
            if place > 0 { known.insert(known.remove(at: place), at: 0) }
            return
        }
        known.insert(
            Known(dictionary: dictionary, codes: Array(repeating: .max, count: dictionary.count)), at: 0)
        var codeCount = known.reduce(0) { $0 + $1.codes.count }
        while known.count > CodeTranslation.knownCountMax
            || known.count > 2 && codeCount > CodeTranslation.codeCountMax
        {
            codeCount -= known.removeLast().codes.count
        }
    }
}
