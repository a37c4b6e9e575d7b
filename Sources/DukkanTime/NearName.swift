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
        var ranked: [(edits: Int, name: String)] = []
        for candidate in names {
            let letters = Array(candidate.lowercased().utf8.prefix(lengthMax))
            var edits = distance(wanted, letters)
            let (short, long) = wanted.count < letters.count ? (wanted, letters) : (letters, wanted)
            if short.count >= 3, long.starts(with: short) || long.reversed().starts(with: short.reversed()) {
                edits = min(edits, 2)
            }
            if edits <= max(1, min(wanted.count, letters.count) / 3) || (edits <= 2 && wanted.count >= 3) {
                ranked.append((edits, candidate))
            }
        }
        return ranked.sorted { ($0.edits, $0.name) < ($1.edits, $1.name) }.prefix(countMax).map(\.name)
    }

    /// Insertions, deletions, replacements and swaps of neighbours that turn one text into the other (optimal string
    /// alignment distance).
    package static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
        var beforeLast = [Int](repeating: 0, count: b.count + 1)
        var last = Array(0...b.count)
        for i in 0..<a.count {
            var row = [i + 1] + [Int](repeating: 0, count: b.count)
            for j in 0..<b.count {
                row[j + 1] = min(last[j] + (a[i] == b[j] ? 0 : 1), last[j + 1] + 1, row[j] + 1)
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] {
                    row[j + 1] = min(row[j + 1], beforeLast[j - 1] + 1)
                }
            }
            beforeLast = last
            last = row
        }
        return last[b.count]
    }
}
