import CDukkanKernels
import Testing

/// The kernels that keep matching rows, against what they are defined to do, row by row.
@Suite struct MatchingKernelTests {
    private struct Rows {
        var random: SplitMix
        var count: Int
        var bits: [UInt64]

        init(seed: UInt64) {
            random = SplitMix(seed: seed)
            count = [0, 1, 63, 64, 65, 1_000, 4_096, 5_001][Int(random.next() % 8)]
            let density = random.next() % 5
            bits = [UInt64](repeating: 0, count: count / 64 + 1)
            for row in 0..<count where random.next() % 4 < density { bits[row / 64] |= 1 << UInt64(row % 64) }
        }

        func isSet(_ row: Int) -> Bool { bits[row / 64] >> UInt64(row % 64) & 1 == 1 }
        var kept: [Int] { (0..<count).filter(isSet) }
    }

    @Test(arguments: 0..<200) func codesBecomeMasksAndNumbers(seed: Int) {
        var rows = Rows(seed: UInt64(seed))
        let tableCount = [1, 16, 33, 128, 129, 300][Int(rows.random.next() % 6)]
        let table = (0..<tableCount).map { _ in UInt32(truncatingIfNeeded: rows.random.next()) }
        let bytes = table.map { UInt8(truncatingIfNeeded: $0) }
        let codes = (0..<rows.count).map { _ in UInt32(rows.random.next() % UInt64(tableCount)) }
        var masks = [UInt8](repeating: 0xAA, count: rows.count + 1),
            numbers = [UInt32](repeating: 7, count: rows.count + 1)
        for validity in [nil, rows.bits] {
            dukkan_masks_of_codes(codes, rows.count, bytes, tableCount, validity, &masks)
            dukkan_numbers_of_codes(codes, rows.count, table, tableCount, validity, .max, &numbers)
            for row in 0..<rows.count {
                let isPresent = validity == nil || rows.isSet(row)
                #expect(masks[row] == (isPresent ? bytes[Int(codes[row])] : 0), "seed \(seed), row \(row)")
                #expect(numbers[row] == (isPresent ? table[Int(codes[row])] : .max), "seed \(seed), row \(row)")
            }
        }
        dukkan_masks_of_codes(codes, rows.count, bytes, tableCount, nil, &masks)
        dukkan_keep_masks(&masks, rows.count, rows.bits)
        for row in 0..<rows.count { #expect(masks[row] == (rows.isSet(row) ? bytes[Int(codes[row])] : 0)) }
        #expect(masks[rows.count] == 0xAA)
        #expect(numbers[rows.count] == 7)
    }

    @Test(arguments: 0..<200) func matchingRowsAreFoundAndKeptInOrder(seed: Int) {
        let rows = Rows(seed: UInt64(seed))
        let bytes = (0..<rows.count).map { rows.isSet($0) ? UInt8(1 + $0 % 255) : 0 }
        let words = bytes.map { UInt32($0) << 20 }, times = (0..<rows.count).map { Int64($0) * -3 }
        var bits = [UInt64](repeating: .max, count: rows.count / 64 + 1)
        #expect(dukkan_matching_bytes(bytes, rows.count, &bits) == rows.kept.count)
        #expect(bits.prefix((rows.count + 63) / 64) == rows.bits.prefix((rows.count + 63) / 64))
        #expect(dukkan_matching_words(words, rows.count, &bits) == rows.kept.count)
        #expect(bits.prefix((rows.count + 63) / 64) == rows.bits.prefix((rows.count + 63) / 64))
        var keptBytes = [UInt8](repeating: 0, count: rows.count + 64)
        var keptWords = [UInt32](repeating: 0, count: rows.count + 64)
        var keptTimes = [Int64](repeating: 0, count: rows.count + 64)
        #expect(dukkan_compact_8(bytes, rows.bits, rows.count, &keptBytes) == rows.kept.count)
        #expect(dukkan_compress_codes(words, rows.bits, rows.count, &keptWords) == rows.kept.count)
        #expect(dukkan_compress_integers(times, rows.bits, rows.count, &keptTimes) == rows.kept.count)
        #expect(Array(keptBytes.prefix(rows.kept.count)) == rows.kept.map { bytes[$0] })
        #expect(Array(keptWords.prefix(rows.kept.count)) == rows.kept.map { words[$0] })
        #expect(Array(keptTimes.prefix(rows.kept.count)) == rows.kept.map { times[$0] })
    }

    @Test(arguments: 0..<200) func ranksCountTheBitsBefore(seed: Int) {
        var rows = Rows(seed: UInt64(seed))
        var starts: [UInt32] = [0]
        while starts.last! < rows.count {
            starts.append(min(UInt32(rows.count), starts.last! + UInt32(rows.random.next() % 9)))
        }
        starts += [UInt32](repeating: UInt32(rows.count), count: Int(rows.random.next() % 3))
        var before = [UInt32](repeating: 0, count: rows.count / 64 + 1),
            ranks = [UInt32](repeating: 9, count: starts.count)
        dukkan_ranks(rows.bits, rows.count, starts, starts.count, &before, &ranks)
        #expect(ranks == starts.map { start in UInt32((0..<Int(start)).count(where: rows.isSet)) }, "seed \(seed)")
    }

    @Test(arguments: 0..<60) func bytesAreCounted(seed: Int) {
        var rows = Rows(seed: UInt64(seed))
        let values = (0..<rows.count).map { _ in UInt8(rows.random.next() % 6) }
        var counts = [UInt64](repeating: 5, count: 3)
        dukkan_count_bytes(values, rows.count, 2, 3, &counts)
        #expect(counts == (2..<5).map { value in 5 + UInt64(values.count { $0 == value }) }, "seed \(seed)")
    }

    @Test(arguments: 0..<200) func keysOfSeveralTablesAreUnited(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let extremes: [Int64] = [.min, .max, 0, -1]
        let lanes = (0..<(1 + Int(random.next() % 6))).map { _ in
            let some = (0..<(random.next() % 40)).map { _ in Int64(random.next() % 60) - 30 }
            return Set(some + extremes.filter { _ in random.next() % 3 == 0 }).sorted()
        }
        let starts = lanes.map { keys in (0...keys.count).map { UInt32($0 * 2) } }
        let all = Set(lanes.joined()).sorted()
        var united = [Int64](repeating: 0, count: lanes.joined().count + 8)
        let outputs = lanes.map { _ in UnsafeMutablePointer<UInt32>.allocate(capacity: united.count + 8) }
        let inputs = lanes.map { keys in
            let copy = UnsafeMutablePointer<Int64>.allocate(capacity: keys.count + 1)
            copy.update(from: keys, count: keys.count)
            return copy
        }
        let firsts = starts.map { list in
            let copy = UnsafeMutablePointer<UInt32>.allocate(capacity: list.count)
            copy.update(from: list, count: list.count)
            return copy
        }
        defer {
            for pointer in outputs + firsts { pointer.deallocate() }
            for pointer in inputs { pointer.deallocate() }
        }
        let handed = lanes.indices.map {
            dukkan_key_lane(keys: inputs[$0], starts: firsts[$0], united: outputs[$0], count: lanes[$0].count)
        }
        #expect(dukkan_unite_keys(handed, handed.count, &united) == all.count, "seed \(seed)")
        #expect(Array(united.prefix(all.count)) == all)
        for (lane, output) in zip(lanes, outputs) {
            for (place, key) in all.enumerated() {
                #expect(output[place] == UInt32(lane.count { $0 < key } * 2), "seed \(seed), key \(key)")
            }
            #expect(output[all.count] == UInt32(lane.count * 2))
        }
    }
}
