import CDukkanKernels

/// Where a cache holds the blocks of files: a table by file and offset, each place of which also names the block, so that
/// several are looked for at once and none waits for another's memory.
///
/// Linear probing, at most half full. Whoever contains one frees it with ``deallocate()``.
struct BlockTable {
    struct Key: Hashable {
        var file: Int
        /// Of a block; of a decoded dictionary the complement, which no block has.
        var offset: Int
    }

    private struct Slot {
        var key: Key
        /// The number of the cache's entry; negative where the slot is free.
        var entry: Int
        /// The entry's block, which the entry keeps alive; nil for a dictionary.
        var block: Unmanaged<BlockCache.Block>?

        static let free = Slot(key: Key(file: 0, offset: 0), entry: -1, block: nil)
    }

    private var slots: UnsafeMutablePointer<Slot>
    /// Slots less one; their number is a power of two.
    private var mask: Int
    private var count = 0
    /// Odd, and of this table alone: a file cannot name places that all fall on one slot.
    private let factor = UInt64.random(in: .min ... .max) | 1

    private static let firstSlotCount = 64

    init() {
        slots = .allocate(capacity: BlockTable.firstSlotCount)
        slots.initialize(repeating: .free, count: BlockTable.firstSlotCount)
        mask = BlockTable.firstSlotCount - 1
    }

    func deallocate() { slots.deallocate() }

    @inline(__always)
    private func home(_ key: Key) -> Int {
        // Many files have blocks at the same offsets.
        let file = UInt64(bitPattern: Int64(key.file)) &* 0x9E37_79B9_7F4A_7C15
        let word = UInt64(bitPattern: Int64(key.offset)) ^ file
        return Int(truncatingIfNeeded: (word &* factor) &>> 32) & mask
    }

    @inline(__always)
    private func slot(_ key: Key) -> Int? {
        var at = home(key)
        while slots[at].entry >= 0 {
            if slots[at].key == key { return at }
            at = (at &+ 1) & mask
        }
        return nil
    }

    /// The entry of a key.
    func entry(_ key: Key) -> Int? { slot(key).map { slots[$0].entry } }

    /// The block of a key.
    func block(_ key: Key) -> BlockCache.Block? { slot(key).flatMap { slots[$0].block?.takeUnretainedValue() } }

    /// Appends the blocks at some places of a file, nil for those that are not here.
    func appendBlocks(file: Int, offsets: [Int], to found: inout [BlockCache.Block?]) {
        // Slots and then blocks lie anywhere in memory: all are on the way before the first is waited for.
        for offset in offsets { dukkan_bring_near(slots + home(Key(file: file, offset: offset)), 1) }
        withUnsafeTemporaryAllocation(of: Unmanaged<BlockCache.Block>?.self, capacity: offsets.count) { blocks in
            for (place, offset) in offsets.enumerated() {
                let block = slot(Key(file: file, offset: offset)).flatMap { slots[$0].block }
                blocks.initializeElement(at: place, to: block)
                if let block { dukkan_bring_near(block.toOpaque(), 1) }
            }
            for block in blocks { found.append(block?.takeUnretainedValue()) }
        }
    }

    /// Puts a key in, or gives it another entry.
    mutating func set(_ key: Key, entry: Int, block: BlockCache.Block?) {
        if let at = slot(key) {
            slots[at].entry = entry
            return
        }
        if count * 2 > mask { grow() }
        place(Slot(key: key, entry: entry, block: block.map { Unmanaged.passUnretained($0) }))
        count += 1
    }

    private func place(_ slot: Slot) {
        var at = home(slot.key)
        while slots[at].entry >= 0 { at = (at &+ 1) & mask }
        slots[at] = slot
    }

    private mutating func grow() {
        let old = slots, oldCount = mask + 1
        slots = .allocate(capacity: 2 * oldCount)
        slots.initialize(repeating: .free, count: 2 * oldCount)
        mask = 2 * oldCount - 1
        for at in 0..<oldCount where old[at].entry >= 0 { place(old[at]) }
        old.deallocate()
    }

    /// Takes a key out.
    mutating func remove(_ key: Key) {
        guard var hole = slot(key) else { return }
        count -= 1
        // Those behind it that would not be found across a free slot move up.
        var at = (hole &+ 1) & mask
        while slots[at].entry >= 0 {
            if (at &- home(slots[at].key)) & mask >= (at &- hole) & mask {
                slots[hole] = slots[at]
                hole = at
            }
            at = (at &+ 1) & mask
        }
        slots[hole] = .free
    }
}
