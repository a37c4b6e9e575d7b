import DukkanFormat

/// One thread's part of a look through an input: what the values of each column have in common.
final class ProfileWork: ChunkWork {
    private let tokenizer: any RowTokenizer
    private let tile: FieldTile
    private let nullWords: [[UInt8]]
    private let decimalComma: Bool
    private let check: () throws -> Void
    private(set) var profiles: [ColumnProfile]
    private(set) var rowCount = 0

    /// Columns of the input are looked at where `slots` says so.
    init(dialect: Dialect, slots: [Int32], options: ImportOptions, check: @escaping () throws -> Void) {
        let count = slots.count { $0 >= 0 }
        tokenizer = dialect.tokenizer(slots: slots, unknownKeys: .pass)
        tile = FieldTile(slotCount: count)
        nullWords = options.nullWords.map { Array($0.utf8) }
        decimalComma = options.decimalComma
        profiles = Array(repeating: ColumnProfile(), count: count)
        self.check = check
    }

    func process(_ chunk: Chunk) throws {
        var faults = RowFaults()
        tokenizer.begin(chunk)
        tile.firstRow = 0
        tile.rowCount = 0
        while true {
            tokenizer.fill(tile, chunk, &faults)
            if tile.rowCount == 0 { break }
            for slot in profiles.indices { profile(slot, chunk, faults) }
            tile.advance()
        }
        rowCount += tile.firstRow
    }

    func deliver(_ chunk: Chunk) throws { try check() }

    private func profile(_ slot: Int, _ chunk: Chunk, _ faults: RowFaults) {
        let starts = tile.starts + slot * FieldTile.slotStride, lengths = tile.lengths + slot * FieldTile.slotStride
        for row in 0..<tile.rowCount where !faults.contains(row: tile.firstRow + row) {
            let size = Int(lengths[row] & FieldTile.lengthMask)
            let text = UnsafeBufferPointer(start: UnsafePointer(chunk.bytes) + Int(starts[row]), count: size)
            if size == 0 || lengths[row] & FieldTile.missing != 0
                || nullWords.contains(where: { text.elementsEqual($0) })
            {
                profiles[slot].addNull()
            } else {
                profiles[slot].add(text, chunk: chunk.index, decimalComma: decimalComma)
            }
        }
    }
}

/// One thread's part of a look through JSON lines: the keys that occur.
final class KeyWork: ChunkWork {
    private let tokenizer: JSONLinesTokenizer
    private let tile = FieldTile(slotCount: 0)
    private var found = 0
    private(set) var keys: [String] = []
    private let add: ([String]) -> Void

    /// `add` is told of new keys in the order of the input.
    init(names: [String], add: @escaping ([String]) -> Void) {
        tokenizer = JSONLinesTokenizer(
            names: names, slots: Array(repeating: -1, count: names.count), unknownKeys: .collect)
        self.add = add
    }

    func process(_ chunk: Chunk) throws {
        var faults = RowFaults()
        tokenizer.begin(chunk)
        repeat {
            tile.advance()
            tokenizer.fill(tile, chunk, &faults)
        } while tile.rowCount > 0
    }

    func deliver(_ chunk: Chunk) throws {
        add(Array(tokenizer.newKeys[found...]))
        found = tokenizer.newKeys.count
    }
}
