import CDukkanKernels

/// CRC32C over the part's identifier, the place in the file, and the bytes there: a block of another place or another
/// part does not pass.
package struct PartChecksum {
    private let seed: UInt32

    /// Bytes that a checksum takes at the end of what it protects.
    static let byteCount = 4

    package init(_ identifier: PartIdentifier) {
        var words = (identifier.high.littleEndian, identifier.low.littleEndian)
        seed = withUnsafeBytes(of: &words) { dukkan_crc32c(0, $0.baseAddress, $0.count) }
    }

    package func callAsFunction(offset: Int, _ bytes: UnsafeRawBufferPointer) -> UInt32 {
        var place = UInt64(offset).littleEndian
        let state = withUnsafeBytes(of: &place) { dukkan_crc32c(seed, $0.baseAddress, 8) }
        return bytes.isEmpty ? state : dukkan_crc32c(state, bytes.baseAddress, bytes.count)
    }

    /// The content of a block, whose checksum stands at its end.
    static func content(_ bytes: UnsafeRawBufferPointer) throws(DukkanError) -> UnsafeRawBufferPointer {
        guard bytes.count >= PartChecksum.byteCount else { throw corrupt("a block is too short for its checksum") }
        return UnsafeRawBufferPointer(rebasing: bytes[..<(bytes.count - PartChecksum.byteCount)])
    }

    /// The content of a block without the checksum at its end.
    ///
    /// Throws `corrupt` where the checksum does not fit.
    func verified(offset: Int, _ bytes: UnsafeRawBufferPointer) throws(DukkanError) -> UnsafeRawBufferPointer {
        let content = try PartChecksum.content(bytes)
        let stored = bytes.loadUnaligned(fromByteOffset: content.count, as: UInt32.self)
        guard UInt32(littleEndian: stored) == self(offset: offset, content) else {
            throw DukkanError(.corrupt, "the checksum does not match", place: .init(offset: offset))
        }
        return content
    }

    /// The one bit of a content that, changed, changes its checksum by `difference`; nil if none does.
    ///
    /// The checksum is linear: what a bit changes depends on its distance from the end alone, and up to 2³¹ bits no two
    /// of them change the same. O(bits).
    static func wrongBit(difference: UInt32, byteCount: Int) -> Int? {
        let polynomial: UInt32 = 0x82F6_3B78  // CRC-32C, reflected.
        var change = polynomial
        for distance in 0..<8 * byteCount {
            if change == difference { return 8 * byteCount - 1 - distance }
            change = change >> 1 ^ (change & 1 == 0 ? 0 : polynomial)
        }
        return nil
    }
}
