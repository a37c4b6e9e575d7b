import Testing

@testable import DukkanFormat

/// A block whose selected rows are decoded must give what the decoded block has in these rows.
enum SelectedRowsCheck {
    /// - Parameters:
    ///   - vector: the whole block.
    ///   - decode: decodes the selected rows into a vector.
    static func check(
        _ vector: ColumnVector, seed: UInt64, _ decode: (SelectedRows, ColumnVector) throws -> Void
    ) throws {
        var generator = SplitMix(seed: seed)
        let selected = ColumnVector(vector.kind), assigned = ColumnVector(vector.kind)
        for share in [0, 1, 8, 60, 100] {
            let chosen = (0..<vector.count).filter { _ in generator.below(100) < share }
            var words = [UInt64](repeating: 0, count: (vector.count + 63) / 64 + 1)
            for row in chosen { words[row >> 6] |= 1 << UInt64(row & 63) }
            try words.withUnsafeBufferPointer {
                let rows = SelectedRows(words: $0.baseAddress!, count: chosen.count)
                try decode(rows, selected)
                assigned.assign(rows, of: vector)
            }
            let expected = chosen.map { PlainTable.cell(vector, $0) }
            for (name, held) in [("decoded", selected), ("assigned", assigned)] {
                let cells = (0..<held.count).map { PlainTable.cell(held, $0) }
                #expect(cells == expected, "\(name), \(share) of 100 rows, seed \(seed)")
                let areZero = (0..<held.count).allSatisfy { held.isValid($0) || isZero(held, $0) }
                #expect(areZero, "\(name): null rows hold 0")
            }
        }
    }

    private static func isZero(_ vector: ColumnVector, _ row: Int) -> Bool {
        switch vector.kind {
        case .integers: vector.integers[row] == 0
        case .doubles: vector.doubles[row] == 0
        case .codes: vector.codes[row] == 0
        }
    }
}
