import DukkanFormat
import Testing

@testable import DukkanStorage

/// The cache of blocks holds what it was given, within its bound.
@Suite struct BlockCacheTests {
    private func block(_ byteCount: Int, _ value: UInt8) -> BlockCache.Block {
        let block = BlockCache.Block(byteCount: byteCount)
        block.bytes.initializeMemory(as: UInt8.self, repeating: value)
        return block
    }

    @Test func givesBackWhatItKeeps() throws {
        let cache = BlockCache(byteCountMax: 1 << 20)
        let first = cache.makeFileNumber(), second = cache.makeFileNumber()
        #expect(first != second)
        cache.insert(block(100, 1), file: first, offset: 0)
        cache.insert(block(100, 2), file: first, offset: 100)
        cache.insert(block(100, 3), file: second, offset: 0)
        #expect(cache.block(file: first, offset: 100)?.bytes.first == 2)
        #expect(cache.block(file: second, offset: 0)?.bytes.first == 3)
        #expect(cache.block(file: second, offset: 100) == nil)
        cache.removeBlocks(ofFile: first)
        #expect(cache.block(file: first, offset: 0) == nil)
        #expect(cache.block(file: second, offset: 0)?.bytes.first == 3)
    }

    @Test func keepsDecodedDictionariesBesideTheirBlocks() throws {
        let cache = BlockCache(byteCountMax: 64_000)
        let file = cache.makeFileNumber()
        let strings = StringDictionary(["a", "b"])
        cache.insert(block(100, 1), file: file, offset: 0)
        #expect(cache.dictionary(file: file, offset: 0) == nil)
        cache.insert(strings, file: file, offset: 0)
        #expect(cache.dictionary(file: file, offset: 0) === strings)
        #expect(cache.block(file: file, offset: 0)?.bytes.first == 1)
        for offset in 1..<1_000 { cache.insert(block(1_000, 2), file: file, offset: offset) }
        cache.insert(StringDictionary([String(repeating: "x", count: 4_000)]), file: file, offset: 2_000)
        #expect(cache.dictionary(file: file, offset: 2_000) == nil, "a dictionary that would drive out many blocks")
        cache.removeBlocks(ofFile: file)
        #expect(cache.dictionary(file: file, offset: 0) == nil)
    }

    @Test func neverHoldsMoreThanItsBound() {
        let cache = BlockCache(byteCountMax: 64_000)
        let file = cache.makeFileNumber()
        for offset in 0..<1_000 {
            cache.insert(block(1_000 + offset % 7, UInt8(offset & 255)), file: file, offset: offset)
        }
        let held = (0..<1_000).compactMap { offset in cache.block(file: file, offset: offset).map { (offset, $0) } }
        let byteCount = held.reduce(0) { $0 + $1.1.bytes.count }
        #expect(byteCount <= 64_000)
        #expect(byteCount > 60_000)
        #expect(held.allSatisfy { $0.1.bytes.first == UInt8($0.0 & 255) })
        // A block that would drive out many others is not kept.
        cache.insert(block(10_000, 9), file: file, offset: 5_000)
        #expect(cache.block(file: file, offset: 5_000) == nil)
    }

    /// The table of the cache finds what a dictionary would, whatever comes and goes.
    @Test(arguments: 0..<8) func theTableIsThatOfADictionary(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var table = BlockTable()
        defer { table.deallocate() }
        var expected: [BlockTable.Key: (entry: Int, block: BlockCache.Block?)] = [:]
        func key() -> BlockTable.Key {
            let offset = Int.random(in: 0..<150, using: &random)
            return BlockTable.Key(
                file: Int.random(in: 0..<3, using: &random), offset: offset < 100 ? offset * 4_096 : ~offset)
        }
        for step in 0..<4_000 {
            let key = key()
            if Int.random(in: 0..<5, using: &random) < 2 {
                table.remove(key)
                expected[key] = nil
            } else {
                let block = expected[key]?.block ?? (key.offset < 0 ? nil : self.block(1, 0))
                table.set(key, entry: step, block: block)
                expected[key] = (step, block)
            }
            if step % 50 == 0 {
                for file in 0..<3 {
                    let offsets = (0..<100).map { $0 * 4_096 } + (100..<150).map { ~$0 }
                    var found: [BlockCache.Block?] = []
                    table.appendBlocks(file: file, offsets: offsets, to: &found)
                    let known = offsets.map { expected[BlockTable.Key(file: file, offset: $0)] }
                    #expect(found.count == offsets.count && zip(found, known).allSatisfy { $0 === $1?.block })
                    let entries = offsets.map { table.entry(BlockTable.Key(file: file, offset: $0)) }
                    #expect(entries == known.map { $0?.entry })
                }
            }
        }
    }
}
