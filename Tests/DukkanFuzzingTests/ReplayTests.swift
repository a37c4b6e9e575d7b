import DukkanFuzzing
import Foundation
import Testing

/// Every input that the fuzzers kept, and every one that once broke something, through the code that they drive.
///
/// `tools/fuzz` makes new ones.
@Suite struct ReplayTests {
    private static let fixtures = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Fixtures/Fuzzing")

    private static func inputs(_ target: FuzzTarget, _ kind: String) throws -> [URL] {
        let folder = fixtures.appending(path: "\(target)/\(kind)")
        guard FileManager.default.fileExists(atPath: folder.path()) else { return [] }
        return try FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: nil)
            .sorted { $0.path() < $1.path() }
    }

    @Test(arguments: FuzzTarget.allCases) func `what was kept is read without harm`(_ target: FuzzTarget) throws {
        let kept = try ReplayTests.inputs(target, "corpus")
        #expect(kept.count >= 40, "\(target): the corpus is there")
        for input in try kept + ReplayTests.inputs(target, "found") {
            do {
                try target.run(Array(try Data(contentsOf: input)))
            } catch {
                Issue.record("\(input.path()): \(error)")
            }
        }
    }

    /// What a fuzzer does first, for every input that was kept.
    @Test(arguments: FuzzTarget.allCases) func `a changed byte does no harm either`(_ target: FuzzTarget) throws {
        var state: UInt64 = 0x2545_F491_4F6C_DD1D
        for input in try ReplayTests.inputs(target, "corpus") {
            var bytes = Array(try Data(contentsOf: input))
            guard !bytes.isEmpty else { continue }
            for _ in 0..<8 {
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                let place = Int(state >> 33) % bytes.count, byte = UInt8(truncatingIfNeeded: state >> 25)
                let held = bytes[place]
                bytes[place] = byte
                do {
                    try target.run(bytes)
                } catch {
                    Issue.record("\(input.path()), byte \(place) = \(byte): \(error)")
                }
                bytes[place] = held
            }
        }
    }

    @Test func `inputs that are empty or cut off do no harm`() throws {
        for target in FuzzTarget.allCases {
            for length in 0..<24 {
                for byte: UInt8 in [0, 1, 3, 0x80, 0xFF] { try target.run([UInt8](repeating: byte, count: length)) }
            }
        }
    }
}
