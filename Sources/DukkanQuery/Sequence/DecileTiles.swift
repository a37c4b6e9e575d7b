/// Cuts keys into ten tiles by selection: a histogram puts whole ranges of keys into one tile, and only the few ranges
/// that a border between tiles cuts are looked into.
enum DecileTiles {
    /// Tiles.
    static let count = 10
    private static let bucketCount = 4_096
    private static let sortCountMax = 1_024

    /// The tile, from 0, of a rank among `count`: sizes differ by one at most, the larger tiles first.
    static func tile(ofRank rank: Int, count: Int) -> Int {
        let size = count / DecileTiles.count, larger = count % DecileTiles.count
        let inLarger = larger * (size + 1)
        return rank < inLarger ? rank / (size + 1) : larger + (rank - inLarger) / size
    }

    /// Writes the tile of each key; the greatest keys are in tile 0, and of equal keys the one of lower index is in
    /// front.
    ///
    /// - Parameters:
    ///   - total: how many are ranked in all; `count` of them here, and those left out behind.
    ///   - tiles: room for `count` values.
    static func assign(
        _ keys: UnsafePointer<UInt64>, count: Int, total: Int, into tiles: UnsafeMutablePointer<UInt8>
    ) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: max(count, 1)) { indices in
            guard let all = indices.baseAddress else { return }
            for i in 0..<count { all[i] = UInt32(truncatingIfNeeded: i) }
            refine(keys, all, count, rank: 0, total: total, tiles)
        }
    }

    /// Ranks the keys of `indices`, which ascend, from `rank` on.
    private static func refine(
        _ keys: UnsafePointer<UInt64>, _ indices: UnsafeMutablePointer<UInt32>, _ count: Int, rank: Int, total: Int,
        _ tiles: UnsafeMutablePointer<UInt8>
    ) {
        guard count > 0 else { return }
        let firstTile = tile(ofRank: rank, count: total)
        if firstTile == tile(ofRank: rank + count - 1, count: total) {
            for i in 0..<count { tiles[Int(indices[i])] = UInt8(truncatingIfNeeded: firstTile) }
            return
        }
        var least = keys[Int(indices[0])], greatest = least
        for i in 0..<count {
            let key = keys[Int(indices[i])]
            least = min(least, key)
            greatest = max(greatest, key)
        }
        if least == greatest {
            for i in 0..<count { tiles[Int(indices[i])] = UInt8(tile(ofRank: rank + i, count: total)) }
        } else if count <= sortCountMax {
            var members = UnsafeMutableBufferPointer(start: indices, count: count)
            members.sort { a, b in
                let (left, right) = (keys[Int(a)], keys[Int(b)])
                return left != right ? left > right : a < b
            }
            for i in 0..<count { tiles[Int(indices[i])] = UInt8(tile(ofRank: rank + i, count: total)) }
        } else {
            split(keys, indices, count, least, greatest, rank, total, tiles)
        }
    }

    /// Cuts the range of keys into buckets, gives a bucket that lies in one tile to it, and refines the others.
    private static func split(
        _ keys: UnsafePointer<UInt64>, _ indices: UnsafeMutablePointer<UInt32>, _ count: Int, _ least: UInt64,
        _ greatest: UInt64, _ rank: Int, _ total: Int, _ tiles: UnsafeMutablePointer<UInt8>
    ) {
        let bits = UInt64.bitWidth - (greatest - least).leadingZeroBitCount
        let shift = UInt64(max(0, bits - 12))
        var sizes = [Int](repeating: 0, count: bucketCount)
        sizes.withUnsafeMutableBufferPointer { sizes in
            for i in 0..<count { sizes[Int(truncatingIfNeeded: (keys[Int(indices[i])] &- least) &>> shift)] &+= 1 }
        }
        // A bucket of one tile has the tile, one that is cut has 16 + its number among those.
        var places = [UInt8](repeating: 0, count: bucketCount)
        var cut: [(rank: Int, indices: [UInt32])] = []
        var next = rank
        for bucket in stride(from: bucketCount - 1, through: 0, by: -1) where sizes[bucket] > 0 {
            let first = tile(ofRank: next, count: total), last = tile(ofRank: next + sizes[bucket] - 1, count: total)
            if first == last {
                places[bucket] = UInt8(first)
            } else {
                places[bucket] = UInt8(16 + cut.count)
                cut.append((rank: next, indices: []))
                cut[cut.count - 1].indices.reserveCapacity(sizes[bucket])
            }
            next += sizes[bucket]
        }
        for i in 0..<count {
            let index = indices[i]
            let place = places[Int(truncatingIfNeeded: (keys[Int(index)] &- least) &>> shift)]
            if place < 16 { tiles[Int(index)] = place } else { cut[Int(place) - 16].indices.append(index) }
        }
        for var part in cut {
            part.indices.withUnsafeMutableBufferPointer { members in
                guard let base = members.baseAddress else { return }
                refine(keys, base, members.count, rank: part.rank, total: total, tiles)
            }
        }
    }
}
