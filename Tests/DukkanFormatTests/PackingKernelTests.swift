import CDukkanKernels
import Testing

@testable import DukkanFormat

/// What is packed is unpacked again, for every width, and the other kernels do what a plain loop does.
@Suite struct PackingKernelTests {
    private func values(_ count: Int, width: Int, seed: UInt64) -> [UInt64] {
        var generator = SplitMix(seed: seed)
        let mask = width == 64 ? ~0 : (UInt64(1) << UInt64(width)) - 1
        return (0..<count).map { _ in generator.next() & mask }
    }

    @Test(arguments: 0...64)
    func verticalPackingIsUndone(_ width: Int) {
        let values = values(1_024, width: width, seed: UInt64(width))
        var packed = [UInt8](repeating: 0xAA, count: width * 128 + 1)
        dukkan_pack(values, UInt32(width), &packed)
        #expect(packed.last == 0xAA, "nothing is written past the end")
        let reference: Int64 = -12_345
        var integers = [Int64](repeating: 0, count: 1_024)
        dukkan_unpack_integers(packed, UInt32(width), UInt64(bitPattern: reference), &integers)
        #expect(integers == values.map { Int64(bitPattern: $0) &+ reference })
        if width <= 32 {
            var codes = [UInt32](repeating: 0, count: 1_024)
            dukkan_unpack_codes(packed, UInt32(width), 77, &codes)
            #expect(codes == values.map { UInt32(truncatingIfNeeded: $0) &+ 77 })
        }
    }

    @Test func theVerticalLayoutIsThatOfTheDocument() {
        // Width 3: value i is row i / 32 of lane i % 32, and the rows of a lane follow each other every three bits.
        let values = (0..<1_024).map { UInt64($0 % 8) }
        var packed = [UInt8](repeating: 0, count: 3 * 128)
        dukkan_pack(values, 3, &packed)
        for (i, value) in values.enumerated() {
            let bit = i / 32 * 3, lane = i % 32
            func word(_ index: Int) -> UInt64 {
                (0..<4).reduce(0) { $0 | UInt64(packed[(index * 32 + lane) * 4 + $1]) << UInt64(8 * $1) }
            }
            let low = word(bit / 32) >> UInt64(bit % 32)
            let high = bit % 32 > 29 ? word(bit / 32 + 1) << UInt64(32 - bit % 32) : 0
            #expect((low | high) & 7 == value)
        }
    }

    @Test(arguments: 0...64)
    func horizontalPackingIsUndone(_ width: Int) {
        for count in [0, 1, 2, 7, 8, 9, 63, 64, 65, 1_000, 1_023] {
            let values = values(count, width: width, seed: UInt64(width * 2_000 + count))
            let byteCount = (count * width + 7) / 8
            // Exactly as many bytes as there are, so that a sanitizer sees a read past the end.
            let packed = UnsafeMutablePointer<UInt8>.allocate(capacity: byteCount)
            defer { packed.deallocate() }
            packed.initialize(repeating: 0, count: byteCount)
            dukkan_pack_tail(values, count, UInt32(width), packed)
            var integers = [Int64](repeating: 0, count: count)
            dukkan_unpack_tail_integers(packed, count, UInt32(width), 5, &integers)
            #expect(integers == values.map { Int64(bitPattern: $0) &+ 5 }, "count \(count)")
            var codes = [UInt32](repeating: 0, count: count)
            dukkan_unpack_tail_codes(packed, count, UInt32(width), 5, &codes)
            #expect(codes == values.map { UInt32(truncatingIfNeeded: $0) &+ 5 }, "count \(count)")
        }
    }

