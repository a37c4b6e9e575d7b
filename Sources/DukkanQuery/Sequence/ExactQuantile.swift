/// Quantiles by selection instead of sorting.
enum ExactQuantile {
    private static let bucketBits = 11
    private static let sortCountMax = 64

    /// The quantile at `fraction` (0 to 1) of `count` values, linearly interpolated between the two nearest ranks.
    ///
    /// Rank `fraction * (count - 1)` from 0. Nil over no values. O(count).
    static func interpolated(_ values: UnsafePointer<Int64>, _ count: Int, _ fraction: Double) -> Double? {
        guard count > 0 else { return nil }
        let rank = fraction * Double(count - 1)
        let lower = min(Int(rank), count - 1)
        let low = select(values, count, lower)
        let weight = rank - Double(lower)
        guard weight > 0, lower + 1 < count else { return Double(low) }
        // The next value: the same again, or the least of those that are greater.
        var notGreater = 0
        var next = Int64.max
        for i in 0..<count {
            notGreater &+= values[i] <= low ? 1 : 0
            next = min(next, values[i] > low ? values[i] : Int64.max)
        }
        let high = notGreater > lower + 1 ? low : next
        return Double(low) + (Double(high) - Double(low)) * weight
    }

    /// The value of a rank from 0.
    ///
    /// A histogram over the range of the values shows which bucket holds the rank; its values are looked into alike.
    /// O(count): each round leaves a 2,000th of the range.
    static func select(_ values: UnsafePointer<Int64>, _ count: Int, _ rank: Int) -> Int64 {
        if count <= sortCountMax { return UnsafeBufferPointer(start: values, count: count).sorted()[rank] }
        var least = values[0], greatest = values[0]
        for i in 0..<count {
            least = min(least, values[i])
            greatest = max(greatest, values[i])
        }
        if least == greatest { return least }
        let range = UInt64(bitPattern: greatest &- least)
        let shift = UInt64(max(0, UInt64.bitWidth - range.leadingZeroBitCount - bucketBits))
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: 1 << bucketBits) { sizes in
            sizes.initialize(repeating: 0)
            for i in 0..<count {
                sizes[Int(truncatingIfNeeded: UInt64(bitPattern: values[i] &- least) &>> shift)] &+= 1
            }
            var bucket = 0, before = 0
            while before + sizes[bucket] <= rank {
                before += sizes[bucket]
                bucket += 1
            }
            if shift == 0 { return least &+ Int64(bucket) }
            let memberCount = sizes[bucket]
            return withUnsafeTemporaryAllocation(of: Int64.self, capacity: memberCount + 1) { members in
                guard let base = members.baseAddress else { return least }
                var found = 0
                for i in 0..<count {
                    // Written always and kept when it belongs to the bucket; one place more than there are members.
                    base[found] = values[i]
                    let own = Int(truncatingIfNeeded: UInt64(bitPattern: values[i] &- least) &>> shift)
                    found &+= own == bucket ? 1 : 0
                }
                return select(base, memberCount, rank - before)
            }
        }
    }

    /// The exact sum.
    ///
    /// O(count).
    static func sum(_ values: UnsafePointer<Int64>, _ count: Int) -> Int128 {
        // Halves of 32 bits: neither sum leaves 64 bits, and both are made by vectors.
        var high: Int64 = 0, low: Int64 = 0
        for i in 0..<count {
            high &+= values[i] &>> 32
            low &+= values[i] & 0xFFFF_FFFF
        }
        return Int128(high) << 32 + Int128(low)
    }
}
