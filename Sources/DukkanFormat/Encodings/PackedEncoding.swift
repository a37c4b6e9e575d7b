import CDukkanKernels

/// Bit-packed frame of reference with patches, in mini-blocks of 1,024 values.
///
/// The form follows "Super-Scalar RAM-CPU Cache Compression" (Zukowski et al. 2006): values that do not fit the width
/// keep their low bits in place, and their high bits stand in a list of patches.
enum PackedEncoding {
    /// Set in the byte of the width when patches follow.
    static let patchedFlag: UInt8 = 0x80
    /// Instead of the width of the gaps: the positions are a bitmap.
    static let bitmapForm: UInt8 = 15

    /// The plans of all mini-blocks and the bytes they take together.
    static func plan(_ values: UnsafePointer<Int64>, _ count: Int) -> (plans: [PackedPlan], byteCount: Int) {
        var plans: [PackedPlan] = []
        var bits = 0
        var start = 0
        while start < count {
            let length = min(PartLimits.miniBlockValueCount, count - start)
            let plan = PackedPlan(values + start, length)
            bits += plan.bitCount
            plans.append(plan)
            start += length
        }
        return (plans, bits / 8 + 1)
    }

    static func encode(
        _ values: UnsafePointer<Int64>, _ count: Int, _ plans: [PackedPlan], into writer: inout ByteWriter
    ) {
        var previous: Int64 = 0
        var start = 0
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: PartLimits.miniBlockValueCount) { offsets in
            let offsets = offsets.baseAddress!
            for plan in plans {
                let length = min(PartLimits.miniBlockValueCount, count - start)
                let patched: UInt8 = plan.patchCount > 0 ? patchedFlag : 0
                writer.append(UInt8(plan.width) | patched)
                writer.appendSigned(plan.reference &- previous)
                previous = plan.reference
                for i in 0..<length { offsets[i] = UInt64(bitPattern: values[start + i] &- plan.reference) }
                pack(offsets, length, plan.width, into: &writer)
                if plan.patchCount > 0 { encodePatches(offsets, length, plan, into: &writer) }
                start += length
            }
        }
    }

    /// Mini-blocks of at least so many values are packed vertically, the missing ones as zeros.
    ///
    /// A row block's last mini-block is mostly almost full.
    static let verticalCountMin = 960

    static func packedByteCount(_ count: Int, _ width: Int) -> Int {
        count >= verticalCountMin ? width * 128 : (count * width + 7) / 8
    }

    /// Mini-blocks that are full or almost so vertically, shorter ones horizontally, so that they waste nothing.
    ///
    /// `values` has room for a full one.
    static func pack(
        _ values: UnsafeMutablePointer<UInt64>, _ count: Int, _ width: Int, into writer: inout ByteWriter
    ) {
        if count >= verticalCountMin {
            (values + count).update(repeating: 0, count: PartLimits.miniBlockValueCount - count)
            writer.fill(width * 128) { dukkan_pack(values, UInt32(width), $0) }
        } else {
            appendHorizontal(values, count, width, into: &writer)
        }
    }

    private static func encodePatches(
        _ offsets: UnsafePointer<UInt64>, _ count: Int, _ plan: PackedPlan, into writer: inout ByteWriter
    ) {
        withUnsafeTemporaryAllocation(of: UInt64.self, capacity: 2 * count) { memory in
            let gaps = memory.baseAddress!, highs = gaps + count
            let patchCount = dukkan_split_patches(offsets, count, UInt32(plan.width), gaps, highs)
            var largestGap: UInt64 = 0
            var smallest = UInt64.max
            for i in 0..<patchCount {
                largestGap = max(largestGap, gaps[i])
                smallest = min(smallest, highs[i])
            }
            writer.appendVarint(patchCount - 1)
            let gapWidth = 64 - largestGap.leadingZeroBitCount
            if gapWidth * patchCount > count {
                writer.append(bitmapForm)
                writer.fill((count + 7) / 8) { bitmap in
                    var place = -1
                    for i in 0..<patchCount {
                        place += Int(gaps[i]) + 1
                        bitmap[place >> 3] |= 1 << UInt8(place & 7)
                    }
                }
            } else {
                writer.append(UInt8(gapWidth))
                appendHorizontal(gaps, patchCount, gapWidth, into: &writer)
            }
            var widest: UInt64 = 0
            for i in 0..<patchCount {
                highs[i] -= smallest
                widest |= highs[i]
            }
            let highWidth = 64 - widest.leadingZeroBitCount
            writer.appendVarint(smallest)
            writer.append(UInt8(highWidth))
            appendHorizontal(highs, patchCount, highWidth, into: &writer)
        }
    }

    private static func appendHorizontal(
        _ values: UnsafePointer<UInt64>, _ count: Int, _ width: Int, into writer: inout ByteWriter
    ) {
        writer.fill((count * width + 7) / 8) { dukkan_pack_tail(values, count, UInt32(width), $0) }
    }
}