    @Test(arguments: [0.0, 0.02, 0.3, 0.5, 0.9, 1.0], [0, 1, 63, 64, 65, 200, 1_024])
    func spreadingPutsEachValueIntoItsRow(_ share: Double, _ count: Int) {
        var generator = SplitMix(seed: UInt64(share * 100) + UInt64(count) << 32)
        var bits = [UInt64](repeating: 0, count: count / 64 + 1)
        var expected = [Int64](repeating: -9, count: count)
        var dense: [Int64] = []
        for row in 0..<count where generator.chance(share) {
            bits[row / 64] |= 1 << UInt64(row % 64)
            expected[row] = Int64(generator.below(1 << 30))
            dense.append(expected[row])
        }
        var padded = dense + [Int64](repeating: 0, count: 8)
        var out = [Int64](repeating: 0, count: count + 8)
        dukkan_spread_integers(padded, bits, count, -9, &out)
        #expect(Array(out[..<count]) == expected)
        let narrow = padded.map { UInt32($0) }
        var codes = [UInt32](repeating: 0, count: count + 8)
        dukkan_spread_codes(narrow, bits, count, 3, &codes)
        #expect(Array(codes[..<count]) == expected.map { $0 == -9 ? 3 : UInt32($0) })
        var sums = [Int64](repeating: 100, count: count + 8)
        padded.append(0)
        dukkan_spread_add_integers(padded, bits, count, 4, &sums)
        #expect(Array(sums[..<count]) == expected.map { $0 == -9 ? 100 : 100 + $0 << 4 })
    }

    @Test(arguments: [1, 3, 40, 500])
    func sumsBeginAnewAtEachCustomer(_ longest: Int) {
        var generator = SplitMix(seed: UInt64(longest))
        var starts: [UInt32] = []
        var firsts: [Int64] = []
        var deltas: [Int64] = []
        var expected: [Int64] = []
        while expected.count < 1_500 {
            starts.append(UInt32(expected.count))
            firsts.append(Int64(bitPattern: generator.next()))
            expected.append(firsts[firsts.count - 1])
            for _ in 0..<generator.below(longest) {
                let delta = Int64(generator.below(1_000)) - 300
                deltas.append(delta)
                expected.append(expected[expected.count - 1] &+ delta * 1_000)
            }
        }
        starts.append(UInt32(expected.count))
        dukkan_scaled_running_sums(&deltas, deltas.count, 1_000)
        let sums = [0] + deltas + [Int64](repeating: 0, count: 8)
        var out = [Int64](repeating: 0, count: expected.count + 8)
        dukkan_customer_sums(sums, firsts, starts, firsts.count, &out)
        #expect(Array(out[..<expected.count]) == expected)
    }

    @Test func exactDivisionAgreesWithDivision() {
        var generator = SplitMix(seed: 3)
        for divisor in [1, 2, 3, 7, 1_000, 86_400_000_000, UInt64.max, 1 << 63, UInt64.max - 1] {
            let exact = ExactDivisor(divisor)
            for _ in 0..<200 {
                let number = generator.next() >> UInt64(generator.below(64))
                #expect(exact.divides(number) == (number % divisor == 0), "\(number) / \(divisor)")
                let multiple = number / divisor &* divisor
                #expect(exact.divides(multiple) && exact.quotient(multiple) == multiple / divisor)
            }
        }
        #expect(ExactDivisor(0).divides(0) && !ExactDivisor(0).divides(1))
    }

    @Test func widthsAreCountedFromTheMinimum() {
        let values: [Int64] = [-3, -3, -2, 5, .max, 12, -3, 4, 1_021]
        var counts = [UInt32](repeating: 9, count: 65)
        #expect(dukkan_count_widths(values, values.count, &counts) == -3)
        #expect(counts[0] == 3 && counts[1] == 1 && counts[3] == 1 && counts[4] == 2 && counts[10] == 0)
        #expect(counts[11] == 1 && counts[64] == 1)
        #expect(counts.reduce(0, +) == 9)
    }

    @Test(arguments: [1, 2, 8, 9, 1_000])
    func codesAreLookedUp(_ tableCount: Int) {
        var generator = SplitMix(seed: UInt64(tableCount))
        let table = (0..<tableCount).map { _ in UInt32(truncatingIfNeeded: generator.next()) }
        for count in [0, 1, 7, 8, 9, 100] {
            var values = (0..<count).map { _ in UInt32(generator.below(tableCount)) }
            let expected = values.map { table[Int($0)] }
            dukkan_look_up_codes(&values, count, table, tableCount)
            #expect(values == expected)
        }
    }
}
