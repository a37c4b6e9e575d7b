import CDukkanKernels
import Testing

@testable import DukkanFormat

/// The kernels of aggregation do what a plain loop does, whatever form the processor gets.
@Suite struct AggregationKernelTests {
    static let counts = [0, 1, 7, 63, 64, 65, 200, 1_000]

    private struct Rows {
        var groups: [UInt32]
        var values: [Int64]
        var flags: [Bool]
        var others: [Bool]

        init(_ count: Int, groupCount: Int) {
            var generator = SplitMix(seed: UInt64(count * 31 + groupCount))
            groups = (0..<count).map { _ in UInt32(generator.below(groupCount)) }
            flags = (0..<count).map { _ in generator.below(3) > 0 }
            others = (0..<count).map { _ in generator.below(4) > 0 }
            values = (0..<count).map { _ in Int64(bitPattern: generator.next()) }
        }

        static func words(_ flags: [Bool]) -> [UInt64] {
            var words = [UInt64](repeating: 0, count: (flags.count + 63) / 64 + 1)
            for (row, flag) in flags.enumerated() where flag { words[row >> 6] |= 1 << UInt64(row & 63) }
            return words
        }

        /// The first `count` bits.
        static func flags(_ words: [UInt64], _ count: Int) -> [Bool] {
            (0..<count).map { words[$0 >> 6] >> UInt64($0 & 63) & 1 != 0 }
        }
    }

    @Test(arguments: counts)
    func compressionKeepsWhatIsSelected(_ count: Int) {
        let rows = Rows(count, groupCount: 1_000)
        let words = Rows.words(rows.flags), places = rows.flags.indices.filter { rows.flags[$0] }
        var integers = [Int64](repeating: -1, count: count + 8)
        #expect(dukkan_compress_integers(rows.values, words, count, &integers) == places.count)
        #expect(Array(integers.prefix(places.count)) == places.map { rows.values[$0] })
        var codes = [UInt32](repeating: 9, count: count + 8)
        #expect(dukkan_compress_codes(rows.groups, words, count, &codes) == places.count)
        #expect(Array(codes.prefix(places.count)) == places.map { rows.groups[$0] })
        var bits = Rows.words(rows.others)
        #expect(
            bits.withUnsafeMutableBufferPointer {
                dukkan_compress_bits($0.baseAddress, words, count, $0.baseAddress)
            } == places.count)
        #expect(Rows.flags(bits, places.count) == places.map { rows.others[$0] })
        let tail = places.count & 63
        if tail != 0 { #expect(bits[places.count >> 6] >> UInt64(tail) == 0, "bits past the last are 0") }
    }

    @Test(arguments: counts)
    func digitsMakeMixedRadixNumbers(_ count: Int) {
        let rows = Rows(count, groupCount: 50)
        var numbers = [UInt32](repeating: 77, count: count)
        dukkan_add_integer_digit(&numbers, rows.values, count, 0, -5)
        #expect(numbers == rows.values.map { UInt32(truncatingIfNeeded: $0 &+ 5) })
        dukkan_add_code_digit(&numbers, rows.groups, count, 0)
        #expect(numbers == rows.groups)
        dukkan_add_code_digit(&numbers, rows.groups, count, 51)
        dukkan_add_integer_digit(&numbers, rows.values, count, 7, 3)
        dukkan_add_null_digit(&numbers, Rows.words(rows.flags), count, 1_000)
        for row in 0..<count {
            let digits = (rows.groups[row] &* 51 &+ rows.groups[row]) &* 7
            let number = digits &+ UInt32(truncatingIfNeeded: rows.values[row] &- 3) &+ (rows.flags[row] ? 0 : 1_000)
            #expect(numbers[row] == number)
        }
    }

    @Test(arguments: [60_000_000, 3_600_000_000, 86_400_000_000, 7 * 86_400_000_000])
    func timesFallIntoTheirPeriods(_ length: Int64) {
        let first: Int64 = -3 * 7 * 86_400_000_000
        let periods = [Int64](0..<40) + [1_000, 65_535, (1 << 20) - 1]
        let times = periods.flatMap { period in
            [0, 1, length / 2, length - 2, length - 1].map { first + period * length + $0 }
        }
        let expected = periods.flatMap { Array(repeating: UInt32($0), count: 5) }
        var numbers = [UInt32](repeating: 0, count: times.count)
        let span = UInt64(length << 20)
        #expect(dukkan_number_periods(times, times.count, first, UInt64(length), span, &numbers) == 1)
        #expect(numbers == expected)
        #expect(dukkan_number_periods([first - 1], 1, first, UInt64(length), span, &numbers) == 0)
        #expect(dukkan_number_periods([Int64.max], 1, first, UInt64(length), span, &numbers) == 0)
        #expect(dukkan_number_periods([first + 11], 1, first, UInt64(length), 10, &numbers) == 0)
    }

