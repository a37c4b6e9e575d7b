import DukkanFormat

/// How often each step of paths led from one item to another, and how long that took.
///
/// A hash table with open addressing: paths have few edges, and each row looks one up.
struct PathEdges {
    /// From one item to the next, at a place in paths.
    struct Edge: BitwiseCopyable {
        /// Place, item and next item; 0: no edge.
        var key: UInt64
        var count: Int64
        /// Microseconds.
        var time: Int128

        /// Place of the first item in the path, from 1.
        var step: Int { Int(key >> 56) }
        /// Number of the item.
        var from: UInt32 { UInt32(truncatingIfNeeded: key >> 28 & Edge.numberMax) }
        /// Number of the item after it.
        var to: UInt32 { UInt32(truncatingIfNeeded: key & Edge.numberMax) }

        private static let numberMax: UInt64 = 1 << 28 - 1

        /// Items have fewer numbers than 2^28, steps fewer than 2^8.
        static func key(step: Int, from: UInt32, to: UInt32) -> UInt64 {
            UInt64(step) << 56 | UInt64(from) << 28 | UInt64(to)
        }
    }

    private var base: UnsafeMutablePointer<Edge>
    /// A power of two.
    private var capacity: Int
    private var shift: UInt64
    private(set) var count = 0

    /// Most edges of an answer.
    static let countMax = 10_000_000

    init() {
        capacity = 1 << 8
        shift = 64 - 8
        base = .allocate(capacity: capacity)
        base.initialize(repeating: Edge(key: 0, count: 0, time: 0), count: capacity)
    }

    func deallocate() {
        base.deallocate()
    }

    /// The edges, in no order.
    var edges: [Edge] {
        UnsafeBufferPointer(start: base, count: capacity).filter { $0.key != 0 }
    }

    /// Adds to an edge.
    ///
    /// - Throws: `limit` for more than ``countMax`` edges.
    mutating func add(_ key: UInt64, count added: Int64, time: Int128) throws {
        var place = slot(key)
        if base[place].key == 0 {
            if count >= PathEdges.countMax {
                throw DukkanError(
                    .limit, "paths have more than \(PathEdges.countMax) different edges",
                    advice: "Choose an item with fewer values, or a smaller DEPTH.")
            }
            if count * 2 >= capacity {
                grow()
                place = slot(key)
            }
            base[place].key = key
            count += 1
        }
        base[place].count += added
        base[place].time += time
    }

    /// Takes over another's edges; the other is left as it was.
    mutating func merge(_ other: PathEdges) throws {
        for edge in other.edges { try add(edge.key, count: edge.count, time: edge.time) }
    }

    /// Where a key is, or where it would be.
    @inline(__always)
    private func slot(_ key: UInt64) -> Int {
        // Fibonacci hashing: the high bits of the product depend on all bits of the key.
        var place = Int((key &* 0x9E37_79B9_7F4A_7C15) &>> shift)
        while base[place].key != 0 && base[place].key != key { place = (place &+ 1) & (capacity &- 1) }
        return place
    }

    private mutating func grow() {
        let (old, oldCapacity) = (base, capacity)
        capacity *= 2
        shift -= 1
        base = .allocate(capacity: capacity)
        base.initialize(repeating: Edge(key: 0, count: 0, time: 0), count: capacity)
        for place in 0..<oldCapacity where old[place].key != 0 { base[slot(old[place].key)] = old[place] }
        old.deallocate()
    }
}
