import CDukkanKernels
import DukkanFormat
import Testing

@testable import DukkanIngest

@Suite struct KernelTests {
    /// The places of separators and newlines outside quotes, found one byte at a time.
    private func places(_ bytes: [UInt8]) -> [Int] {
        var found: [Int] = []
        var isInside = false, canOpen = true
        for (at, byte) in bytes.enumerated() {
            if byte == 34, isInside {
                (isInside, canOpen) = (false, true)
            } else if byte == 34, canOpen {
                (isInside, canOpen) = (true, false)
            } else if !isInside, byte == 44 || byte == 10 {
                found.append(at)
                canOpen = true
            } else {
                canOpen = false
            }
        }
        return found
    }

    @Test(arguments: 0..<UInt64(200)) func placesAgreeWithAWalkOverTheBytes(_ seed: UInt64) {
        var state = seed &+ 9
        func next(_ bound: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int(state >> 33) % bound
        }
        let alphabet: [UInt8] =
            seed % 3 == 0 ? [34, 44, 10, 97] : [34, 44, 10] + [UInt8](repeating: 97, count: 5 + next(40))
        let count = next(700)
        let bytes = (0..<count).map { _ in alphabet[next(alphabet.count)] }
        let padded = bytes + [UInt8](repeating: 44, count: 64)
        let expected = places(bytes)

        var state1 = dk_csv_state(separator: 44, quote: 34, has_quote: 1, inside: 0, can_open: 1)
        var output = [UInt32](repeating: 0, count: 64 + next(300))
        var found: [Int] = []
        var from = 0
        while from < count {
            var reached = 0
            let written = dk_csv_index(padded, from, count, &state1, &output, output.count, &reached)
            found += output[..<written].map(Int.init)
            from = reached
        }
        #expect(found == expected, "seed \(seed)")

        // In pieces of any length the last row ends at the same place.
        var state2 = dk_csv_state(separator: 44, quote: 34, has_quote: 1, inside: 0, can_open: 1)
        var last = 0
        from = 0
        while from < count {
            let to = min(count, from + 1 + next(150))
            let end = dk_csv_last_row_end(padded, from, to, &state2)
            if end > 0 { last = Int(end) }
            from = to
        }
        #expect(last == (expected.last { bytes[$0] == 10 }.map { $0 + 1 } ?? 0), "seed \(seed)")
        #expect(dk_count_byte(padded, count, 10) == bytes.count { $0 == 10 })
    }

    @Test func theInternerKeepsCodesThroughGrowthAndForgetsWhenTrimmed() {
        let interner = StringInterner()
        func code(_ text: String) -> UInt32 {
            let bytes = Array(text.utf8) + [UInt8](repeating: 7, count: 8)
            return bytes.withUnsafeBufferPointer {
                let hash = StringInterner.hash($0.baseAddress!, text.utf8.count)
                return interner.table.find($0.baseAddress!, text.utf8.count, hash: hash)
                    ?? interner.insert($0.baseAddress!, text.utf8.count, hash: hash)
            }
        }
        for round in 0..<2 {
            for i in 0..<70_000 { #expect(code("text \(i)") == UInt32(i), "\(round)") }
        }
        #expect(code("") == 70_000 && code("") == 70_000)
        let dictionary = interner.dictionary()
        #expect(dictionary.count == 70_001 && dictionary.string(69_999) == "text 69999")
        #expect(interner.dictionary() === dictionary)
        interner.trim()
        #expect(interner.count == 0 && code("text 5") == 0)
    }
}