    @Test(arguments: counts, [1, 4])
    func groupsAreSummedAndCounted(_ count: Int, _ copies: Int) {
        let rows = Rows(count, groupCount: 5)
        let validity = Rows.words(rows.flags)
        let values = zip(rows.values, rows.flags).map { $1 ? $0 : 0 }
        var cells = [dukkan_group_cell](repeating: dukkan_group_cell(), count: 5 * copies)
        dukkan_add_to_groups(rows.groups, values, validity, count, copies, &cells)
        dukkan_add_to_groups(rows.groups, values, nil, count, copies, &cells)
        var some = [UInt32](repeating: 0, count: 5 * copies), all = some
        dukkan_count_groups(rows.groups, validity, count, copies, &some)
        dukkan_count_groups(rows.groups, nil, count, copies, &all)
        for group in 0..<5 {
            let own = (0..<count).filter { rows.groups[$0] == UInt32(group) }
            let valid = own.count { rows.flags[$0] }
            let held = cells[group * copies..<(group + 1) * copies]
            #expect(held.reduce(0) { $0 &+ $1.sum } == own.reduce(0) { $0 &+ 2 &* values[$1] })
            #expect(held.reduce(0) { $0 + Int($1.valid) } == valid + own.count)
            #expect(held.reduce(0) { $0 + Int($1.rows) } == 2 * own.count)
            #expect(some[group * copies..<(group + 1) * copies].reduce(0, +) == UInt32(valid))
            #expect(all[group * copies..<(group + 1) * copies].reduce(0, +) == UInt32(own.count))
        }
    }

    @Test(arguments: counts)
    func customersAreCountedOnceInEachGroup(_ count: Int) {
        var rows = Rows(count, groupCount: 3)
        if count > 0 { rows.flags[0] = true }
        let firstRows = Rows.words(rows.flags), selected = Rows.words(rows.others)
        var customers: [UInt32] = []
        for flag in rows.flags { customers.append((customers.last ?? .max) &+ (flag ? 1 : 0)) }
        func distinct(_ chosen: [Int]) -> [Int64] {
            (0..<3).map { group in
                Int64(Set(chosen.filter { rows.groups[$0] == group }.map { customers[$0] }).count)
            }
        }
        var marks = [UInt64](repeating: 0, count: firstRows.count)
        dukkan_mark_changes(rows.groups, firstRows, count, &marks)
        let changes = (0..<count).map { rows.flags[$0] || $0 > 0 && rows.groups[$0] != rows.groups[$0 - 1] }
        #expect(Rows.flags(marks, count) == changes)
        var last: [UInt32] = [0, 0, 0]
        var found: [Int64] = [0, 0, 0]
        let serial = dukkan_count_marked_customers(rows.groups, marks, firstRows, count, 10, &last, &found)
        #expect(serial == 10 + (customers.last.map { $0 + 1 } ?? 0))
        #expect(found == distinct(Array(0..<count)))
        var changeCounts: [Int64] = [0, 0, 0]
        dukkan_count_marks(rows.groups, marks, count, &changeCounts)
        #expect(changeCounts.reduce(0, +) == Int64(changes.count { $0 }))

        let places = rows.others.indices.filter { rows.others[$0] }
        var numbers = [UInt32](repeating: 0, count: places.count + 2)
        dukkan_number_runs(firstRows, selected, count, &numbers)
        #expect(Array(numbers.prefix(places.count)) == places.map { customers[$0] })
        last = [0, 0, 0]
        found = [0, 0, 0]
        dukkan_count_row_customers(places.map { rows.groups[$0] }, numbers, places.count, 1, &last, &found)
        #expect(found == distinct(places))
        dukkan_count_row_customers(nil, numbers, places.count, 1_000_000, &last, &found)
        #expect(found[0] == distinct(places)[0] + Int64(Set(places.map { customers[$0] }).count))
    }
}
