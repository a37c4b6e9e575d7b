/// Quantiles by selection instead of sorting.
enum ExactQuantile {
    /// The quantile at `fraction` (0 to 1) of `count` values, linearly interpolated between the two nearest ranks: rank
    /// `fraction * (count - 1)` from 0.
    ///
    /// Nil over no values. Reorders the values. O(count).
    static func interpolated(
        _ values: UnsafeMutablePointer<Int64>, _ count: Int, _ fraction: Double
    ) -> Double? {
        guard count > 0 else { return nil }
        let rank = fraction * Double(count - 1)
        let lower = min(Int(rank), count - 1)
        let low = select(values, count, lower)
        let weight = rank - Double(lower)
        guard weight > 0, lower + 1 < count else { return Double(low) }
        // After selection all values of higher rank stand behind.
        var high = values[lower + 1]
        for i in (lower + 1)..<count where values[i] < high { high = values[i] }
        return Double(low) + (Double(high) - Double(low)) * weight
    }

    /// The value of a rank from 0; afterwards it stands at that place, smaller or equal ones before, larger or equal
    /// ones behind.
    ///
    /// O(count): the middle of three as the pivot, and a sort when that goes wrong too often.
    static func select(_ values: UnsafeMutablePointer<Int64>, _ count: Int, _ rank: Int) -> Int64 {
        var low = 0, high = count - 1
        var patience = 2 * (Int.bitWidth - count.leadingZeroBitCount)
        while high - low > 16 {
            guard patience > 0 else { break }
            patience -= 1
            let pivot = middle(values[low], values[low + (high - low) / 2], values[high])
            var left = low, right = high
            while left <= right {
                while values[left] < pivot { left += 1 }
                while values[right] > pivot { right -= 1 }
                if left <= right {
                    (values[left], values[right]) = (values[right], values[left])
                    left += 1
                    right -= 1
                }
            }
            if rank <= right { high = right } else if rank >= left { low = left } else { return values[rank] }
        }
        var rest = UnsafeMutableBufferPointer(start: values + low, count: high - low + 1)
        rest.sort()
        return values[rank]
    }

    private static func middle(_ a: Int64, _ b: Int64, _ c: Int64) -> Int64 {
        max(min(a, b), min(max(a, b), c))
    }
}
