import DukkanFormat
import DukkanStorage

/// Reads a manifest or a deletion file whose magic and checksum are made right first; what is read is written and read
/// again.
enum ManifestTarget {
    private static let identifier = PartIdentifier(high: 7, low: 11)
    private static let generation: UInt64 = 5

    static func run(_ input: FuzzInput) throws {
        var input = input
        let choices = input.choice()
        var bytes = Array(input.rest)
        if choices & 1 == 0 {
            if choices & 2 == 0 { repair(&bytes, Manifest.magic, [generation], seed: UInt32(generation)) }
            try readManifest(bytes)
        } else {
            if choices & 2 == 0 {
                let seed = UInt32(truncatingIfNeeded: identifier.low)
                repair(&bytes, DeletionFile.magic, [identifier.high, identifier.low], seed: seed)
            }
            try readDeletions(bytes)
        }
    }

    private static func repair(_ bytes: inout [UInt8], _ magic: [UInt8], _ words: [UInt64], seed: UInt32) {
        guard bytes.count >= 32 else { return }
        bytes.replaceSubrange(0..<8, with: magic)
        for (place, word) in words.enumerated() {
            withUnsafeBytes(of: word.littleEndian) {
                bytes.replaceSubrange(12 + 8 * place..<20 + 8 * place, with: $0)
            }
        }
        let checksum = Checksum.crc32c(bytes.dropLast(4), seed: seed)
        withUnsafeBytes(of: checksum.littleEndian) { bytes.replaceSubrange(bytes.count - 4..<bytes.count, with: $0) }
    }

    private static func readManifest(_ bytes: [UInt8]) throws {
        guard let manifest = try answer({ try Manifest(decoding: bytes, generation: generation) }) else { return }
        let again = try answer { try Manifest(decoding: manifest.encoded(), generation: generation) }
        try FuzzFailure.require(again == manifest, "a manifest that differs when it is written and read again")
    }

    private static func readDeletions(_ bytes: [UInt8]) throws {
        guard let deletions = try answer({ try DeletionFile(decoding: bytes, identifier: identifier) }) else { return }
        let again = try answer {
            try DeletionFile(decoding: deletions.encoded(identifier: identifier), identifier: identifier)
        }
        let isSame =
            again?.sections.map(\.part) == deletions.sections.map(\.part)
            && again?.sections.map(\.rows) == deletions.sections.map(\.rows)
        try FuzzFailure.require(isSame, "a deletion file that differs when it is written and read again")
    }
}
