import CDukkanKernels

/// CRC-32C (Castagnoli), as the manifest and deletion files carry it.
package enum Checksum {
    /// The checksum of the four bytes of a seed, lowest first, and the bytes after them.
    ///
    /// O(bytes).
    package static func crc32c(_ bytes: ArraySlice<UInt8>, seed: UInt32) -> UInt32 {
        let start = withUnsafeBytes(of: seed.littleEndian) { dukkan_crc32c(0, $0.baseAddress, $0.count) }
        return bytes.withUnsafeBytes { $0.isEmpty ? start : dukkan_crc32c(start, $0.baseAddress, $0.count) }
    }
}
