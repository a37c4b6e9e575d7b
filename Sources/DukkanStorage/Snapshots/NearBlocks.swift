import DukkanFormat

/// The blocks of a part that whoever goes through it reads next, looked for in memory all at once and ahead of their time:
/// then their bytes are on the way while others are worked on, and nobody asks the cache for each of them.
///
/// Belongs to one thread at a time.
final class NearBlocks {
    private let file: PartFile
    /// The row block at hand and the one behind it.
    private var current = Row()
    private var next = Row()

    private struct Row {
        var offsets: [Int] = []
        var blocks: [BlockCache.Block?] = []
    }

    init(_ file: PartFile) {
        self.file = file
    }

    /// Turns to the next row block, and looks for the blocks of the one behind it.
    func turn(to offsets: (inout [Int]) -> Void) {
        swap(&current, &next)
        next.offsets.removeAll(keepingCapacity: true)
        offsets(&next.offsets)
        file.bringNear(next.offsets, into: &next.blocks)
    }

    /// A block of a file that was found in memory.
    func block(of file: PartFile, at offset: Int) -> BlockCache.Block? {
        guard file === self.file else { return nil }
        if let place = current.offsets.firstIndex(of: offset), place < current.blocks.count {
            return current.blocks[place]
        }
        // The customers of a row block are read before one turns to it.
        if let place = next.offsets.firstIndex(of: offset), place < next.blocks.count { return next.blocks[place] }
        return nil
    }
}
