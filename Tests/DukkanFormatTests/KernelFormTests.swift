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

    @Test(arguments: 0...64)
    func horizontalValuesAreUnpacked(_ width: Int) {
        var generator = SplitMix(seed: UInt64(width))
        let mask = width == 64 ? ~0 : (UInt64(1) << UInt64(width)) - 1
        for count in [0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 33, 64, 100, 959] {
            let values = (0..<count).map { _ in generator.next() & mask }
            let byteCount = (count * width + 7) / 8
            // Exactly as many bytes as there are, at any address, so that a sanitizer sees a read past the end.
            let memory = UnsafeMutablePointer<UInt8>.allocate(capacity: byteCount + count % 5)
            defer { memory.deallocate() }
            let packed = memory + count % 5
            packed.initialize(repeating: 0, count: byteCount)
            dukkan_pack_tail(values, count, UInt32(width), packed)
            for form in Self.forms {
                var integers = [Int64](repeating: -1, count: count + 1)
                form.unpack_tail_integers(packed, count, UInt32(width), 5, &integers)
                #expect(integers == values.map { Int64(bitPattern: $0) &+ 5 } + [-1], "count \(count)")
                var codes = [UInt32](repeating: 7, count: count + 1)
                form.unpack_tail_codes(packed, count, UInt32(width), 5, &codes)
                #expect(codes == values.map { UInt32(truncatingIfNeeded: $0) &+ 5 } + [7], "count \(count)")
            }
        }
    }

    @Test(arguments: 0...64)
    func verticalValuesAreUnpacked(_ width: Int) {
        var generator = SplitMix(seed: UInt64(width))
        let mask = width == 64 ? ~0 : (UInt64(1) << UInt64(width)) - 1
        let values = (0..<1_024).map { _ in generator.next() & mask }
        let packed = UnsafeMutablePointer<UInt8>.allocate(capacity: width * 128)
        defer { packed.deallocate() }
        dukkan_pack(values, UInt32(width), packed)
        for form in Self.forms {
            var integers = [Int64](repeating: -1, count: 1_024)
            form.unpack_integers(packed, UInt32(width), 5, &integers)
            #expect(integers == values.map { Int64(bitPattern: $0) &+ 5 })
            guard width <= 32 else { continue }
            var codes = [UInt32](repeating: 7, count: 1_024)
            form.unpack_codes(packed, UInt32(width), 5, &codes)
            #expect(codes == values.map { UInt32(truncatingIfNeeded: $0) &+ 5 })
        }
    }

    @Test(arguments: [0.0, 0.02, 0.3, 0.5, 0.9, 1.0])
    func valuesGoToTheRowsOfABitmap(_ share: Double) {
        var generator = SplitMix(seed: UInt64(share * 100))
        for count in [0, 1, 7, 8, 15, 16, 17, 63, 64, 65, 200, 1_024, 3_001] {
            var bits = [UInt64](repeating: 0, count: count / 64 + 1)
            var expected = [Int64](repeating: -9, count: count)
            var dense: [Int64] = []
            for row in 0..<count where generator.chance(share) {
                bits[row / 64] |= 1 << UInt64(row % 64)
                expected[row] = Int64(generator.below(1 << 30))
                dense.append(expected[row])
            }
            let padded = dense + [Int64](repeating: -2, count: 8)
            let codes = dense.map { UInt32($0) } + [UInt32](repeating: 4, count: 16)
            for form in Self.forms {
                var rows = [Int64](repeating: 0, count: count + 8)
                form.spread_integers(padded, bits, count, -9, &rows)
                #expect(Array(rows[..<count]) == expected)
                var codeRows = [UInt32](repeating: 0, count: count + 16)
                form.spread_codes(codes, bits, count, 3, &codeRows)
                #expect(codeRows[..<count].elementsEqual(expected.map { $0 == -9 ? 3 : UInt32($0) }))
                var sums = [Int64](repeating: 100, count: count + 8)
                form.spread_add_integers(padded, bits, count, 4, &sums)
                #expect(Array(sums[..<count]) == expected.map { $0 == -9 ? 100 : 100 + $0 << 4 })
                var codeSums = [UInt32](repeating: 100, count: count + 16)
                form.spread_add_codes(padded, bits, count, 27, &codeSums)
                let wrapped = expected.map { $0 == -9 ? 100 : 100 &+ UInt32(truncatingIfNeeded: $0 << 27) }
                #expect(Array(codeSums[..<count]) == wrapped)
            }
        }
    }

    /// Customers with up to so many rows each.
    @Test(arguments: [1, 2, 3, 9, 40, 500, 3_000])
    func valuesBeginAnewAtEachCustomer(_ longest: Int) {
        var generator = SplitMix(seed: UInt64(longest))
        for multiplier in [1, 1_000, Int64.max] {
            var starts: [UInt32] = []
            var firsts: [Int64] = []
            var differences: [Int64] = []
            var expected: [Int64] = []
            while expected.count < 1_500 {
                starts.append(UInt32(expected.count))
                firsts.append(Int64(bitPattern: generator.next()))
                expected.append(firsts[firsts.count - 1])
                for _ in 0..<generator.below(longest) {
                    let difference = Int64(generator.below(1_000)) - 300
                    differences.append(difference)
                    expected.append(expected[expected.count - 1] &+ difference &* multiplier)
                }
            }
            let count = expected.count
            starts.append(UInt32(count))
            var bits = [UInt64](repeating: ~0, count: count / 64 + 1)
            dukkan_mark_starts(starts, firsts.count, &bits)
            let slack = [Int64](repeating: -3, count: 8)
            for form in Self.forms {
                var out = [Int64](repeating: 0, count: count + 8)
                form.customer_values(
                    differences + slack, firsts + slack, bits, count, UInt64(bitPattern: multiplier), &out)
                #expect(Array(out[..<count]) == expected)
                #expect(out.last == 0, "nothing is written past the stated end")
            }
        }
    }

    @Test func predictionsLieBetweenTheirKnots() {
        var generator = SplitMix(seed: 22)
        for (shift, count) in [(0, 2), (3, 3), (16, 5), (17, 40), (40, 300)] as [(UInt32, Int)] {
            let knots = (0..<count).map { _ in Int64(generator.below(1 << 40)) - 1 << 39 }
            let origin = Int64(generator.below(1 << 50))
            let length = Int64(count) << Int64(shift)
            let times = (0..<203).map { _ in origin + Int64(generator.below(Int(length) * 2)) - length / 2 }
            let values = times.indices.map { Int64($0) }
            let expected = zip(times, values).map { time, value in
                let distance = max(time - origin, 0), cell = Int(distance >> Int64(shift))
                if cell >= count - 1 { return value - knots[count - 1] }
                // Sixteen bits of what lies between the knots count.
                let part = distance & ((1 << Int64(shift)) - 1)
                let fraction = shift > 16 ? part >> Int64(shift - 16) : part << Int64(16 - shift)
                let rise = ((knots[cell + 1] - knots[cell]) * fraction) >> 16
                return value - (knots[cell] + rise)
            }
            for form in Self.forms {
                var out = values
                knots.withUnsafeBufferPointer {
                    var model = dukkan_knots(
                        origin: origin, knots: $0.baseAddress, count: count, shift: shift, width: 16)
                    form.add_predictions(times, times.count, &model, -1, &out)
                }
                #expect(out == expected)
            }
        }
    }

    @Test func valuesWithinRunsAreSummed() {
        var generator = SplitMix(seed: 21)
        for longest in [1, 2, 3, 9, 40, 700] {
            let multiplier = UInt32(generator.below(2_000))
            var firsts: [Int64] = [], differences: [UInt32] = [], expected: [Int64] = [], starts: [UInt32] = []
            for _ in 0..<500 {
                starts.append(UInt32(expected.count))
                let first = Int64(bitPattern: generator.next())
                firsts.append(first)
                expected.append(first)
                var sum: UInt32 = 0
                for _ in 0..<generator.below(longest) {
                    differences.append(UInt32(truncatingIfNeeded: generator.next() >> UInt64(generator.below(64))))
                    sum &+= differences[differences.count - 1]
                    expected.append(first &+ Int64(truncatingIfNeeded: UInt64(sum) * UInt64(multiplier)))
                }
            }
            let count = expected.count
            starts.append(UInt32(count))
            var bits = [UInt64](repeating: ~0, count: count / 64 + 1)
            dukkan_mark_starts(starts, firsts.count, &bits)
            for form in Self.forms {
                var out = [Int64](repeating: 0, count: count + 8)
                form.run_values(
                    differences + [UInt32](repeating: 7, count: 16), firsts + [Int64](repeating: 9, count: 9), bits,
                    count, multiplier, &out)
                #expect(Array(out[..<count]) == expected)
                #expect(out.last == 0, "nothing is written past the stated end")
            }
        }
    }

    @Test func startsAreMarked() {
        var generator = SplitMix(seed: 8)
        for (longest, base) in [(1, 0), (2, 100), (5, 63), (200, 64), (1_000, 3)] {
            // Some customers have no rows.
            var starts = [UInt32(base)]
            for _ in 0..<300 { starts.append(starts[starts.count - 1] + UInt32(generator.below(longest + 1))) }
            let count = Int(starts[300]) - base
            var expected = [UInt64](repeating: 0, count: count / 64 + 1)
            for i in 0..<300 where starts[i + 1] > starts[i] {
                let row = Int(starts[i]) - base
                expected[row / 64] |= 1 << UInt64(row % 64)
            }
            var rests: [UInt32] = []
            for i in 0..<300 where starts[i + 1] > starts[i] { rests.append(starts[i + 1] - starts[i] - 1) }
            for form in Self.forms {
                var bits = [UInt64](repeating: 7, count: count / 64 + 1)
                form.mark_starts(starts, 300, &bits)
                #expect(bits == expected)
                var runBits = [UInt64](repeating: 7, count: (count + 63) / 64)
                #expect(form.mark_runs(rests, rests.count, count, &runBits))
                #expect(runBits == Array(expected[..<runBits.count]))
                #expect(form.count_bits(runBits, runBits.count) == rests.count)
                #expect(!form.mark_runs(rests, rests.count - 1, count, &runBits))
                #expect(!form.mark_runs(rests, rests.count, count - 1, &runBits))
                #expect(!form.mark_runs(rests, rests.count, count + 1, &bits))
            }
        }
    }

    @Test(arguments: [0, 1, 7, 8, 9, 63, 64, 65, 120, 128, 1_000])
    func conditionsBecomeBitmaps(_ count: Int) {
        var generator = SplitMix(seed: UInt64(count))
        func bitmap(_ condition: (Int) -> Bool) -> [UInt64] {
            var words = [UInt64](repeating: 0, count: (count + 63) / 64)
            for row in 0..<count where condition(row) { words[row / 64] |= 1 << UInt64(row % 64) }
            return words
        }
        let empty = [UInt64](repeating: 5, count: (count + 63) / 64)
        let values = (0..<count).map { _ in Int64(bitPattern: generator.next()) >> Int64(generator.below(64)) }
        for (low, high) in [(Int64(-5), Int64(100)), (.min, .max), (0, .max), (.min, -1), (7, 7)] {
            let expected = bitmap { low <= values[$0] && values[$0] <= high }
            for form in Self.forms {
                var words = empty
                form.select_range(values, count, low, high, &words)
                #expect(words == expected)
                var places = [UInt32](repeating: 9, count: count + 1)
                let found = form.bit_places(words, words.count, &places)
                // Typed step by step: as one expression it takes a loaded machine's compiler too long.
                let chosen = (0..<UInt32(count)).filter { (row: UInt32) -> Bool in
                    let word: UInt64 = expected[Int(row / 64)]
                    return word >> UInt64(row % 64) & 1 != 0
                }
                #expect(places[..<found].elementsEqual(chosen))
                #expect(places[found...].allSatisfy { $0 == 9 }, "nothing is written behind the places")
            }
        }
        for flagCount in [1, 2, 63, 64, 65, 1_000] {
            let codes = (0..<count).map { _ in UInt32(generator.below(flagCount)) }
            let flags = (0..<flagCount).map { _ in UInt8(generator.below(2)) }
            for form in Self.forms {
                var words = empty
                form.select_code(codes, count, 1, &words)
                #expect(words == bitmap { codes[$0] == 1 })
                words = empty
                form.select_flags(codes, count, flags, flagCount, &words)
                #expect(words == bitmap { flags[Int(codes[$0])] == 1 })
            }
        }
    }

    @Test(arguments: [0, 1, 7, 8, 9, 16, 100])
    func sumsRun(_ count: Int) {
        var generator = SplitMix(seed: UInt64(count))
        let values = (0..<count).map { _ in Int64(bitPattern: generator.next()) }
        var sum: Int64 = 77
        let expected = values.map { (value: Int64) -> Int64 in
            sum &+= value
            return sum
        }
        for form in Self.forms {
            var sums = values + [5]
            form.running_sums(&sums, count, 77)
            #expect(sums == expected + [5])
        }
    }

    @Test func ascendingValuesAreTold() {
        for form in Self.forms {
            for count in [0, 1, 2, 15, 100] {
                var values = (0..<count).map { Int64($0 * 3 - 50) }
                #expect(form.is_ascending(values, count))
                guard count > 1 else { continue }
                values[count - 1] = values[count - 2]
                #expect(!form.is_ascending(values, count))
            }
        }
    }

    @Test(arguments: [1, 8, 9, 16, 17, 32, 33, 64, 65, 3_000])
    func codesAreLookedUpAndCompared(_ tableCount: Int) {
        var generator = SplitMix(seed: UInt64(tableCount))
        let table = (0..<tableCount).map { _ in UInt32(truncatingIfNeeded: generator.next()) }
        for count in [0, 1, 7, 15, 16, 17, 64, 100] {
            let codes = (0..<count).map { _ in UInt32(generator.below(tableCount)) }
            let expected = codes.map { table[Int($0)] }
            for form in Self.forms {
                var values = codes
                form.look_up_codes(&values, count, table, tableCount)
                #expect(values == expected)
                #expect(form.maximum_code(values, count) == expected.max() ?? 0)
            }
        }
    }

    @Test(arguments: [1, 3, 8, 20, 63])
    func listsAreTakenApart(_ width: Int) {
        var generator = SplitMix(seed: UInt64(width))
        for count in [1, 7, 8, 9, 63, 64, 65, 100, 960, 1_000, 1_024, 1_025, 2_000] {
            let values = (0..<count).map { _ in
                Int64(bitPattern: generator.next() >> UInt64(64 - width + generator.below(width))) - 5
            }
            let minimum = values.min() ?? 0
            let offsets = values.map { UInt64(bitPattern: $0 &- minimum) }
            var expected = [UInt32](repeating: 0, count: 65)
            for offset in offsets { expected[64 - offset.leadingZeroBitCount] += 1 }
            let places = offsets.indices.filter { offsets[$0] >> 2 != 0 }
            for form in Self.forms {
                var counts = [UInt32](repeating: 9, count: 65)
                #expect(form.count_widths(values, count, &counts) == minimum && counts == expected)
                var bitmap = [UInt8](repeating: 0, count: (count + 7) / 8)
                var rest = [Int64](repeating: 0, count: count)
                let restCount = form.split_frequent(values, count, minimum, &bitmap, &rest)
                #expect(Array(rest[..<restCount]) == values.filter { $0 != minimum })
                #expect(
                    values.indices.allSatisfy { bitmap[$0 / 8] >> UInt8($0 % 8) & 1 == (values[$0] == minimum ? 0 : 1) }
                )
                var gaps = [UInt64](repeating: 0, count: count), highs = gaps
                let patchCount = form.split_patches(offsets, count, 2, &gaps, &highs)
                #expect(Array(highs[..<patchCount]) == places.map { offsets[$0] >> 2 })
                #expect(Array(gaps[..<patchCount]) == zip(places, [-1] + places).map { UInt64($0 - $1 - 1) })
            }
        }
    }
}
