import DukkanFormat

/// Exact quantiles and sums of whole numbers from 0 on that lie in several buffers, by selection instead of sorting.
struct ExactQuantile {
    private let parts: [UnsafeBufferPointer<Int64>]
    let count: Int

    /// Numbers up to 31 have a bucket each, greater ones 32 buckets for each power of two.
    private static let bucketCount = 60 * 32
    private static let linearBucketBits = 11
    private static let sortCountMax = 64

    init(_ parts: [UnsafeBufferPointer<Int64>]) {
        self.parts = parts.filter { !$0.isEmpty }
        count = self.parts.reduce(0) { $0 + $1.count }
    }

    /// The bucket of a number: its highest bit and the five below it.
    @inline(__always)
    private static func bucket(_ value: Int64) -> Int {
        let bits = UInt64(bitPattern: value)
        let shift = max(58 &- (bits | 1).leadingZeroBitCount, 0)
        // Numbers below 64 are not shifted: those from 32 on have their fifth bit as the power's part of the number.
        return shift &* 32 &+ Int(truncatingIfNeeded: bits &>> UInt64(truncatingIfNeeded: shift))
    }

    /// The quantile at `fraction` (0 to 1), linearly interpolated between the two nearest ranks.
    ///
    /// Rank `fraction * (count - 1)` from 0. Nil over no values. O(count), two passes.
    func interpolated(_ fraction: Double) -> Double? {
        guard count > 0 else { return nil }
        let rank = fraction * Double(count - 1)
        let lower = min(Int(rank), count - 1)
        let weight = rank - Double(lower)
        let (low, high) = neighbours(lower, needsNext: weight > 0 && lower + 1 < count)
        guard weight > 0, lower + 1 < count else { return Double(low) }
        return Double(low) + (Double(high) - Double(low)) * weight
    }

    /// The values of a rank from 0 and of the next one.
    private func neighbours(_ rank: Int, needsNext: Bool) -> (Int64, Int64) {
        withUnsafeTemporaryAllocation(of: Int.self, capacity: ExactQuantile.bucketCount) { sizes in
            sizes.initialize(repeating: 0)
            for part in parts {
                for i in 0..<part.count { sizes[ExactQuantile.bucket(part[i])] &+= 1 }
            }
            var chosen = 0, before = 0
            while before + sizes[chosen] <= rank {
                before += sizes[chosen]
                chosen += 1
            }
            let memberCount = sizes[chosen]
            // The next rank may lie in the next bucket that has a value: the least one there.
            let isNextOutside = needsNext && before + memberCount == rank + 1
            var following = chosen
            if isNextOutside {
                following += 1
                while sizes[following] == 0 { following += 1 }
            }
            return withUnsafeTemporaryAllocation(of: Int64.self, capacity: memberCount + 1) { members in
                let base = members.baseAddress!
                var found = 0
                var next = Int64.max
                for part in parts {
                    for i in 0..<part.count {
                        let value = part[i]
                        let own = ExactQuantile.bucket(value)
                        // Written always and kept when it belongs to the bucket; one place more than there are members.
                        base[found] = value
                        found &+= own == chosen ? 1 : 0
                        next = min(next, own == following ? value : Int64.max)
                    }
                }
                let low = ExactQuantile.select(base, memberCount, rank - before)
                if !isNextOutside {
                    next = needsNext ? ExactQuantile.select(base, memberCount, rank - before + 1) : low
                }
                return (low, next)
            }
        }
    }

    /// The value of a rank from 0 among values that are close together.
    ///
    /// A histogram over the range of the values shows which bucket holds the rank; its values are looked into alike.
    /// O(count): each round leaves a 2,000th of the range.
    private static func select(_ values: UnsafePointer<Int64>, _ count: Int, _ rank: Int) -> Int64 {
        if count <= sortCountMax { return UnsafeBufferPointer(start: values, count: count).ascending()[rank] }
        var least = values[0], greatest = values[0]
        for i in 0..<count {
            least = min(least, values[i])
            greatest = max(greatest, values[i])
        }
        if least == greatest { return least }
        let range = UInt64(bitPattern: greatest &- least)
        let shift = UInt64(max(0, UInt64.bitWidth - range.leadingZeroBitCount - linearBucketBits))
        return withUnsafeTemporaryAllocation(of: Int.self, capacity: 1 << linearBucketBits) { sizes in
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
    var sum: Int128 {
        var total: Int128 = 0
        for part in parts {
            // Halves of 32 bits: neither sum leaves 64 bits, and both are made by vectors.
            var high: Int64 = 0, low: Int64 = 0
            for i in 0..<part.count {
                high &+= part[i] &>> 32
                low &+= part[i] & 0xFFFF_FFFF
            }
            total += Int128(high) << 32 + Int128(low)
        }
        return total
    }
}
