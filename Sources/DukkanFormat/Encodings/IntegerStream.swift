import CDukkanKernels

/// A list of integers as bytes; the number of values is known from outside.
///
/// Streams nest: the values and the lengths of runs are streams again.
///
/// The tag of the form comes first (``StreamTag``); an empty list takes no bytes.
enum IntegerStream {
}

extension IntegerStream {
    /// Reads `count` values.
    ///
    /// Throws `corrupt` for bytes that are no stream of so many values.
    static func decode<Output: StreamElement>(
        _ reader: inout ByteReader, _ count: Int, into out: UnsafeMutablePointer<Output>, scratch: ScratchArena,
        depth: Int = 0
    ) throws(DukkanError) {
        guard count > 0 else { return }
        guard depth < PartLimits.streamDepthMax else { throw corrupt("streams nested too deep") }
        let code = try reader.byte()
        scratch.note(depth, StreamTag(rawValue: code)?.name ?? "")
        switch StreamTag(rawValue: code) {
        case .constant:
            out.update(repeating: Output(truncatingIfNeeded: try reader.signed()), count: count)
        case .packed:
            try PackedEncoding.decode(&reader, count, into: out, scratch: scratch)
        case .runLength:
            try decodeRuns(&reader, count, into: out, scratch: scratch, depth: depth)
        case .scaled:
            let base = try reader.signed()
            let divisor = try reader.varint()
            scratch.note(depth + 1, "\(divisor)")
            try decode(&reader, count, into: out, scratch: scratch, depth: depth + 1)
            Output.scale(out, count, multiplier: divisor, addend: base)
        case .delta:
            let first = try reader.signed()
            out[0] = Output(truncatingIfNeeded: first)
            try decode(&reader, count - 1, into: out + 1, scratch: scratch, depth: depth + 1)
            Output.runningSums(out + 1, count - 1, first: first)
        case .dictionary:
            try decodeDictionary(&reader, count, into: out, scratch: scratch, depth: depth)
        case .frequent:
            try decodeFrequent(&reader, count, into: out, scratch: scratch, depth: depth)
        case .runs:
            try decodeMarkedRuns(&reader, count, into: out, scratch: scratch, depth: depth)
        case .customerDelta, .sharedRuns, .predicted, .lookedUp, .runDelta, nil:
            throw corrupt("unknown form \(code) of a stream")
        }
    }

    /// Reads at least the values of some mini-blocks, those whose bit is set in `wanted`, the last bit for all from the 64th
    /// on; what the others hold then means nothing.
    static func decode<Output: StreamElement>(
        _ reader: inout ByteReader, _ count: Int, miniBlocks wanted: UInt64, into out: UnsafeMutablePointer<Output>,
        scratch: ScratchArena
    ) throws(DukkanError) {
        if count > 0, reader.next == StreamTag.packed.rawValue {
            _ = try reader.byte()
            try PackedEncoding.decode(&reader, count, miniBlocks: wanted, into: out, scratch: scratch)
        } else {
            try decode(&reader, count, into: out, scratch: scratch, depth: 1)
        }
    }

    private static func decodeRuns<Output: StreamElement>(
        _ reader: inout ByteReader, _ count: Int, into out: UnsafeMutablePointer<Output>, scratch: ScratchArena,
        depth: Int
    ) throws(DukkanError) {
        let runCount = try reader.count(count - 1, "runs") + 1
        let values = scratch.allocate(Output.self, runCount)
        let lengths = scratch.allocate(UInt32.self, runCount)
        try decode(&reader, runCount, into: values, scratch: scratch, depth: depth + 1)
        try decode(&reader, runCount, into: lengths, scratch: scratch, depth: depth + 1)
        if runCount >= count / markedRunLengthMax {
            let words = scratch.allocate(UInt64.self, (count + 63) / 64)
            guard dukkan_mark_runs(lengths, runCount, count, words) else { throw corrupt(wrongRuns(count)) }
            Output.fillForward(values, words, count, out)
        } else {
            var total = 0
            for run in 0..<runCount { total &+= Int(lengths[run]) &+ 1 }
            guard total == count else { throw corrupt(wrongRuns(count)) }
            store(values, lengths, runCount, out)
        }
    }

