/// What the encoder may spend.
struct EncodingEffort {
    var thorough: Bool
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
            writer.append(StreamTag.constant.rawValue)
            writer.appendSigned(profile.minimum)
            return
        }
        let mayNest = depth < nestedDepthMax && count >= nestedCountMin
        if mayNest && profile.divisor > 1 {
            encodeScaled(values, count, profile, into: &writer, effort: effort, depth: depth)
            return
        }
        let packed = PackedEncoding.plan(values, count)
        var bestByteCount = packed.byteCount
        var best: ByteWriter?
        func consider(_ candidate: ByteWriter) {
            if candidate.count < bestByteCount {
                bestByteCount = candidate.count
                best = candidate
            }
        }
        if mayNest {
            if profile.runCount <= count / 4 * (effort.thorough ? 3 : 2) {
                consider(runLength(values, count, profile.runCount, effort, depth))
            }
            if let delta = delta(values, count, profile, packed.byteCount, effort, depth) { consider(delta) }
            // Looking up or spreading costs as much as unpacking: these should win by more than a trace.
            if let dictionary = dictionary(values, count, bestByteCount * 49 / 50, effort, depth) {
                consider(dictionary)
            }
            if let frequent = frequent(values, count, bestByteCount * 49 / 50, effort, depth) { consider(frequent) }
        }
        if let best {
            writer.append(best.bytes)
        } else {
            writer.append(StreamTag.packed.rawValue)
            PackedEncoding.encode(values, count, packed.plans, into: &writer)
        }
    }

    private static func encodeScaled(
        _ values: UnsafePointer<Int64>, _ count: Int, _ profile: IntegerProfile, into writer: inout ByteWriter,
        effort: EncodingEffort, depth: Int
    ) {
        writer.append(StreamTag.scaled.rawValue)
        writer.appendSigned(profile.minimum)
        writer.appendVarint(profile.divisor)
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { quotients in
            let divisor = profile.divisor
            for i in 0..<count {
                quotients[i] = Int64(bitPattern: UInt64(bitPattern: values[i] &- profile.minimum) / divisor)
            }
            encode(quotients.baseAddress!, count, into: &writer, effort: effort, depth: depth + 1)
        }
    }

    private static func runLength(
        _ values: UnsafePointer<Int64>, _ count: Int, _ runCount: Int, _ effort: EncodingEffort, _ depth: Int
    ) -> ByteWriter {
        var writer = ByteWriter()
        writer.append(StreamTag.runLength.rawValue)
        writer.appendVarint(runCount - 1)
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * runCount) { memory in
            let heads = memory.baseAddress!, lengths = heads + runCount
            var run = 0
            var start = 0
            for i in 1...count where i == count || values[i] != values[i - 1] {
                heads[run] = values[start]
                lengths[run] = Int64(i - start - 1)
                run += 1
                start = i
            }
            encode(heads, runCount, into: &writer, effort: effort, depth: depth + 1)
            encode(lengths, runCount, into: &writer, effort: effort, depth: depth + 1)
        }
        return writer
    }

    /// Differences pay for sorted values; for others a sample of one mini-block tells.
    private static func delta(
        _ values: UnsafePointer<Int64>, _ count: Int, _ profile: IntegerProfile, _ packedByteCount: Int,
        _ effort: EncodingEffort, _ depth: Int
    ) -> ByteWriter? {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { memory in
            let differences = memory.baseAddress!
            if profile.descentCount > 0 && !(effort.thorough && profile.descentCount < count / 8) {
                let length = min(PartLimits.miniBlockValueCount, count)
                let start = (count - length) / 2
                for i in 0..<length - 1 { differences[i] = values[start + i + 1] &- values[start + i] }
                let sample = PackedPlan(differences, length - 1).bitCount / 8
                if sample * 10 >= packedByteCount * length / count * 9 { return nil }
            }
            for i in 1..<count { differences[i - 1] = values[i] &- values[i - 1] }
            var writer = ByteWriter()
            writer.append(StreamTag.delta.rawValue)
            writer.appendSigned(values[0])
            encode(differences, count - 1, into: &writer, effort: effort, depth: depth + 1)
            return writer
        }
    }

    /// Few distinct values in a wide range: their indices are narrower than they are.
    private static func dictionary(
        _ values: UnsafePointer<Int64>, _ count: Int, _ byteCountToBeat: Int, _ effort: EncodingEffort, _ depth: Int
    ) -> ByteWriter? {
        guard depth < 2, count >= 64, byteCountToBeat * 8 > count * 3 else { return nil }
        // More distinct values than this cannot pay even if the values themselves were free.
        let bitsPerValue = min(12, byteCountToBeat * 8 / count)
        let distinctMax = min(1 << bitsPerValue, count / 4, DistinctValues.countMax)
        guard let distinct = DistinctValues.find(values, count, countMax: distinctMax) else { return nil }
        let indexWidth = Int.bitWidth - (distinct.count - 1).leadingZeroBitCount
        guard count * indexWidth / 8 + distinct.count / 2 < byteCountToBeat else { return nil }
        var writer = ByteWriter()
        writer.append(StreamTag.dictionary.rawValue)
        writer.appendVarint(distinct.count - 1)
        let sorted = distinct.sorted()
        sorted.withUnsafeBufferPointer {
            encode($0.baseAddress!, sorted.count, into: &writer, effort: effort, depth: depth + 1)
        }
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { indices in
            DistinctValues.indices(of: values, count, in: sorted, into: indices.baseAddress!)
            encode(indices.baseAddress!, count, into: &writer, effort: effort, depth: depth + 2)
        }
        return writer
    }

    /// One value stands in a large share of the rows: a bit a row tells where not, and only the rest is a stream.
    private static func frequent(
        _ values: UnsafePointer<Int64>, _ count: Int, _ byteCountToBeat: Int, _ effort: EncodingEffort, _ depth: Int
    ) -> ByteWriter? {
        guard count >= 128, byteCountToBeat * 8 > count else { return nil }
        let (value, share) = mostFrequent(values, count)
        // Each row costs a bit, and each row of the rest what a row costs now.
        let bitsPerRow = Double(byteCountToBeat * 8) / Double(count)
        guard 1 + (1 - share) * bitsPerRow * 0.9 < bitsPerRow else { return nil }
        var writer = ByteWriter()
        writer.append(StreamTag.frequent.rawValue)
        writer.appendSigned(value)
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { rest in
            var restCount = 0
            writer.fill((count + 7) / 8) { bitmap in
                for i in 0..<count where values[i] != value {
                    bitmap[i >> 3] |= 1 << UInt8(i & 7)
                    rest[restCount] = values[i]
                    restCount += 1
                }
            }
            encode(rest.baseAddress!, restCount, into: &writer, effort: effort, depth: depth + 1)
        }
        return writer.count < byteCountToBeat ? writer : nil
    }

    /// The most frequent value of a sample, and its share there.
    private static func mostFrequent(_ values: UnsafePointer<Int64>, _ count: Int) -> (Int64, Double) {
        let sampleCount = min(count, 256)
        var sample = (0..<sampleCount).map { values[$0 * count / sampleCount] }
        sample.sort()
        var best = 0, bestValue = sample[0]
        var start = 0
        for i in 1...sampleCount where i == sampleCount || sample[i] != sample[start] {
            if i - start > best { (best, bestValue) = (i - start, sample[start]) }
            start = i
        }
        return (bestValue, Double(best) / Double(sampleCount))
    }
}
