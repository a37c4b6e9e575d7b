/// What the encoder may spend.
struct EncodingEffort {
    var thorough: Bool
    /// Fewer forms than usual: for small parts, which are soon merged into others.
    var quick = false

    init(thorough: Bool) { self.thorough = thorough }

    init(_ options: PartOptions) {
        thorough = options.thorough
        quick = options.quick
    }
}

extension IntegerStream {
    /// Lists shorter than this are not worth a second form.
    private static let nestedCountMin = 16
    /// Streams nested deeper are constant or packed.
    ///
    /// Less than the decoder's limit.
    private static let nestedDepthMax = 4

    /// Appends `count` values in the smallest form found.
    static func encode(
        _ values: UnsafePointer<Int64>, _ count: Int, into writer: inout ByteWriter, effort: EncodingEffort,
        depth: Int = 0
    ) {
        guard count > 0 else { return }
        let profile = IntegerProfile(values, count)
        if profile.minimum == profile.maximum {
            writer.append(constantForm(profile.minimum).bytes)
            return
        }
        let context = EncodingContext(effort: effort, depth: depth)
        let mayNest = depth < nestedDepthMax && count >= nestedCountMin
        if mayNest && profile.divisor > 1 {
            writer.append(scaledForm(values, count, profile, context).bytes)
            return
        }
        let packed = PackedEncoding.plan(values, count)
        var bestByteCount = packed.byteCount
        var best: ByteWriter?
        func consider(_ candidate: ByteWriter?) {
            guard let candidate, candidate.count < bestByteCount else { return }
            bestByteCount = candidate.count
            best = candidate
        }
        if mayNest && effort.quick {
            if profile.descentCount == 0 { consider(deltaForm(values, count, context)) }
        } else if mayNest {
            if profile.runCount <= count / 4 * (effort.thorough ? 3 : 2) {
                consider(eitherRunForm(values, count, profile.runCount, context))
            }
            if deltaMayPay(values, count, profile, packed.byteCount, effort) {
                consider(deltaForm(values, count, context))
            }
            // Looking up and spreading cost as much as unpacking: these should win by more than a trace.
            consider(dictionary(values, count, bestByteCount * 49 / 50, context))
            consider(frequent(values, count, bestByteCount * 49 / 50, context))
        }
        if let best {
            writer.append(best.bytes)
        } else {
            writer.append(StreamTag.packed.rawValue)
            PackedEncoding.encode(values, count, packed.plans, into: &writer)
        }
    }

    /// Differences pay for sorted values; for others a sample of one mini-block tells.
    private static func deltaMayPay(
        _ values: UnsafePointer<Int64>, _ count: Int, _ profile: IntegerProfile, _ packedByteCount: Int,
        _ effort: EncodingEffort
    ) -> Bool {
        if profile.descentCount == 0 || effort.thorough && profile.descentCount < count / 8 { return true }
        let length = min(PartLimits.miniBlockValueCount, count)
        let start = (count - length) / 2
        return withUnsafeTemporaryAllocation(of: Int64.self, capacity: length) { differences in
            for i in 0..<length - 1 { differences[i] = values[start + i + 1] &- values[start + i] }
            let sample = PackedPlan(differences.baseAddress!, length - 1).bitCount / 8
            return sample * 10 < packedByteCount * length / count * 9
        }
    }

    /// Few distinct values in a wide range: their indices are narrower than they are.
    private static func dictionary(
        _ values: UnsafePointer<Int64>, _ count: Int, _ byteCountToBeat: Int, _ context: EncodingContext
    ) -> ByteWriter? {
        guard context.depth < 2, count >= 64, byteCountToBeat * 8 > count * 3 else { return nil }
        // More distinct values than this cannot pay even if the values themselves were free.
        let bitsPerValue = min(12, byteCountToBeat * 8 / count)
        let distinctMax = min(1 << bitsPerValue, count / 4, DistinctValues.countMax)
        guard let distinct = DistinctValues.find(values, count, countMax: distinctMax) else { return nil }
        let indexWidth = Int.bitWidth - (distinct.count - 1).leadingZeroBitCount
        guard count * indexWidth / 8 + distinct.count / 2 < byteCountToBeat else { return nil }
        let writer = dictionaryForm(values, count, distinct, context)
        return writer.count < byteCountToBeat ? writer : nil
    }

    /// One value stands in a large share of the rows: a bit a row tells where not, and only the rest is a stream.
    private static func frequent(
        _ values: UnsafePointer<Int64>, _ count: Int, _ byteCountToBeat: Int, _ context: EncodingContext
    ) -> ByteWriter? {
        guard count >= 128, byteCountToBeat * 8 > count else { return nil }
        let (value, share) = mostFrequent(values, count)
        // Each row costs a bit, and each row of the rest what a row costs now.
        let bitsPerRow = Double(byteCountToBeat * 8) / Double(count)
        guard 1 + (1 - share) * bitsPerRow * 0.9 < bitsPerRow else { return nil }
        let writer = frequentForm(values, count, value, context)
        return writer.count < byteCountToBeat ? writer : nil
    }

    /// The most frequent value of a sample, and its share there.
    private static func mostFrequent(_ values: UnsafePointer<Int64>, _ count: Int) -> (Int64, Double) {
        let sampleCount = min(count, 256)
        let slotCount = 1_024
        return withUnsafeTemporaryAllocation(of: Int64.self, capacity: slotCount) { slots in
            withUnsafeTemporaryAllocation(of: Int32.self, capacity: slotCount) { counts in
                counts.initialize(repeating: 0)
                var best: Int32 = 0
                var bestValue = values[0]
                for i in 0..<sampleCount {
                    let value = values[i * count / sampleCount]
                    let hash = UInt64(bitPattern: value) &* 0x9E37_79B9_7F4A_7C15
                    var at = Int(truncatingIfNeeded: hash >> 54)
                    while counts[at] > 0 && slots[at] != value { at = (at + 1) & (slotCount - 1) }
                    slots[at] = value
                    counts[at] += 1
                    if counts[at] > best { (best, bestValue) = (counts[at], value) }
                }
                return (bestValue, Double(best) / Double(sampleCount))
            }
        }
    }
}
