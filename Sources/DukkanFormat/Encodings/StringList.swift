/// A list of strings as bytes, ascending and distinct: a dictionary, or the customers of a row block.
///
/// The number of strings is known from outside.
enum StringList {
    /// Streams of shared and new lengths, then the new bytes.
    static let frontCodedTag: UInt8 = 0
    /// A template with fixed characters and digits, then streams of the digits' values.
    static let patternTag: UInt8 = 1

    static func encode(_ strings: StringDictionary, into writer: inout ByteWriter, effort: EncodingEffort) {
        guard strings.count > 0 else { return }
        if let pattern = StringPattern(strings) {
            writer.append(patternTag)
            pattern.encode(strings, into: &writer, effort: effort)
        } else {
            writer.append(frontCodedTag)
            encodeFrontCoded(strings, into: &writer, effort: effort)
        }
    }

    private static func encodeFrontCoded(
        _ strings: StringDictionary, into writer: inout ByteWriter, effort: EncodingEffort
    ) {
        let count = strings.count
        var shared = [Int64](repeating: 0, count: count)
        var added = [Int64](repeating: 0, count: count)
        var suffixes: [UInt8] = []
        strings.bytes.withUnsafeBufferPointer { bytes in
            var previous = 0..<0
            for i in 0..<count {
                let range = Int(strings.offsets[i])..<Int(strings.offsets[i + 1])
                let common = min(previous.count, range.count)
                var length = 0
                while length < common && bytes[previous.lowerBound + length] == bytes[range.lowerBound + length] {
                    length += 1
                }
                shared[i] = Int64(length)
                added[i] = Int64(range.count - length)
                suffixes.append(contentsOf: bytes[(range.lowerBound + length)..<range.upperBound])
                previous = range
            }
        }
        IntegerStream.encode(shared, count, into: &writer, effort: effort)
        IntegerStream.encode(added, count, into: &writer, effort: effort)
        writer.append(suffixes)
    }

    /// Reads `count` strings and checks that they ascend.
    static func decode(
        _ reader: inout ByteReader, _ count: Int, scratch: ScratchArena
    ) throws(DukkanError) -> StringDictionary {
        guard count > 0 else { return .empty }
        let tag = try reader.byte()
        scratch.note(0, tag == frontCodedTag ? "front-coded" : "pattern")
        // The streams inside would not say much more.
        let trace = scratch.trace
        scratch.trace = nil
        defer { scratch.trace = trace }
        switch tag {
        case frontCodedTag:
            return try decodeFrontCoded(&reader, count, scratch)
        case patternTag:
            return try StringPattern(&reader).decode(&reader, count, scratch)
        default:
            throw corrupt("unknown form \(tag) of strings")
        }
    }

    private static func decodeFrontCoded(
        _ reader: inout ByteReader, _ count: Int, _ scratch: ScratchArena
    ) throws(DukkanError) -> StringDictionary {
        // Each string but the first has a byte that the one before has not.
        guard count - 1 <= reader.remaining else { throw corrupt("more strings than bytes") }
        let shared = scratch.allocate(Int64.self, count)
        let added = scratch.allocate(Int64.self, count)
        try IntegerStream.decode(&reader, count, into: shared, scratch: scratch)
        try IntegerStream.decode(&reader, count, into: added, scratch: scratch)
        let limit = Int64(PartLimits.stringByteCountMax)
        var previousLength: Int64 = 0
        var total = 0, suffixByteCount = 0
        for i in 0..<count {
            guard shared[i] >= 0, shared[i] <= previousLength, added[i] >= 0, added[i] <= limit - shared[i] else {
                throw corrupt("a string of impossible length")
            }
            previousLength = shared[i] + added[i]
            total += Int(previousLength)
            suffixByteCount += Int(added[i])
        }
        guard total <= PartLimits.dictionaryByteCountMax else { throw corrupt("strings of \(total) bytes in all") }
        var suffix = try reader.take(suffixByteCount)
        var ascending = true
        var offsets: [UInt32] = []
        let bytes = [UInt8](unsafeUninitializedCapacity: total) { out, written in
            offsets = [UInt32](unsafeUninitializedCapacity: count + 1) { offsets, offsetCount in
                offsets[0] = 0
                var start = 0, previousStart = 0, previousEnd = 0
                for i in 0..<count {
                    let length = Int(shared[i]), new = Int(added[i])
                    for k in 0..<length { out[start + k] = out[previousStart + k] }
                    for k in 0..<new { out[start + length + k] = suffix[k] }
                    suffix += new
                    let end = start + length + new
                    if i > 0 {
                        let longer = previousStart + length == previousEnd
                        ascending =
                            ascending && new > 0 && (longer || out[previousStart + length] < out[start + length])
                    }
                    (previousStart, previousEnd) = (start, end)
                    start = end
                    offsets[i + 1] = UInt32(truncatingIfNeeded: end)
                }
                offsetCount = count + 1
            }
            written = total
        }
        guard ascending else { throw corrupt("strings that are not in order") }
        return StringDictionary(offsets: offsets, bytes: bytes, isSorted: true)
    }
}
