import CDukkanKernels
import Testing

@testable import DukkanFormat

/// Lists taken apart without branches come out as plain loops have them.
struct SplittingKernelTests {
    @Test(arguments: [1, 2, 63, 64, 65, 127, 128, 1_000, 1_024])
    func listsAreTakenApart(count: Int) {
        var random = SystemRandomNumberGenerator()
        for bound in [1, 2, 5, 1_000] {
            let values = (0..<count).map { _ in Int64.random(in: 0..<Int64(bound), using: &random) }
            var bitmap = [UInt8](repeating: 0, count: (count + 7) / 8)
            var rest = [Int64](repeating: 0, count: count)
            let restCount = dukkan_split_frequent(values, count, values[0], &bitmap, &rest)
            #expect(Array(rest[..<restCount]) == values.filter { $0 != values[0] })
            #expect(
                (0..<count).allSatisfy { (bitmap[$0 / 8] >> UInt8($0 % 8)) & 1 == (values[$0] != values[0] ? 1 : 0) })

            let starts = (0..<count).filter { $0 == 0 || values[$0] != values[$0 - 1] }
            var heads = [Int64](repeating: 0, count: starts.count), lengths = heads
            dukkan_split_runs(values, count, &heads, &lengths)
            #expect(heads == starts.map { values[$0] })
            #expect(lengths == zip(starts, starts.dropFirst() + [count]).map { Int64($1 - $0 - 1) })

            let offsets = values.map { UInt64($0) }
            var gaps = [UInt64](repeating: 0, count: count), highs = gaps
            let patchCount = dukkan_split_patches(offsets, count, 1, &gaps, &highs)
            let places = offsets.indices.filter { offsets[$0] > 1 }
            #expect(Array(highs[..<patchCount]) == places.map { offsets[$0] >> 1 })
            #expect(Array(gaps[..<patchCount]) == zip(places, [-1] + places).map { UInt64($0 - $1 - 1) })
        }
    }
}
