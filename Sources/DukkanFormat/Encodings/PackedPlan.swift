import CDukkanKernels

/// How one mini-block of at most 1,024 values is packed: reference, width, and how many values are too wide and become
/// patches.
///
/// Chosen by the size in bits.
struct PackedPlan {
    var reference: Int64 = 0
    var width = 0
    var patchCount = 0
    /// Estimated size; exact but for the patches' positions, whose estimate is within a few bytes.
    var bitCount = 0

    /// A byte of width, one or more of reference.
    private static let headerBitCount = 24
    /// Patch count, form of the positions, base and width of the high parts.
    private static let patchHeaderBitCount = 48
    /// What a patch costs beyond its bits, so that a gain in size too small to notice does not cost speed.
    private static let patchPenaltyBitCount = 1

    /// The best plan for `values`, with their minimum as reference.
    ///
    /// One pass counts values by bit length; each width is then judged from the counts. O(count + 64).
    init(_ values: UnsafePointer<Int64>, _ count: Int) {
        withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 65) { counts in
            reference = dukkan_count_widths(values, count, counts.baseAddress!)
            choose(UnsafeBufferPointer(counts), count)
        }
    }

    private mutating func choose(_ counts: UnsafeBufferPointer<UInt32>, _ count: Int) {
        var widest = 64
        while widest > 0 && counts[widest] == 0 { widest -= 1 }
        width = widest
        bitCount = PackedPlan.headerBitCount + count * widest
        var best = bitCount
        var patches = 0
        var candidate = widest
        while candidate > 0 {
            patches += Int(counts[candidate])
            candidate -= 1
            let size =
                PackedPlan.headerBitCount + count * candidate + PackedPlan.patchHeaderBitCount
                + PackedPlan.positionBitCount(patches, count) + patches * (widest - candidate)
            let judged = size + patches * PackedPlan.patchPenaltyBitCount
            if judged < best {
                best = judged
                bitCount = size
                width = candidate
                patchCount = patches
            }
        }
    }

    /// Bits for the positions of `patches` among `count` values: the gaps between them packed, or a bitmap.
    private static func positionBitCount(_ patches: Int, _ count: Int) -> Int {
        // The largest gap among random positions is some three bits wider than the mean one.
        let meanWidth = Int.bitWidth - (count / patches).leadingZeroBitCount
        return min(count, patches * min(10, meanWidth + 2))
    }
}
