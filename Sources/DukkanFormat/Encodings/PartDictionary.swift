import CDukkanKernels

/// A part dictionary as bytes: the ranks of its codes, where the column stores ranks, then the strings.
///
/// Codes follow the order of the strings, which says nothing of how often each occurs. Where few strings make up most
/// rows, blocks store the rank by frequency instead: small numbers, which packing with patches likes. Decoding turns
/// ranks into codes by one look-up a row.
enum PartDictionary {
    static let codesTag: UInt8 = 0
    /// Followed by the stream of the codes in order of rank.
    static let ranksTag: UInt8 = 1
    /// Larger tables would not stay in the cache.
    static let rankedCountMax = 1 << 15

    static func encode(
        _ strings: StringDictionary, codesByRank: [UInt32], into writer: inout ByteWriter, effort: EncodingEffort
    ) {
        if codesByRank.isEmpty {
            writer.append(codesTag)
        } else {
            writer.append(ranksTag)
            IntegerStream.encode(codesByRank.map { Int64($0) }, codesByRank.count, into: &writer, effort: effort)
        }
        StringList.encode(strings, into: &writer, effort: effort)
    }

    static func decodeRanks(
        _ reader: inout ByteReader, _ count: Int, scratch: ScratchArena
    ) throws(DukkanError) -> [UInt32] {
        let tag = try reader.byte()
        if tag == codesTag { return [] }
        guard tag == ranksTag, count <= rankedCountMax else { throw corrupt("unknown form \(tag) of a dictionary") }
        let codes = scratch.allocate(UInt32.self, count)
        try IntegerStream.decode(&reader, count, into: codes, scratch: scratch)
        guard Int(dukkan_maximum_code(codes, count)) < count else { throw corrupt("a rank without a code") }
        return Array(UnsafeBufferPointer(start: codes, count: count))
    }

    /// The codes by falling frequency in `codes`, those that do not occur last.
    static func codesByRank(_ codes: UnsafePointer<UInt32>, _ rowCount: Int, _ count: Int) -> [UInt32] {
        var frequencies = [Int](repeating: 0, count: count)
        for row in 0..<rowCount where codes[row] < count { frequencies[Int(codes[row])] += 1 }
        return (0..<UInt32(count)).sorted {
            let (a, b) = (frequencies[Int($0)], frequencies[Int($1)])
            return a != b ? a > b : $0 < $1
        }
    }

    static func ranks(of codesByRank: [UInt32]) -> [UInt32] {
        var ranks = codesByRank
        for (rank, code) in codesByRank.enumerated() { ranks[Int(code)] = UInt32(rank) }
        return ranks
    }
}
