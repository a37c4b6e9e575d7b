/// Finds the existing name that a person most likely meant.
package enum NearName {
    /// Names longer than this are not compared, only few edits would be meant in them anyway.
    package static let lengthMax = 64

    /// The nearest names, best first: those that need at most a third of their letters changed, upper and lower case
    /// being the same, or of which one begins or ends with the other.
    ///
    /// O(names × length²).
    package static func nearest(to name: String, among names: some Sequence<String>, countMax: Int = 1) -> [String] {
        let wanted = Array(name.lowercased().utf8.prefix(lengthMax))
        guard !wanted.isEmpty else { return [] }
        var rows = EditRows()
        var ranked: [(edits: Int, name: String)] = []
        for candidate in names {
            let letters = Array(candidate.lowercased().utf8.prefix(lengthMax))
            let few = wanted.count >= 3 ? 2 : 1
            let editsMax = max(few, min(wanted.count, letters.count) / 3)
            // As many edits as the lengths differ are needed in any case.
            let isTooLong = abs(wanted.count - letters.count) > editsMax
            var edits = isTooLong ? Int.max : rows.distance(wanted, letters)
            let (short, long) = wanted.count < letters.count ? (wanted, letters) : (letters, wanted)
            if short.count >= 3, long.starts(with: short) || long.suffix(short.count).elementsEqual(short) {
                edits = min(edits, 2)
            }
            if edits <= editsMax { ranked.append((edits, candidate)) }
        }
        // Few are wanted, so that there is no need to sort them all.
        var nearest: [String] = []
        while nearest.count < countMax, let best = ranked.indices.min(by: { ranked[$0] < ranked[$1] }) {
            nearest.append(ranked.remove(at: best).name)
        }
        return nearest
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other (optimal string
    /// alignment distance).
    package static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var rows = EditRows()
        return rows.distance(a, b)
    }
}

/// The three rows of the table of edits that are needed at a time, kept from one pair of texts to the next.
private struct EditRows {
    private var beforeLast: [Int] = []
    private var last: [Int] = []
    private var row: [Int] = []

    mutating func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        if row.count <= b.count {
            beforeLast = [Int](repeating: 0, count: b.count + 1)
            last = beforeLast
            row = beforeLast
        }
        for j in 0...b.count { last[j] = j }
        for i in 0..<a.count {
            row[0] = i + 1
            for j in 0..<b.count {
                var edits = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { edits = min(edits, beforeLast[j - 1] + 1) }
                row[j + 1] = edits
            }
            swap(&beforeLast, &last)
            swap(&last, &row)
        }
        return last[b.count]
    }
}
