import CDukkanKernels
import Testing

@testable import DukkanFormat

/// Every form of a kernel that this machine can run does the same as a plain loop.
@Suite struct KernelFormTests {
    /// The forms there are, the portable one first.
    static var forms: [dukkan_kernels] { (0...2).compactMap { dukkan_kernels_of_level(Int32($0))?.pointee } }

    @Test func thePortableFormIsAlwaysThere() {
        #expect(dukkan_kernels_of_level(0) != nil)
        #expect(dukkan_kernels_of_level(-1) == nil && dukkan_kernels_of_level(3) == nil)
    }

    @Test(arguments: [0.0, 0.01, 0.1, 0.3, 0.5, 0.9, 1.0])
    func aValueFillsTheRowsOfItsRun(_ share: Double) {
        var generator = SplitMix(seed: UInt64(share * 1_000))
        for count in [1, 2, 15, 16, 17, 63, 64, 65, 127, 128, 500, 1_024, 5_003] {
            var bits = [UInt64](repeating: 0, count: (count + 63) / 64)
            var values: [Int64] = []
            var expected: [Int64] = []
            for row in 0..<count {
                if row == 0 || generator.chance(share) {
                    bits[row / 64] |= 1 << UInt64(row % 64)
                    values.append(Int64(generator.below(1 << 30)))
                }
                expected.append(values[values.count - 1])
            }
            let padded = values + [Int64](repeating: -1, count: 8)
            let codes = values.map { UInt32($0) } + [UInt32](repeating: .max, count: 16)
            for form in Self.forms {
                var rows = [Int64](repeating: 0, count: count + 8)
                form.fill_forward_integers(padded, bits, count, &rows)
                #expect(Array(rows[..<count]) == expected)
                #expect(rows.last == 0, "nothing is written past the stated end")
                var codeRows = [UInt32](repeating: 0, count: count + 16)
                form.fill_forward_codes(codes, bits, count, &codeRows)
                #expect(codeRows[..<count].elementsEqual(expected.map { UInt32($0) }))
                #expect(codeRows.last == 0, "nothing is written past the stated end")
            }
        }
    }
}
