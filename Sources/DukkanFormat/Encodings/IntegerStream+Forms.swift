import CDukkanKernels

/// How deep a stream lies inside others, and what may be spent on it.
struct EncodingContext {
    var effort: EncodingEffort
    var depth: Int

    var inner: EncodingContext { EncodingContext(effort: effort, depth: depth + 1) }
}

/// Each form of a stream on its own, whether it pays or not.
extension IntegerStream {
    private static func encode(
        _ values: UnsafePointer<Int64>, _ count: Int, into writer: inout ByteWriter, _ context: EncodingContext
    ) {
        encode(values, count, into: &writer, effort: context.effort, depth: context.depth)
    }

    static func constantForm(_ value: Int64) -> ByteWriter {
        var writer = ByteWriter()
        writer.append(StreamTag.constant.rawValue)
        writer.appendSigned(value)
        return writer
    }

    static func packedForm(_ values: UnsafePointer<Int64>, _ count: Int) -> ByteWriter {
        var writer = ByteWriter()
        writer.append(StreamTag.packed.rawValue)
        PackedEncoding.encode(values, count, PackedEncoding.plan(values, count).plans, into: &writer)
        return writer
    }

    /// The profile's divisor divides all distances from the profile's minimum.
    static func scaledForm(
        _ values: UnsafePointer<Int64>, _ count: Int, _ profile: IntegerProfile, _ context: EncodingContext
    ) -> ByteWriter {
        var writer = ByteWriter()
        writer.append(StreamTag.scaled.rawValue)
        writer.appendSigned(profile.minimum)
        writer.appendVarint(profile.divisor)
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { quotients in
            let divisor = ExactDivisor(profile.divisor)
            for i in 0..<count {
                let distance = UInt64(bitPattern: values[i] &- profile.minimum)
                quotients[i] = Int64(bitPattern: divisor.quotient(distance))
            }
            encode(quotients.baseAddress!, count, into: &writer, context.inner)
        }
        return writer
    }

    /// `runCount`: runs of equal values that the list has.
    static func runLengthForm(
        _ values: UnsafePointer<Int64>, _ count: Int, _ runCount: Int, _ context: EncodingContext
    ) -> ByteWriter {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * runCount) { memory in
            let heads = memory.baseAddress!, lengths = heads + runCount
            splitRuns(values, count, heads: heads, lengths: lengths)
            var writer = ByteWriter()
            writer.append(StreamTag.runLength.rawValue)
            writer.appendVarint(runCount - 1)
            encode(heads, runCount, into: &writer, context.inner)
            encode(lengths, runCount, into: &writer, context.inner)
            return writer
        }
    }

    /// As ``runLengthForm(_:_:_:_:)``, with a bit for each value instead of the lengths.
    static func runsForm(
        _ values: UnsafePointer<Int64>, _ count: Int, _ runCount: Int, _ context: EncodingContext
    ) -> ByteWriter {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * runCount) { memory in
            let heads = memory.baseAddress!, lengths = heads + runCount
            splitRuns(values, count, heads: heads, lengths: lengths)
            var writer = ByteWriter()
            writer.append(StreamTag.runs.rawValue)
            appendStarts(lengths, runCount, count, to: &writer)
            encode(heads, runCount, into: &writer, context.inner)
            return writer
        }
    }

    /// Percent of a run-length form that may be given for a bitmap of the starts, which decodes several times faster.
    private static let runsPercentMax = 4

    /// The better of ``runLengthForm(_:_:_:_:)`` and ``runsForm(_:_:_:_:)``.
    static func eitherRunForm(
        _ values: UnsafePointer<Int64>, _ count: Int, _ runCount: Int, _ context: EncodingContext
    ) -> ByteWriter {
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: 2 * runCount) { memory in
            let heads = memory.baseAddress!, lengths = heads + runCount
            splitRuns(values, count, heads: heads, lengths: lengths)
            var headStream = ByteWriter(), lengthStream = ByteWriter()
            encode(heads, runCount, into: &headStream, context.inner)
            encode(lengths, runCount, into: &lengthStream, context.inner)
            let allowance = (headStream.count + lengthStream.count) * runsPercentMax / 100
            var writer = ByteWriter()
            if (count + 7) / 8 <= lengthStream.count + allowance {
                writer.append(StreamTag.runs.rawValue)
                appendStarts(lengths, runCount, count, to: &writer)
                writer.append(headStream.bytes)
            } else {
                writer.append(StreamTag.runLength.rawValue)
                writer.appendVarint(runCount - 1)
                writer.append(headStream.bytes)
                writer.append(lengthStream.bytes)
            }
            return writer
        }
    }

    /// The value of each run, and its length less one.
    private static func splitRuns(
        _ values: UnsafePointer<Int64>, _ count: Int, heads: UnsafeMutablePointer<Int64>,
        lengths: UnsafeMutablePointer<Int64>
    ) {
        dukkan_split_runs(values, count, heads, lengths)
    }

    private static func appendStarts(
        _ lengths: UnsafePointer<Int64>, _ runCount: Int, _ count: Int, to writer: inout ByteWriter
    ) {
        writer.fill((count + 7) / 8) { bitmap in
            var start = 0
            for run in 0..<runCount {
                bitmap[start >> 3] |= 1 << UInt8(start & 7)
                start += Int(lengths[run]) + 1
            }
        }
    }

    static func deltaForm(_ values: UnsafePointer<Int64>, _ count: Int, _ context: EncodingContext) -> ByteWriter {
        var writer = ByteWriter()
        writer.append(StreamTag.delta.rawValue)
        writer.appendSigned(values[0])
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { differences in
            for i in 1..<max(count, 1) { differences[i - 1] = values[i] &- values[i - 1] }
            encode(differences.baseAddress!, count - 1, into: &writer, context.inner)
        }
        return writer
    }

    /// `distinct`: all values that occur, each once.
    static func dictionaryForm(
        _ values: UnsafePointer<Int64>, _ count: Int, _ distinct: [Int64], _ context: EncodingContext
    ) -> ByteWriter {
        var writer = ByteWriter()
        writer.append(StreamTag.dictionary.rawValue)
        writer.appendVarint(distinct.count - 1)
        let sorted = distinct.ascending()
        sorted.withUnsafeBufferPointer { encode($0.baseAddress!, sorted.count, into: &writer, context.inner) }
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { indices in
            DistinctValues.indices(of: values, count, in: sorted, into: indices.baseAddress!)
            // One level deeper than they lie: a dictionary of indices would be in vain.
            encode(indices.baseAddress!, count, into: &writer, context.inner.inner)
        }
        return writer
    }

    static func frequentForm(
        _ values: UnsafePointer<Int64>, _ count: Int, _ value: Int64, _ context: EncodingContext
    ) -> ByteWriter {
        var writer = ByteWriter()
        writer.append(StreamTag.frequent.rawValue)
        writer.appendSigned(value)
        withUnsafeTemporaryAllocation(of: Int64.self, capacity: count) { rest in
            var restCount = 0
            writer.fill((count + 7) / 8) { bitmap in
                restCount = dukkan_split_frequent(values, count, value, bitmap, rest.baseAddress!)
            }
            encode(rest.baseAddress!, restCount, into: &writer, context.inner)
        }
        return writer
    }
}
