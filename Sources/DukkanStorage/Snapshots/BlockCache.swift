import DukkanFormat
import Synchronization

/// Blocks of parts as they are on disk, kept in memory from one query to the next; their checksums held when they were
/// read, and a part never changes.
///
/// Beside them it keeps part dictionaries that were decoded.
///
/// When it is full, a block chosen at random makes room: whoever goes through more than fits, time after time, so finds a
/// share of it here, where the block unused for longest would always be the one needed next.
final class BlockCache: Sendable {
    /// The bytes of one block, filled before anyone else sees them.
    final class Block: @unchecked Sendable {  // Sendable: never changed once it is in the cache.
        let bytes: UnsafeMutableRawBufferPointer

        init(byteCount: Int) {
            bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: byteCount, alignment: 64)
        }

        deinit {
            bytes.deallocate()
        }
    }

    private typealias Key = BlockTable.Key

    private enum Content {
        case block(Block)
        case dictionary(StringDictionary)

        var byteCount: Int {
            switch self {
            case .block(let block): block.bytes.count
            case .dictionary(let strings): strings.byteCount
            }
        }

        var block: Block? { if case .block(let block) = self { block } else { nil } }
    }

    private struct State {
        var places = BlockTable()
        var entries: [(key: Key, content: Content)] = []
        var byteCount = 0
        var random: UInt64 = 0x9E37_79B9_7F4A_7C15

        /// Removes a block; the last one takes its place.
        mutating func remove(at place: Int) -> Content {
            let (key, content) = entries[place]
            places.remove(key)
            byteCount -= content.byteCount
            let last = entries.removeLast()
            if place < entries.count {
                entries[place] = last
                places.set(last.key, entry: place, block: last.content.block)
            }
            return content
        }
    }

    private let state = Guarded(State())
    private let lastFile = Atomic<Int>(0)
    private let byteCountMax: Int
    /// Memory for the orders in which rows of several parts stand.
    let orderRoom: OrderRoom
    /// Such orders take at most this share of what blocks may take.
    private static let orderShare = 8

    init(byteCountMax: Int) {
        self.byteCountMax = byteCountMax
        orderRoom = OrderRoom(byteCount: byteCountMax / BlockCache.orderShare)
    }

    deinit {
        state.withLock { $0.places.deallocate() }
    }

    /// A number for an open file under which its blocks are kept.
    func makeFileNumber() -> Int { lastFile.wrappingAdd(1, ordering: .relaxed).newValue }

    /// The block at a place of a file, if it is here.
    func block(file: Int, offset: Int) -> Block? {
        state.withLock { $0.places.block(Key(file: file, offset: offset)) }
    }

    /// The blocks at some places of a file, nil for those that are not here.
    func blocks(file: Int, offsets: [Int], into found: inout [Block?]) {
        found.removeAll(keepingCapacity: true)
        state.withLock { $0.places.appendBlocks(file: file, offsets: offsets, to: &found) }
    }

    /// The decoded dictionary whose block is at a place of a file, if it is here.
    func dictionary(file: Int, offset: Int) -> StringDictionary? {
        state.withLock { state in
            guard let place = state.places.entry(Key(file: file, offset: ~offset)),
                case .dictionary(let strings) = state.entries[place].content
            else { return nil }
            return strings
        }
    }

    /// Keeps a block, for which others may have to go.
    func insert(_ block: Block, file: Int, offset: Int) {
        insert(.block(block), Key(file: file, offset: offset))
    }

    /// Keeps the dictionary decoded from the block at a place of a file.
    func insert(_ dictionary: StringDictionary, file: Int, offset: Int) {
        insert(.dictionary(dictionary), Key(file: file, offset: ~offset))
    }

    private func insert(_ content: Content, _ key: Key) {
        let byteCount = content.byteCount
        guard byteCount <= byteCountMax / 16 else { return }
        var removed: [Content] = []
        state.withLock { state in
            if state.places.entry(key) != nil { return }
            while state.byteCount + byteCount > byteCountMax {
                state.random = state.random &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                removed.append(state.remove(at: Int((state.random >> 33) % UInt64(state.entries.count))))
            }
            state.places.set(key, entry: state.entries.count, block: content.block)
            state.entries.append((key, content))
            state.byteCount += byteCount
        }
        // The memory goes back behind the lock.
        removed.removeAll()
    }

    /// Lets go the blocks of a file that is closed.
    func removeBlocks(ofFile file: Int) {
        state.withLock { state in
            for place in state.entries.indices.reversed() where state.entries[place].key.file == file {
                _ = state.remove(at: place)
            }
        }
    }
}
