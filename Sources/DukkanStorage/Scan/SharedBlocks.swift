import Dispatch
import DukkanFormat
import Synchronization

/// A row block that is read for all workers of a scan.
final class SharedBlock: @unchecked Sendable {  // Sendable: never changed once other workers see it.
    /// Holds the block's customers and, without a choice, its columns.
    let cursor: ScanCursor
    /// The rows that a choice leaves of it.
    let chosen: ChosenRows?

    init(cursor: ScanCursor, chosen: ChosenRows?) {
        self.cursor = cursor
        self.chosen = chosen
    }
}

/// The row blocks of small parts that reach into several morsels, whose workers would all decode them.
///
/// The workers read them together before they go through their morsels.
final class SharedBlocks: Sendable {
    struct Place: Sendable {
        var table: Int
        var part: Int
        var block: Int
        var rowCount: Int
    }

    /// The blocks of one table that are there.
    struct Table {
        /// By part: the number of the first one, and the blocks from that one on; nil for parts that are not shared.
        fileprivate var parts: [(first: Int, blocks: [SharedBlock?])?] = []

        @inline(__always)
        func block(part: Int, block: Int) -> SharedBlock? {
            guard part < parts.count, let held = parts[part], held.blocks.indices.contains(block - held.first)
            else { return nil }
            return held.blocks[block - held.first]
        }
    }

    /// A part with more row blocks for each worker is not shared, since few of its blocks are in the morsels of two.
    private static let blocksPerWorkerMax = 4
    /// Memory that shared blocks take at most, about.
    private static let byteCountMax = 32 << 20

    /// The largest first, so that no worker waits long for another in the end.
    private let places: [Place]
    private let spans: [[Range<Int>?]]
    private let next = Atomic<Int>(0)
    private let found: Guarded<[SharedBlock?]>
    private let unread = DispatchGroup()
    /// What the blocks take: their rows by estimate, their keys once they are there.
    private let heldByteCount: Atomic<Int>

    /// The blocks that are worth it; nil where none are.
    init?(_ scan: MorselScan, workers: Int) {
        var candidates: [(table: Int, part: Int, blocks: Range<Int>, byteCount: Int)] = []
        let cuts = scan.cuts
        guard !cuts.isEmpty else { return nil }
        for (t, request) in scan.requests.enumerated() where request.table.parts.count > 1 {
            // Strings of a block's own may be of any length, and are copied for each morsel anyway.
            if scan.codeSources[t].contains(where: \.isLocal) { continue }
            for (p, part) in request.table.parts.enumerated() {
                let blocks = part.footer.blocks(of: scan.customers)
                guard !blocks.isEmpty, blocks.count <= SharedBlocks.blocksPerWorkerMax * workers else { continue }
                let rowCount = blocks.reduce(0) { $0 + part.footer.rowBlocks[$1].rowCount }
                candidates.append((t, p, blocks, rowCount * 8 * (request.columns.count + 2)))
            }
        }
        var places: [Place] = []
        var spans: [[Range<Int>?]] = scan.requests.map { $0.table.parts.map { _ in nil } }
        var byteCount = 0
        for (table, part, blocks, size) in candidates.sorted(by: { $0.byteCount < $1.byteCount }) {
            byteCount += size
            if byteCount > SharedBlocks.byteCountMax { break }
            spans[table][part] = blocks
            let request = scan.requests[table]
            for block in blocks where request.isPruned?(part, block) != true {
                let rowBlock = request.table.parts[part].footer.rowBlocks[block]
                guard SharedBlocks.isCut(rowBlock, cuts) else { continue }
                places.append(Place(table: table, part: part, block: block, rowCount: rowBlock.rowCount))
            }
        }
        if places.isEmpty { return nil }
        places.sort { $0.rowCount > $1.rowCount }
        self.places = places
        self.spans = spans
        found = Guarded(places.map { _ in nil })
        heldByteCount = Atomic(min(byteCount, SharedBlocks.byteCountMax))
        for _ in places { unread.enter() }
    }

    /// Whether a morsel ends among the customers of a row block.
    private static func isCut(_ block: PartFooter.RowBlock, _ cuts: [CustomerKey]) -> Bool {
        guard let first = block.firstCustomer, let last = block.lastCustomer else { return false }
        // The first cut behind the first customer; a cut belongs to the morsel behind it.
        var low = 0, high = cuts.count
        while low < high {
            let middle = (low + high) / 2
            if customerKeyPrecedes(first, cuts[middle]) { high = middle } else { low = middle + 1 }
        }
        return low < cuts.count && !customerKeyPrecedes(last, cuts[low])
    }

    /// Takes one block after the other until all are taken, and waits for those that others have taken.
    ///
    /// - Parameters:
    ///   - isStopped: whether nobody needs them any more.
    ///   - body: reads a block.
    func read(isStopped: () -> Bool, _ body: (Place) throws -> SharedBlock) throws {
        var failure: (any Error)?
        while true {
            let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
            guard number < places.count else { break }
            // After a failure the rest is let go, so that nobody waits for it.
            if failure == nil, !isStopped() {
                do {
                    let block = try body(places[number])
                    let keyByteCount = memoryByteCount(block.cursor.customers)
                    let held = heldByteCount.wrappingAdd(keyByteCount, ordering: .relaxed).newValue
                    // Workers read by themselves what is not there.
                    if held <= SharedBlocks.byteCountMax { found.withLock { $0[number] = block } }
                } catch { failure = error }
            }
            unread.leave()
        }
        if let failure { throw failure }
        unread.wait()
    }

    /// For each table what was read.
    func tables() -> [Table] {
        let read = found.withLock { $0 }
        var tables = spans.map { parts in
            Table(parts: parts.map { blocks in blocks.map { ($0.lowerBound, $0.map { _ in nil }) } })
        }
        for (place, block) in zip(places, read) {
            guard let first = tables[place.table].parts[place.part]?.first else { continue }
            tables[place.table].parts[place.part]?.blocks[place.block - first] = block
        }
        return tables
    }
}
