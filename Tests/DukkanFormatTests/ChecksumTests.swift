import CDukkanKernels
import Testing

@testable import DukkanFormat

/// CRC32C against published values, and each form against the other.
@Suite struct ChecksumTests {
    /// The first from the catalogue of CRCs ("123456789"), the others from RFC 3720, section B.4.
    static let known: [(bytes: [UInt8], value: UInt32)] = [
        ([], 0),
        (Array("123456789".utf8), 0xE306_9283),
        ([UInt8](repeating: 0, count: 32), 0x8A91_36AA),
        ([UInt8](repeating: 0xFF, count: 32), 0x62A8_AB43),
        ((0..<32).map { UInt8($0) }, 0x46DD_794E),
        ((0..<32).reversed().map { UInt8($0) }, 0x113F_DB5C),
    ]

    @Test(arguments: known.indices)
    func publishedValuesComeOut(_ index: Int) {
        let (bytes, value) = ChecksumTests.known[index]
        #expect(dukkan_crc32c(0, bytes, bytes.count) == value)
        #expect(dukkan_crc32c_portable(0, bytes, bytes.count) == value)
    }

    @Test func bothFormsAgreeAtEveryLengthAndAddress() {
        var generator = SplitMix(seed: 11)
        let bytes = (0..<6_000).map { _ in UInt8(truncatingIfNeeded: generator.next()) }
        bytes.withUnsafeBytes { all in
            for length in Array(0...840) + [1_023, 1_024, 1_535, 1_536, 1_537, 3_071, 3_072, 4_000, 5_990] {
                let start = length % 10
                let piece = all.baseAddress! + start
                let portable = dukkan_crc32c_portable(7, piece, length)
                #expect(dukkan_crc32c(7, piece, length) == portable, "length \(length)")
                // A checksum over two pieces is that over the whole.
                let half = length / 2
                let joined = dukkan_crc32c(dukkan_crc32c(7, piece, half), piece + half, length - half)
                #expect(joined == portable, "length \(length)")
            }
        }
    }

    @Test func theChecksumDependsOnPartAndPlace() {
        let bytes: [UInt8] = [1, 2, 3]
        bytes.withUnsafeBytes { bytes in
            let here = PartChecksum(PartIdentifier(high: 1, low: 2))(offset: 100, bytes)
            #expect(PartChecksum(PartIdentifier(high: 1, low: 2))(offset: 100, bytes) == here)
            #expect(PartChecksum(PartIdentifier(high: 1, low: 2))(offset: 101, bytes) != here)
            #expect(PartChecksum(PartIdentifier(high: 1, low: 3))(offset: 100, bytes) != here)
        }
    }
}
