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
}
