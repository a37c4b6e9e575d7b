/// CRC-32C (Castagnoli), as the manifest and deletion files carry it.
enum Checksum {
    private static let table: [UInt32] = (0..<256).map { index in
        var value = UInt32(index)
        for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
        return value
    }

    /// The checksum of bytes that follow the four bytes of a seed.
    ///
    /// O(bytes).
    static func crc32c(_ bytes: ArraySlice<UInt8>, seed: UInt32) -> UInt32 {
        table.withUnsafeBufferPointer { table in
            var value = ~UInt32(0) ^ seed
            bytes.withUnsafeBufferPointer {
                for byte in $0 { value = (value >> 8) ^ table[Int(UInt8(truncatingIfNeeded: value) ^ byte)] }
            }
            return ~value
        }
    }
}