    /// Runs shorter than this in the mean are marked in a bitmap and filled; longer ones are stored one by one.
    private static let markedRunLengthMax = 48

    private static func wrongRuns(_ count: Int) -> String { "runs of more or fewer than \(count) values" }

    private static func store<Output: StreamElement>(
        _ values: UnsafePointer<Output>, _ lengths: UnsafePointer<UInt32>, _ runCount: Int,
        _ out: UnsafeMutablePointer<Output>
    ) {
        var at = out
        for run in 0..<runCount {
            let length = Int(lengths[run]) + 1
            // Eight at a time: most runs are short, and what is written past a run's end the next one overwrites.
            var written = 0
            repeat {
                Output.storeEight(values[run], at + written)
                written += 8
            } while written < length
            at += length
        }
    }

    private static func decodeMarkedRuns<Output: StreamElement>(
        _ reader: inout ByteReader, _ count: Int, into out: UnsafeMutablePointer<Output>, scratch: ScratchArena,
        depth: Int
    ) throws(DukkanError) {
        let words = scratch.allocate(UInt64.self, (count + 63) / 64)
        let runCount = try readBitmap(&reader, count, into: words)
        guard words[0] & 1 == 1 else { throw corrupt("a list that does not begin with a run") }
        let values = scratch.allocate(Output.self, runCount)
        try decode(&reader, runCount, into: values, scratch: scratch, depth: depth + 1)
        Output.fillForward(values, words, count, out)
    }

    /// Reads a bit for each of `count` places, bits past the end cleared; returns how many are set.
    static func readBitmap(
        _ reader: inout ByteReader, _ count: Int, into words: UnsafeMutablePointer<UInt64>
    ) throws(DukkanError) -> Int {
        let byteCount = (count + 7) / 8, wordCount = (count + 63) / 64
        let bytes = try reader.take(byteCount)
        words[wordCount - 1] = 0
        UnsafeMutableRawPointer(words).copyMemory(from: bytes, byteCount: byteCount)
        if count & 63 != 0 { words[wordCount - 1] &= (1 << UInt64(count & 63)) - 1 }
        return dukkan_count_bits(words, wordCount)
    }

    private static func decodeDictionary<Output: StreamElement>(
        _ reader: inout ByteReader, _ count: Int, into out: UnsafeMutablePointer<Output>, scratch: ScratchArena,
        depth: Int
    ) throws(DukkanError) {
        let distinctCount = try reader.count(count - 1, "distinct values") + 1
        let values = scratch.allocate(Output.self, distinctCount)
        let indices = scratch.allocate(UInt32.self, count)
        try decode(&reader, distinctCount, into: values, scratch: scratch, depth: depth + 1)
        try decode(&reader, count, into: indices, scratch: scratch, depth: depth + 1)
        guard dukkan_maximum_code(indices, count) < distinctCount else { throw corrupt("an index without a value") }
        for i in 0..<count { out[i] = values[Int(indices[i])] }
    }

    private static func decodeFrequent<Output: StreamElement>(
        _ reader: inout ByteReader, _ count: Int, into out: UnsafeMutablePointer<Output>, scratch: ScratchArena,
        depth: Int
    ) throws(DukkanError) {
        let value = try reader.signed()
        let words = scratch.allocate(UInt64.self, (count + 63) / 64)
        let restCount = try readBitmap(&reader, count, into: words)
        let rest = scratch.allocate(Output.self, restCount)
        try decode(&reader, restCount, into: rest, scratch: scratch, depth: depth + 1)
        Output.spread(rest, words, count, absent: Output(truncatingIfNeeded: value), out)
    }
}
