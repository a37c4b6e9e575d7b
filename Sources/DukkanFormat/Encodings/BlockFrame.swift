import CLZ4

/// The outermost layer of a block's content: as it is, or in the block format of LZ4.
enum BlockFrame {
    static let plain: UInt8 = 0
    /// Followed by the size of the content and the LZ4 block.
    static let lz4: UInt8 = 1

    /// LZ4 must leave at most this many percent, since undoing it is slower than any encoding.
    private static let percentMax = 92
    /// Where the fast form leaves more, the high-compression one is not tried.
    private static let probePercentMax = 97
    private static let byteCountMin = 64
    private static let highCompressionLevel: Int32 = 9

    /// The framed form of `content`, with LZ4 where it is worth it.
    static func wrap(_ content: [UInt8], tryLZ4: Bool, effort: EncodingEffort) -> [UInt8] {
        if tryLZ4 && content.count >= byteCountMin, let compressed = compress(content, effort) { return compressed }
        return [plain] + content
    }

    private static func compress(_ content: [UInt8], _ effort: EncodingEffort) -> [UInt8]? {
        guard content.count <= Int(LZ4_MAX_INPUT_SIZE) else { return nil }
        let percent = effort.thorough ? probePercentMax : percentMax
        guard let fast = compress(content, percentMax: percent, { LZ4_compress_default($0, $1, $2, $3) }) else {
            return nil
        }
        if !effort.thorough { return fast }
        // The high-compression form is twenty times slower, and gains little where the fast one gains nothing.
        return compress(content, percentMax: percentMax) {
            LZ4_compress_HC($0, $1, $2, $3, highCompressionLevel)
        }
    }

    private static func compress(
        _ content: [UInt8], percentMax: Int,
        _ body: (UnsafePointer<CChar>, UnsafeMutablePointer<CChar>, Int32, Int32) -> Int32
    ) -> [UInt8]? {
        var writer = ByteWriter()
        writer.append(lz4)
        writer.appendVarint(content.count)
        let capacity = content.count * percentMax / 100 - writer.count
        guard capacity > 0 else { return nil }
        var written: Int32 = 0
        writer.fill(capacity) { out in
            out.withMemoryRebound(to: CChar.self, capacity: capacity) { out in
                content.withUnsafeBytes { source in
                    let input = source.assumingMemoryBound(to: CChar.self).baseAddress!
                    written = body(input, out, Int32(content.count), Int32(capacity))
                }
            }
        }
        guard written > 0 else { return nil }
        writer.bytes.removeLast(capacity - Int(written))
        return writer.bytes
    }

    /// The content of a framed block.
    ///
    /// It lies in `bytes` itself or in `scratch`.
    static func unwrap(
        _ bytes: UnsafeRawBufferPointer, scratch: ScratchArena
    ) throws(DukkanError) -> UnsafeRawBufferPointer {
        var reader = ByteReader(bytes)
        let form = try reader.byte()
        if form == plain { return UnsafeRawBufferPointer(start: reader.at, count: reader.remaining) }
        guard form == lz4 else { throw corrupt("unknown frame \(form) of a block") }
        let count = try reader.count(PartLimits.blockByteCountMax - 1, "size of a block")
        // LZ4 cannot expand further than this, so a small block cannot ask for much memory.
        guard count <= 255 * reader.remaining, reader.remaining <= Int(Int32.max) else {
            throw corrupt("an LZ4 block of impossible size")
        }
        let out = scratch.allocate(UInt8.self, count)
        let written = out.withMemoryRebound(to: CChar.self, capacity: count) { out in
            UnsafeRawPointer(reader.at).withMemoryRebound(to: CChar.self, capacity: reader.remaining) {
                LZ4_decompress_safe($0, out, Int32(reader.remaining), Int32(count))
            }
        }
        guard Int(written) == count else { throw corrupt("an LZ4 block that does not unpack") }
        return UnsafeRawBufferPointer(start: out, count: count)
    }
}
