import Foundation
import Testing

@testable import DukkanFormat

/// What is left of a footer and of its copy is enough to read the part, as long as they are not damaged at the same places.
@Suite struct FooterRecoveryTests {
    private struct Subject {
        var file: PartFile
        /// Size of the footer.
        var byteCount: Int
        var footer: String
        var version: UInt32

        init(golden name: String) throws {
            let path = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Golden/\(name).part")
            file = PartFile(bytes: Array(try Data(contentsOf: path)), identifier: GoldenTables.identifier)
            let footer = try file.footer()
            self.footer = "\(footer)"
            version = footer.version
            let end = file.bytes.count - PartFooter.trailerByteCount
            byteCount = file.bytes[end..<end + 4].reversed().reduce(0) { $0 << 8 | Int($1) }
        }

        /// Where footers end.
        var end: Int { file.bytes.count - PartFooter.trailerByteCount }

        /// Whether the footer is made out, with bytes changed.
        func isRecovered(_ change: (inout [UInt8]) -> Void) -> Bool {
            var damaged = file
            change(&damaged.bytes)
            let found = damaged.recoveredFooter(byteCount: byteCount, version: version)
            if let found { #expect("\(found)" == footer) }
            return found != nil
        }
    }

    /// Bytes from one that is damaged to the next: a sanitizer makes each of them ten times as dear.
    #if DUKKAN_SANITIZED
    private static let step = 61
    #else
    private static let step = 1
    #endif

    @Test(arguments: GoldenTables.names) func `one wrong bit of a footer of any version is put right`(
        _ name: String
    ) throws {
        let subject = try Subject(golden: name)
        for place in stride(from: subject.end - subject.byteCount, to: subject.end, by: FooterRecoveryTests.step) {
            let bit: UInt8 = 1 << UInt8(place % 8)
            #expect(subject.isRecovered { $0[place] ^= bit }, "byte \(place), bit \(bit)")
        }
    }

    @Test func `every wrong bit of a footer is put right`() throws {
        let subject = try Subject(golden: "v1-strings")
        for place in subject.end - subject.byteCount..<subject.end {
            for bit in 0..<8 { #expect(subject.isRecovered { $0[place] ^= 1 << UInt8(bit) }, "byte \(place)") }
        }
    }

    @Test func `two wrong bits of a footer without a copy are too many`() throws {
        let subject = try Subject(golden: "v2-related")
        var generator = SplitMix(seed: 7)
        for _ in 0..<200 {
            let first = generator.below(8 * subject.byteCount)
            let second = (first + 1 + generator.below(8 * subject.byteCount - 1)) % (8 * subject.byteCount)
            let isRecovered = subject.isRecovered { bytes in
                for bit in [first, second] {
                    bytes[subject.end - subject.byteCount + bit / 8] ^= 1 << UInt8(bit % 8)
                }
            }
            #expect(!isRecovered)
        }
    }

    @Test func `a footer or its copy may be gone altogether`() throws {
        let subject = try Subject(golden: "v3-related")
        let (end, count) = (subject.end, subject.byteCount)
        for range in [end - count..<end, end - 2 * count..<end - count] {
            for filler: UInt8 in [0, 0xFF, 0x5A] {
                #expect(subject.isRecovered { bytes in for place in range { bytes[place] = filler } })
            }
        }
        #expect(!subject.isRecovered { bytes in for place in end - 2 * count..<end { bytes[place] = 0 } })
    }

    @Test func `a bit may be wrong in each of the two`() throws {
        let subject = try Subject(golden: "v3-related")
        var generator = SplitMix(seed: 8)
        for _ in 0..<300 {
            let places = (0..<2).map { _ in generator.below(8 * subject.byteCount) }
            let isRecovered = subject.isRecovered { bytes in
                for (copy, place) in places.enumerated() {
                    bytes[subject.end - (copy + 1) * subject.byteCount + place / 8] ^= 1 << UInt8(place % 8)
                }
            }
            #expect(isRecovered, "\(places)")
        }
    }

    /// A page or a sector that is lost may hold the end of the copy and the begin of the footer.
    @Test func `damage may reach over the border of the two`() throws {
        let subject = try Subject(golden: "v3-related")
        let border = subject.end - subject.byteCount
        var generator = SplitMix(seed: 9)
        for _ in 0..<300 {
            let length = 1 + generator.below(subject.byteCount * 9 / 10)
            let start = border - generator.below(length + 1)
            let isRecovered = subject.isRecovered { bytes in
                for place in start..<start + length { bytes[place] ^= 0xA5 }
            }
            #expect(isRecovered, "\(length) bytes from \(start - border)")
        }
    }

    @Test func `the begin of the copy and the end of the footer may be lost`() throws {
        let subject = try Subject(golden: "v3-related")
        let count = subject.byteCount
        let isRecovered = subject.isRecovered { bytes in
            for place in subject.end - 2 * count..<subject.end - 2 * count + count / 3 { bytes[place] = 0 }
            for place in subject.end - count / 3..<subject.end { bytes[place] = 0 }
        }
        #expect(isRecovered)
    }

    @Test func `what differs under right checksums is told`() throws {
        var file = try Subject(golden: "v3-related").file
        let footer = try file.footer()
        let copy = try #require(footer.copyPlace)
        try file.checkSpares()
        file.bytes[copy.offset + 20] ^= 1
        file.repair(copy)
        #expect {
            try file.checkSpares()
        } throws: { error in
            (error as? DukkanError)?.place.offset == copy.offset
        }
    }
}
